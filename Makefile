# Two commands do everything on a fresh machine: `make lab` opens the lab, `make test` runs the tests.
# Both create .venv on first use and bring it up to date when pyproject.toml has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SB3 := $(VENV)/.stable-baselines3
MUTMUT := $(VENV)/.mutmut

.DEFAULT_GOAL := help
.PHONY: help lab test test-all check mutants format bench outcomes pictures wheel clean

help:
	@echo "make lab       open the lab (installs on first use)"
	@echo "make test      run the tests (under 6 minutes on 2 cores)"
	@echo "make test-all  run the slow ones too"
	@echo "make check     format, lint, types and the walls between the rooms, changing nothing"
	@echo "make mutants   put a sample of small faults into the code, and count those that no test notices (an hour)"
	@echo "make format    apply the formatter"
	@echo "make bench     install Stable-Baselines3, run the benchmarks, print what they measured"
	@echo "make outcomes  train presets and ladders with 20 seeds each (an hour or two; goes on where it was stopped)"
	@echo "make pictures  export the README's pictures from the app"
	@echo "make wheel     build dist/*.whl"

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dqn-lab needs Python 3.11 or later; this is %d.%d. Say make PYTHON=python3.12, for example." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# What only the benchmarks compare with.
$(SB3): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@

# What only the measuring of the tests needs.
$(MUTMUT): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[mutants]'
	@touch $@

lab: $(INSTALLED)
	@$(BIN)/dqn-lab

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2

test-all: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 -m ''

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

mutants: $(MUTMUT)
	$(BIN)/python -m tests.mutants

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(SB3)
	$(BIN)/python -m tests.benchmarks

outcomes: $(INSTALLED)
	$(BIN)/python -m tests.outcomes

pictures: $(INSTALLED)
	$(BIN)/python -m tests.pictures

wheel: $(INSTALLED)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) mutants dist build .pytest_cache .mypy_cache .ruff_cache
