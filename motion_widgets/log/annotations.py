"""What people say about jobs: ratings, notes, tags, and what is hidden.

Ratings and notes are only ever added. The last rating of a person counts, and the last note of a job
shows. Every annotation moves the job's change counter, so that views notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select, update

from motion_widgets.core.arguments import require_text
from motion_widgets.core.errors import LogError
from motion_widgets.core.texts import composed, spellings
from motion_widgets.log.engine import batches, now_us
from motion_widgets.log.names import current_person
from motion_widgets.log.schema import jobs, notes, ratings, tags
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.transitions import next_seq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.engine import Database
    from motion_widgets.log.rows import JobRow

__all__ = ["KEEP", "STARS", "Annotation", "Annotations", "last_said", "split_tags", "visible"]

STARS = 5
"""The most stars."""
TAG = 60
"""Characters of a tag."""
NOTE = 4000
"""Characters of a note."""

KEEP: Any = type("Keep", (), {"__repr__": lambda _: "KEEP"})()
"""Of a rating: as this person left it."""

visible = jobs.c.deleted.is_(None)
"""In SQL: nobody hid the job."""


@dataclass(frozen=True)
class Annotation:
    """What was said about a job."""

    usable: bool | None = None
    """What most people say last. None: nobody, or as many each way."""
    stars: float | None = None
    """The mean of the people's last. None: nobody."""
    note: str = ""
    tags: tuple[str, ...] = ()
    """Sorted."""


class Annotations:
    """What people say about the jobs of a log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(
        self, job_ids: str | Iterable[str], *, usable: bool | None = KEEP, stars: int | None = KEEP
    ) -> None:
        """Rate jobs; what is not given stays as this person left it.

        Parameters
        ----------
        usable
            Whether the result can be used. None: takes an earlier answer back.
        stars
            1 to 5. None: takes them back.

        Raises
        ------
        LogError
            Another number of stars, another answer, or no such job; nothing was written.
        """
        stars, usable = _stars(stars), _answer(usable)
        me, job_ids = current_person(), _ids(job_ids)
        with self._database.write() as connection:
            self._touch(connection, job_ids)
            before = {
                row.job_id: row
                for some in batches(job_ids)
                for row in connection.execute(last_said(ratings, some, ratings.c.created_by, by=me))
            }
            for job_id in job_ids:
                had = before.get(job_id)
                connection.execute(
                    insert(ratings).values(
                        job_id=job_id, created=now_us(), created_by=me,
                        usable=(had.usable if had else None) if usable is KEEP else usable,
                        stars=(had.stars if had else None) if stars is KEEP else stars,
                    )
                )  # fmt: skip

    def note(self, job_id: str, text: str) -> None:
        """Write a note to a job, in the place of the one before it. ``""``: it has none any more.

        Raises
        ------
        LogError
            It is too long, or there is no such job.
        """
        require_text(text, LogError)
        if len(text) > NOTE:
            raise LogError.of("note_long", count=len(text), most=NOTE)
        [job_id] = _ids([job_id])
        with self._database.write() as connection:
            self._touch(connection, [job_id])
            connection.execute(
                insert(notes).values(job_id=job_id, created=now_us(), created_by=current_person(), text=text)
            )

    def tag(self, job_ids: str | Iterable[str], tag: str) -> None:
        """Put a tag on jobs; on one that has it nothing changes.

        Raises
        ------
        LogError
            It is empty, too long, or has several lines or a comma; or there is no such job. Nothing was
            written.
        """
        word, job_ids = _tag(tag), _ids(job_ids)
        with self._database.write() as connection:
            self._touch(connection, job_ids)
            have = {
                one
                for some in batches(job_ids)
                for one in connection.execute(
                    select(tags.c.job_id).where(tags.c.job_id.in_(some), tags.c.tag.in_(spellings(word)))
                ).scalars()
            }
            for job_id in job_ids:
                if job_id not in have:
                    connection.execute(
                        insert(tags).values(
                            job_id=job_id, tag=word, created=now_us(), created_by=current_person()
                        )
                    )

    def untag(self, job_ids: str | Iterable[str], tag: str) -> None:
        """Take a tag off jobs."""
        words, job_ids = spellings(tag.strip()), _ids(job_ids)
        with self._database.write() as connection:
            self._touch(connection, job_ids)
            for some in batches(job_ids):
                connection.execute(delete(tags).where(tags.c.job_id.in_(some), tags.c.tag.in_(words)))

    def hide(self, job_ids: str | Iterable[str]) -> None:
        """Put jobs that have ended out of sight. They stay in the log, and still answer for their content.

        Raises
        ------
        LogError
            One has not ended, or there is no such job; nothing was changed.
        """
        job_ids = _ids(job_ids)
        with self._database.write() as connection:
            self._touch(connection, job_ids)
            for some in batches(job_ids):
                alive = select(jobs.c.id, jobs.c.state).where(
                    jobs.c.id.in_(some), jobs.c.state.not_in([str(state) for state in ENDS])
                )
                for row in connection.execute(alive.limit(1)):
                    raise LogError.of("not_hideable", id=row.id, state=row.state)
                connection.execute(update(jobs).where(jobs.c.id.in_(some), visible).values(deleted=now_us()))

    def unhide(self, job_ids: str | Iterable[str]) -> None:
        """Bring jobs back into sight."""
        job_ids = _ids(job_ids)
        with self._database.write() as connection:
            self._touch(connection, job_ids)
            for some in batches(job_ids):
                connection.execute(update(jobs).where(jobs.c.id.in_(some)).values(deleted=None))

    def of(self, job_ids: Sequence[str] | None = None, *, by: str | None = None) -> dict[str, Annotation]:
        """Return what was said about jobs, by id.

        Parameters
        ----------
        job_ids
            Each of them is in the answer. None: all that have an annotation.
        by
            Count the ratings of this person (``user@host``) only. None: everybody's.
        """
        votes: dict[str, list[bool]] = {}
        stars: dict[str, list[int]] = {}
        note: dict[str, str] = {}
        tagged: dict[str, list[str]] = {}
        with self._database.read() as connection:
            for some in batches(job_ids) if job_ids is not None else (None,):
                for row in connection.execute(last_said(ratings, some, ratings.c.created_by, by=by)):
                    votes.setdefault(row.job_id, []).extend([row.usable] if row.usable is not None else [])
                    stars.setdefault(row.job_id, []).extend([row.stars] if row.stars is not None else [])
                note |= {row.job_id: row.text for row in connection.execute(last_said(notes, some))}
                for row in connection.execute(select(tags).where(*_among(tags, some)).order_by(tags.c.tag)):
                    tagged.setdefault(row.job_id, []).append(row.tag)
        return {
            one: Annotation(
                _majority(votes.get(one, [])), _mean(stars.get(one, [])), note.get(one, ""),
                tuple(tagged.get(one, [])),
            )
            for one in dict.fromkeys([*(job_ids or ()), *votes, *note, *tagged])
        }  # fmt: skip

    def stars(self, rows: Iterable[JobRow]) -> dict[str, float]:
        """Return the mean stars of those results among `rows` that have any, by id."""
        said = self.of([row.id for row in rows if row.state == State.COLLECTED])
        return {job_id: one.stars for job_id, one in said.items() if one.stars is not None}

    def tags_used(self) -> list[str]:
        """Return all tags, sorted."""
        with self._database.read() as connection:
            return list(connection.execute(select(tags.c.tag).distinct().order_by(tags.c.tag)).scalars())

    def _touch(self, connection: Connection, job_ids: Sequence[str]) -> None:
        """Move the change counter of jobs, or raise because one is not there."""
        seq = next_seq(connection)
        for some in batches(job_ids):
            done = connection.execute(update(jobs).where(jobs.c.id.in_(some)).values(seq=seq))
            if done.rowcount != len(some):
                have = set(connection.execute(select(jobs.c.id).where(jobs.c.id.in_(some))).scalars())
                lost = next(one for one in some if one not in have)
                raise LogError.of("no_such_id", id=lost, name=self._database.name)


def _ids(job_ids: str | Iterable[str]) -> list[str]:
    """Return one job's id, or those of several, each once."""
    given = [job_ids] if isinstance(job_ids, str) or not isinstance(job_ids, Iterable) else list(job_ids)
    for one in given:
        if not isinstance(one, str):
            raise LogError.of("not_an_id", found=type(one).__name__)
    return list(dict.fromkeys(given))


