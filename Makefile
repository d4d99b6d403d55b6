# Everything that is done with Leadlane from a terminal. Needs Python 3.11 or newer and make, nothing else:
# what is used is installed into .venv, at the versions and with the hashes of the lock files.

ENV := .venv
BIN := $(ENV)/bin
ARGS ?=
SEEDS ?= 200
ASSETS := src/leadlane/web/static/vendor/LICENSES.txt

# LEADLANE_PYTHON=/path/to/python or `make PYTHON=...` chooses the Python; else the first that is new enough.
PYTHON ?= $(LEADLANE_PYTHON)
ifeq ($(strip $(PYTHON)),)
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif

.DEFAULT_GOAL := help
.PHONY: help run test crash simulate bench bench-matching check assets screenshots pictures wheel format messages lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(ENV)/run.stamp $(ASSETS) ## Start Leadlane with a demonstration company (PostgreSQL included)
	@$(BIN)/leadlane run $(ARGS)

test: $(ENV)/dev.stamp $(ASSETS) ## Run every test; ARGS="tests/store -x" passes arguments to pytest
	@$(BIN)/python -m pytest -n auto $(ARGS)

crash: $(ENV)/dev.stamp $(ASSETS) ## Kill workers, clients and PostgreSQL: KILLS=100 LEADS=20000
	@LEADLANE_TEST_KILLS=$(KILLS) LEADLANE_TEST_LEADS=$(LEADS) $(BIN)/python -m pytest $(ARGS) \
		tests/crash/test_worker_kills.py

KILLS ?= 100
LEADS ?= 20000

simulate: $(ENV)/dev.stamp ## Simulate virtual weeks; SEEDS=10000 for more than 200 of them, ARGS="--start 7"
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

bench: $(ENV)/dev.stamp $(ASSETS) ## Run the benchmark and print its table
	@$(BIN)/python -m leadlane.bench $(ARGS)

bench-matching: $(ENV)/dev.stamp ## Measure matching: quality, and speed among a million accounts; ARGS=--quick
	@$(BIN)/python -m leadlane.bench.matching $(ARGS)

check: $(ENV)/dev.stamp ## Lint, check the format, the types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

assets: $(ASSETS) ## Fetch the scripts, styles, icons and fonts of the pages, if they are not there

screenshots: $(ENV)/dev.stamp $(ASSETS) ## Pictures of pages: ARGS="/tmp/pictures /my-leads --role rep"
	@$(BIN)/python tools/screenshots.py $(ARGS)

pictures: $(ENV)/dev.stamp $(ASSETS) ## Make the pictures of pages in docs/pictures anew
	@$(BIN)/python tools/pictures.py

wheel: $(ENV)/dev.stamp $(ASSETS) ## Build dist/leadlane-*.whl, with everything that the pages need in it
	@$(BIN)/uv build --wheel --quiet

format: $(ENV)/dev.stamp ## Format the code and mend what can be mended mechanically
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

messages: $(ENV)/dev.stamp ## Bring the translations (.po files) up to date with the texts in the code
	@$(BIN)/python tools/messages.py

lock: $(ENV)/dev.stamp ## Renew the lock files: the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile $(LOCK) --output-file requirements.lock
	$(BIN)/uv pip compile $(LOCK) --extra dev --constraints requirements.lock --output-file requirements-dev.lock
	$(BIN)/uv pip compile $(subst pyproject.toml,tools/requirements-assets.in,$(LOCK)) --output-file requirements-assets.lock

LOCK := pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean: ## Remove the environment and what tools left behind; the data folder stays
	rm -rf $(ENV) src/leadlane/web/static/vendor tests/browser/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(ENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Leadlane needs Python 3.11 or newer; LEADLANE_PYTHON=/path/to/python names one."; exit 1; }
	@$(PYTHON) -m venv $(ENV) || { rm -rf $(ENV); echo "Python lacks its venv module: on Debian and Ubuntu, apt install python3-venv."; exit 1; }

# A stamp is newer than all that it was made from, so a second start has nothing to install.
$(ENV)/run.stamp: requirements.lock pyproject.toml | $(ENV)/bin/python
	@echo "Installing Leadlane into $(ENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# What npm needs is there only while it is needed: Node.js comes as a Python package, and is large.
$(ASSETS): package.json package-lock.json requirements-assets.lock tools/assets.py tools/world.py src/leadlane/web/static/icons.txt $(wildcard src/leadlane/web/static/js/bundled/*.js) | $(ENV)/bin/python
	@echo "Fetching what the pages are built with ..."
	@$(BIN)/python -m venv $(ENV)/assets
	@$(ENV)/assets/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-assets.lock
	@$(ENV)/assets/bin/python tools/assets.py
	@rm -rf $(ENV)/assets

$(ENV)/dev.stamp: requirements-dev.lock $(ENV)/run.stamp
	@echo "Installing the tools of development into $(ENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@
