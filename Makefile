# What can be made here: `make help`. Another Python: `make demo PYTHON=python3.12` (its own environment).

PYTHON ?= python3
# pytest's workers, one thread each. More need more memory, about 1 GB each.
WORKERS ?= 2

ifeq ($(PYTHON),python3)
VENV := .venv
else
VENV := .venv-$(notdir $(PYTHON))
endif
BIN := $(VENV)/bin
# -qq: errors only
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --retries 5 --timeout 60 -c constraints.txt
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-slow notebooks check lint types docs bench clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: $(VENV)/.installed ## train a small run that groks, analyse it, say where the report is
	@$(BIN)/grokscope demo

test: $(VENV)/.installed-test ## run the tests, but for the slow ones (ARGS="-k name" for some)
	@echo "== tests ($(WORKERS) workers, one thread each)"
	@$(PYTEST) $(ARGS)

test-slow: $(VENV)/.installed-test ## run the slow tests only
	@echo "== slow tests ($(WORKERS) workers, one thread each)"
	@$(PYTEST) -m slow $(ARGS)

notebooks: $(VENV)/.installed-test ## run the tutorials from clean kernels, and what needs a running JupyterLab
	@echo "== tutorials"
	@$(BIN)/python docs/tutorials/make.py --check
	@echo "== notebooks in JupyterLab and in a kernel"
	@$(PYTEST) -m slow tests/notebook $(ARGS)

check: lint types docs ## lint, format, types and documentation, all without a warning

lint: $(VENV)/.installed-dev
	@echo "== ruff check"
	@$(BIN)/ruff check .
	@echo "== ruff format"
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	@echo "== mypy"
	@$(BIN)/mypy

docs: $(VENV)/.installed-dev ## build the documentation into docs/_build/html
	@echo "== docs"
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.installed ## how fast it is here, beside the obvious alternative (ARGS="--quick")
	@$(BIN)/grokscope bench $(ARGS)

clean: ## remove the environments and everything built; runs in checkpoints/ stay
	rm -rf .venv .venv-* build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here; accepted: Python 3.11 to 3.13; try: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1); accepted: Python 3.11 to 3.13; try: make PYTHON=python3.12 ..."; exit 2; }
	@echo "== new environment $(VENV) ($$($(PYTHON) --version))"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { echo "no environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "== installing grokscope into $(VENV) (the first time takes some minutes)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "== installing grokscope and its tests into $(VENV) (the first time takes some minutes)"
	@$(PIP) -e '.[figures,notebook,test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "== installing grokscope and what checks it into $(VENV) (the first time takes some minutes)"
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed
