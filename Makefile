# The course's commands. `make book` and `make test` are the two to know.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# The files with slow tests: to load the others too takes half a minute.
SLOW := $(sort $(shell grep -lrE --include='*.py' 'mark\.(browser|slow)' tests))
# Two processes side by side, each with one thread: more would wait for each other.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:cacheprovider -p tools.lean -n 2
# As if on another processor: fewer vector instructions, other BLAS kernels, oneDNN flipped.
OTHER_CPU := OPENBLAS_CORETYPE=Nehalem ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=1 \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
# With a start-up file of IPython, in a profile that is removed afterwards.
NUDGED := d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && mkdir -p $$d/profile_default/startup && \
	cp tools/nudge.py $$d/profile_default/startup && IPYTHONDIR=$$d

.PHONY: help book test fast slow nbval nbval-other nbval-nudged weekly lab notebooks exercises lock clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

book: $(READY)  ## build the book into _build/html and print the page to open
	@log=$$(mktemp) && trap 'rm -f "$$log"' EXIT && \
	{ $(BIN)/jupyter-book build --all -W -n --keep-going -q . > "$$log" 2>&1 || { cat "$$log"; exit 1; }; }
	@echo "The book is built. Open: $(CURDIR)/_build/html/index.html"

test: fast slow nbval  ## run all checks: style, package, book in a browser, every notebook
	@echo "All checks passed."

fast: $(READY)  ## run the checks that take seconds: style and package
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(PYTEST) --dist worksteal tests -m "not browser and not slow and not weekly"

slow: $(READY)  ## run the slow checks: the book in a browser, JupyterLab, Colab, long trainings
	@$(PYTEST) --dist loadgroup $(SLOW) -m "(browser or slow) and not weekly"

nbval: $(READY)  ## run every notebook afresh and compare all of its outputs
	@$(PYTEST) --dist loadfile --nbval $(NOTEBOOKS)

nbval-other: $(READY)  ## the same, as if on another processor
	@$(OTHER_CPU) $(PYTEST) --dist loadfile --nbval $(NOTEBOOKS)

nbval-nudged: $(READY)  ## the same, with first weights changed by a last digit
	@$(NUDGED) $(PYTEST) --dist loadfile --nbval $(NOTEBOOKS)

weekly: nbval-other nbval-nudged  ## the checks that are too long for each change: all notebooks in JupyterLab, ...
	@$(PYTEST) --dist loadgroup tests -m weekly

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=notebooks

notebooks: exercises  ## execute the sources whose code changed, and write all that is made from them
	@$(BIN)/python -m tools.notebooks
	@$(BIN)/python -m tools.pages

exercises: $(READY)  ## write the student copies, without solutions, into notebooks/exercises
	@$(BIN)/python -m tools.exercises

lock: $(READY)  ## resolve the dependencies anew, and write the locks and environment.yml
	@$(BIN)/uv lock
	@$(BIN)/uv export --frozen -q --no-header --only-group bootstrap --no-emit-project -o tools/uv.txt
	@$(BIN)/python -m tools.environment
	@$(BIN)/npm install --package-lock-only --ignore-scripts --no-audit --no-fund

clean:  ## remove what was built or installed: _build, .venv, node_modules, caches
	rm -rf _build .venv node_modules .hypothesis .pytest_cache .ruff_cache notebooks/.ruff_cache

$(READY): uv.lock package-lock.json tools/uv.txt tools/setup.py
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later, or say make PYTHON=..."; exit 1; }
	@$(PYTHON) -m tools.setup