def _stars(given: Any) -> Any:
    """Return a number of stars, None or `KEEP`."""
    if given is KEEP or given is None:
        return given
    number = isinstance(given, Real) and not isinstance(given, bool) and float(given).is_integer()
    if not number or not 1 <= given <= STARS:
        raise LogError.of("stars_wrong", found=repr(given)[:40], most=STARS)
    return int(given)


def _answer(given: Any) -> Any:
    """Return whether a result can be used, None or `KEEP`."""
    if given is KEEP or given is None:
        return given
    if type(given).__name__ not in ("bool", "bool_"):  # NumPy's own, old and new, included
        raise LogError.of("usable_wrong", found=repr(given)[:40])
    return bool(given)


def _among(table: Any, job_ids: list[str] | None) -> list[Any]:
    return [] if job_ids is None else [table.c.job_id.in_(job_ids)]


def last_said(table: Any, job_ids: list[str] | None, *each: Any, by: str | None = None) -> Any:
    """Select the last row for each job, and for `each` of something else.

    Last by time: a merge may add older ones later.
    """
    last = func.row_number().over(
        partition_by=[table.c.job_id, *each], order_by=[table.c.created.desc(), table.c.id.desc()]
    )
    mine = [table.c.created_by == by] if by is not None else []
    ranked = select(table, last.label("rank")).where(*_among(table, job_ids), *mine).subquery()
    return select(ranked).where(ranked.c.rank == 1)


def _majority(votes: list[bool]) -> bool | None:
    more = 2 * sum(votes) - len(votes)
    return more > 0 if more else None


def _mean(stars: list[int]) -> float | None:
    return sum(stars) / len(stars) if stars else None


def split_tags(text: str) -> list[str]:
    """Return the tags that a person wrote with commas between them, of whatever script."""
    return [word for part in re.split("[,\uff0c\u3001]", text) if (word := composed(part.strip()))]


def _tag(tag: str) -> str:
    require_text(tag, LogError)
    word = composed(tag.strip())
    if not 1 <= len(word) <= TAG or not word.isprintable() or split_tags(word) != [word]:
        raise LogError.of("tag_wrong", found=word[: TAG + 1], most=TAG)
    return word
