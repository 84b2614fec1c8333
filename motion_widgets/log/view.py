"""The log as its user sees it: pandas frames, summaries and files.

A frame has fixed dtypes (`columns`), the same for an empty log. Jobs that somebody put out of sight are left
out unless they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from motion_widgets.log import exports
from motion_widgets.log.annotations import last_said, visible
from motion_widgets.log.billing import outside_estimate
from motion_widgets.log.columns import AXIS, COLUMNS, MONEY, TEXT, TIME, TRUTH, WHOLE, dictionary
from motion_widgets.log.event_notes import event_words
from motion_widgets.log.filters import conditions, known
from motion_widgets.log.frame_reader import FrameCache, read_frame, read_jobs
from motion_widgets.log.html_table import FrameTable
from motion_widgets.log.imports import insert_frame
from motion_widgets.log.schema import budgets, events, jobs, notes, ratings, tags
from motion_widgets.log.summaries import RATED, cross, describe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.filters import Where
    from motion_widgets.log.store import Log
    from motion_widgets.log.summaries import Description

__all__ = ["COLUMNS", "LogView"]

_EVENTS = {"job_id": TEXT, "at": TIME, "from_state": AXIS, "to_state": AXIS, "note": TEXT}
_BUDGETS = {
    "person": AXIS, "endpoint": AXIS, "account": AXIS, "limit": MONEY, "used": MONEY, "since": TIME,
}  # fmt: skip
_TAGS = {"job_id": TEXT, "tag": AXIS, "created": TIME, "created_by": AXIS}
_NOTES = {"job_id": TEXT, "created": TIME, "created_by": AXIS, "text": TEXT}
_RATINGS = {"job_id": TEXT, "created": TIME, "created_by": AXIS, "usable": TRUTH, "stars": WHOLE}


class LogView:
    """The log as its user sees it: ``ws.log``.

    `where` filters in the database. It is a mapping of columns to a value, None (not set), a list of values
    or a pair ``(from, to)``, such as ``{"mode": "pro", "cost": (0.1, None), "state": ["failed", "unknown"]}``
    (in USD and UTC), and of ``"tags"`` to a tag or a list of tags; or SQLAlchemy conditions on `tables.jobs`;
    or a list of both. `deleted` also gives the jobs that somebody put out of sight.

    Parameters
    ----------
    log
        Where the rows are.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._cache = FrameCache(log.database)

    @property
    def name(self) -> str:
        """The log's address, without any password."""
        return self._log.name

    def __len__(self) -> int:
        return self._log.jobs.count(visible)

    def __repr__(self) -> str:
        return f"<experiment log: {len(self)} jobs in {self.name}>"

    # Frames.

    def frame(
        self, where: Where = None, *, columns: Sequence[str] | None = None, deleted: bool = False
    ) -> pd.DataFrame:
        """Return one row per job, oldest first.

        The frame of everything is kept, and read again only after a change.

        Parameters
        ----------
        where
            Which jobs. None: all.
        columns
            Names of `COLUMNS`, in the order wanted. None: all.
        deleted
            Also give jobs that were put out of sight.

        Raises
        ------
        LogError
            A name that is no column, or a value that a column cannot hold.

        Examples
        --------
        >>> ws.log.frame({"id": job.id}, columns=["state", "mode", "cost"])
               state mode     cost
        0  collected  std  0.34272
        """
        names = list(COLUMNS) if columns is None else known(columns)
        if where is None and columns is None and not deleted:
            return self._cache.frame()
        with self._log.database.read() as connection:
            return read_jobs(connection, _wanted(where, deleted=deleted), names)

    def events(self, where: Where = None, *, deleted: bool = False) -> pd.DataFrame:
        """Return the jobs' transitions, oldest first: job_id, at (UTC), from_state, to_state, note."""
        mine = select(jobs.c.id).where(*_wanted(where, deleted=deleted))
        query = select(*(events.c[name] for name in _EVENTS))
        with self._log.database.read() as connection:
            frame = read_frame(
                connection, query.where(events.c.job_id.in_(mine)).order_by(events.c.id), _EVENTS
            )
        frame["note"] = frame["note"].map(event_words, na_action="ignore").astype(frame["note"].dtype)
        return frame

    def ratings(self, where: Where = None, *, deleted: bool = False) -> pd.DataFrame:
        """Return what each person said last of each job: job_id, created (UTC), created_by, usable, stars."""
        mine = select(jobs.c.id).where(*_wanted(where, deleted=deleted))
        said = last_said(ratings, None, ratings.c.created_by).subquery()
        query = select(*(said.c[name] for name in _RATINGS)).where(said.c.job_id.in_(mine))
        with self._log.database.read() as connection:
            return read_frame(connection, query.order_by(said.c.job_id, said.c.created_by), _RATINGS)

    def tags(self, where: Where = None, *, deleted: bool = False) -> pd.DataFrame:
        """Return the tags of jobs, a row each: job_id, tag, created (UTC), created_by."""
        mine = select(jobs.c.id).where(*_wanted(where, deleted=deleted))
        query = select(*(tags.c[name] for name in _TAGS)).where(tags.c.job_id.in_(mine))
        with self._log.database.read() as connection:
            return read_frame(connection, query.order_by(tags.c.job_id, tags.c.tag), _TAGS)

    def notes(self, where: Where = None, *, deleted: bool = False) -> pd.DataFrame:
        """Return the note of each job that has one: job_id, created (UTC), created_by, text."""
        mine = select(jobs.c.id).where(*_wanted(where, deleted=deleted))
        said = last_said(notes, None).subquery()
        query = select(*(said.c[name] for name in _NOTES)).where(said.c.job_id.in_(mine), said.c.text != "")
        with self._log.database.read() as connection:
            return read_frame(connection, query.order_by(said.c.job_id), _NOTES)

    def budgets(self) -> pd.DataFrame:
        """Return what people may spend: person, endpoint, account, limit, used, left (USD), since (UTC).

        A limit or a time that is not set: none, everything counts.
        """
        named = [budgets.c.limit_micro.label("limit"), budgets.c.used_micro.label("used"), budgets.c.since]
        query = select(budgets.c.person, budgets.c.endpoint, budgets.c.account, *named)
        query = query.where(budgets.c.person.is_not(None)).order_by(budgets.c.person, budgets.c.id)
        with self._log.database.read() as connection:
            frame = read_frame(connection, query, _BUDGETS)
        frame.insert(5, "left", (frame["limit"] - frame["used"]).clip(lower=0.0))
        return frame

    dictionary = staticmethod(dictionary)

    def outside(self) -> pd.DataFrame:
        """Return the frame of the jobs whose result was billed at less or more than its estimate.

        Those that were put out of sight are among them: they were paid for.
        """
        return self.frame(outside_estimate(), deleted=True)

    # Summaries.

    def describe(self, where: Where = None, *, deleted: bool = False) -> Description:
        """Return jobs with what they all share pulled out, so that only what varies is a column."""
        return describe(self.frame(where, deleted=deleted))

    def show(
        self, where: Where = None, *, columns: Sequence[str] | None = None, deleted: bool = False
    ) -> FrameTable:
        """Show jobs in a notebook: costs with bars, states in words."""
        return FrameTable(self.frame(where, columns=columns, deleted=deleted))

    def pivot(
        self,
        *,
        index: str | Sequence[str],
        columns: str | Sequence[str],
        values: str = "cost",
        aggfunc: str | Sequence[str] = "mean",
        where: Where = None,
    ) -> pd.DataFrame:
        """Cross axes of the log: one cell per combination, `aggfunc` over the jobs in it.

        Parameters
        ----------
        index, columns
            Columns of `frame`; a text that is not set counts as ``""``.
        values
            A numeric column of `frame` (any, to count); jobs without a value are left out.
        aggfunc
            ``"mean"``, ``"sum"``, ``"count"``, ``"median"``, ``"min"``, ``"max"``; ``"low"`` and ``"high"``,
            the 95 % interval of the mean (Student's t); ``"usable"``, the rate of usable among the rated
            jobs, with its 95 % interval ``"usable_low"`` and ``"usable_high"`` (Wilson); ``"cost_per_kept"``,
            the bills of all jobs in USD by the number of usable ones. Several give a table beside the other.
        where
            Which jobs. None: all.

        Raises
        ------
        LogError
            A name that the frame does not have, a text to be added up, or another `aggfunc`.

        Examples
        --------
        >>> ws.log.pivot(index="mode", columns="state", where={"sweep_id": run.id})
        state  collected
        mode
        pro      0.54864
        std      0.34272
        """
        asked = [aggfunc] if isinstance(aggfunc, str) else aggfunc
        rated = isinstance(asked, list | tuple) and bool(RATED.keys() & set(asked))
        said = self._log.annotations.of() if rated else {}
        return cross(
            self.frame(where), {job_id: one.usable for job_id, one in said.items()},
            index=index, columns=columns, values=values, aggfunc=aggfunc,
        )  # fmt: skip

    # Files.

    def to_csv(
        self, path: str | Path, *, excel: bool = False, where: Where = None, deleted: bool = False
    ) -> Path:
        """Write the frame as CSV (UTF-8), cells that a spreadsheet would run as a formula made harmless.

        `excel`: so that Excel opens it with Japanese text right.

        >>> ws.log.to_csv("jobs.csv").name
        'jobs.csv'
        """
        return exports.to_csv(self.frame(where, deleted=deleted), path, excel=excel)

    def to_parquet(self, path: str | Path, *, where: Where = None, deleted: bool = False) -> Path:
        """Write the frame as Parquet, dtypes kept.

        >>> ws.log.to_parquet("jobs.parquet").name
        'jobs.parquet'
        """
        return exports.to_parquet(self.frame(where, deleted=deleted), path)

    def to_json(self, path: str | Path, *, where: Where = None, deleted: bool = False) -> Path:
        """Write the frame as JSON lines, one job a line, times in ISO 8601 to the microsecond.

        >>> ws.log.to_json("jobs.jsonl").name
        'jobs.jsonl'
        """
        return exports.to_json(self.frame(where, deleted=deleted), path)

    def to_excel(self, path: str | Path, *, where: Where = None, deleted: bool = False) -> Path:
        """Write the frame as an Excel workbook, with the data dictionary beside it.

        Raises
        ------
        LogError
            openpyxl is missing, or there are more jobs than a sheet has rows.
        """
        return exports.to_excel(self.frame(where, deleted=deleted), path)

    def import_file(self, path: str | Path) -> int:
        """Take over the jobs of what `to_csv`, `to_parquet` or `to_json` wrote, as `import_frame` does."""
        return self.import_frame(exports.from_file(path))

    def import_frame(self, frame: pd.DataFrame) -> int:
        """Take over the jobs of another log's frame; return how many were new. Other columns do not matter.

        Jobs that are here already, by id or as the same attempt, stay as they are. One that was on its way
        there is ``unknown`` here: nobody follows it.

        Raises
        ------
        LogError
            The frame lacks a column that a job cannot be without, or a value is of another kind.

        Examples
        --------
        >>> ws.log.import_frame(ws.log.frame())
        0
        """
        return insert_frame(self._log, frame)


def _wanted(where: Where, *, deleted: bool) -> list[ColumnElement[bool]]:
    # What was asked for comes first: few rows are left then, and that column is the last of a row.
    return conditions(where) if deleted else [*conditions(where), visible]
