PYTHON ?= python3
BIN := .venv/bin

.PHONY: help up logs doctor test test-compose test-kubernetes release lint floors audit fmt migrate bench chaos fuzz
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "Python 3.11 or newer with venv is needed: on Debian, apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

up: .venv/.installed ## run everything: servers, six processes, demo data, mail sink
	@exec $(BIN)/python -m deploy.local.up

logs: .venv/.installed ## follow the log files of `make up`, all or some: ARGS=booking
	@exec $(BIN)/python -m deploy.local.logs $(ARGS)

doctor: ## what is missing, which ports are taken, which versions; exits with 1 where `make up` cannot work
	@command -v $(PYTHON) >/dev/null || { echo "PROBLEM  Python is missing: install 3.11 or newer, with venv"; exit 1; }
	@if test -x $(BIN)/python; then exec $(BIN)/python -m deploy.local.doctor; else exec $(PYTHON) -m deploy.local.doctor; fi

test: .venv/.installed ## every test, on real PostgreSQL and RabbitMQ of its own; a part: ARGS=services/booking
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-compose: .venv/.installed ## Compose from a fresh clone: bookings, every container killed; needs an engine; a part: ARGS='-k killed'
	@$(BIN)/pytest -m compose -s tests/compose $(ARGS)

test-kubernetes: .venv/.installed ## the manifests on real API servers, built from Debian's packages; as root; the first time builds them
	@deploy/tests/kubernetes/build.sh
	@$(BIN)/pytest -s deploy/tests/kubernetes/test_apiserver.py $(ARGS)

release: .venv/.installed ## images with their digests and lists of contents in dist/: VERSION=1.2.0, IMAGES=registry.example/loctician
	@VERSION=$(VERSION) IMAGES=$(IMAGES) deploy/image/release.sh

lint: .venv/.installed ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache

floors: .venv/.installed ## install the lowest versions that pyproject.toml allows, and import everything
	@$(BIN)/python -m tests.floors

audit: .venv/.installed ## compare the locked packages with the published lists of known faults
	@$(BIN)/python -m tests.audit

fmt: .venv/.installed ## format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

migrate: .venv/.installed ## bring the schemas in DATABASE_URL to their newest revision
	@$(BIN)/loctician migrate

bench: .venv/.installed ## measure, as ratios in one interleaved run; some: ARGS='gateway slots'
	@$(BIN)/python -m tests.bench $(ARGS)

chaos: .venv/.installed ## ten minutes of bookings while everything is killed, then a count; options: ARGS='--seconds 60'
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: .venv/.installed ## half an hour of schemathesis and the attack list, as everybody, against everything
	@$(BIN)/python -m tests.fuzz $(ARGS)
