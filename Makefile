# The two commands of the README are `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test lint types generate figures bench clean

help:
	@echo "make demo      train two networks and draw their graphs into out/"
	@echo "make test      run the test suite"
	@echo "make lint      check style; make types checks types"
	@echo "make generate  rewrite what follows from the table in autograd/ops.py"
	@echo "make figures   draw the pictures of the README and the docs again"
	@echo "make bench     time the engine beside its peers"
	@echo "make clean     remove what these commands made"

# One stamp a set of extras: an environment is made once, and again when pyproject.toml changes.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "glassgrad needs Python 3.11 or later; this is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/%.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$(subst +,$(comma),$*)]'
	@touch $@
comma := ,

demo: .venv/demo.stamp
	$(BIN)/python examples/demo.py

test: .venv/demo+test.stamp
	$(BIN)/python -m pytest

lint: .venv/lint.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/demo+lint+test.stamp
	$(BIN)/mypy

generate: .venv/lint.stamp
	$(BIN)/python tools/generate.py

figures: .venv/demo.stamp
	$(BIN)/python tools/figures.py

benchmarks/.venv/stamp: pyproject.toml benchmarks/requirements.txt | .venv/bin/python
	$(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

bench: benchmarks/.venv/stamp
	benchmarks/.venv/bin/python benchmarks/nodes.py

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/.venv
	find . -name __pycache__ -prune -exec rm -rf {} +
