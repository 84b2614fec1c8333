# Thin wrappers: everything here is `pip install .` and `motion-widgets ...`, which work without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.test-ready
BENCH_READY := $(VENV)/.bench-ready
# With the lower bounds of pyproject.toml; they need a Python of their time, such as 3.11.
OLDEST := .venv-oldest
# Test files run side by side, those with a browser one after the other from the start; a third one uses the
# time that two wait.
WORKERS ?= 3
# Where a user without rights may go.
REHEARSAL ?= $${TMPDIR:-/tmp}/motion-widgets-binder
MPLBACKEND ?= Agg
export MPLBACKEND

.PHONY: help studio demo test test-all test-oldest soak matrix bench binder-rehearsal coverage docs release-check typing metrics mutation system clean

help:
	@echo "make studio  start JupyterLab on the Studio notebook (sandbox, costs nothing)"
	@echo "make demo    run a 2 x 2 sweep on the sandbox in the terminal"
	@echo "make test    lint, types, unit, property, notebook and browser tests"
	@echo "make test-all  the tests without a browser on each of Python 3.11, 3.12 and 3.13 that is here; TESTS=tests/core for a part"
	@echo "make test-oldest  tests of core, log, request and sweep with the oldest versions that are allowed"
	@echo "make soak    kill processes hundreds of times, on SQLite and PostgreSQL; some 15 minutes"
	@echo "make matrix  every mend of every kind of clip, decoded again; some 10 minutes"
	@echo "make bench   speed and memory beside peers, as a table; ROOM=jobs for one room"
	@echo "make binder-rehearsal  build and open what Binder would, as a user without rights, and time it"
	@echo "make coverage  lines and branches that the tests without a browser run; TESTS=tests/core adds a part"
	@echo "make mutation  change rules, prices, states and verdicts in small ways, and see what no test notices; some minutes"
	@echo "make docs    the reference from the docstrings into build/docs, links checked, examples executed"
	@echo "make release-check  build wheel and sdist, and try the wheel, and each extra alone, in clean environments"
	@echo "make typing  the public API as a user's type checker sees it: mypy and pyright"
	@echo "make metrics  the source in figures; CHECKOUTS=\"../before .\" for two side by side"

studio: $(READY)
	$(BIN)/motion-widgets studio --folder notebooks

demo: $(READY)
	$(BIN)/motion-widgets demo

# Beside mypy the tests are compiled: the workers, which begin together, would each do it.
test: system $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --collect-only -qq >/dev/null & $(BIN)/mypy; types=$$?; wait; exit $$types
	CI=$${CI:-true} $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-oldest:
	sh .ci/venv "$(PYTHON)" $(OLDEST)
	$(PYTHON) -m tests.oldest >$(OLDEST)/requirements.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r $(OLDEST)/requirements.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(OLDEST)/bin/python -m pytest -n $(WORKERS) --dist loadfile tests/core tests/log tests/request tests/sweep

test-all:
	$(PYTHON) -m tests.every_python -n $(WORKERS) --dist loadfile $(TESTS)

soak: $(TEST_READY)
	MW_SOAK=1 $(BIN)/python -m pytest tests/jobs/test_runner_kills.py tests/jobs/test_runner_stateful.py

matrix: $(TEST_READY)
	MW_MATRIX=1 $(BIN)/python -m pytest -n $(WORKERS) tests/media/test_matrix.py

bench: system $(BENCH_READY)
	$(BIN)/python -m tests.benchmarks $(ROOM)

release-check: $(READY)
	$(BIN)/python -m tests.release build/release

binder-rehearsal: system $(TEST_READY)
	$(BIN)/python -m tests.binder_rehearsal "$(REHEARSAL)"

coverage: $(TEST_READY)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not browser" --cov --cov-append --cov-report= $(TESTS)
	$(BIN)/python -m coverage report --skip-covered --sort=cover

mutation: $(TEST_READY)
	$(BIN)/python -m tests.mutation $(MODULES)

typing: $(TEST_READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/typing/requirements.txt
	$(BIN)/mypy -p tests.typing
	$(BIN)/python -m basedpyright -p tests/typing --pythonpath $(BIN)/python

docs: $(TEST_READY)
	$(BIN)/python -m tests.docs build/docs
	$(BIN)/python -m pytest -q tests/docs tests/test_doctests.py

metrics: $(TEST_READY)
	$(BIN)/python -m tests.metrics $(CHECKOUTS)

$(READY): pyproject.toml binder/requirements.txt
	@echo "Installing into $(VENV), once: it takes a minute or two."
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
	rm -rf $(VENV) $(VENV)-* screenshots build dist
