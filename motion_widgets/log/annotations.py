"""What people say of jobs and do to media: ratings, notes, tags, what is out of sight, and mends.

Ratings and notes are only ever added. The last rating of a person counts, and the last note of a job
shows. Every mark moves the job's change counter, so that views notice.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.log.engine import now_us
from motion_widgets.log.ids import new_id, whoami
from motion_widgets.log.rows import MendRow
from motion_widgets.log.schema import jobs, mends, notes, ratings, tags
from motion_widgets.log.states import ENDS
from motion_widgets.log.transitions import Moves, next_seq

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["KEEP", "STARS", "Marks", "last_said", "split_tags", "visible"]

STARS = 5
"""The most stars."""
TAG = 60
"""Characters of a tag."""
NOTE = 4000
"""Characters of a note."""
_MANY = 500
"""Values in one ``IN (...)``."""

KEEP: Any = type("Keep", (), {"__repr__": lambda _: "KEEP"})()
"""Of a rating: as this person left it."""

visible = jobs.c.deleted.is_(None)
"""In SQL: nobody put the job out of sight."""


class Marks(Moves):
    """The part of the log that keeps what people say."""

    def rate(self, job_ids: Sequence[str], *, usable: bool | None = KEEP, stars: int | None = KEEP) -> None:
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
            Another number of stars, or no such job; nothing was written.
        """
        number = isinstance(stars, int) and not isinstance(stars, bool) and 1 <= stars <= STARS
        if stars is not KEEP and stars is not None and not number:
            raise LogError.of("stars_wrong", found=repr(stars)[:40], most=STARS)
        me = whoami()
        with self.write() as connection:
            self._touch(connection, job_ids)
            before = {
                row.job_id: row
                for some in _some(job_ids)
                for row in connection.execute(last_said(ratings, some, ratings.c.created_by, by=me))
            }
            for job_id in dict.fromkeys(job_ids):
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
        if len(text) > NOTE:
            raise LogError.of("note_long", count=len(text), most=NOTE)
        with self.write() as connection:
            self._touch(connection, [job_id])
            connection.execute(
                insert(notes).values(job_id=job_id, created=now_us(), created_by=whoami(), text=text)
            )

    def tag(self, job_ids: Sequence[str], tag: str) -> None:
        """Put a tag on jobs; on one that has it nothing changes.

        Raises
        ------
        LogError
            It is empty, too long, or has several lines or a comma; or there is no such job. Nothing was
            written.
        """
        word = _tag(tag)
        with self.write() as connection:
            self._touch(connection, job_ids)
            have = {
                one
                for some in _some(job_ids)
                for one in connection.execute(
                    select(tags.c.job_id).where(tags.c.job_id.in_(some), tags.c.tag == word)
                ).scalars()
            }
            for job_id in dict.fromkeys(job_ids):
                if job_id not in have:
                    connection.execute(
                        insert(tags).values(job_id=job_id, tag=word, created=now_us(), created_by=whoami())
                    )

    def untag(self, job_ids: Sequence[str], tag: str) -> None:
        """Take a tag off jobs."""
        word = tag.strip()
        with self.write() as connection:
            self._touch(connection, job_ids)
            for some in _some(job_ids):
                connection.execute(delete(tags).where(tags.c.job_id.in_(some), tags.c.tag == word))

    def hide(self, job_ids: Sequence[str]) -> None:
        """Put jobs that have ended out of sight. They stay in the log, and still answer for their content.

        Raises
        ------
        LogError
            One has not ended, or there is no such job; nothing was changed.
        """
        with self.write() as connection:
            self._touch(connection, job_ids)
            for some in _some(job_ids):
                alive = select(jobs.c.id, jobs.c.state).where(
                    jobs.c.id.in_(some), jobs.c.state.not_in([str(state) for state in ENDS])
                )
                for row in connection.execute(alive.limit(1)):
                    raise LogError.of("not_hideable", id=row.id, state=row.state)
                connection.execute(update(jobs).where(jobs.c.id.in_(some), visible).values(deleted=now_us()))

    def unhide(self, job_ids: Sequence[str]) -> None:
        """Bring jobs back into sight."""
        with self.write() as connection:
            self._touch(connection, job_ids)
            for some in _some(job_ids):
                connection.execute(update(jobs).where(jobs.c.id.in_(some)).values(deleted=None))

    def marks_of(
        self, job_ids: Sequence[str] | None = None, *, by: str | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return what was said of jobs.

        Parameters
        ----------
        job_ids
            None: all that have a mark.
        by
            Count the ratings of this person (``user@host``) only. None: everybody's.

        Returns
        -------
        dict
            By id (each that was asked for): ``usable`` (what most people say last; None: nobody, or as many
            each way), ``stars`` (mean of the people's last; None: nobody), ``note`` (``""``: none) and
            ``tags`` (sorted).
        """
        found: dict[str, dict[str, Any]] = {}
        votes: dict[str, list[bool]] = {}
        stars: dict[str, list[int]] = {}

        def of(job_id: str) -> dict[str, Any]:
            return found.setdefault(job_id, {"usable": None, "stars": None, "note": "", "tags": []})

        with self.read() as connection:
            for some in _some(job_ids) if job_ids is not None else (None,):
                for job_id in some or ():
                    of(job_id)
                for row in connection.execute(last_said(ratings, some, ratings.c.created_by, by=by)):
                    of(row.job_id)
                    votes.setdefault(row.job_id, []).extend([row.usable] if row.usable is not None else [])
                    stars.setdefault(row.job_id, []).extend([row.stars] if row.stars is not None else [])
                for row in connection.execute(last_said(notes, some)):
                    of(row.job_id)["note"] = row.text
                for row in connection.execute(select(tags).where(*_among(tags, some)).order_by(tags.c.tag)):
                    of(row.job_id)["tags"].append(row.tag)
        for job_id, said in votes.items():
            more = 2 * sum(said) - len(said)
            found[job_id]["usable"] = more > 0 if more else None
        for job_id, given in stars.items():
            found[job_id]["stars"] = sum(given) / len(given) if given else None
        return found

    def tags_used(self) -> list[str]:
        """Return all tags, sorted."""
        with self.read() as connection:
            return list(connection.execute(select(tags.c.tag).distinct().order_by(tags.c.tag)).scalars())

    # Mends.

    def add_mend(
        self,
        *,
        kind: Literal["clip", "image"],
        operation: str,
        parameters: Mapping[str, Any],
        source_sha: str | None,
        source_name: str,
        source_path: str | None,
        result_sha: str,
        result_name: str,
        result_path: str,
    ) -> str:
        """Write down that a file was made of another by a mend; give the mend's id.

        Paths are relative to the workspace's folder; `parameters` is what JSON can hold.
        """
        mend_id = new_id("mend")
        with self.write() as connection:
            connection.execute(
                insert(mends).values(
                    id=mend_id, created=now_us(), created_by=whoami(), kind=kind, operation=operation,
                    parameters=json.dumps(dict(parameters), ensure_ascii=False), source_sha=source_sha,
                    source_name=source_name, source_path=source_path, result_sha=result_sha,
                    result_name=result_name, result_path=result_path,
                )
            )  # fmt: skip
            made = or_(
                and_(jobs.c.clip_sha.is_not(None), jobs.c.clip_sha == result_sha),
                and_(jobs.c.image_sha.is_not(None), jobs.c.image_sha == result_sha),
            )
            connection.execute(update(jobs).where(made).values(seq=next_seq(connection)))
        return mend_id

    def undo_mend(self, mend_id: str) -> bool:
        """Note that a mend was taken back. False: there is no such mend, or it was already."""
        with self.write() as connection:
            done = connection.execute(
                update(mends).where(mends.c.id == mend_id, mends.c.undone.is_(None)).values(undone=now_us())
            )
            return done.rowcount == 1

    def mends(self, *, source_sha: str | None = None, result_sha: str | None = None) -> list[MendRow]:
        """Return mends, oldest first, `parameters` as a dict; of a source or into a result, by content.

        None: of any.
        """
        where = []
        if source_sha is not None:
            where.append(mends.c.source_sha == source_sha)
        if result_sha is not None:
            where.append(mends.c.result_sha == result_sha)
        with self.read() as connection:
            rows = connection.execute(select(mends).where(*where).order_by(mends.c.id)).mappings().all()
        return [MendRow(**{**row, "parameters": json.loads(row["parameters"])}) for row in rows]

    def _touch(self, connection: Connection, job_ids: Sequence[str]) -> None:
        """Move the change counter of jobs, or raise because one is not there."""
        seq = next_seq(connection)
        for some in _some(job_ids):
            done = connection.execute(update(jobs).where(jobs.c.id.in_(some)).values(seq=seq))
            if done.rowcount != len(some):
                have = set(connection.execute(select(jobs.c.id).where(jobs.c.id.in_(some))).scalars())
                lost = next(one for one in some if one not in have)
                raise LogError.of("no_such_id", id=lost, name=self.name)


def _some(job_ids: Sequence[str]) -> Iterator[list[str]]:
    """Return ids, each once, in parts that fit one statement."""
    ids = list(dict.fromkeys(job_ids))
    for start in range(0, len(ids), _MANY):
        yield ids[start : start + _MANY]


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


def split_tags(text: str) -> list[str]:
    """Return the tags that a person wrote with commas between them, of whatever script."""
    return [word for part in re.split("[,\uff0c\u3001]", text) if (word := part.strip())]


def _tag(tag: str) -> str:
    word = tag.strip()
    if not 1 <= len(word) <= TAG or not word.isprintable() or split_tags(word) != [word]:
        raise LogError.of("tag_wrong", found=word[: TAG + 1], most=TAG)
    return word
