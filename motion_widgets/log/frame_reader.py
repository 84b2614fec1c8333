"""Rows of the log into a frame with fixed dtypes, in chunks, and bringing an earlier frame up to date.

Rows go from the driver's cursor into typed columns a few hundred at a time, so that no more of them than
that are Python objects at once. Text that many jobs share is kept as codes and a list of what they mean.

Most columns of a job say what many other jobs say too, and making a Python object of each value takes most
of the time. So SQLite packs those columns into a JSON text a row, and each distinct text is read but once.
"""

from __future__ import annotations

import functools
import json
import sqlite3
import threading
from itertools import starmap
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.exc import DBAPIError

from motion_widgets.log.annotations import visible
from motion_widgets.log.columns import AXIS, COLUMNS, MONEY, PACKS, REAL, TEXT, TIME, TRUTH, WHOLE
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from sqlalchemy import Connection, Select, TextClause
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.store import Log

__all__ = ["Memory", "read_frame", "read_jobs", "typed"]

_FETCH = 500
"""Rows fetched at once; so few stay in the processor's cache."""
_FETCH_FAR = 5000
"""The same over a network, where many save ways."""
_PACKED = 5000
"""Distinct texts of a pack that are kept at once."""
_FEW = 50
"""Categories of a column that are remembered for the next frame at most."""
_CHANGED = 5
"""A frame is read anew when more than one in so many of its jobs has changed."""
_MANY = 10_000
"""The same for the number of jobs, for the sake of the ``IN (...)`` that finds them."""


