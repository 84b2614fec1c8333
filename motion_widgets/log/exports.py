"""The log's frame as files and back: CSV, Parquet, JSON lines, Excel. Written whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError
from motion_widgets.core.files import whole_file
from motion_widgets.core.messages import say
from motion_widgets.log.columns import AXIS, COLUMNS, TEXT, dictionary
from motion_widgets.log.recovery import is_database

if TYPE_CHECKING:
    from collections.abc import Callable

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
        if COLUMNS[name] in (TEXT, AXIS):
            safe[name] = frame[name].map(_harmless, na_action="ignore")
    # RFC 4180's line ends; with others Python leaves a bare \r in a cell unquoted, which splits its row.
    encoding = "utf-8-sig" if excel else "utf-8"
    return _written(
        Path(path), lambda to: safe.to_csv(to, index=False, encoding=encoding, lineterminator="\r\n")
    )


def to_parquet(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as Parquet, dtypes kept."""
    return _written(Path(path), lambda to: frame.to_parquet(to, index=False))


def to_json(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a frame as JSON lines, one job a line, times in ISO 8601 to the microsecond."""
    return _written(
        Path(path),
        lambda to: frame.to_json(
            to, orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15,
            force_ascii=False,
        ),
    )  # fmt: skip


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
    return _written(Path(path), book.save)


def from_file(path: str | Path) -> pd.DataFrame:
    """Read back what `to_csv`, `to_parquet` or `to_json` wrote, as `LogView.import_frame` takes it.

    Raises
    ------
    LogError
        It ends in none of ``.csv``, ``.parquet``, ``.jsonl`` and ``.json``, or cannot be read.
    """
    import pandas as pd

    source = Path(path).expanduser()
    kind = source.suffix.lower()
    try:
        if kind == ".csv":
            # As text, so that "NA" stays a text and an error code of 404 does not become 404.0.
            frame = pd.read_csv(source, dtype=str, keep_default_na=False, na_values="", encoding="utf-8-sig")
            for name in frame.columns:
                if COLUMNS.get(name) in (TEXT, AXIS):
                    frame[name] = frame[name].map(_as_it_was, na_action="ignore")
            return frame
        if kind == ".parquet":
            return pd.read_parquet(source)
        if kind in (".jsonl", ".json"):
            return pd.read_json(source, lines=True, dtype=False, convert_dates=False)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)[:200]
        raise LogError.of("import_kind", name=source.name, reason=reason) from error
    raise LogError.of("export_kind", name=source.name, known=".csv, .parquet, .jsonl, .json")


def _plain(series: pd.Series[Any]) -> list[Any]:
    """Return a column's values as a workbook takes them; what is not set is None."""
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
