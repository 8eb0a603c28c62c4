# Every task of the house, one door: `make help` prints them.
# Nothing is needed but Python 3.11 or newer, make, and a network on the first run.

# The first Python on the path that is new enough; name another with `make run PYTHON=/path/to/python3.12`.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(or $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$p" && break; done),python3)
endif
BIN := .venv/bin
PYTEST = $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help run test check lint types format docs bench storm storm-long races lock changelog clean \
	test-all test-unit test-integration prepare-runtime prepare-dev has-python

help: ## print every task with its sentence
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: prepare-runtime ## set up what is missing, start the gateway on port 3002 and stay in front (Ctrl-C stops it)
	@exec $(BIN)/quickkub up $(ARGS)

test: check test-all ## set up what is missing, then every check and every test; this is what .ci/run calls

check: lint types ## every check that is not a test: style, house rules, floors, types

lint: prepare-dev ## style, library doors, money, transactions, hygiene, pins, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m tools.check
	$(BIN)/lint-imports

types: prepare-dev ## mypy in strict mode over src, tests and tools
	$(BIN)/mypy

format: prepare-dev ## let ruff lay out the code and mend what it safely can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Storms measure how soon a gateway is well again, so nothing runs beside them; the rest shares the cores.
ALONE := tests/storms tests/architecture/test_broken_variants.py
test-all: prepare-dev
	$(PYTEST) $(ALONE) $(ARGS)
	$(PYTEST) --numprocesses 2 --dist loadfile $(ALONE:%=--ignore=%) $(ARGS)

test-unit: prepare-dev ## only the tests without I/O
	$(PYTEST) tests/unit $(ARGS)

test-integration: prepare-dev ## only the tests with a database, simulators, HTTP or a browser
	$(PYTEST) tests --ignore=tests/unit --ignore=tests/architecture $(ARGS)

docs: prepare-dev ## rewrite docs/generated from the code
	$(BIN)/python -m tools.generate_docs

bench: prepare-dev ## print the figures of the README's "Measured" table, as this machine gives them
	$(BIN)/python bench/promptpay.py
	$(BIN)/python bench/gateway.py
	PYTHONPATH=src:. $(BIN)/python -m bench.engine

storm: prepare-dev ## one minute of kills, cuts and lost answers, then the books: SEED=41 repeats one, TIMES=3 runs three
	$(BIN)/python -m tests.support.chaos $(if $(SEED),--seed $(SEED)) $(if $(TIMES),--times $(TIMES)) $(ARGS)

storm-long: prepare-dev ## the same for 30 minutes, for the night
	$(BIN)/python -m tests.support.chaos --seconds 1800 $(if $(SEED),--seed $(SEED)) $(ARGS)

races: prepare-dev ## every pair of operations on one object, 200 rounds each
	$(PYTEST) tests/storms/test_races.py --durations=0 $(ARGS)

lock: prepare-dev ## pin requirements/*.txt again after a change to pyproject.toml or *.in (UPGRADE=1 takes newer ones)
	$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

changelog: prepare-dev ## print the coming release's notes; VERSION=0.2.0 writes them into CHANGELOG.md
	$(BIN)/python -m tools.changelog $(VERSION)

clean: ## remove .venv and caches; the data folder with the ledger stays
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

prepare-runtime: has-python
	@$(PYTHON) tools/prepare.py runtime

prepare-dev: has-python
	@$(PYTHON) tools/prepare.py dev

has-python:
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	echo "QuickKub needs Python 3.11 or newer; here \`$(PYTHON)\` is $$("$(PYTHON)" --version 2>/dev/null || echo missing)."; \
	echo "Name one you have with make ... PYTHON=/path/to/python3.12, or on Debian and Ubuntu:"; \
	echo "sudo apt-get install python3 python3-venv"; exit 1; } >&2
