# Everything a newcomer, a developer and CI need. Each target makes its own virtual environment.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-optional lint bench clean

demo: .venv/installed ## Detect in the photos of examples/ and say where the pictures are.
	@$(BIN)/boxable detect examples --out demo --format table
	@echo "Open the pictures in demo/; for your own: $(BIN)/boxable detect PHOTO --out found"

test: .venv/test ## Run every test that needs no optional package.
	@$(BIN)/python -m pytest

test-optional: .venv/optional ## Run the tests of what works together with optional packages.
	@.venv-optional/bin/python -m pytest -m optional

bench: .venv/bench ## Measure, against LiteRT; the figures that the README quotes.
	@$(BIN)/python benchmarks/latency.py $(if $(JSON),--json $(JSON))

lint: .venv/lint ## Check style, types and the floors of the architecture.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:
	rm -rf .venv .venv-optional demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Boxable needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing Boxable into .venv"
	@$(INSTALL) -e .
	@touch $@

.venv/test: .venv/installed
	@$(INSTALL) -e '.[test]'
	@touch $@

.venv/lint: .venv/installed
	@$(INSTALL) -e '.[lint]'
	@touch $@

.venv/bench: .venv/installed
	@$(INSTALL) -e '.[bench]'
	@touch $@

.venv/optional: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv-optional
	@.venv-optional/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]' pandas supervision
	@mkdir -p .venv && touch $@
