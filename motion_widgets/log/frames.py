"""The log as pandas frames, and as files.

`frame` has fixed dtypes, the same for an empty log: text as ``string``, whole numbers as ``Int64``, USD
and seconds as ``float64``, times as ``datetime64[us, UTC]``.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from motion_widgets.errors import LogError
from motion_widgets.log.bills import was_outside
from motion_widgets.log.imports import put_frame
from motion_widgets.log.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.store import Log

__all__ = ["COLUMNS", "LogView"]

_TEXT, _WHOLE, _REAL, _TRUTH, _MONEY, _TIME = (
    "string",
    "Int64",
    "float64",
    "boolean",
    "usd",
    "datetime64[us, UTC]",
)

COLUMNS: dict[str, str] = {
    **dict.fromkeys(("id", "state", "task_id", "sweep_id", "endpoint", "account"), _TEXT),
    "sandbox": _TRUTH,
    **dict.fromkeys(
        (
            "created_by", "model", "image_url", "video_url", "character_orientation", "mode", "prompt",
            "keep_original_sound", "watermark_info", "webhook", "key",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("repeat", "attempt"), _WHOLE),
    **dict.fromkeys(("image_name", "image_sha", "clip_name", "clip_sha"), _TEXT),
    **dict.fromkeys(("clip_length", "clip_moviepy_length"), _REAL),
    **dict.fromkeys(("clip_width", "clip_height"), _WHOLE),
    "clip_fps": _REAL,
    "clip_size": _WHOLE,
    "clip_has_audio": _TRUTH,
    **dict.fromkeys(("image_width", "image_height", "image_size"), _WHOLE),
    "image_format": _TEXT,
    **dict.fromkeys(("estimate_low", "estimate_high", "cost"), _MONEY),
    **dict.fromkeys(("created", "submitted", "completed", "collected"), _TIME),
    **dict.fromkeys(("result_path", "error_kind", "error_code", "error_message"), _TEXT),
}  # fmt: skip
"""Every column of `frame`, in order, with its dtype (money: float64, in USD)."""

_NUMBERS = (_WHOLE, _REAL, _MONEY)
_SUMMARIES = ("mean", "sum", "count", "median", "min", "max")

# A spreadsheet runs a cell by its first sign, however many blanks come before it, and some do so for every
# line of a cell; the wide signs count in East Asian locales.
_FORMULA = re.compile(
    r"(^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])([\s\ufeff\u200b\x00]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t])"
)


class LogView:
    """The log as its user sees it: ``ws.log``.

    Parameters
    ----------
    log
        Where the rows are.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    @property
    def name(self) -> str:
        """The log's address, without any password."""
        return self._log.name

    def __len__(self) -> int:
        return self._log.count()

    def __repr__(self) -> str:
        return f"<experiment log: {len(self)} jobs in {self.name}>"

    def frame(self, *where: ColumnElement[bool]) -> pd.DataFrame:
        """Give one row per job, oldest first, with the columns and dtypes of `COLUMNS`."""
        columns = [jobs.c[name] for name in COLUMNS]
        with self._log.read() as connection:
            rows = connection.execute(select(*columns).where(*where).order_by(jobs.c.id)).all()
        return _typed(list(zip(*rows, strict=True)) if rows else [() for _ in COLUMNS])

    def outside(self) -> pd.DataFrame:
        """Give the frame of the jobs whose result was billed at less or more than its estimate."""
        return self.frame(was_outside())

    def pivot(
        self,
        *,
        index: str | Sequence[str],
        columns: str | Sequence[str],
        values: str = "cost",
        aggfunc: str = "mean",
    ) -> pd.DataFrame:
        """Cross two axes of the log: one cell per combination, `aggfunc` over the jobs in it.

        Parameters
        ----------
        index, columns
            Columns of `frame`; a text that is not set counts as ``""``.
        values
            A numeric column of `frame` (any, to count); jobs without a value are left out.
        aggfunc
            ``"mean"``, ``"sum"``, ``"count"``, ``"median"``, ``"min"`` or ``"max"``.

        Raises
        ------
        LogError
            A name that the frame does not have, a text to be added up, or another `aggfunc`.
        """
        names = [index] if isinstance(index, str) else list(index)
        heads = [columns] if isinstance(columns, str) else list(columns)
        for name in (*names, *heads, values):
            if name not in COLUMNS:
                raise LogError.of("no_such_column", found=name, known=", ".join(COLUMNS))
        if aggfunc not in _SUMMARIES:
            raise LogError.of("no_such_summary", found=aggfunc, known=", ".join(_SUMMARIES))
        if aggfunc != "count" and COLUMNS[values] not in _NUMBERS:
            raise LogError.of("not_a_number", found=values)
        frame = self.frame()
        frame = frame[frame[values].notna()]
        frame = frame.assign(
            **{name: frame[name].fillna("") for name in (*names, *heads) if COLUMNS[name] == _TEXT}
        )
        table: pd.DataFrame = frame.pivot_table(
            index=names if len(names) > 1 else names[0],
            columns=heads if len(heads) > 1 else heads[0],
            values=values,
            aggfunc=aggfunc,  # type: ignore[arg-type]
            observed=True,
        )
        return table

    def to_csv(self, path: str | Path) -> Path:
        """Write the frame as CSV (UTF-8), cells that a spreadsheet would run as a formula made harmless."""
        frame = self.frame()
        for name, kind in COLUMNS.items():
            if kind == _TEXT:
                frame[name] = frame[name].map(_harmless, na_action="ignore")
        # RFC 4180's line ends; with others Python leaves a bare \r in a cell unquoted, which splits its row.
        return _written(
            Path(path), lambda to: frame.to_csv(to, index=False, encoding="utf-8", lineterminator="\r\n")
        )

    def to_parquet(self, path: str | Path) -> Path:
        """Write the frame as Parquet, dtypes kept."""
        frame = self.frame()
        return _written(Path(path), lambda to: frame.to_parquet(to, index=False))

    def to_json(self, path: str | Path) -> Path:
        """Write the frame as JSON lines, one job a line, times in ISO 8601 to the microsecond."""
        frame = self.frame()
        return _written(
            Path(path),
            lambda to: frame.to_json(
                to, orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15,
                force_ascii=False,
            ),
        )  # fmt: skip

    def import_frame(self, frame: pd.DataFrame) -> int:
        """Take over the jobs of another log's frame or export; give how many were new.

        Jobs that are here already, by id or as the same attempt, stay as they are. One that was on its way
        there is ``unknown`` here: nobody follows it.

        Raises
        ------
        LogError
            The frame lacks a column that a job cannot be without.
        """
        return put_frame(self._log, frame, money=[one for one, kind in COLUMNS.items() if kind == _MONEY])


def _harmless(text: str) -> str:
    return _FORMULA.sub(r"\1\2'", text)


def _typed(columns: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Make the frame of raw columns; the dtype never depends on what is in them."""
    import numpy as np
    import pandas as pd

    made: dict[str, Any] = {}
    for (name, kind), values in zip(COLUMNS.items(), columns, strict=True):
        if kind == _MONEY:
            made[name] = pd.Series(values, dtype="float64") / 1_000_000
        elif kind == _TIME:
            never = np.datetime64("NaT").astype("int64")
            exact = np.array([never if value is None else value for value in values], dtype="int64")
            made[name] = pd.Series(exact.view("datetime64[us]")).dt.tz_localize("UTC")
        else:
            made[name] = pd.Series(list(values), dtype=kind)
    return pd.DataFrame(made)


def _written(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            write(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise LogError.of("export_failed", name=str(path), reason=error.strerror or str(error)) from error
    return path
