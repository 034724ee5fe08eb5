# Everything a developer types. `make` alone lists the targets.
PYTHON ?= python3
GO ?= go
ARGS ?=
MANIFOLD_SHARED ?= ../shared
FUZZ ?= 20

BIN := .venv/bin
# Where the reference is, if it is there.
REFERENCE := $(abspath $(wildcard $(MANIFOLD_SHARED)))
READY := .venv/.ready
RUNNABLE := .venv/.runnable
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
KUBECTL_DIR := .cache/bin
# Tests find kubectl on the PATH, or the one built here.
TEST_PATH := $(CURDIR)/$(BIN):$(PATH):$(CURDIR)/$(KUBECTL_DIR)

.DEFAULT_GOAL := help
.PHONY: help setup start test check format fuzz scale bench test-shared kubectl lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv, as the lock file says

# What running takes is a small part of what testing takes, so `make start` brings only that.
$(RUNNABLE): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -r requirements.lock $$(grep '^setuptools==' requirements-development.lock)
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(RUNNABLE) requirements-development.lock
	$(PIP) -r requirements-development.lock
	@touch $@

start: $(RUNNABLE) ## run Manifold; flags in ARGS="--secure-port 6444 ..."
	@exec $(BIN)/manifold start $(ARGS)

test: $(READY) kubectl ## run the tests
	PATH="$(TEST_PATH)" $(BIN)/python -m pytest -n 2 $(ARGS)

check: $(READY) ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## bring the sources into style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(READY) ## run the property tests with other examples each time, FUZZ=20 times as many
	FUZZ=$(FUZZ) PATH="$(TEST_PATH)" $(BIN)/python -m pytest -n 2 -m "hypothesis or fuzz or storm" $(ARGS)

scale: $(READY) ## run the tests of promises about size and time, which take minutes and a quiet machine
	$(if $(REFERENCE),MANIFOLD_SHARED="$(REFERENCE)") $(BIN)/python -m pytest -m scale -s \
		tests/scale tests/hardening $(if $(REFERENCE),tests/shared) $(ARGS)

bench: $(READY) ## run the micro-benchmarks
	$(BIN)/python -m pytest bench --benchmark-only $(ARGS)

test-shared: $(READY) kubectl ## run the tests against the reference in MANIFOLD_SHARED
	@test -d "$(MANIFOLD_SHARED)" || { echo "MANIFOLD_SHARED=$(MANIFOLD_SHARED) is no directory" >&2; exit 1; }
	PATH="$(TEST_PATH)" MANIFOLD_SHARED="$(abspath $(MANIFOLD_SHARED))" $(BIN)/python -m pytest -n 2 tests/shared $(ARGS)

kubectl: ## build kubectl for the tests where there is none
	@command -v kubectl >/dev/null 2>&1 || test -x $(KUBECTL_DIR)/kubectl || $(MAKE) --no-print-directory $(KUBECTL_DIR)/kubectl

$(KUBECTL_DIR)/kubectl: tests/tools/go.mod tests/tools/go.sum tests/tools/kubectl/main.go
	@command -v $(GO) >/dev/null 2>&1 || \
		{ echo "the tests need kubectl: install it, or Go to build it" >&2; exit 1; }
	@mkdir -p $(KUBECTL_DIR)
	cd tests/tools && $(GO) build -trimpath -o $(CURDIR)/$@ ./kubectl

lock: $(READY) ## renew the lock files from pyproject.toml (UPGRADE=--upgrade for the newest versions)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(BIN)/pip-compile $(LOCK) $(UPGRADE) --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK) $(UPGRADE) --all-build-deps --allow-unsafe --extra development \
		--output-file requirements-development.lock pyproject.toml

LOCK := --quiet --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

clean: ## remove what the targets above have made
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build *.egg-info
