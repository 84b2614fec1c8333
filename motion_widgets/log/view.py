"""The log as its user sees it: pandas frames, summaries and files.

A frame has fixed dtypes (`columns`), the same for an empty log. It leaves out what somebody hid unless that
is asked for; sums, means, rates and files do not, since hiding is for the eye.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from motion_widgets.core.messages import say
from motion_widgets.log import exports
from motion_widgets.log.annotations import last_said, visible
from motion_widgets.log.axes import MEDIA, media_labels
from motion_widgets.log.billing import outside_estimate
from motion_widgets.log.columns import (
    ANNOTATIONS,
    AXIS,
    COLUMNS,
    HIDDEN,
    MONEY,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    dictionary,
)  # fmt: skip
from motion_widgets.log.description import FrameTable, describe
from motion_widgets.log.filters import conditions, known, mentions
from motion_widgets.log.frame_reader import FrameCache, annotated, read_frame, read_jobs
from motion_widgets.log.imports import insert_frame
from motion_widgets.log.schema import budgets, events, jobs, notes, ratings, tags
from motion_widgets.log.summaries import cross
from motion_widgets.log.transitions import event_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd
    from sqlalchemy import FromClause
    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.description import Description
    from motion_widgets.log.filters import Where
    from motion_widgets.log.store import Log

__all__ = ["COLUMNS", "LogView"]

_EVENTS = {"job_id": TEXT, "at": TIME, "from_state": AXIS, "to_state": AXIS, "note": TEXT}
_BUDGETS = {
    "person": TEXT, "endpoint": TEXT, "account": TEXT, "limit": MONEY, "used": MONEY, "since": TIME,
}  # fmt: skip
_TAGS = {"job_id": TEXT, "tag": TEXT, "tagged": TIME, "tagged_by": TEXT}
_NOTES = {"job_id": TEXT, "noted": TIME, "noted_by": TEXT, "note": TEXT}
_STORED_AS = {
    "tagged": "created", "tagged_by": "created_by", "noted": "created", "noted_by": "created_by",
    "note": "text", "rated": "created", "rated_by": "created_by",
}  # fmt: skip
_PLACES = ("sandbox", "endpoint")
"""Columns that tell rehearsals from live jobs."""
_RATINGS = {"job_id": TEXT, "rated": TIME, "rated_by": TEXT, "usable": TRUTH, "stars": WHOLE}


class LogView:
    """The log as its user sees it: ``ws.log``.

    `where` filters in the database. It is a mapping of columns to a value, None (not set), a list of values
    or a range, such as ``{"mode": "pro", "cost": mw.between(0.1), "state": ["failed", "unknown"]}`` (in USD
    and UTC; a date is its whole day), and of ``"tags"`` to a tag or a list of tags; or SQLAlchemy conditions
    on `tables.jobs`; or a list of both. `hidden` also gives the jobs that somebody hid.

    Parameters
    ----------
    log
        Where the rows are.
    is_live
        Says whether the workspace is on a live endpoint now; summaries are about its jobs. None: it is not.

    Attributes
    ----------
    rate, tag, untag, note, hide, unhide
        What people say of jobs, by their ids, as `Annotations` documents.

    Examples
    --------
    >>> ws.log.rate(ws.log.frame({"state": "collected"})["id"], usable=True)
    >>> ws.log.tag(job.id, "hero")
    >>> ws.log.frame({"tags": "hero"})["id"].tolist() == [job.id]
    True
    """

    def __init__(self, log: Log, is_live: Callable[[], bool] | None = None) -> None:
        self._log = log
        self._is_live = is_live or (lambda: False)
        self._cache = FrameCache(log.database)
        said = log.annotations
        self.rate, self.tag, self.untag = said.rate, said.tag, said.untag
        self.note, self.hide, self.unhide = said.note, said.hide, said.unhide

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
        self, where: Where = None, *, columns: str | Iterable[str] | None = None, hidden: bool = False,
        annotations: bool = False,
    ) -> pd.DataFrame:  # fmt: skip
        """Return one row per job, oldest first, rehearsals on the sandbox among them (``sandbox``).

        The frame of everything is kept, and read again only after a change. Some columns have the name of a
        frame's method, so write ``frame["mode"]``, never ``frame.mode``.

        Parameters
        ----------
        where
            Which jobs. None: all.
        columns
            Names of `dictionary`, in the order wanted. None: all but those on request.
        hidden
            Also give jobs that somebody hid, and the column ``hidden``.
        annotations
            Add ``stars`` and ``usable`` (what people say together), ``tags`` and ``note``.

        Raises
        ------
        LogError
            A name that is no column, or a value that a column cannot hold.

        Examples
        --------
        >>> ws.log.frame({"id": job.id}, columns=["state", "mode", "cost"])
               state mode     cost
        0  collected  std  0.34272
        >>> ws.log.frame({"id": job.id})["mode"].tolist()
        ['std']
        """
        names = list(COLUMNS) if columns is None else known(columns)
        if columns is None:
            names += [*([HIDDEN] if hidden else []), *(ANNOTATIONS if annotations else ())]
        said = [name for name in names if name in ANNOTATIONS]
        stored = [name for name in names if name not in said]
        if where is None and columns is None:
            frame = self._cache.frame(hidden=hidden)
        else:
            with self._log.database.read() as connection:
                read = dict.fromkeys([*stored, *(["id"] if said else [])])
                frame = read_jobs(connection, _wanted(self._log, where, hidden=hidden), read)
        return annotated(frame, self._log.annotations.of(), said)[names] if said else frame

    def events(self, where: Where = None, *, hidden: bool = False) -> pd.DataFrame:
        """Return the jobs' transitions, oldest first: job_id, at (UTC), from_state, to_state, note."""
        mine = select(jobs.c.id).where(*_wanted(self._log, where, hidden=hidden))
        query = select(*(events.c[name] for name in _EVENTS))
        with self._log.database.read() as connection:
            frame = read_frame(
                connection, query.where(events.c.job_id.in_(mine)).order_by(events.c.id), _EVENTS
            )
        frame["note"] = frame["note"].map(event_words, na_action="ignore").astype(frame["note"].dtype)
        return frame

    def ratings(self, where: Where = None, *, hidden: bool = False) -> pd.DataFrame:
        """Return what each person said last of each job: job_id, rated (UTC), rated_by, usable, stars."""
        mine = select(jobs.c.id).where(*_wanted(self._log, where, hidden=hidden))
        said = last_said(ratings, None, ratings.c.created_by).subquery()
        query = select(*_stored(said, _RATINGS)).where(said.c.job_id.in_(mine))
        with self._log.database.read() as connection:
            return read_frame(connection, query.order_by(said.c.job_id, said.c.created_by), _RATINGS)

    def tags(self, where: Where = None, *, hidden: bool = False) -> pd.DataFrame:
        """Return the tags of jobs, a row each: job_id, tag, tagged (UTC), tagged_by."""
        mine = select(jobs.c.id).where(*_wanted(self._log, where, hidden=hidden))
        query = select(*_stored(tags, _TAGS)).where(tags.c.job_id.in_(mine))
        with self._log.database.read() as connection:
            return read_frame(connection, query.order_by(tags.c.job_id, tags.c.tag), _TAGS)

    def notes(self, where: Where = None, *, hidden: bool = False) -> pd.DataFrame:
        """Return the note of each job that has one: job_id, noted (UTC), noted_by, note."""
        mine = select(jobs.c.id).where(*_wanted(self._log, where, hidden=hidden))
        said = last_said(notes, None).subquery()
        query = select(*_stored(said, _NOTES)).where(said.c.job_id.in_(mine), said.c.text != "")
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

        Those that somebody hid are among them: they were paid for.
        """
        return self.frame(outside_estimate(), hidden=True)

    # Summaries.

    def describe(self, where: Where = None, *, hidden: bool = False) -> Description:
        """Return jobs with what they all share pulled out, so that only what varies is a column."""
        return describe(self.frame(where, hidden=hidden))

    def show(
        self, where: Where = None, *, columns: str | Iterable[str] | None = None, hidden: bool = False
    ) -> FrameTable:
        """Show jobs in a notebook: costs with bars, states in words, and which were rehearsals."""
        names = None if columns is None else list(dict.fromkeys(["sandbox", *known(columns)]))
        return FrameTable(self.frame(where, columns=names, hidden=hidden))

    def pivot(
        self, *, index: str | Iterable[str], columns: str | Iterable[str] = (), values: str = "cost",
        aggfunc: str | Iterable[str] = "mean", margins: bool = False, where: Where = None,
        hidden: bool = True,
    ) -> pd.DataFrame:  # fmt: skip
        """Cross axes of the log: a row and a column per value, a table per figure, one beside the other.

        Counts stand beside every figure: ``n``, the jobs that it is made of, and ``failed``, those that ended
        without a result; beside rates ``rated``, the rated jobs, and beside ``cost_per_kept`` ``kept``, the
        usable ones. Rehearsals and live jobs are not put together: the jobs are those of what the workspace
        is on, and the corner of the table says which (``live`` or ``SANDBOX``), unless `where` or an axis
        names ``sandbox`` or ``endpoint``.

        Parameters
        ----------
        index, columns
            Columns of `frame`; jobs in which one is not set are shown (a text that is not set as ``""``).
            Images and clips are told apart by content, and several of one name are numbered.
        values
            A numeric column of `frame` (any, to count); jobs without a value are not in its figures. A
            ``cost`` is a price, so jobs whose failure cost nothing are in none of its figures but ``failed``.
        aggfunc
            One or several of: ``"mean"``, ``"std"``, ``"median"``, ``"min"``, ``"max"``, ``"sum"``,
            ``"count"``; ``"low"`` and ``"high"``, the 95 % interval of the mean (Student's t); ``"usable"``,
            the rate of usable among the rated jobs, with its 95 % interval ``"usable_low"`` and
            ``"usable_high"`` (Wilson); ``"cost_per_kept"``, the bills of all jobs in USD, failures included,
            by the number of usable ones.
        margins
            Also give the figures of all jobs of a row, of a column and of the table (``all``).
        where
            Which jobs. None: all.
        hidden
            False: leave out jobs that somebody hid.

        Raises
        ------
        LogError
            A name that the frame does not have, a text to be added up, or another `aggfunc`.

        Examples
        --------
        >>> ws.log.pivot(index="mode", where={"sweep_id": run.id})
        SANDBOX     mean  n  failed
        mode
        pro      0.54864  1       0
        std      0.34272  1       0
        """
        rows, heads = known(index), known(columns, least=0)
        frame = self.frame(where, hidden=hidden, annotations=True)
        title = "shown_both"
        if not mentions(where, _PLACES) and not {*rows, *heads} & {*_PLACES}:
            live = self._is_live()
            frame = frame[frame["sandbox"].eq(not live).fillna(False)].reset_index(drop=True)
            title = "shown_live" if live else "shown_sandbox"
        media = {}
        if named := [one for one in [*rows, *heads] if one in MEDIA]:
            whole = self._cache.frame(hidden=True)  # so that a content has the same name in every table
            media = {one: media_labels(whole, one) for one in named}
        return cross(
            frame, rows, heads, values=values, aggfunc=aggfunc, margins=margins, title=say(title), media=media
        )

    # Files.

    def to_csv(
        self,
        path: str | Path,
        *,
        excel: bool = False,
        where: Where = None,
        hidden: bool = True,
        annotations: bool = False,
    ) -> Path:
        """Write the frame as CSV (UTF-8), cells that a spreadsheet would run as a formula made harmless.

        `excel`: so that Excel opens it with Japanese text right.

        >>> ws.log.to_csv("jobs.csv").name
        'jobs.csv'
        """
        return exports.to_csv(self.frame(where, hidden=hidden, annotations=annotations), path, excel=excel)

    def to_parquet(
        self, path: str | Path, *, where: Where = None, hidden: bool = True, annotations: bool = False
    ) -> Path:
        """Write the frame as Parquet, dtypes kept.

        >>> ws.log.to_parquet("jobs.parquet").name
        'jobs.parquet'
        """
        return exports.to_parquet(self.frame(where, hidden=hidden, annotations=annotations), path)

    def to_json(
        self, path: str | Path, *, where: Where = None, hidden: bool = True, annotations: bool = False
    ) -> Path:
        """Write the frame as JSON lines, one job a line, times in ISO 8601 to the microsecond.

        >>> ws.log.to_json("jobs.jsonl").name
        'jobs.jsonl'
        """
        return exports.to_json(self.frame(where, hidden=hidden, annotations=annotations), path)

    def to_excel(
        self, path: str | Path, *, where: Where = None, hidden: bool = True, annotations: bool = False
    ) -> Path:
        """Write the frame as an Excel workbook, with the data dictionary beside it.

        Raises
        ------
        LogError
            openpyxl is missing, or there are more jobs than a sheet has rows.
        """
        return exports.to_excel(self.frame(where, hidden=hidden, annotations=annotations), path)

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


def _stored(table: FromClause, kinds: Iterable[str]) -> list[ColumnElement[Any]]:
    """Return a table's columns for a frame, whose names are none of the jobs'."""
    return [table.c[_STORED_AS.get(name, name)] for name in kinds]


def _wanted(log: Log, where: Where, *, hidden: bool) -> list[ColumnElement[bool]]:
    asked = conditions(where, log.sweeps.attached)
    # What was asked for comes first: few rows are left then, and that column is the last of a row.
    return asked if hidden else [*asked, visible]
