"""Rows of the log as frames with fixed dtypes.

Rows become typed Arrow columns a batch at a time, so that only so many are Python objects at once. Text that
many jobs share is kept as codes and a list of what they mean.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from motion_widgets.log.annotations import visible
from motion_widgets.log.columns import AXIS, COLUMNS, MONEY, REAL, TEXT, TIME, TRUTH, WHOLE
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa
    from sqlalchemy import Connection, Select
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.engine import Database

__all__ = ["FrameCache", "read_frame", "read_jobs"]

_BATCH = 2000
"""Rows fetched at once."""


class FrameCache:
    """The frame of all visible jobs as it was last read, for as long as no job changes.

    Parameters
    ----------
    database
        The log's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._frame: pd.DataFrame | None = None
        self._seq = -1

    def frame(self) -> pd.DataFrame:
        """Return the frame as the log is now; what the caller does to it stays with the caller."""
        import pandas as pd

        with self._lock, self._database.read() as connection:
            seq = int(connection.execute(select(func.coalesce(func.max(jobs.c.seq), 0))).scalar_one())
            if self._frame is None or seq != self._seq:
                self._frame, self._seq = read_jobs(connection, [visible]), seq
            # pandas 3 copies a shallow copy's data once either side is written to; before, both would see it.
            return self._frame.copy(deep=int(pd.__version__.partition(".")[0]) < 3)


def read_jobs(
    connection: Connection, where: Sequence[ColumnElement[bool]] = (), names: Iterable[str] = COLUMNS
) -> pd.DataFrame:
    """Return the frame of jobs, oldest first."""
    kinds = {name: COLUMNS[name] for name in names}
    query = select(*(jobs.c[name] for name in kinds)).where(*_found(connection, where)).order_by(jobs.c.id)
    return read_frame(connection, query, kinds)


def read_frame(connection: Connection, query: Select[Any], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return what a query selects as a frame; `kinds` names its columns, with their dtypes in `columns`."""
    import pandas as pd

    parts: dict[str, list[pa.Array]] = {name: [] for name in kinds}
    for rows in connection.execute(query.execution_options(yield_per=_BATCH)).partitions():
        for (name, kind), values in zip(kinds.items(), zip(*rows, strict=True), strict=True):
            parts[name].append(_part(values, kind))
    made = {name: _array(parts.pop(name), kind) for name, kind in kinds.items()}
    return pd.DataFrame(made, copy=False)  # nobody else has them


def _found(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Sequence[ColumnElement[bool]]:
    """Let SQLite find the rows on their own, so that it walks an index that has all it takes to find them."""
    if connection.dialect.name != "sqlite" or all(one is visible for one in where):
        return where
    row: ColumnElement[int] = literal_column("jobs.rowid")
    return [row.in_(select(row).select_from(jobs).where(*where).correlate(None))]


def _part(values: Sequence[Any], kind: str) -> pa.Array:
    """Return values of the database as an Arrow array."""
    import pyarrow as pa

    types = {AXIS: pa.large_string(), TEXT: pa.large_string(), REAL: pa.float64(), TRUTH: pa.bool_()}
    part = pa.array(values, types.get(kind, pa.int64()))
    return part.dictionary_encode() if kind == AXIS else part


def _array(parts: list[pa.Array], kind: str) -> Any:
    """Return pandas' array of all parts."""
    import pandas as pd
    import pyarrow as pa

    whole = pa.chunked_array(parts or [_part([], kind)])
    if kind == AXIS:
        return _categorical(whole.unify_dictionaries().combine_chunks())
    if kind == MONEY:
        return whole.cast(pa.float64()).to_numpy() / 1_000_000
    if kind == REAL:
        return whole.to_numpy().copy()
    dtypes: dict[str, Any] = {
        TEXT: pd.StringDtype("pyarrow"), WHOLE: pd.Int64Dtype(), TRUTH: pd.BooleanDtype(),
        TIME: pd.DatetimeTZDtype("us", "UTC"),
    }  # fmt: skip
    made = dtypes[kind].__from_arrow__(pa.chunked_array([whole.combine_chunks()]))
    return made.copy() if kind == TIME else made  # of Arrow's own memory, which nobody could write to


def _categorical(encoded: pa.DictionaryArray) -> Any:
    """Return a column of texts that many rows share; its categories are those that occur, sorted."""
    import numpy as np
    import pandas as pd

    texts = encoded.dictionary.to_pylist()
    ranked = sorted(texts)
    rank = {text: place for place, text in enumerate(ranked)}
    ranks = np.array([*(rank[text] for text in texts), -1], dtype=np.int32)  # what is not set comes last
    codes = ranks[np.array(encoded.indices.fill_null(len(texts)))]
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(pd.Index(ranked, dtype="str")))
