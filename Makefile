# The course's commands. `make book` and `make test` are the two to know.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PYTEST := $(BIN)/python -m pytest -q -p no:cacheprovider
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# Two notebooks at a time, so one thread each: more would wait for each other.
ONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# As if on another processor: fewer vector instructions, other BLAS kernels, oneDNN flipped.
OTHER := OPENBLAS_CORETYPE=Nehalem ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=1 \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"

.PHONY: help book test fast lab notebooks nbval nbval-other exercises lock clean
.DEFAULT_GOAL := help

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

book: $(READY)  ## build the book into _build/html and print the page to open
	@$(BIN)/jupyter-book build --all -W -n --keep-going -q . > _book.log 2>&1 || { cat _book.log; rm _book.log; exit 1; }
	@rm -f _book.log
	@echo "The book is built. Open: $(CURDIR)/_build/html/index.html"

test: fast nbval  ## run all checks: style, package, book in a browser, every notebook
	@echo "All checks passed."

fast: $(READY)  ## run all checks but the comparison of the notebooks' outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(PYTEST) tests -m "not browser and not slow"
	@$(PYTEST) tests -m "browser or slow"

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=notebooks

notebooks: $(READY)  ## execute the sources that changed, and write the pages made from them
	@$(BIN)/python -m tools.notebooks
	@$(BIN)/python -m tools.pages
	@$(BIN)/python -m tools.exercises

nbval: $(READY)  ## run every notebook afresh and compare all of its outputs
	@$(ONE) $(PYTEST) --nbval $(NOTEBOOKS) -n 2 --dist loadfile

nbval-other: $(READY)  ## the same, as if on another processor
	@$(ONE) $(OTHER) $(PYTEST) --nbval $(NOTEBOOKS) -n 2 --dist loadfile

exercises: $(READY)  ## write the student copies, without solutions, into notebooks/exercises
	@$(BIN)/python -m tools.exercises

lock: $(READY)  ## resolve the dependencies anew and write the locks
	@$(BIN)/uv lock
	@$(BIN)/uv export --frozen -q --no-header --only-group bootstrap --no-emit-project -o tools/uv.txt
	@$(BIN)/npm install --package-lock-only --no-audit --no-fund

clean:  ## remove what was built or installed: _build, .venv, node_modules, caches
	rm -rf _build .venv node_modules .hypothesis .pytest_cache .ruff_cache notebooks/.ruff_cache

$(READY): uv.lock package-lock.json tools/uv.txt tools/setup.py
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later, or say make PYTHON=..."; exit 1; }
	@$(PYTHON) -m tools.setup
