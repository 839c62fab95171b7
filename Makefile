# The two commands of the README are `make demo` and `make test`. Each sets itself up in .venv.
PYTHON ?= python3
BIN := .venv/bin
comma := ,
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Recipes share the environment, and pip must not run in it twice at a time.
.NOTPARALLEL:
.PHONY: help demo lessons test test-all core build lint types generate figures fuzz accuracy mutate leaks soak sanitize bench clean

help:
	@echo "make demo      train two networks and draw their graphs into out/"
	@echo "make lessons   run the lessons of examples/ and put them on one page, out/index.html"
	@echo "make test      run the test suite without its slow tests; make test-all with them"
	@echo "make build     compile what is out of date in the core (make test and make demo do so too)"
	@echo "make lint      check style; make types checks types"
	@echo "make generate  rewrite what follows from the table in autograd/primitives/table.py"
	@echo "make figures   draw the pictures of the README and the gallery again"
	@echo "make fuzz      100,000 random graphs against mpmath, 100,000 tapes against the interpreter, 10,000 broken pickles"
	@echo "make accuracy  the worst error of each primitive, in ulp"
	@echo "make mutate    faults in the formulas, the Python and the C, and whether the tests see them"
	@echo "make leaks     each public function many times, and whether memory grows; SECONDS=20 for each"
	@echo "make soak      threads, Ctrl-C at random moments, forks, asyncio, user code in between; MINUTES=5"
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
	@echo "making an environment in .venv"
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

# What builds the package is in the environment too, so that a build can compile only what has changed.
REQUIREMENTS = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])
.venv/build.stamp: pyproject.toml .venv/made.stamp
	@echo "installing what builds the package"
	@$(BIN)/python -m pip install --quiet $$($(BIN)/python -c '$(REQUIREMENTS)')
	@touch $@

.venv/%.stamp: pyproject.toml .venv/build.stamp
	@echo "installing the package and the extras $*"
	@GLASSGRAD_DISABLE_COMPILED=1 $(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[$(subst +,$(comma),$*)]'
	@touch $@

# The compiled core, in the tree; setup.py knows what of it is out of date.
core: .venv/build.stamp
	@$(BIN)/python setup.py --quiet build_ext --inplace

demo: .venv/demo.stamp core
	$(BIN)/python -u examples/demo.py

lessons: .venv/demo.stamp core
	$(BIN)/python tools/lessons.py

# One process per processor; beyond eight, each collects all tests for few of them.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8
test: .venv/demo+test.stamp core
	$(PYTEST) -m 'not slow'

test-all: .venv/demo+test.stamp core
	$(PYTEST)

build: export GLASSGRAD_REQUIRE_COMPILED = 1
build: core

lint: .venv/lint.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/demo+lint+test.stamp
	$(BIN)/python -m mypy

generate: .venv/made.stamp
	$(BIN)/python tools/generate.py

figures: .venv/demo.stamp core
	$(BIN)/python tools/figures.py
	$(BIN)/python tools/lessons.py --figures

fuzz: .venv/demo+test.stamp core
	$(BIN)/python tools/fuzz.py
	$(BIN)/python tools/fuzz_tapes.py

accuracy: .venv/demo+test.stamp core
	$(BIN)/python tools/accuracy.py

mutate: .venv/demo+test.stamp
	GLASSGRAD_PURE=1 $(BIN)/python tools/mutate.py
	$(BIN)/python tools/mutate_python.py
	$(BIN)/python tools/mutate_core.py

SECONDS := 20
leaks: .venv/demo+test.stamp core
	$(BIN)/python tools/leaks.py --seconds $(SECONDS)

MINUTES := 5
soak: .venv/demo+test.stamp core
	$(BIN)/python tools/soak.py --minutes $(MINUTES)

# A copy of the tree, so that no sanitized module stays in this one. The collector of leaks is off: Python never frees all.
SANITIZED := build/sanitized
UNDER_SANITIZERS = PYTHONPATH=. GLASSGRAD_EXPECT=compiled GLASSGRAD_SANITIZED=1 PYTHONMALLOC=malloc \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"
sanitize: .venv/demo+test.stamp
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)
	tar c --exclude=./build --exclude=./.venv --exclude=./benchmarks/.venv --exclude=./.git --exclude='*.so' . | tar x -C $(SANITIZED)
	cd $(SANITIZED) && GLASSGRAD_REQUIRE_COMPILED=1 GLASSGRAD_LDFLAGS="-fsanitize=address,undefined" GLASSGRAD_CFLAGS="-O1 -g \
	  -ffp-contract=off -fno-builtin -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined" \
	  ../../$(BIN)/python setup.py --quiet build_ext --inplace
	cd $(SANITIZED) && $(UNDER_SANITIZERS) ../../$(BIN)/python -m pytest -p no:cacheprovider
	cd $(SANITIZED) && $(UNDER_SANITIZERS) ../../$(BIN)/python tools/fuzz_tapes.py --tapes 10000

benchmarks/.venv/made.stamp: pyproject.toml benchmarks/requirements.txt .venv/build.stamp
	$(BIN)/python -m venv --clear benchmarks/.venv
	GLASSGRAD_DISABLE_COMPILED=1 benchmarks/.venv/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

bench: benchmarks/.venv/made.stamp core
	benchmarks/.venv/bin/python benchmarks/run.py --write docs/benchmarks.md

clean:
	find autograd nn viz '(' -name '*.so' -o -name '*.pyd' ')' -delete
	rm -rf .venv build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis benchmarks/.venv
	find . -name __pycache__ -prune -exec rm -rf {} +
