# All developer commands. They need Python 3.11 or newer and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_PEERS := bench/peers/node
GO_PEER := bench/peers/go/server
HTTPYAC := http/node_modules/ready
PLAYER := clients/js
BROWSERS := tests/player/browsers
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 16

.PHONY: run
run: $(VENV)/run ## Serve on :8000 (or PORT) with its own Redis, Postgres and worker, until Ctrl-C
	@$(BIN)/python -m dev.run

.PHONY: seed-demo
seed-demo: $(VENV)/run ## Add companies, users, videos, viewings and a course to `make run`
	@$(BIN)/python -m dev.seed_demo

.PHONY: test
test: $(VENV)/dev ## Run the tests (under 4 minutes)
	@$(BIN)/python -m pytest -n 4 $(TESTS)

.PHONY: test-player
test-player: $(VENV)/dev $(PLAYER)/node_modules/ready $(BROWSERS)/node_modules/ready ## Test the player package and the pages, in real browsers (under 5 minutes)
	@npm run --silent --prefix $(PLAYER) check
	@npm test --silent --prefix $(PLAYER)
	@$(BIN)/python -m pytest -m "player and not only_soak" -n 3 $(TESTS)

.PHONY: soak
soak: $(VENV)/dev ## Run the long versions of the tests: hundreds of kills, the large fuzz
	@$(BIN)/python -m pytest -m "soak or only_soak" --soak --timeout 3600 $(TESTS)

.PHONY: torture
torture: $(VENV)/dev ## Attack the service for 8 minutes and check every response
	@$(BIN)/python -m pytest -m torture -s $(TESTS)

.PHONY: check
check: $(VENV)/dev ## Run the static checks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/dev ## Format the code and apply ruff's fixes
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: http
http: $(VENV)/run $(HTTPYAC) ## Send every request of http/*.http and check the responses (needs Node 20)
	@$(BIN)/python -m dev.http_files

.PHONY: load
load: .venv-load/ready ## Simulate 200 viewers at a running service for 60 s
	@./load/run

.PHONY: bench
bench: .venv-bench/ready $(NODE_PEERS)/node_modules/ready $(GO_PEER) ## Compare speed with Flask, FastAPI, Express, Fastify and Go (25 minutes)
	@.venv-bench/bin/python -m bench

.PHONY: bench-scale
bench-scale: .venv-bench/ready ## Measure time and memory by the number of stored points (5 minutes)
	@.venv-bench/bin/python -m bench.scale

.PHONY: bench-dialects
bench-dialects: $(VENV)/run ## Measure the saves per second of each API (2 minutes)
	@./bench/tools
	@$(BIN)/python -m bench.dialects

.PHONY: bench-batch
bench-batch: $(VENV)/run ## Measure the saves per second in batches of 100 (1 minute)
	@./bench/tools
	@$(BIN)/python -m bench.batch

.PHONY: bench-flush
bench-flush: $(VENV)/run ## Measure the speed of the worker's flush and restore (1 minute)
	@$(BIN)/python -m bench.flush

.PHONY: bench-sign-in
bench-sign-in: $(VENV)/run ## Measure whether the time of a refused sign-in reveals known addresses
	@$(BIN)/python -m bench.sign_in

.PHONY: bench-streams
bench-streams: $(VENV)/run ## Measure the effect of 50 slow streams on saves (2 minutes)
	@$(BIN)/python -m bench.streams

.PHONY: bench-viewing
bench-viewing: $(VENV)/run ## Measure continue watching and next up beside saves (4 minutes)
	@$(BIN)/python -m bench.viewing

.PHONY: bench-live
bench-live: $(VENV)/run ## Measure 2,000 live streams, and saves beside them (3 minutes)
	@$(BIN)/python -m bench.live

.PHONY: bench-lessons
bench-lessons: $(VENV)/run ## Measure lesson requests with four million stored completions (5 minutes)
	@$(BIN)/python -m bench.lessons

.PHONY: schema
schema: $(VENV)/run ## Write schema.sql from the migrations
	@$(BIN)/python -m dev.schema

.PHONY: lock
lock: ## Pin requirements/*.in
	@./requirements/lock

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/python requirements.txt requirements/run.txt
	@$(PIP) -r requirements.txt -r requirements/run.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt
	@echo "Installing what tests need (once) ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

.venv-load/ready: requirements/load.txt
	@echo "Setting up .venv-load (once) ..."
	@$(PYTHON) -m venv .venv-load
	@.venv-load/bin/python -m pip --disable-pip-version-check --quiet install -r requirements/load.txt
	@touch $@

.venv-bench/ready: requirements.txt requirements/bench.txt
	@./bench/tools
	@echo "Setting up .venv-bench (once) ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check --quiet install -r requirements.txt -r requirements/bench.txt
	@touch $@

$(NODE_PEERS)/node_modules/ready: $(NODE_PEERS)/package-lock.json
	@./bench/tools
	@echo "Setting up $(NODE_PEERS)/node_modules (once) ..."
	@npm ci --silent --prefix $(NODE_PEERS)
	@touch $@

$(GO_PEER): $(wildcard bench/peers/go/*.go)
	@./bench/peers/go/build

$(PLAYER)/node_modules/ready $(BROWSERS)/node_modules/ready: %/node_modules/ready: %/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or newer"; exit 2; }
	@echo "Setting up $*/node_modules (once) ..."
	@npm ci --silent --ignore-scripts --prefix $*
	@touch $@

$(HTTPYAC): http/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or newer"; exit 2; }
	@echo "Setting up http/node_modules (once) ..."
	@npm ci --silent --ignore-scripts --prefix http
	@touch $@
