# Each target does its own set-up: on a fresh machine `make demo` and `make test` are all it takes.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= demo-out
WORKERS ?= 2

.PHONY: demo test lint bench docs chromium install-check clean help

help:
	@echo "make demo   build the simulated studies and print where their reports are"
	@echo "make test   run all tests"
	@echo "make lint   ruff and mypy"
	@echo "make docs   build the documentation"
	@echo "make bench  run the benchmarks, full size"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Consilience needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-%: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$*]'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	@rm -rf $(OUT)
	@$(BIN)/consilience demo --out $(OUT)

# The browser tests need Chromium; without it, and without the means to install it, they are
# skipped and say so.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || \
	  echo "no Chromium: the browser tests will be skipped"

test: $(VENV)/.installed-test chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

lint: $(VENV)/.installed-test $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The two ways to install without the tree: everything, or the host with one technique.
install-check: $(BIN)/python
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	for what in "." "./core ./plugins/xrd"; do \
	  $(PYTHON) -m venv --clear "$$folder/venv"; \
	  "$$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check $$what; \
	  echo "pip install $$what"; (cd "$$folder" && venv/bin/consilience plugins); \
	done

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

clean:
	rm -rf $(VENV) $(OUT) docs/_build build dist
