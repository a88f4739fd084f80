PYTHON ?= python3
VENV := .venv
# A file of tests stays with one worker: its fixtures are made once.
PARALLEL := --numprocesses 3 --dist loadfile --no-loadscope-reorder
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-slow soak lint bench bench-speed clean

demo: $(VENV)/.installed  ## install, index notes/, ask one question
	$(BIN)/recall index
	$(BIN)/recall search "audio models"

test: $(VENV)/.installed-test lint  ## lint, types and tests
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-slow: $(VENV)/.installed-test  ## every test, with many more generated examples
	HYPOTHESIS_PROFILE=slow $(BIN)/python -m pytest

soak: $(VENV)/.installed-test  ## 1,200 damaged indexes, 1,000 killed processes, a crowd for a minute
	$(BIN)/python -m benchmarks.reliability --soak

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed  ## start cost and throughput on notes/, against sentence-transformers
	$(BIN)/python -m benchmarks.speed

bench-speed: $(VENV)/.installed  ## the same on a vault of yours: make bench-speed VAULT=~/notes
	$(BIN)/python -m benchmarks.speed --vault $(or $(VAULT),notes)

clean:
	rm -rf $(VENV) index/catalog.sqlite* index/vectors-* index/pending-*

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@
