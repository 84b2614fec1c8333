"""Rows of the log as frames with fixed dtypes.

Rows become typed Arrow columns a batch at a time, so that only so many are Python objects at once. Text that
many jobs share is kept as codes and a list of what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import literal_column, select
from sqlalchemy.exc import OperationalError

from motion_widgets.core.forks import new_lock
from motion_widgets.log.annotations import Annotation, visible
from motion_widgets.log.column_rules import Rule, text, unreadable_words
from motion_widgets.log.columns import (
    AXIS,
    COLUMNS,
    HIDDEN,
    KINDS,
    MONEY,
    REAL,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
)  # fmt: skip
from motion_widgets.log.schema import as_stored, jobs, rule_in
from motion_widgets.log.transitions import last_seq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa
    from sqlalchemy import Connection, Select
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.engine import Database

__all__ = ["FrameCache", "annotated", "read_frame", "read_jobs"]

_BATCH = 2000
"""Rows fetched at once."""
_NONE = type(None)
_STORED: Mapping[str, set[type]] = {
    AXIS: {str, _NONE}, TEXT: {str, _NONE}, REAL: {float, int, _NONE}, TRUTH: {bool, int, _NONE},
    WHOLE: {int, _NONE}, MONEY: {int, _NONE}, TIME: {int, _NONE},
}  # fmt: skip
"""By kind, the types of what a driver returns for it."""
_TRUTHS = {None: None, 0: False, 1: True}
"""SQLite has numbers for it."""


class FrameCache:
    """All jobs as they were last read, for as long as no job changes.

    They are kept as Arrow's columns, which nobody can write to: each frame is made anew of them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = new_lock()
        self._columns: dict[str, pa.ChunkedArray] = {}
        self._seq: int | None = None  # a row of others may have any number

    def frame(self, *, hidden: bool = False) -> pd.DataFrame:
        """Return the frame as the log is now; `hidden`: also of jobs that somebody hid, and it says so."""
        kinds = {**COLUMNS, HIDDEN: KINDS[HIDDEN]}
        with self._lock, self._database.read() as connection:
            seq = last_seq(connection)
            if seq != self._seq:
                self._columns, self._seq = _read(connection, _jobs(kinds), kinds), seq
            columns = self._columns
        if hidden:
            return _frame(columns, kinds)
        gone = columns[HIDDEN]
        if any(chunk.true_count for chunk in gone.chunks):
            import pyarrow.compute as pc

            seen = pc.invert(gone)
            columns = {name: column.filter(seen) for name, column in columns.items()}
        return _frame(columns, COLUMNS)


def read_jobs(
    connection: Connection, where: Sequence[ColumnElement[bool]] = (), names: Iterable[str] = COLUMNS
) -> pd.DataFrame:
    """Return the frame of jobs, oldest first."""
    kinds = {name: KINDS[name] for name in names}
    return read_frame(connection, _jobs(kinds).where(*_found(connection, where)), kinds)


def read_frame(connection: Connection, query: Select[Any], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return what a query selects as a frame; `kinds` names its columns, with their dtypes in `columns`."""
    return _frame(_read(connection, query, kinds), kinds)


def _jobs(names: Iterable[str]) -> Select[Any]:
    """Select columns of all jobs, oldest first; whether one is hidden stands there as when it was hidden."""
    return select(*(jobs.c["deleted" if name == HIDDEN else name] for name in names)).order_by(jobs.c.id)


def _read(connection: Connection, query: Select[Any], kinds: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    """Return what a query selects as Arrow's columns."""
    import pyarrow as pa

    kinds = {name: TIME if name == HIDDEN else kind for name, kind in kinds.items()}
    rules = {name: rule_in(column) for name, column in zip(kinds, query.selected_columns, strict=True)}
    stored = query.with_only_columns(*map(as_stored, query.selected_columns), maintain_column_froms=True)
    try:
        parts = _parts(connection, stored, kinds, rules, lenient=False)
    except OperationalError:  # a text that is none
        parts = _parts(connection, stored, kinds, rules, lenient=True)
    if HIDDEN in parts:
        parts[HIDDEN] = [part.is_valid() for part in parts[HIDDEN]] or [_part([], TRUTH)]
    return {
        name: pa.chunked_array(parts.pop(name) or [_part([], kind)]).unify_dictionaries()
        for name, kind in kinds.items()
    }


def _frame(columns: Mapping[str, pa.ChunkedArray], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return Arrow's columns as a frame, which shares nothing with them that could be written to."""
    import pandas as pd

    whole = {name: _array(columns[name], kind) for name, kind in kinds.items()}
    return pd.DataFrame(whole, copy=False)  # nobody else has them


def _parts(
    connection: Connection, stored: Select[Any], kinds: Mapping[str, str], rules: Mapping[str, Rule], *,
    lenient: bool,
) -> dict[str, list[pa.Array]]:  # fmt: skip
    """Return by column what is stored, a batch an array; `lenient`: of a text that is none what is one."""
    driver: Any = connection.connection.dbapi_connection
    reads_text = getattr(driver, "text_factory", None)  # of SQLite's alone, which looks at no text itself
    parts: dict[str, list[pa.Array]] = {name: [] for name in kinds}
    if reads_text is not None and not lenient:
        driver.text_factory = str  # in half the time
    try:
        for rows in connection.execute(stored.execution_options(yield_per=_BATCH)).partitions():
            made = _fitting(dict(zip(kinds, zip(*rows, strict=True), strict=True)), kinds, rules)
            for name in kinds:
                parts[name].append(made[name])
    finally:
        if reads_text is not None:
            driver.text_factory = reads_text
    return parts


def _fitting(
    columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], rules: Mapping[str, Rule]
) -> dict[str, pa.Array]:
    """Return columns as Arrow arrays; values that do not fit are not set, and their rows say so."""
    made: dict[str, pa.Array] = {}
    unfit: dict[int, list[str]] = {}
    for name, values in columns.items():
        part = _judged_together(values, kinds[name], rules[name])
        if part is None:
            for place, value in enumerate(values):
                if not rules[name].fits(value):
                    unfit.setdefault(place, []).append(name)
            part = _part(list(map(rules[name].clean, values)), kinds[name])
        made[name] = part
    if unfit and "error_message" in columns:
        told = list(map(rules["error_message"].clean, columns["error_message"]))
        for place, names in unfit.items():
            told[place] = unreadable_words(names, told[place])
        made["error_message"] = _part(told, kinds["error_message"])
    return made


def _judged_together(values: Sequence[Any], kind: str, rule: Rule) -> pa.Array | None:
    """Return values as an Arrow array if all fit. None: they have to be looked at one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not set(map(type, values)) <= _STORED[kind] or (rule.needed and None in values):
        return None
    if kind == TRUTH and not set(values) <= _TRUTHS.keys():
        return None
    try:
        part = _part(values, kind)
    except (pa.ArrowInvalid, UnicodeError):
        return None
    if kind in (AXIS, TEXT):
        # Of text that many rows share each is judged once; of any text there is nothing to judge.
        return part if rule.read is text or all(map(rule.fits, set(values))) else None
    ends = pc.min_max(part)
    return part if rule.fits(ends["min"].as_py()) and rule.fits(ends["max"].as_py()) else None


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
    if kind == TRUTH:
        values = list(map(_TRUTHS.get, values))
    part = pa.array(values, types.get(kind, pa.int64()))
    return part.dictionary_encode() if kind == AXIS else part


def _array(whole: pa.ChunkedArray, kind: str) -> Any:
    """Return pandas' array of a column."""
    import pandas as pd
    import pyarrow as pa

    if kind == AXIS:
        # pyarrow 16 cannot make one array of no parts where texts are encoded.
        return _categorical(whole.combine_chunks() if whole.num_chunks else _part((), AXIS))
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
    places = np.array(encoded.indices.fill_null(len(texts)), dtype=np.int64)
    occur = np.bincount(places, minlength=len(texts) + 1)[: len(texts)] > 0
    ranked = sorted(text for text, there in zip(texts, occur, strict=True) if there)
    rank = {text: place for place, text in enumerate(ranked)}
    ranks = np.array([*(rank.get(text, -1) for text in texts), -1], dtype=np.int32)  # -1: not set
    codes = ranks[places]
    categories = pd.Index(ranked, dtype="str")
    if not ranked and categories.dtype == object:  # pandas 2: of no objects, Parquet keeps no kind
        categories = categories.astype(TEXT)
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories))


_NOBODY = Annotation()


def annotated(frame: pd.DataFrame, said: Mapping[str, Annotation], names: Iterable[str]) -> pd.DataFrame:
    """Return a frame that has ``id`` with some of `ANNOTATIONS` added: what all people say together."""
    import pandas as pd

    mine = [said.get(job_id, _NOBODY) for job_id in frame["id"]]
    values = {
        "stars": [one.stars for one in mine],
        "usable": [one.usable for one in mine],
        "tags": [", ".join(one.tags) or None for one in mine],
        "note": [one.note or None for one in mine],
    }
    made = {}
    for name in names:
        dtype = "string[pyarrow]" if KINDS[name] == TEXT else KINDS[name]
        made[name] = pd.Series(values[name], dtype=dtype, index=frame.index)
    return frame.assign(**made)
