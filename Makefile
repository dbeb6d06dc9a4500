# 安居 Anju. `make run` is all that is needed; `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo no-python-3.11-found-here)
BIN := .venv/bin
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev check test bench soak format lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: setup ## Set up and start the demo; Ctrl-C stops all of it
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/anju demo

setup: ## Install everything the product needs, into .venv
	@$(PYTHON) .ci/bootstrap.py

setup-dev:
	@$(PYTHON) .ci/bootstrap.py --dev

check: setup-dev ## Lint, formatting, types, imports and the items
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/anju item check

test: setup-dev ## All tests; ARGS="tests/engine -k clock" for some
	$(BIN)/pytest -n 2 --dist loadscope -m "not soak" $(ARGS)

bench: setup ## Measure; prints a table, writes bench.json into ANJU_DATA; ARGS=scale for a town's rows
	$(BIN)/anju bench $(ARGS)

soak: setup-dev ## The long tests alone
	$(BIN)/pytest -m "soak or slow" --timeout 0 $(ARGS)

format: setup-dev ## Put the Python code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup-dev ## Write the lock files anew, newest versions
	cd .ci && for each in requirements dev node; do \
	  ../$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
	    --output-file $$each.lock $$each.in || exit 1; done

clean: ## Remove what was installed and built; keeps the data in var
	rm -rf .venv node_modules web/static/vendor build *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
