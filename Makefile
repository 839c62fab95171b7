# The two commands of the README are `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3
BIN := .venv/bin
comma := ,
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# What the compiled core is made of: a change builds it again, for it would win over the newer Python beside it.
COMPILED := setup.py tools/kernels.py $(wildcard autograd/*.pxd nn/*.pxd autograd/core/[!k]*.h) autograd/primitives/table.py \
  autograd/primitives/formulas.py autograd/value.py autograd/tape/graph.py autograd/tape/compiled/layers.py autograd/tape/compiled/reuse.py \
  autograd/tape/compiled/fuse.py autograd/tape/replay.py nn/inner_loops.py

# Recipes share the environment, and pip must not run in it twice at a time.
.NOTPARALLEL:
.PHONY: help demo test build lint types generate figures fuzz accuracy mutate sanitize bench clean

help:
	@echo "make demo      train two networks and draw their graphs into out/"
	@echo "make test      run the test suite"
	@echo "make build     compile the core again (make test and make demo do where it is out of date)"
	@echo "make lint      check style; make types checks types"
	@echo "make generate  rewrite what follows from the table in autograd/primitives/table.py"
	@echo "make figures   draw the pictures of the README again"
	@echo "make fuzz      100,000 random graphs against mpmath, 100,000 tapes against the interpreter, 10,000 broken pickles"
	@echo "make accuracy  the worst error of each primitive, in ulp"
	@echo "make mutate    faults in each formula, and whether the tests see them"
	@echo "make sanitize  the tests on a core built with AddressSanitizer and UndefinedBehaviorSanitizer"
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

.venv/%.stamp: $(COMPILED) pyproject.toml .venv/made.stamp
	$(BIN)/python -m pip install --quiet --editable '.[$(subst +,$(comma),$*)]'
	@touch $@

demo: .venv/demo.stamp
	$(BIN)/python -u examples/demo.py

test: .venv/demo+test.stamp
	$(BIN)/python -m pytest

build: .venv/made.stamp
	GLASSGRAD_REQUIRE_COMPILED=1 $(BIN)/python -m pip install --quiet --editable .

lint: .venv/lint.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/demo+lint+test.stamp
	$(BIN)/python -m mypy

generate: .venv/made.stamp
	$(BIN)/python tools/generate.py

figures: .venv/demo.stamp
	$(BIN)/python tools/figures.py

fuzz: .venv/demo+test.stamp
	$(BIN)/python tools/fuzz.py
	$(BIN)/python tools/fuzz_tapes.py

accuracy: .venv/demo+test.stamp
	$(BIN)/python tools/accuracy.py

mutate: .venv/demo+test.stamp
	GLASSGRAD_PURE=1 $(BIN)/python tools/mutate.py

# A copy of the tree, so that no sanitized module stays in this one. The collector of leaks is off: Python never frees all.
SANITIZED := build/sanitized
UNDER_SANITIZERS = PYTHONPATH=. GLASSGRAD_EXPECT=compiled GLASSGRAD_SANITIZED=1 PYTHONMALLOC=malloc \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"
sanitize: .venv/demo+test.stamp
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)
	tar c --exclude=./build --exclude=./.venv --exclude=./benchmarks/.venv --exclude=./.git --exclude='*.so' . | tar x -C $(SANITIZED)
	$(BIN)/python -m pip install --quiet 'cython>=3.1' 'setuptools>=77'
	cd $(SANITIZED) && GLASSGRAD_REQUIRE_COMPILED=1 GLASSGRAD_LDFLAGS="-fsanitize=address,undefined" GLASSGRAD_CFLAGS="-O1 -g \
	  -ffp-contract=off -fno-builtin -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined" \
	  ../../$(BIN)/python setup.py --quiet build_ext --inplace
	cd $(SANITIZED) && $(UNDER_SANITIZERS) ../../$(BIN)/python -m pytest -p no:cacheprovider
	cd $(SANITIZED) && $(UNDER_SANITIZERS) ../../$(BIN)/python tools/fuzz_tapes.py --tapes 10000

benchmarks/.venv/made.stamp: $(COMPILED) pyproject.toml benchmarks/requirements.txt .venv/made.stamp
	$(BIN)/python -m venv --clear benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

bench: benchmarks/.venv/made.stamp
	benchmarks/.venv/bin/python benchmarks/run.py --write docs/benchmarks.md

clean:
	rm -f autograd/*.so nn/*.so autograd/*.pyd nn/*.pyd autograd/core/kernels.h autograd/core/program.h
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/.venv
	find . -name __pycache__ -prune -exec rm -rf {} +
