# One command each on a bare machine with Python 3.11: make demo, make test. `make help` lists the rest.

PYTHON ?= python3
ARGS ?=
PG ?=
RABBIT ?=

SEEDS ?=
JOBS ?=
WITHOUT ?=
BITE ?=

BIN := .venv/bin
# Most tests wait for processes: several share two cores, and one PostgreSQL and one RabbitMQ.
SHARED = -n $(or $(JOBS),3) --dist loadfile --no-loadscope-reorder
STORM = $(if $(SEEDS),--seeds=$(SEEDS)) $(if $(JOBS),--jobs=$(JOBS)) $(if $(WITHOUT),--without=$(WITHOUT)) $(ARGS)
# Whatever has another hash is refused, and nothing is built from source: that would fetch what has no hash here.
LOCKED := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
PIN = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make constraints' $(ARGS)
# Images set it to stay small; here every process would compile the tree, and rewrite each assertion, once more.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help venv demo check test full core storm bench lint audit constraints clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed ## fill a column on an example table and show that it is right
	@$(BIN)/backfill demo $(ARGS)

test: .venv/.developed ## what a change is tried with, on real services (ARGS="-k name", PG=15, RABBIT=4)
	@TEST_POSTGRES=$(PG) TEST_RABBITMQ=$(RABBIT) $(BIN)/pytest $(SHARED) -m "not long" $(ARGS)

full: .venv/.developed ## every test, also the long ones; the same ARGS, PG, RABBIT
	@TEST_POSTGRES=$(PG) TEST_RABBITMQ=$(RABBIT) $(BIN)/pytest $(SHARED) $(ARGS)

CORE := $(addprefix tests/integration/test_,cancelling.py events.py keys.py looking.py operators_sql.py pausing.py \
	planning.py policies.py producer_command.py publishing.py reconciling.py retrying.py schema.py setting.py \
	several_jobs.py sweeps.py time_left.py values.py worker_command.py) \
	$(addprefix tests/faults/test_,application_writes.py broker_faults.py producer_dies.py worker_dies.py) tests/worlds

core: .venv/.developed ## run what depends on the servers' versions (PG=15, RABBIT=4)
	@TEST_POSTGRES=$(PG) TEST_RABBITMQ=$(RABBIT) $(BIN)/pytest $(SHARED) $(CORE) $(ARGS)

storm: .venv/.developed ## random faults over random tables (SEEDS=1-200 JOBS=2, or BITE=fence)
	@if [ -n "$(BITE)" ]; then $(BIN)/python -m tests.storm.bite $(BITE) $(STORM); \
	else $(BIN)/python -m tests.storm.run $(STORM); fi

bench: .venv/.benched ## measure against the alternatives (SCALE=records)
	@$(BIN)/python -m benchmarks $(ARGS)

# mypy reads beside them, and says at the end what it has found.
check: .venv/.developed ## what to run before a commit: ruff, mypy and the unit tests
	@said=`mktemp`; $(BIN)/mypy >$$said 2>&1 & types=$$!; \
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/pytest -q -n 2 tests/unit; code=$$?; \
	wait $$types || code=1; cat $$said; rm $$said; exit $$code

lint: .venv/.developed ## ruff and mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

audit: .venv/.developed ## bill of materials into dist/, licences, known vulnerabilities
	@$(BIN)/python -m tests.support.audit

constraints: .venv/.developed ## pin and hash anew what is installed, for every platform (ARGS=--upgrade moves versions)
	@$(PIN) pyproject.toml --all-extras --group dev -o constraints.txt >/dev/null
	@$(PIN) pyproject.toml --extra api --extra metrics --extra monitor --extra services --group build -c constraints.txt -o requirements.txt >/dev/null
	@$(PIN) pyproject.toml --extra api --extra metrics --extra monitor --group build -c constraints.txt -o deploy/requirements.txt >/dev/null
	@$(PIN) benchmarks/requirements.in -c constraints.txt -o benchmarks/requirements.txt >/dev/null

clean: ## stop private services, remove .venv and caches
	@if [ -x $(BIN)/backfill ]; then $(BIN)/backfill services down --delete || echo "services were not stopped"; fi
	@rm -rf .venv .backfill .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: the second run of a target installs nothing.
venv: .venv/.developed

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is not here: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed and $(PYTHON) is `$(PYTHON) -V`: make PYTHON=python3.11"; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		if [ `id -u` = 0 ] && command -v apt-get >/dev/null; then \
			echo "python3-venv is missing: installing it with apt-get"; \
			apt-get -qq update && \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends python3-venv >/dev/null; \
		else \
			echo "this Python cannot make virtual environments: install python3-venv (on Debian: sudo apt-get install python3-venv)"; \
			exit 1; \
		fi; \
	fi
	@echo "making .venv"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: pyproject.toml requirements.txt | .venv/bin/python
	@echo "installing the toolkit into .venv"
	@$(LOCKED) -r requirements.txt
	@rm -rf .venv/lib/*/site-packages/backfill # editable installs of before left a folder that would be found first
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.benched: .venv/.developed benchmarks/requirements.txt
	@echo "installing what is measured against"
	@$(LOCKED) -r benchmarks/requirements.txt
	@touch $@

.venv/.developed: .venv/.installed constraints.txt
	@echo "installing what tests and checks need"
	@$(LOCKED) -r constraints.txt
	@touch $@
