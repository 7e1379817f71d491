# Everything a person does here starts with one of these words; `make` alone lists them.
# Arguments are handed on by ARGS: make demo ARGS="--for 30s --no-open", make test ARGS="tests/unit -k windows".

.DEFAULT_GOAL := help
.PHONY: help setup demo test check soak services format web wheel lock bench clean
MAKEFLAGS += --no-print-directory

ARGS ?=
BIN := .venv/bin
# What `check` leaves out: what needs a broker, a JVM or a browser, and what takes long; `make test` runs it all.
QUICK := tests/unit tests/contracts tests/properties tests/architecture tests/docs src

help: ## list these commands
	@echo "Yeoul: make COMMAND"
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  %-8s %s\n' $$name "$$what"; done
	@echo "New here: make demo, then CONTRIBUTING.md"

setup: ## make .venv with Yeoul in it (the command is .venv/bin/yeoul)
	@bash scripts/setup.sh full

demo: ## a whole simulated service, watched by Yeoul, in the browser; Ctrl-C ends it
	@bash scripts/setup.sh run
	@exec $(BIN)/yeoul demo $(ARGS)

test: ## everything set up, all tests
	@bash scripts/setup.sh dev
	@bash scripts/system_packages.sh $$(grep -v '^#' requirements/debian.txt)
	@exec $(BIN)/python -m pytest -n 2 --dist loadscope -m "not soak" $(ARGS)

soak: ## tests of reliability and services in their long form (hours)
	@bash scripts/setup.sh dev
	@bash scripts/system_packages.sh $$(grep -v '^#' requirements/debian.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@exec $(BIN)/python -m pytest -m soak $(or $(ARGS),tests/reliability tests/services)

services: ## a real Kafka broker on this machine until Ctrl-C (ARGS="--port 9092": on that port)
	@bash scripts/setup.sh dev
	@bash scripts/system_packages.sh default-jre-headless maven
	@exec $(BIN)/python -m yeoul.testing.services $(ARGS)

check: ## what a commit must pass: format, lint, types, layers, quick tests, docs (under 2 minutes)
	@bash scripts/setup.sh dev
	@$(BIN)/ruff format --check --quiet . || { echo "make format mends this"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports --no-logo
	@exec env YEOUL_TEST_PROFILE=quick $(BIN)/python -m pytest -n 3 --dist worksteal -m "not services and not slow and not soak" $(or $(ARGS),$(QUICK))

format: ## format the code and mend what the linter can mend
	@bash scripts/setup.sh dev
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

web: ## build the console's pages
	@bash scripts/setup.sh run

wheel: ## build dist/yeoul-*.whl, pages included
	@bash scripts/setup.sh run
	@rm -rf dist
	@$(BIN)/hatchling build -t wheel -d dist

lock: ## write requirements/*.txt from pyproject.toml (UPGRADE=1: newest versions)
	@bash scripts/setup.sh dev
	@bash scripts/lock.sh

bench: ## run the benchmarks (minutes); prints ratios against peers
	@bash scripts/setup.sh dev
	@bash scripts/bench.sh $(ARGS)

clean: ## remove what these commands made (.venv, built pages, caches)
	@rm -rf .venv dist build .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@rm -rf src/yeoul/console/static src/yeoul/console/web/node_modules
	@find src tests benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +
