"""The log's frame as files and back: CSV, Parquet, JSON lines, Excel. Written whole or not at all."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import LogError
from motion_widgets.core.files import whole_file
from motion_widgets.core.messages import say
from motion_widgets.log.columns import AXIS, KINDS, TEXT, TIME, dictionary
from motion_widgets.log.intake import Bound
from motion_widgets.log.recovery import is_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

__all__ = ["from_file", "to_csv", "to_excel", "to_json", "to_parquet"]

# A spreadsheet runs a cell by its first sign, however many blanks come before it, and some do so for every
# line of a cell; the wide signs count in East Asian locales. Each gets an apostrophe before it, and so does
# one that has apostrophes already: what was written can be read back exactly.
_BEFORE = r"(^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])([\s\ufeff\u200b\x00]*)"
_SIGN = r"(?='*[=+\-@\uff1d\uff0b\uff0d\uff20\t])"
_FORMULA, _MADE_HARMLESS = re.compile(_BEFORE + _SIGN), re.compile(_BEFORE + "'" + _SIGN)
_SHEET_ROWS = 1_048_576


def to_csv(frame: pd.DataFrame, path: str | Path, *, excel: bool = False) -> Path:
    """Write a frame as CSV (UTF-8), cells that a spreadsheet would run as a formula made harmless.

    `from_file` undoes that; a text that is empty comes back as not set, for CSV knows no difference.

    Parameters
    ----------
    excel
        Begin with a byte order mark, without which Excel takes Japanese text for something else.
    """
    safe = frame.copy()
    for name in frame.columns:
        if KINDS[name] in (TEXT, AXIS):
            safe[name] = frame[name].map(_harmless, na_action="ignore")
    # RFC 4180's line ends; with others Python leaves a bare \r in a cell unquoted, which splits its row.
    encoding = "utf-8-sig" if excel else "utf-8"
    return _written(
        path_of(path, LogError),
        lambda to: safe.to_csv(to, index=False, encoding=encoding, lineterminator="\r\n"),
    )


def to_parquet(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as Parquet, dtypes kept."""
    return _written(path_of(path, LogError), lambda to: frame.to_parquet(to, index=False))


def to_json(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as JSON lines, one job a line, times in ISO 8601 to the microsecond."""

    def write(to: Path) -> None:
        with to.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(_as_json(frame))

    return _written(path_of(path, LogError), write)


def _as_json(frame: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each job; every number as Python writes it, which is read back exactly."""
    names = list(frame.columns)
    columns = [_plain(frame[name]) for name in names]
    for number, name in enumerate(names):
        if KINDS[name] == TIME:
            columns[number] = [
                None if one is None else f"{one.isoformat(timespec='microseconds')}Z"
                for one in columns[number]
            ]
    for row in zip(*columns, strict=True):
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"


def to_excel(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as an Excel workbook, with the data dictionary on a second sheet.

    Texts are written as texts, so nothing in them runs; a cell holds their first 32,767 characters. Times are
    UTC without saying so, since Excel has no time zones, and it shows them to the ms.

    Raises
    ------
    LogError
        openpyxl is missing, or there are more jobs than a sheet has rows.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise LogError.of("excel_missing") from error
    if len(frame) >= _SHEET_ROWS:
        raise LogError.of("excel_rows", count=len(frame), most=_SHEET_ROWS - 1)
    book = openpyxl.Workbook(write_only=True)
    for name, table in ((say("sheet_jobs"), frame), (say("sheet_columns"), dictionary())):
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_cell(sheet, head) for head in table.columns])
        for row in zip(*(_plain(table[column]) for column in table.columns), strict=True):
            sheet.append([_cell(sheet, value) for value in row])
    return _written(path_of(path, LogError), book.save)


_MOST_COLUMNS = 1000
"""A log has some 100."""
_BATCH = 10_000
"""Rows of Parquet at once."""
_LONGEST_LINE = 10_000_000
"""Bytes of a line that is read."""


def from_file(path: str | Path) -> pd.DataFrame:
    """Read back what `to_csv`, `to_parquet` or `to_json` wrote, as `LogView.import_frame` takes it.

    Raises
    ------
    LogError
        It ends in none of ``.csv``, ``.parquet``, ``.jsonl`` and ``.json``, or cannot be read.
    """
    import pandas as pd

    source = path_of(path, LogError)
    kind = source.suffix.lower()
    try:
        if kind == ".csv":
            bound = Bound(source.name)
            sign = _separator(source)
            lines = (line.decode("utf-8-sig") for line in _lines(source))
            for row in csv.reader(lines, delimiter=sign):  # any row may be the widest
                _require_columns(source, len(row))
                bound.take(len(row), sum(map(len, row)))
            # As text, so that "NA" stays a text and an error code of 404 does not become 404.0.
            frame = pd.read_csv(
                source, sep=sign, dtype=str, keep_default_na=False, na_values="", encoding="utf-8-sig"
            )
            for name in frame.columns:
                if KINDS.get(name) in (TEXT, AXIS):
                    frame[name] = frame[name].map(_as_it_was, na_action="ignore")
            return frame
        if kind == ".parquet":
            return _parquet(source)
        if kind in (".jsonl", ".json"):
            # A log without jobs is a file without lines.
            return pd.DataFrame(_json_lines(source) or {name: [] for name in KINDS})
    except (OSError, ValueError, TypeError, RecursionError, csv.Error) as error:
        reason = str(getattr(error, "strerror", None) or error)[:200]
        raise LogError.of("import_kind", name=source.name, reason=reason) from error
    raise LogError.of("export_kind", name=source.name, known=".csv, .parquet, .jsonl, .json")


def _require_columns(source: Path, count: int) -> None:
    """Raise LogError if a file has far more columns than a log: pandas takes gigabytes for them."""
    if count > _MOST_COLUMNS:
        raise LogError.of("import_wide", name=source.name, most=_MOST_COLUMNS)


def _separator(source: Path) -> str:
    """Return what is between the cells of a CSV file: Excel writes semicolons where decimals have commas."""
    head = next(_lines(source), b"").decode("utf-8-sig")
    return max(",;\t", key=lambda sign: len(KINDS.keys() & set(next(csv.reader([head], delimiter=sign), []))))


def _lines(source: Path) -> Iterator[bytes]:
    """Yield a file's lines, each of a bounded length."""
    with source.open("rb") as file:
        while line := file.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"> {_LONGEST_LINE:,} B")
            yield line


def _json_lines(source: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    names: set[str] = set()
    bound = Bound(source.name)
    for line in _lines(source):
        if line.strip():
            rows.append(dict(json.loads(line)))
            names.update(rows[-1])
            bound.take(len(rows[-1]), len(line))
            _require_columns(source, len(names))
    return rows


def _parquet(source: Path) -> pd.DataFrame:
    """Read a file batch by batch: a text that all rows share is stored once, however many they are."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.parquet import ParquetFile, read_schema

    schema = read_schema(source)
    _require_columns(source, len(schema.names))
    known = [one for one in schema if one.name in KINDS and not pa.types.is_nested(one.type)]
    texts = [one.name for one in known if _is_text(one.type)]
    bound = Bound(source.name)
    batches = []
    with ParquetFile(source, read_dictionary=texts) as file:
        for batch in file.iter_batches(_BATCH, columns=[one.name for one in known]):
            bound.take(batch.num_columns * batch.num_rows, 0)
            for column in batch.columns:
                if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
                    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
                    bound.take(0, pc.sum(lengths.take(column.indices)).as_py() or 0)
            batches.append(batch)
        table = pa.Table.from_batches(batches, batches[0].schema) if batches else file.read()
    made: pd.DataFrame = table.to_pandas()
    return made


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return any(one(kind) for one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _plain(series: pd.Series[Any]) -> list[Any]:
    """Return a column's values as Python's own, times in UTC without a zone; what is not set is None."""
    import pandas as pd

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    values = series.astype(object)
    return [None if nothing else value for nothing, value in zip(series.isna(), values.tolist(), strict=True)]


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if not isinstance(value, str):
        return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"  # whatever it begins with
    return cell


def _harmless(text: str) -> str:
    return _FORMULA.sub(r"\1\2'", text)


def _as_it_was(text: str) -> str:
    return _MADE_HARMLESS.sub(r"\1\2", text)


def _written(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file whole or not at all, and never over a database."""
    if is_database(path):
        raise LogError.of("export_over", name=str(path))
    try:
        with whole_file(path) as partial:
            write(partial)
    except OSError as error:
        raise LogError.of("export_failed", name=str(path), reason=error.strerror or str(error)) from error
    return path
