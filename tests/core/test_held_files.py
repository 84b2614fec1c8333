"""A file that SQLite may have open is read without letting go of its locks; no descriptor is left over."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from motion_widgets.core.held_files import DESCRIPTORS, opening_database, read_held

pytestmark = pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="no POSIX locks here")


def descriptors(path):
    """How many descriptors of a file this process has."""
    found = path.stat()
    count = 0
    for one in DESCRIPTORS.iterdir():
        try:
            count += os.path.samestat(os.fstat(int(one.name)), found)
        except OSError:
            continue
    return count


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "a.sqlite"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x)")
    db.execute("SELECT * FROM t").fetchall()
    yield path, db
    db.close()


def test_a_file_that_nobody_has_open_is_closed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"SQLite")
    with read_held(path) as file:
        assert file.read() == b"SQLite"
    assert descriptors(path) == 0


def test_a_file_that_is_open_is_read_from_its_start_again_and_again_by_one_descriptor(database):
    path, _ = database
    before = descriptors(path)
    for _ in range(20):
        with read_held(path) as file:
            assert file.read(15) == b"SQLite format 3"
    assert descriptors(path) == before + 1


def test_the_descriptor_is_closed_once_nobody_has_the_file_open(database, tmp_path):
    path, db = database
    with read_held(path):
        pass
    db.close()
    other = tmp_path / "other"
    other.write_bytes(b"")
    with read_held(other):
        pass
    assert descriptors(path) == descriptors(other) == 0


def test_what_fails_within_keeps_the_descriptor_too(database):
    path, _ = database
    before = descriptors(path)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), read_held(path):
            raise ZeroDivisionError
    assert descriptors(path) == before + 1


@pytest.mark.parametrize("name", ["missing", "."])
def test_no_file(tmp_path, name):
    with pytest.raises(OSError, match=r"."), read_held(tmp_path / name):
        pass


def test_nobody_opens_a_database_while_a_file_is_read_and_let_go_of(database):
    path, _ = database
    order = []

    def opens():
        with opening_database():
            order.append("opened")

    thread = threading.Thread(target=opens, daemon=True)
    with read_held(path) as file:
        thread.start()
        file.read()
        order.append("read")
    thread.join(30)
    assert order == ["read", "opened"]
