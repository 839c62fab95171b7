# The two commands of the README are `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3
BIN := .venv/bin
comma := ,
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Recipes share the environment, and pip must not run in it twice at a time.
.NOTPARALLEL:
.PHONY: help demo test lint types generate figures bench clean

help:
	@echo "make demo      train two networks and draw their graphs into out/"
	@echo "make test      run the test suite"
	@echo "make lint      check style; make types checks types"
	@echo "make generate  rewrite what follows from the table in autograd/ops.py"
	@echo "make figures   draw the pictures of the README again"
	@echo "make bench     time the engine beside its peers"
	@echo "make clean     remove what these commands made"
	@echo "PYTHON=python3.13 after any of them makes .venv with that interpreter, where there is none yet"

# One stamp for the environment, one for each set of extras in it. A stamp is made last, so what was interrupted is begun
# again; a change of pyproject.toml installs again.
.venv/made.stamp:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "There is no $(PYTHON) here: install Python 3.11 or later, or name yours: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "glassgrad needs Python 3.11 or later; $(PYTHON) is $$("$(PYTHON)" --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  version=$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$(PYTHON) lacks its venv module. On Debian or Ubuntu: apt install python3-venv (or python$$version-venv)" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear .venv
	@touch $@

.venv/%.stamp: pyproject.toml .venv/made.stamp
	$(BIN)/python -m pip install --quiet --editable '.[$(subst +,$(comma),$*)]'
	@touch $@

demo: .venv/demo.stamp
	$(BIN)/python -u examples/demo.py

test: .venv/demo+test.stamp
	$(BIN)/python -m pytest

lint: .venv/lint.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/demo+lint+test.stamp
	$(BIN)/python -m mypy

generate: .venv/lint.stamp
	$(BIN)/python tools/generate.py

figures: .venv/demo.stamp
	$(BIN)/python tools/figures.py

benchmarks/.venv/made.stamp: pyproject.toml benchmarks/requirements.txt .venv/made.stamp
	$(BIN)/python -m venv --clear benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

bench: benchmarks/.venv/made.stamp
	benchmarks/.venv/bin/python benchmarks/nodes.py

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/.venv
	find . -name __pycache__ -prune -exec rm -rf {} +
