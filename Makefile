# `make demo` and `make test` need python3.11+, git, make and a package index, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := src tests examples benchmarks
RUN := $(BIN)/python
OFFLINE := -m pytest -n 2 -m "not live and not campaign and not index"
OTHER := .venv-openai

.PHONY: help demo test check install install-demo format lint types live campaign extras bench bench-live snapshots clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

demo: $(VENV)/.demo ## Run the main job on real data with the embedded model
	$(BIN)/cave-agent demo --model local

test: $(VENV)/.dev ## Run the offline tests
	$(RUN) $(OFFLINE)

check: lint types ## Everything that must hold: format, lint, types, contracts, tests, coverage
	$(BIN)/coverage erase
	$(MAKE) test RUN="$(BIN)/coverage run"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

install: $(VENV)/.dev ## Make the development environment

install-demo: $(VENV)/.demo ## Make the environment of the demo

format: $(VENV)/.dev ## Rewrite the code in the one format
	$(BIN)/ruff check --fix-only --quiet $(PACKAGES)
	$(BIN)/ruff format --quiet $(PACKAGES)

lint: $(VENV)/.dev ## Format, lint, import contracts, dependencies, spelling
	$(BIN)/ruff format --check --quiet $(PACKAGES)
	$(BIN)/ruff check --quiet $(PACKAGES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry src
	$(BIN)/codespell src tests docs examples benchmarks *.md

types: $(VENV)/.dev ## Both type checkers, strict
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/mypy

live: $(VENV)/.dev ## Tests that talk to the embedded model; at most 4 minutes
	$(BIN)/python -m pytest -m live --timeout 240

campaign: $(VENV)/.dev ## Long randomised runs, in full
	$(BIN)/python -m pytest -n 2 -m campaign --timeout 1800

extras: $(VENV)/.dev $(OTHER)/.dev ## Each extra resolves; the adapters work with the newest openai, which litellm holds back
	$(BIN)/python -m pytest -n 2 -m index tests/packaging
	$(OTHER)/bin/python -m pytest -n 2 tests/models/test_openai.py tests/models/test_retry.py \
		tests/models/test_faults.py -k "not by_litellm"

bench-live: $(VENV)/.bench ## Success of the embedded model on 152 turns, beside the peer's; about an hour
	$(BIN)/python -m benchmarks.live

bench: $(VENV)/.bench ## The figures of benchmarks/RESULTS.md, beside the peers
	$(BIN)/python -m benchmarks

snapshots: $(VENV)/.dev ## Rewrite the snapshots in the tests; read the diff
	-$(BIN)/python -m pytest -n 0 --inline-snapshot=create,fix -m "not live and not campaign and not index"

clean: ## Remove what make made
	rm -rf $(VENV) $(OTHER) benchmarks/.envs .coverage .coverage.* build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
	touch $@

$(OTHER)/.dev: pyproject.toml | $(BIN)/python
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[openai,prices,frames]' --group dev
	touch $@

$(VENV)/.bench: pyproject.toml | $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	touch $@
