# Thin wrappers: everything here is `pip install .` and `motion-widgets ...`, which work without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.test-ready
BENCH_READY := $(VENV)/.bench-ready
# Test files run side by side; more at once only makes those with a browser slower.
WORKERS ?= 2
MPLBACKEND ?= Agg
export MPLBACKEND

.PHONY: help studio demo test soak bench metrics system clean

help:
	@echo "make studio  start JupyterLab on the Studio notebook (sandbox, costs nothing)"
	@echo "make demo    run a 2 x 2 sweep on the sandbox in the terminal"
	@echo "make test    lint, types, unit, property, notebook and browser tests"
	@echo "make soak    kill processes hundreds of times, on SQLite and PostgreSQL; some 15 minutes"
	@echo "make bench   speed and memory beside peers, as a table; ROOM=jobs for one room"
	@echo "make metrics  the source in figures; CHECKOUTS=\"../before .\" for two side by side"

studio: $(READY)
	$(BIN)/motion-widgets studio --folder notebooks

demo: $(READY)
	$(BIN)/motion-widgets demo

test: system $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	CI=$${CI:-true} $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

soak: $(TEST_READY)
	MW_SOAK=1 $(BIN)/python -m pytest tests/jobs/test_runner_kills.py tests/jobs/test_runner_stateful.py

bench: system $(BENCH_READY)
	$(BIN)/python -m tests.benchmarks $(ROOM)

metrics: $(TEST_READY)
	$(BIN)/python -m tests.metrics $(CHECKOUTS)

$(READY): pyproject.toml binder/requirements.txt
	sh .ci/venv "$(PYTHON)" $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r binder/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(TEST_READY): $(READY) tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@

$(BENCH_READY): $(TEST_READY) tests/benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/benchmarks/requirements.txt
	touch $@

system:
	sh .ci/browser

clean:
	rm -rf $(VENV) screenshots build dist
