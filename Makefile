# Everything a newcomer, an analyst or a build machine runs; `make` lists it.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
ORG ?= demo
QUARTER ?= 2026Q3
RUNS ?= 500
CELLS ?= *

.DEFAULT_GOAL := help
.PHONY: help setup brief test paths calibration proofs bench lab lint lock environment clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the environment in .venv (once; again when the lock changes)

$(VENV)/.ready: requirements.lock pyproject.toml tools/setup
	@tools/setup "$(PYTHON)" "$(VENV)"

brief: setup ## make the demo organisation, run its latest quarter, publish the brief
	@if [ "$(ORG)" = demo ]; then $(BIN)/workbench demo; fi
	@$(BIN)/workbench run $(QUARTER) --org $(ORG)
	@$(BIN)/workbench brief $(QUARTER) --org $(ORG)

test: setup ## run the tests, with ruff and mypy among them
	@tools/say_missing
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

paths: setup ## choose paths on 20 draws of the demo and read in its truth what they are worth
	@nice $(BIN)/python -m tests.calibration.demo_paths

calibration: setup ## test intervals on data of known truth (RUNS=500 CELLS='psm_*'; continues)
	@nice $(BIN)/python -m tests.calibration --runs $(RUNS) --cells '$(CELLS)'

proofs: setup ## compute anew the small results that the methods page shows
	@$(BIN)/python -m tests.reference.nonexperimental

bench: setup ## measure speed and memory against other tools, in an environment of its own
	@nice $(BIN)/python -m bench

lab: setup ## open JupyterLab at the notebooks
	@$(BIN)/workbench lab

lint: setup ## check style and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

lock: ## pin all dependencies anew (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed to make the lock: pip install uv"; exit 1; }
	uv pip compile pyproject.toml --extra test --universal -p 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

environment: setup ## make environment.yml for conda from pyproject.toml
	@$(BIN)/python tools/make_environment.py

clean: ## remove the demo organisation, its outputs and all caches; briefs of others stay
	rm -rf extracts/demo extracts/demo_truth outputs/demo
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
