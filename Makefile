# `make help` explains itself. Everything is done by the command `indigo`; this file only sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
CLUSTER ?= embedded

# Bytecode is written also where the shell forbids it (as images for containers do): else each of the hundreds of programs
# that the tests start compiles the harness anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup test static unit e2e drills check diff lint ct-lint ct-install workflows package release comment \
  generate bench mutants tools pin lock clean

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

e2e: setup ## Deploy the working tree through a real Argo CD and assert that it behaves (CLUSTER=embedded, kind, or cluster: $$KUBECONFIG)
	@$(BIN)/indigo e2e --engine $(CLUSTER) $(ARGS)

drills: setup ## Every drill, on a cluster of three nodes in Docker (ARGS='-k node'; make e2e CLUSTER=kind has those of one node)
	@NODES=3 $(BIN)/indigo e2e --engine kind --profile minimal -k drill $(ARGS)

test: setup ## Static, unit and embedded tests, style and types
	@$(BIN)/indigo test $(ARGS)

static: setup ## The static tier alone: seconds, needs Helm only
	@$(BIN)/indigo test --tier static $(ARGS)

unit: setup ## The unit tests alone
	@$(BIN)/indigo test --tier unit $(ARGS)

check: setup ## Render and check every environment and every profile
	@$(BIN)/indigo check --profiles $(ARGS)

diff: setup ## What your branch and your uncommitted edits would do to every environment (ARGS=BASE..TARGET)
	@$(BIN)/indigo diff --profiles $(ARGS)

lint: setup ## Style and types of the Python code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

ct-lint: setup ## chart-testing: lint the charts
	@$(BIN)/indigo ci ct-lint $(ARGS)

ct-install: setup ## chart-testing: install the charts (CLUSTER=embedded or kind; ARGS='--since main': what differs)
	@$(BIN)/indigo ci ct-install --engine $(CLUSTER) $(ARGS)

workflows: setup ## Check .github/workflows: actionlint, zizmor, and our own rules
	@$(BIN)/indigo ci workflows

package: setup ## Pack the charts into build/charts
	@$(BIN)/indigo ci package $(ARGS)

release: setup ## Push the charts to an OCI registry (ARGS='--registry HOST/PATH --tag vX.Y.Z')
	@$(BIN)/indigo ci release $(ARGS)

comment: setup ## Write one comment on a pull request, or write it anew (called by CI)
	@$(BIN)/indigo ci comment $(ARGS)

generate: setup ## Write the files that are derived from the contracts
	@$(BIN)/indigo generate $(ARGS)

bench: setup ## Phases against their budgets and the bare tools, as JSON in reports/
	@$(BIN)/indigo bench $(ARGS)

mutants: setup ## Make every mistake of tests/mutants, and print which rule finds it
	@$(BIN)/python -m tests.mutants $(ARGS)

tools: setup ## Build the pinned tools now instead of on first need
	@$(BIN)/indigo tools build $(ARGS)

pin: setup ## Another version of a Go module for a run (ARGS=github.com/argoproj/argo-cd/v3@v3.6.0)
	@$(BIN)/indigo tools pin $(ARGS)

lock: ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --extra dev --strip-extras --allow-unsafe --no-header \
	  --no-emit-find-links --no-emit-index-url --no-emit-trusted-host -o requirements.lock pyproject.toml

clean: ## Remove what was made in the checkout (the tools' cache stays: indigo tools clean)
	@rm -rf $(VENV) reports build .mypy_cache .ruff_cache .pytest_cache *.egg-info
