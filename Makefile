# `make help` explains itself. Everything is done by the command `indigo`; this file only sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CLUSTER ?= embedded

.PHONY: help setup test static unit gitops e2e check lint types generate bench mutants tools clean

help: ## This list
	@awk 'BEGIN {FS = ":.*## "; print "make …"} /^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "The two that matter: make e2e (the main job), make test (all tests that need no container engine)."
	@echo "ARGS=... is passed on, for example: make e2e ARGS='-k rollback', make test ARGS=-x"

setup: $(VENV)/.ready ## Python packages of requirements.lock, in .venv

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=/path/to/python3")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . 2>/dev/null \
	  || $(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

e2e: setup ## Deploy the working tree through a real Argo CD and assert that it behaves (CLUSTER=embedded or kind)
	@$(BIN)/indigo e2e --engine $(CLUSTER) $(ARGS)

test: setup ## Static, unit and embedded tests, style and types
	@$(BIN)/indigo test $(ARGS)

static: setup ## The static tier alone: seconds, needs Helm only
	@$(BIN)/indigo test --tier static $(ARGS)

unit: setup ## The unit tests alone
	@$(BIN)/indigo test --tier unit $(ARGS)

check: setup ## Render and check every environment
	@$(BIN)/indigo check $(ARGS)

lint: setup ## Style and types of the Python code, and ct lint of the charts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

generate: setup ## Write the files that are derived from the contracts
	@$(BIN)/indigo generate $(ARGS)

bench: setup ## Phases against their budgets and the bare tools, as JSON in reports/
	@$(BIN)/indigo bench $(ARGS)

mutants: setup ## Make every mistake of tests/mutants, and print which rule finds it
	@$(BIN)/python -m tests.mutants $(ARGS)

tools: setup ## Build the pinned tools now instead of on first need
	@$(BIN)/indigo tools build $(ARGS)

lock: ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --extra dev --strip-extras --allow-unsafe --no-header \
	  --no-emit-find-links --no-emit-index-url --no-emit-trusted-host -o requirements.lock pyproject.toml

clean: ## Remove what was made in the checkout (the tools' cache stays: indigo tools clean)
	@rm -rf $(VENV) reports build .mypy_cache .ruff_cache .pytest_cache *.egg-info
