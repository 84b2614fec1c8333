"""The files that a log knows of: copies of inputs, what is on the shared path, what was made of what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import insert, or_, select, update

from motion_widgets.log.engine import now_us
from motion_widgets.log.names import current_person, new_id
from motion_widgets.log.rows import MendRow
from motion_widgets.log.schema import inputs, jobs, mends
from motion_widgets.log.states import State
from motion_widgets.log.transitions import NO_ERROR, next_seq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.log.engine import Database

__all__ = ["Files", "KnownFile", "Mends"]


class KnownFile(NamedTuple):
    """A file below the workspace's folder."""

    table: Literal["inputs", "jobs"]
    key: str
    """The row's: an input's SHA-256, or a job's id."""
    path: str
    sha: str


class Files:
    """The files of a log's inputs and results."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_input(self, sha: str, *, name: str, size: int, path: str) -> None:
        """Note where a copy of an input is kept, by content."""
        with self._database.write() as connection:
            if not connection.execute(select(inputs.c.sha).where(inputs.c.sha == sha)).first():
                row = {"sha": sha, "name": name, "size": size, "path": path, "created": now_us()}
                connection.execute(insert(inputs).values(row))

    def name_of(self, sha: str) -> str | None:
        """Return what an input was called when its copy was made. None: there is none."""
        with self._database.read() as connection:
            return connection.execute(select(inputs.c.name).where(inputs.c.sha == sha)).scalar()

    def unshared(self, *, everything: bool = False) -> list[KnownFile]:
        """Return the files that nobody has put on the shared path, inputs first; `everything`: all files."""
        kept = select(inputs.c.sha, inputs.c.path).where(inputs.c.path != "")
        made = select(jobs.c.id, jobs.c.result_path, jobs.c.result_sha).where(
            jobs.c.state == State.COLLECTED.value,
            jobs.c.result_path.is_not(None),
            jobs.c.result_sha.is_not(None),
        )
        if not everything:
            kept, made = kept.where(inputs.c.shared.is_(None)), made.where(jobs.c.shared.is_(None))
        with self._database.read() as connection:
            found = [KnownFile("inputs", row.sha, row.path, row.sha) for row in connection.execute(kept)]
            newest = connection.execute(made.order_by(jobs.c.id.desc()))
            return [*found, *(KnownFile("jobs", row.id, row.result_path, row.result_sha) for row in newest)]

    def set_shared(self, table: Literal["inputs", "jobs"], key: str) -> None:
        """Note that a file is on the shared path; an error that kept it from there is cleared."""
        with self._database.write() as connection:
            if table == "inputs":
                connection.execute(update(inputs).where(inputs.c.sha == key).values(shared=now_us()))
                return
            mine = update(jobs).where(jobs.c.id == key)
            connection.execute(mine.values(shared=now_us(), seq=next_seq(connection)))
            cleared = mine.where(jobs.c.error_kind == "shared")
            connection.execute(cleared.values(NO_ERROR))


class Mends:
    """The mends that a log knows of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
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
        """Write down that a mend made one file from another; return the mend's id.

        Paths are relative to the workspace's folder; `parameters` is what JSON can hold.
        """
        mend_id = new_id("mend")
        with self._database.write() as connection:
            connection.execute(
                insert(mends).values(
                    id=mend_id, created=now_us(), created_by=current_person(), kind=kind, operation=operation,
                    parameters=json.dumps(dict(parameters), ensure_ascii=False), source_sha=source_sha,
                    source_name=source_name, source_path=source_path, result_sha=result_sha,
                    result_name=result_name, result_path=result_path,
                )
            )  # fmt: skip
            made = or_(jobs.c.clip_sha == result_sha, jobs.c.image_sha == result_sha)
            connection.execute(update(jobs).where(made).values(seq=next_seq(connection)))
        return mend_id

    def undo(self, mend_id: str) -> bool:
        """Note that a mend was undone. False: there is no such mend, or it was undone already."""
        with self._database.write() as connection:
            done = connection.execute(
                update(mends).where(mends.c.id == mend_id, mends.c.undone.is_(None)).values(undone=now_us())
            )
            return done.rowcount == 1

    def find(self, *, source_sha: str | None = None, result_sha: str | None = None) -> list[MendRow]:
        """Return mends, oldest first; of a source or into a result, by content (SHA-256).

        None: of any.
        """
        where = []
        if source_sha is not None:
            where.append(mends.c.source_sha == source_sha)
        if result_sha is not None:
            where.append(mends.c.result_sha == result_sha)
        with self._database.read() as connection:
            rows = connection.execute(select(mends).where(*where).order_by(mends.c.id)).mappings().all()
        return [MendRow(**{**row, "parameters": json.loads(row["parameters"])}) for row in rows]
