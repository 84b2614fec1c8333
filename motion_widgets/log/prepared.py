"""Statements that every job needs several times, written for the driver but once.

Between a statement and its driver SQLAlchemy spends several times what SQLite takes to run it, and makes
rows that are slower to fill than to read. A local log is called thousands of times a minute, so its
statements are kept as the texts that SQLAlchemy made of them. Over a network that is lost in the way there.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Select
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, CursorResult, Delete, Insert, Update

__all__ = ["Prepared", "by_column"]


def by_column(result: CursorResult[Any]) -> list[dict[str, Any]]:
    """Return rows by column; of many, SQLAlchemy's own mappings take half as long again."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


class Prepared:
    """A statement whose values are parameters, none of them for an ``IN (...)``.

    Parameters
    ----------
    statement
        What is run; an insert or update sets the columns that are among the values it is run with.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, ...], tuple[str, tuple[str, ...], dict[str, Any]]] = {}
        selected = statement.selected_columns if isinstance(statement, Select) else ()
        self._columns = tuple(str(column.key) for column in selected)
        # SQLite has 0 and 1 for them.
        self._truths = tuple(str(column.key) for column in selected if isinstance(column.type, Boolean))

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Change rows; give how many were."""
        return int(self._done(connection, values).rowcount)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows found, by column."""
        found = [dict(zip(self._columns, row, strict=True)) for row in self._done(connection, values)]
        for name in self._truths:
            for row in found:
                row[name] = None if row[name] is None else bool(row[name])
        return found

    def row(self, connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the only row there can be. None: there is none."""
        found = self.rows(connection, values)
        return found[0] if found else None

    def _done(self, connection: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor | CursorResult[Any]:
        if connection.dialect.name != "sqlite" or connection.engine.dispatch.before_cursor_execute:
            return connection.execute(self._statement, dict(values))  # somebody listens, or it is far away
        if not connection.in_transaction():
            connection.begin()  # as SQLAlchemy would: what is read in it is of one moment
        text, names, fixed = self._texts.get(tuple(values)) or self._written(connection, tuple(values))
        given = {**fixed, **values} if fixed else values
        driver: Any = connection.connection.dbapi_connection
        try:
            done: sqlite3.Cursor = driver.execute(text, [given[name] for name in names])
        except sqlite3.Error as error:
            raise DBAPIError.instance(text, None, error, sqlite3.Error) from error
        return done

    def _written(
        self, connection: Connection, names: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """Write it for such values: the text, its parameters in turn, and those that are always the same."""
        made: Any = self._statement.compile(dialect=connection.dialect, column_keys=list(names))
        fixed = {name: bind.effective_value for name, bind in made.binds.items() if not bind.required}
        order = tuple(made.positiontup or ())
        self._texts[names] = found = (
            str(made),
            order,
            {name: fixed[name] for name in order if name in fixed},
        )
        return found