def read_frame(connection: Connection, query: Select[Any], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return what a query selects as a frame; `kinds` names its columns, with their dtypes in `columns`."""
    made = list(starmap(_column, kinds.items()))
    for rows in _batches(connection, query):
        for column, values in zip(made, zip(*rows, strict=True), strict=True):
            column.add(values)
    return _framed(made)


def read_jobs(
    connection: Connection, where: Sequence[ColumnElement[bool]] = (), names: Iterable[str] = COLUMNS
) -> pd.DataFrame:
    """Return the frame of jobs, oldest first."""
    kinds = {name: COLUMNS[name] for name in names}
    asked = [[name for name in names if name in kinds] for names in PACKS]
    packs = [names for names in asked if len(names) > 1 and connection.dialect.name == "sqlite"]
    alone = [name for name in kinds if not any(name in names for names in packs)]
    columns = (
        _written(packs, alone) if connection.dialect.name == "sqlite" else [jobs.c[one] for one in kinds]
    )
    query = select(*columns).select_from(jobs).where(*_found(connection, where)).order_by(jobs.c.id)
    made = {name: _column(name, kind) for name, kind in kinds.items()}
    packed = [_Pack([made[name] for name in names]) for names in packs]
    takers: list[_Pack | _Column] = [*packed, *(made[name] for name in alone)]
    for rows in _batches(connection, query):
        for taker, values in zip(takers, zip(*rows, strict=True), strict=True):
            taker.add(values)
    for pack in packed:
        pack.settle()
    return _framed(list(made.values()))


def _written(packs: Sequence[Sequence[str]], alone: Sequence[str]) -> list[TextClause]:
    """Write down what SQLite is to select; SQLAlchemy takes longer to write the same, column by column."""
    texts = [f"json_array({', '.join(f'jobs.{name}' for name in names)})" for names in packs]
    return [text(", ".join([*texts, *(f"jobs.{name}" for name in alone)]))]


def _found(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Sequence[ColumnElement[bool]]:
    """Let SQLite find the rows on their own, so that it walks an index that has all it takes to find them."""
    if connection.dialect.name != "sqlite" or all(one is visible for one in where):
        return where
    row: ColumnElement[int] = literal_column("jobs.rowid")
    return [row.in_(select(row).select_from(jobs).where(*where).correlate(None))]


def typed(columns: Sequence[Sequence[Any]], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Make a frame of raw columns as the database holds them; a dtype never depends on what is in it."""
    made = list(starmap(_column, kinds.items()))
    for column, values in zip(made, columns, strict=True):
        column.add(values)
    return _framed(made)


class Memory:
    """The frame of all visible jobs as it was last read; what has changed since is all that is read again.

    Writers take turns and each moves the change counter on, so whatever is above the counter of the last
    reading is new, and nothing below it is.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._frame: pd.DataFrame | None = None
        self._seq = -1

    def frame(self) -> pd.DataFrame:
        """Return the frame as the log is now; what the caller does to it stays with the caller."""
        import pandas as pd

        with self._lock, self._log.database.read() as connection:
            # Before the rows: what is written between the two is read twice, never missed.
            seq = int(connection.execute(select(func.coalesce(func.max(jobs.c.seq), 0))).scalar_one())
            if seq != self._seq or self._frame is None:
                self._frame = self._updated(connection, seq)
                self._seq = seq
            # pandas 3 copies a shallow copy's data once either side is written to; before, both would see it.
            return self._frame.copy(deep=int(pd.__version__.partition(".")[0]) < 3)

    def _updated(self, connection: Connection, seq: int) -> pd.DataFrame:
        before = self._frame
        if before is not None and len(before) and seq > self._seq:
            moved = jobs.c.seq > self._seq
            count = connection.execute(select(func.count()).select_from(jobs).where(moved)).scalar_one()
            if count <= min(len(before) // _CHANGED, _MANY):
                changed = connection.execute(select(jobs.c.id).where(moved)).scalars().all()
                found = _merged(connection, before, changed)
                if found is not None:
                    return found
        return read_jobs(connection, [visible])


def _merged(connection: Connection, before: pd.DataFrame, changed: Sequence[str]) -> pd.DataFrame | None:
    """Return a frame with the changed jobs as they are now. None: they do not simply follow at its end."""
    import numpy as np
    import pandas as pd
    from pandas.api.types import union_categoricals

    now = read_jobs(connection, [visible, jobs.c.id.in_(changed)])
    places = np.flatnonzero(before["id"].isin(changed).to_numpy(dtype=bool))
    had = dict(zip(before["id"].iloc[places], places.tolist(), strict=True))
    order = np.arange(len(before))
    shown = np.ones(len(before), dtype=bool)
    shown[places] = False
    added = []
    for number, job_id in enumerate(now["id"], len(before)):
        place = had.get(job_id)
        if place is None:
            added.append(number)
        else:
            order[place], shown[place] = number, True
    if added:
        first = now["id"].iloc[added[0] - len(before)]
        later = select(jobs.c.id).where(jobs.c.id == first, jobs.c.id > before["id"].iloc[-1])
        if connection.execute(later).first() is None:  # in the database's own order of texts
            return None
    take = np.concatenate([order[shown], np.array(added, dtype=order.dtype)])
    made: dict[str, Any] = {}
    for name, kind in COLUMNS.items():
        if kind == AXIS:
            both = union_categoricals([before[name], now[name]], sort_categories=True)
            made[name] = both.take(take).remove_unused_categories()
        else:
            made[name] = pd.concat([before[name], now[name]], ignore_index=True).array.take(take)
    return pd.DataFrame(made, copy=False)


def _batches(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """Return rows a few hundred or thousand at a time."""
    if connection.dialect.name != "sqlite":
        with connection.execute(query.execution_options(stream_results=True)) as streamed:
            yield from iter(lambda: streamed.fetchmany(_FETCH_FAR), [])
        return
    # As the driver gives them: SQLAlchemy's own rows cost as much again, and SQLite buffers nothing.
    with connection.execute(query) as result:
        cursor: Any = result.cursor
        try:
            yield from iter(lambda: cursor.fetchmany(_FETCH), [])
        except sqlite3.Error as error:
            raise DBAPIError(None, None, error) from error


def _framed(columns: list[_Column]) -> pd.DataFrame:
    import pandas as pd

    made: dict[str, Any] = {}
    columns.reverse()
    while columns:  # each is let go of as soon as its array stands
        column = columns.pop()
        made[column.name] = column.array()
        del column
    return pd.DataFrame(made, copy=False)  # nobody else has them


@functools.cache
def _text_dtype() -> Any:
    """Return what pandas calls ``"str"``, which it would read anew for every column."""
    import pandas as pd

    return pd.Index([], dtype="str").dtype


@functools.cache
def _extended() -> dict[str, Any]:
    """Give, by kind, the dtypes of pandas that take Arrow's arrays themselves."""
    import pandas as pd

    return {
        TEXT: pd.StringDtype("pyarrow"),
        WHOLE: pd.Int64Dtype(),
        TRUTH: pd.BooleanDtype(),
        TIME: pd.DatetimeTZDtype("us", "UTC"),
    }


def _categories(texts: Sequence[str]) -> pd.CategoricalDtype:
    import pandas as pd

    return pd.CategoricalDtype(pd.Index(texts, dtype=_text_dtype()))


_few = functools.lru_cache(maxsize=256)(_categories)
"""The same, made once: pandas looks long whether categories differ, and most columns have the same few."""


def _column(name: str, kind: str) -> _Column:
    return (_Axis if kind == AXIS else _Column)(name, kind)


class _Column:
    """A column in the making, as Arrow arrays."""

    def __init__(self, name: str, kind: str) -> None:
        import pyarrow as pa

        self.name, self.kind = name, kind
        whole = pa.int64()
        # SQLite gives a truth as 0 or 1, PostgreSQL as False or True: Arrow sees which.
        self._type = {
            TEXT: pa.large_string(),
            WHOLE: whole,
            REAL: pa.float64(),
            MONEY: whole,
            TIME: whole,
        }.get(kind)
        self._parts: list[Any] = []

    def add(self, values: Sequence[Any], places: np.ndarray[Any, Any] | None = None) -> None:
        """Take in further values; with `places`, the one at each of them."""
        import pyarrow as pa

        part = pa.array(values, self._type)
        part = part if places is None else part.take(pa.array(places))
        self._parts.append(part.cast(pa.bool_()) if self.kind == TRUTH else part)

    def array(self) -> Any:
        """Return pandas' array of all values."""
        import pyarrow as pa

        all_of_it = pa.chunked_array(self._parts, pa.bool_() if self.kind == TRUTH else self._type)
        self._parts = []
        if self.kind == TEXT:
            all_of_it = pa.chunked_array([all_of_it.combine_chunks()])
        if self.kind == MONEY:
            return all_of_it.cast(pa.float64()).to_numpy() / 1_000_000
        extended = _extended().get(self.kind)
        made = extended.__from_arrow__(all_of_it) if extended is not None else all_of_it.to_numpy()
        # What was one part is still Arrow's own memory, which the frame's owner could not write to.
        return made.copy() if self.kind in (REAL, TIME) and all_of_it.num_chunks == 1 else made


class _Codes(dict[Any, int]):
    """Numbers for texts, as they come; -1 stands for what is not set."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self) - 1  # None was there before
        return number

    def of(self, texts: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Return the numbers of texts."""
        import numpy as np

        return np.fromiter(map(self.__getitem__, texts), dtype=np.int32, count=len(texts))

    def texts(self) -> list[str]:
        """Return all texts by their numbers."""
        return [text for text in self if text is not None]


class _Pack:
    """Columns that come as a JSON text a row."""

    def __init__(self, columns: list[_Column]) -> None:
        self._columns = columns
        self._codes = _Codes({None: -1})
        self._places: list[np.ndarray[Any, Any]] = []

    def add(self, texts: Sequence[str]) -> None:
        """Take in further rows."""
        self._places.append(self._codes.of(texts))
        if len(self._codes) > _PACKED:
            self.settle()

    def settle(self) -> None:
        """Unpack what was taken in, and give it to the columns."""
        import numpy as np

        if self._places:
            places = np.concatenate(self._places)
            rows = map(json.loads, self._codes.texts())
            for column, values in zip(self._columns, zip(*rows, strict=True), strict=True):
                column.add(values, places)
        self._codes, self._places = _Codes({None: -1}), []


class _Axis(_Column):
    """A column of texts that many rows share."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name, kind)
        self._codes = _Codes({None: -1})

    def add(self, values: Sequence[Any], places: np.ndarray[Any, Any] | None = None) -> None:
        """Take in further values; with `places`, the one at each of them."""
        import numpy as np

        codes = self._codes.of(values)
        small = codes.astype(np.int8) if len(self._codes) <= np.iinfo(np.int8).max else codes
        self._parts.append(small if places is None else small[places])

    def array(self) -> Any:
        """Return pandas' array of all values; its categories are those that occur, sorted."""
        import numpy as np
        import pandas as pd

        texts = self._codes.texts()
        ranked = sorted(texts)
        found = np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int8)
        self._parts = []
        if ranked != texts:
            rank = {text: place for place, text in enumerate(ranked)}
            places = [*(rank[text] for text in texts), -1]  # which is where the code -1 points
            found = np.array(places, dtype=np.int32)[found]
        dtype = _few(tuple(ranked)) if len(ranked) <= _FEW else _categories(ranked)
        return pd.Categorical.from_codes(found, dtype=dtype, validate=False)
