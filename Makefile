# Thin on purpose: what happens is in tools/, pyproject.toml and `limen` itself.
# Needs Python 3.11 or newer and nothing else; `make install` brings the rest.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
STAMP := .venv/.installed
PINS := $(wildcard requirements/*.txt) pyproject.toml tools/install.py \
	tests/interop/node/package-lock.json

# Three processes keep two processors busy, as a third of a test is waiting: make test WORKERS=8
WORKERS ?= 3

.PHONY: install run demo test check fix bench soak docs lock clean
.DEFAULT_GOAL := run

install: $(STAMP)

$(STAMP): $(PINS)
	@test -n "$(PYTHON)" || { echo "Limen needs Python 3.11 or newer on PATH"; exit 1; }
	@$(PYTHON) tools/install.py

# Serves on port 8000 with everything a developer wants: mailbox, clock, simulated providers.
run: install
	@LIMEN_ENVIRONMENT=development LIMEN_DATA_DIR="$${LIMEN_DATA_DIR:-var}" $(BIN)/limen serve

# The tour, step by step, against a running server or one of its own.
demo: install
	@LIMEN_ENVIRONMENT=development $(BIN)/limen demo

# Everything with branch coverage; `make test K=pkce` picks by name and goes without.
test: install
ifdef K
	@$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal -k "$(K)" $(ARGS)
else
	@$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal --cov --cov-report=term:skip-covered $(ARGS)
endif

# What holds before any test runs: lint, format, types, import contracts, shape.
check: install
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest tests/architecture/test_shape.py tests/architecture/test_tree.py

fix: install
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet

bench: install
	@$(BIN)/python -m bench $(ARGS)

# A fault at every point of a refresh, ten workers, in many orders: make soak SCHEDULES=200
SCHEDULES ?= 20
soak: install
	@LIMEN_TEST_SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -q tests/faults/test_refresh_schedules.py

# What is generated among the documents.
docs: install
	@$(BIN)/python docs/generate_postman.py
	@$(BIN)/python docs/generate_schema.py
	@$(BIN)/python docs/generate_error_codes.py
	@$(BIN)/python docs/generate_settings.py
	@$(BIN)/python docs/generate_providers.py
	@$(BIN)/python docs/generate_catalogues.py

# Resolve requirements/*.txt anew; UPGRADE=1 takes the newest versions.
lock: install
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean:
	@rm -rf .venv .tools tests/interop/node/node_modules .mypy_cache .ruff_cache .pytest_cache .coverage
