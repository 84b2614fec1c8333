"""Pages of the log for people: filtered, searched and sorted in the database, however many rows there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import case, func, or_, select

from motion_widgets.log.annotations import Annotation, last_said, visible
from motion_widgets.log.schema import jobs, notes, ratings, tags
from motion_widgets.request.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["FACETS", "SORTS", "Page", "PageQuery", "facets", "page"]

FACETS = (
    "state",
    *(field.name for field in FIELDS if field.kind == "choice"),
    "image_name",
    "clip_name",
    "created_by",
)
"""Columns that can be filtered by a value."""
SORTS: dict[str, Any] = {
    "created": jobs.c.id,
    **{name: jobs.c[name] for name in (*FACETS, "prompt", "sandbox")},
    "estimate": jobs.c.estimate_high,
    "billed": jobs.c.cost,
    "wait": jobs.c.completed - jobs.c.submitted,
    "stars": None,
}
"""What rows can be sorted by. Ids begin with the time, so their order is that of writing down."""
_OFFERED = 100
_SEARCHED = ("id", "prompt", "image_name", "clip_name", "error_message", "task_id")


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """What is asked for."""

    search: str = ""
    """Text that the id, the prompt, a file's name, the note, a tag or the error holds."""
    values: Mapping[str, str | None] = field(default_factory=dict)
    """By column of `FACETS` the value that it must have; None: none."""
    tag: str = ""
    stars: int = 0
    """At least so many (mean of the people's last)."""
    usable: bool | None = None
    """What most people say last. None: anything."""
    deleted: bool = False
    """Rows that were put out of sight, instead of those in sight."""
    sort: str = "created"
    """One of `SORTS`."""
    down: bool = True
    """The highest first; rows without a value come last either way."""


class Page(NamedTuple):
    """Rows, with what was said of them, and how many there are on all pages."""

    rows: list[JobRow]
    annotations: dict[str, Annotation]
    total: int


def page(log: Log, ask: PageQuery, *, first: int = 0, size: int = 25) -> Page:
    """Return a page.

    Parameters
    ----------
    first
        How many rows come before it.
    """
    where = _where(ask)
    query = select(jobs.c.id).where(*where)
    by = SORTS[ask.sort]
    if ask.sort == "stars":
        said = _rated()
        query, by = query.outerjoin(said, said.c.job_id == jobs.c.id), said.c.stars
    if ask.sort != "created":
        query = query.order_by(by.is_(None), by.desc() if ask.down else by)
    query = query.order_by(jobs.c.id.desc() if ask.down else jobs.c.id).offset(first).limit(size)
    with log.database.read() as connection:
        # The ids alone first: sorting whole rows would carry all their columns along.
        ids = list(connection.execute(query).scalars())
        total = int(connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one())
    found = {row.id: row for row in log.jobs.rows(jobs.c.id.in_(ids))}
    return Page([found[one] for one in ids if one in found], log.annotations.of(ids), total)


def facets(log: Log) -> dict[str, list[str | None]]:
    """Return the values that each column of `FACETS` has in sight, some of very many; None: no value."""
    with log.database.read() as connection:
        return {
            name: sorted(
                connection.execute(select(jobs.c[name]).where(visible).distinct().limit(_OFFERED)).scalars(),
                key=lambda value: (value is None, value or ""),
            )
            for name in FACETS
        }


def _where(ask: PageQuery) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [~visible if ask.deleted else visible]
    for name, value in ask.values.items():
        where.append(jobs.c[name].is_(None) if value is None else jobs.c[name] == value)
    text = ask.search.strip()
    if text:
        noted = last_said(notes, None).subquery()
        where.append(
            or_(
                *[jobs.c[name].icontains(text, autoescape=True) for name in _SEARCHED],
                jobs.c.id.in_(select(noted.c.job_id).where(noted.c.text.icontains(text, autoescape=True))),
                jobs.c.id.in_(select(tags.c.job_id).where(tags.c.tag.icontains(text, autoescape=True))),
            )
        )
    if ask.tag:
        where.append(jobs.c.id.in_(select(tags.c.job_id).where(tags.c.tag == ask.tag)))
    if ask.stars or ask.usable is not None:
        said = _rated()
        fits = [said.c.stars >= ask.stars] if ask.stars else []
        if ask.usable is not None:
            fits.append(said.c.more > 0 if ask.usable else said.c.more < 0)
        where.append(jobs.c.id.in_(select(said.c.job_id).where(*fits)))
    return where


def _rated() -> Any:
    """Select by job the mean stars, and how many more say usable than not; everybody's last word counts."""
    last = last_said(ratings, None, ratings.c.created_by).subquery()
    vote = case((last.c.usable.is_(True), 1), (last.c.usable.is_(False), -1), else_=0)
    return (
        select(last.c.job_id, func.avg(last.c.stars).label("stars"), func.sum(vote).label("more"))
        .group_by(last.c.job_id)
        .subquery()
    )
