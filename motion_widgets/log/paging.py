"""Pages of the log for people: filtered, searched and sorted in the database, however many rows there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, false, func, or_, select, true, type_coerce
from sqlalchemy.types import NullType

from motion_widgets.core.texts import composed, spellings
from motion_widgets.log.annotations import Annotation, last_said, visible
from motion_widgets.log.axes import MEDIA, content_of, labels_of
from motion_widgets.log.schema import as_stored, jobs, notes, ratings, rule_in, tags
from motion_widgets.request.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, FromClause, Select
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
    """By column of `FACETS` the value that it must have, as `facets` offers it; None: none."""
    tag: str = ""
    stars: int = 0
    """At least so many (mean of the people's last)."""
    usable: bool | None = None
    """What most people say last. None: anything."""
    since: int = 0
    """Written down at this time or later (unix microseconds)."""
    deleted: bool = False
    """Rows that were put out of sight, instead of those in sight."""
    sort: str = "created"
    """One of `SORTS`."""
    down: bool = True
    """The highest first; rows without a value come last either way."""
    by_run: bool = False
    """The rows of a run stand together, on as many pages as they take, in the place of the first of them."""


class Page(NamedTuple):
    """Rows, with what was said of them, and how many there are on all pages."""

    rows: list[JobRow]
    annotations: dict[str, Annotation]
    total: int
    single: int
    """How many of all belong to no run."""
    runs: dict[str, tuple[int, int]]
    """By run, where its rows stand together: how many of them are on pages before, and how many on all."""


def page(log: Log, ask: PageQuery, *, first: int = 0, size: int = 25) -> Page:
    """Return a page.

    Parameters
    ----------
    first
        How many rows come before it.
    """
    with log.database.read() as connection:
        where = _where(connection, ask)
        # The ids alone first: sorting whole rows would carry all their columns along.
        ordered = _ordered(ask, where)
        ids = list(connection.execute(ordered.offset(first).limit(size)).scalars())
        counts = select(func.count(), func.count(jobs.c.sweep_id)).select_from(jobs).where(*where)
        total, swept = map(int, connection.execute(counts).one())
    found = {row.id: row for row in log.jobs.rows(type_coerce(jobs.c.id, NullType()).in_(ids))}
    named = list(map(rule_in(jobs.c.id).clean, ids))
    rows = [found[one] for one in named if one in found]
    runs = _parts(log, ordered, where, rows) if ask.by_run else {}
    return Page(rows, log.annotations.of(named), total, total - swept, runs)


def _ordered(ask: PageQuery, where: list[ColumnElement[bool]]) -> Select[Any]:
    """Select the ids of all rows in their order."""
    query, by = select(as_stored(jobs.c.id)).where(*where), SORTS[ask.sort]
    source: FromClause = jobs
    if ask.sort == "stars":
        said = _rated()
        source, by = jobs.outerjoin(said, said.c.job_id == jobs.c.id), said.c.stars
    keys: list[tuple[ColumnElement[Any], bool]] = [(by, ask.sort != "created"), (jobs.c.id, False)]
    if ask.by_run:
        best = func.max(by) if ask.down else func.min(by)
        chosen = select(jobs.c.sweep_id, best.label("best")).select_from(source).where(*where)
        runs = chosen.where(jobs.c.sweep_id.is_not(None)).group_by(jobs.c.sweep_id).subquery()
        source = source.outerjoin(runs, runs.c.sweep_id == jobs.c.sweep_id)
        keys = [(func.coalesce(runs.c.best, by), True), (jobs.c.sweep_id, True), *keys]
    query = query.select_from(source)
    for key, unset in keys:
        query = query.order_by(*[key.is_(None)] * unset, key.desc() if ask.down else key)
    return query


def _parts(
    log: Log, ordered: Select[Any], where: list[ColumnElement[bool]], rows: list[JobRow]
) -> dict[str, tuple[int, int]]:
    """Return of each run on a page how many of its rows stand before the page, and how many there are."""
    ids = list(dict.fromkeys(row.sweep_id for row in rows if row.sweep_id is not None))
    counts = select(jobs.c.sweep_id, func.count()).where(*where, jobs.c.sweep_id.in_(ids))
    if not ids:
        return {}
    with log.database.read() as connection:
        whole = {name: int(count) for name, count in connection.execute(counts.group_by(jobs.c.sweep_id))}
        first = list(connection.execute(ordered.where(jobs.c.sweep_id == ids[0])).scalars())
    # Only the run that the page begins with may begin before it.
    known = list(map(rule_in(jobs.c.id).clean, first))
    at = known.index(rows[0].id) if rows[0].id in known else 0
    return {one: (at if one == ids[0] else 0, whole.get(one, 0)) for one in ids}


def facets(log: Log) -> dict[str, list[tuple[str | None, str]]]:
    """Return what each column of `FACETS` has in sight, some of very many: its values, and as they are read.

    An image or a clip is known by its content, and called as in pivots. None and ``""``: no value.
    """
    offered = {}
    with log.database.read() as connection:
        for name in FACETS:
            if name in MEDIA:
                found = _contents(connection, name)
            else:
                values = connection.execute(select(jobs.c[name]).where(visible).distinct().limit(_OFFERED))
                found = {one and composed(one): composed(one or "") for one in values.scalars()}
            told = sorted(found.items(), key=lambda one: (one[0] is None, one[1]))
            offered[name] = told[:_OFFERED]
    return offered


def _contents(connection: Connection, name: str) -> dict[str | None, str]:
    """Return the contents in sight of a column of media, and what each is called in the whole log."""
    sha, source = _content(name)
    in_sight = func.count(case((visible, 1)))
    query = select(jobs.c[name], sha, source, in_sight).group_by(jobs.c[name], sha, source)
    rows = [
        (content_of(sha, source), named or "", count)
        for named, sha, source, count in connection.execute(query.order_by(func.min(jobs.c.id)))
    ]
    labels = labels_of((content, named) for content, named, _ in rows)
    return {":".join(one) if one[1] else None: labels[one] for one, _, count in rows if count}


def _content(name: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the hash of a column of media, and of a job without one what else tells its content."""
    sha, link = (jobs.c[one] for one in MEDIA[name])
    return sha, case((sha.is_(None), func.coalesce(link, jobs.c[name])))


def _has_content(connection: Connection, name: str, value: str | None) -> ColumnElement[bool]:
    """Return the condition that a job's image or clip is one that `facets` offers."""
    sha, source = _content(name)
    if value is None:
        return and_(sha.is_(None), source.is_(None))
    kind, _, found = value.partition(":")
    if kind == "sha":
        return sha == found
    known = connection.execute(select(source).where(sha.is_(None)).distinct()).scalars()
    return source.in_([one for one in known if content_of(None, one)[1] == found])


def _where(connection: Connection, ask: PageQuery) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [~visible if ask.deleted else visible]
    if ask.since:
        where.append(jobs.c.created >= ask.since)
    for name, value in ask.values.items():
        if name in MEDIA:
            where.append(_has_content(connection, name, value))
        else:
            where.append(jobs.c[name].is_(None) if value is None else jobs.c[name].in_(spellings(value)))
    text = ask.search.strip()
    if text:
        noted = last_said(notes, None).subquery()
        where.append(
            or_(
                *[_holds(jobs.c[name], text) for name in _SEARCHED],
                jobs.c.id.in_(select(noted.c.job_id).where(_holds(noted.c.text, text))),
                jobs.c.id.in_(select(tags.c.job_id).where(_holds(tags.c.tag, text))),
            )
        )
    if ask.tag:
        where.append(jobs.c.id.in_(select(tags.c.job_id).where(tags.c.tag.in_(spellings(ask.tag)))))
    if ask.stars or ask.usable is not None:
        said = _rated()
        fits = [said.c.stars >= ask.stars] if ask.stars else []
        if ask.usable is not None:
            fits.append(said.c.more > 0 if ask.usable else said.c.more < 0)
        where.append(jobs.c.id.in_(select(said.c.job_id).where(*fits)))
    return where


def _holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that a column's text has this in it, however either is spelt."""
    return or_(*[column.icontains(form, autoescape=True) for form in spellings(text)])


def _rated() -> Any:
    """Select by job the mean stars, and how many more say usable than not; everybody's last word counts."""
    last = last_said(ratings, None, ratings.c.created_by).subquery()
    vote = case((last.c.usable.is_(true()), 1), (last.c.usable.is_(false()), -1), else_=0)
    return (
        select(last.c.job_id, func.avg(last.c.stars).label("stars"), func.sum(vote).label("more"))
        .group_by(last.c.job_id)
        .subquery()
    )
