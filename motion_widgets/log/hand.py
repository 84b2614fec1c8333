"""A connection of SQLite that stays at hand: taking one out of the pool costs more than most statements."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import ProgrammingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

__all__ = ["AtHand", "interrupted"]


class AtHand:
    """Gives an engine's connections, where it is SQLite's the same one each time.

    It is taken out of a list, in a single step, and put back when it is free. So an interrupt between any
    two steps leaves nothing locked: a connection that it drops goes back to the pool by itself.

    Parameters
    ----------
    engine
        Whose.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: list[Connection] = []
        self._parting = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Return the connection at hand; while somebody else has that, one of the pool."""
        if self._engine.dialect.name != "sqlite":
            with _pooled(self._engine) as connection:
                yield connection
            return
        self._parting = False
        try:
            connection = self._free.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            self._begin_afresh(connection)
            yield connection
        finally:
            self._end(connection)

    def close(self) -> None:
        """Close what is at hand and in the pool; what is in use is closed when it no longer is."""
        self._parting = True
        with contextlib.suppress(IndexError):
            while True:
                self._end(self._free.pop())
        self._engine.dispose()

    @staticmethod
    def _begin_afresh(connection: Connection) -> None:
        """End what an interrupted cell left half-way."""
        driver: Any = connection.connection.dbapi_connection
        if driver.in_transaction:
            driver.rollback()

    def _end(self, connection: Connection) -> None:
        """Let the moment that was read go, so that the journal can be written over; keep one connection."""
        whole = False
        try:
            if connection.in_transaction():
                connection.rollback()
            whole = not self._parting
        finally:
            if not whole:
                connection.invalidate()  # the pool that it came from may be no more
            if whole and not self._free:
                self._free.append(connection)
            else:
                connection.close()


def interrupted(error: BaseException | None) -> bool:
    """Return whether an interrupt hides behind an error: tidying up on its way out may fail after it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _pooled(engine: Engine) -> Connection:
    """Take a connection; one that an interrupted cell left in the middle of a call is replaced."""
    try:
        return engine.connect()
    except ProgrammingError as error:  # psycopg says so when it is asked whether it still lives
        engine.dispose()
        if interrupted(error):  # it came just then
            raise KeyboardInterrupt from None
        return engine.connect()
