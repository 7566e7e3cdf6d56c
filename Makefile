# Everything a person does with this project. `make help` lists it.
# Nothing needs to be installed first but Python 3.11 or newer and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed
JOBS   ?= 3
# Files compiled at installation are what makes Airflow start in 2 s instead of 4: never leave them out.
unexport PYTHONDONTWRITEBYTECODE
export GX_ANALYTICS_ENABLED := false
SUPERVISOR := $(BIN)/python -m retention.supervisor

.DEFAULT_GOAL := help
.PHONY: help install demo day up down status airflow test test-fast test-faults lint format docs site bench clean distclean

help:  ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## Make the virtual environment with every pinned package (other targets do it when needed)

$(STAMP): requirements-dev.txt scripts/install.sh scripts/installer.txt
	@PYTHON="$(PYTHON)" sh scripts/install.sh $(VENV)

demo: $(STAMP)  ## Sample company through the whole pipeline, results printed (KEEP=1 leaves Airflow running)
	@$(SUPERVISOR) demo $(if $(KEEP),--keep)

day: $(STAMP)  ## Release the sample company's next day and run it
	@$(SUPERVISOR) day $(if $(KEEP),--keep)

up: $(STAMP)  ## Start Airflow with its UI; prints address and login
	@$(SUPERVISOR) up

down:  ## Stop what was started
	@if [ -x $(BIN)/python ]; then $(SUPERVISOR) down; else echo "Nothing was running."; fi

status: $(STAMP)  ## What runs, and how it is
	@$(SUPERVISOR) status

airflow: $(STAMP)  ## Any Airflow command: make airflow CMD="backfill create --dag-id retention_ingest ..."
	@$(SUPERVISOR) airflow $(CMD)

test: $(STAMP)  ## All tests but the long fault runs (JOBS=1 runs them one after the other)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not faults" $(ARGS)

test-fast: $(STAMP)  ## Tests that take seconds
	@$(BIN)/python -m pytest -m "not slow and not faults" $(ARGS)

test-faults: $(STAMP)  ## Kill, freeze and race the writers, longer than `make test` does
	@$(BIN)/python -m pytest tests/faults $(ARGS)

lint: $(STAMP)  ## Style, types, SQL
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint include/sql

format: $(STAMP)  ## Put code into the house format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

docs: $(STAMP)  ## Generate the data dictionary and the DAG reference
	@$(BIN)/python docs/generate.py

site: $(STAMP)  ## Build the documentation as a site in .retention/site
	@$(BIN)/python -m sphinx -b html -W --keep-going -n -q docs .retention/site && echo "Open .retention/site/index.html"

bench: $(STAMP)  ## Measure bulk transfer and the writing protocol
	@$(BIN)/python -m tests.benchmarks $(ARGS)

clean: down  ## Remove what the product made: data, logs, secrets (asks first)
	@printf 'Remove .retention with all its data, secrets and logs? [y/N] '; read answer; \
	  case "$$answer" in y|Y) rm -rf .retention .pytest_cache .mypy_cache .ruff_cache; echo "Removed." ;; *) echo "Kept." ;; esac

distclean: clean  ## Remove the virtual environment too
	@rm -rf $(VENV)
