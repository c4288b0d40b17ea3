# Everything a newcomer, a developer and CI need. Each target makes its own virtual environment.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo strace test test-optional test-train test-serve chromium test-tensorflow lint bench bench-data speed clean

demo: .venv/installed ## Detect in examples/ and say where the annotated images are.
	@$(BIN)/boxable models pull ssd601 || echo "going on with the 23-class network"
	@$(BIN)/boxable detect examples --out demo --format table
	@echo "Open the images in demo/; for your own: $(BIN)/boxable detect IMAGE --out found"

test: .venv/test ## Run every test that needs no optional package, on two cores.
	@$(BIN)/python -m pytest -n 2 --dist loadfile

strace: ## Install strace, with which tests trace what leaves the machine; without it they skip.
	@command -v strace >/dev/null || { apt-get update -qq && apt-get install -y -qq strace >/dev/null; }

test-optional: .venv/optional ## Run the tests of what works together with optional packages.
	@.venv-optional/bin/python -m pytest -m optional

test-train: .venv/optional ## Run the tests of training, which need torch, on two cores.
	@OMP_NUM_THREADS=1 .venv-optional/bin/python -m pytest -m training -n 2 --dist loadfile

test-serve: .venv-serve/installed ## Run the tests of the service; in a browser too, if Chromium is installed (make chromium).
	@.venv-serve/bin/python -m pytest -m serving

chromium: ## Install Chromium, with which the page is tested; without it these tests skip.
	@command -v chromium google-chrome >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }

test-tensorflow: .venv/test .venv/original ## Import what the original itself writes; needs its environment (3 GB).
	@if [ -d build/original ]; then $(BIN)/python -m pytest -m tensorflow; fi

bench: .venv/bench ## Measure, against LiteRT; the figures that the README quotes.
	@$(BIN)/python benchmarks/latency.py $(if $(OUT),--out $(OUT))
	@$(BIN)/python benchmarks/throughput.py
	@$(BIN)/python benchmarks/evaluation.py

bench-data: .venv/bench ## Measure tables and data sets of the size of Open Images, and fetching; 6 GB of disk, some 7 minutes.
	@$(BIN)/python benchmarks/annotations.py --folder build/sets
	@$(BIN)/python benchmarks/dataset.py --folder build/sets
	@$(BIN)/python benchmarks/fetch.py

speed: .venv/bench ## Write the figures of docs/speed.md for this kind of processor; against the original too if make test-tensorflow ran.
	@$(BIN)/python benchmarks/latency.py --docs docs
	@$(BIN)/python benchmarks/throughput.py --docs docs
	@$(BIN)/python benchmarks/roofline.py --docs docs
	@if [ -d build/original ]; then $(BIN)/python benchmarks/tf_hub.py --docs docs; fi

lint: .venv/lint ## Check style, types and the floors of the architecture.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:
	rm -rf .venv .venv-optional .venv-serve .venv-tensorflow build demo

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

# The original, in an environment of its own, writes the 601-class network in its forms: once, in some six minutes.
ORIGINAL := ../shared/reference/original
.venv/original: tests/tensorflow/shards.py
	@if [ ! -d $(ORIGINAL) ]; then echo "skipped: the original is not beside this checkout"; else \
	  set -e; $(PYTHON) -m venv .venv-tensorflow; \
	  .venv-tensorflow/bin/pip install --quiet --disable-pip-version-check --no-deps -r $(ORIGINAL)/requirements.txt; \
	  rm -rf build/original; mkdir -p build/original/sharded; \
	  .venv-tensorflow/bin/python $(ORIGINAL)/build.py build/original; \
	  .venv-tensorflow/bin/python tests/tensorflow/shards.py build/original/checkpoint/model.ckpt build/original/sharded/model.ckpt; \
	fi
	@mkdir -p .venv && touch $@

.venv/bench: .venv/installed
	@$(INSTALL) -e '.[bench,openvino]'
	@touch $@

.venv/optional: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv-optional
	@.venv-optional/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,track,train,openvino,litert,torch]' ensemble-boxes pandas supervision torchvision
	@mkdir -p .venv && touch $@

.venv-serve/installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv .venv-serve
	@.venv-serve/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,serve]' axe-playwright-python playwright schemathesis 'tritonclient[http]'
	@touch $@
