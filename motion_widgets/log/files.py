"""The files that a log knows of: copies of inputs, and which files are on the shared path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy import insert, select, update

from motion_widgets.log.engine import now_us
from motion_widgets.log.schema import inputs, jobs
from motion_widgets.log.states import State
from motion_widgets.log.transitions import next_seq

if TYPE_CHECKING:
    from motion_widgets.log.engine import Database

__all__ = ["Files", "KnownFile"]


class KnownFile(NamedTuple):
    """A file below the workspace's folder."""

    table: Literal["inputs", "jobs"]
    key: str
    """The row's: an input's SHA-256, or a job's id."""
    path: str
    sha: str


class Files:
    """The files of a log's inputs and results.

    Parameters
    ----------
    database
        The log's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_input(self, sha: str, *, name: str, size: int, path: str) -> None:
        """Note where a copy of an input is kept, by content."""
        with self._database.write() as connection:
            if not connection.execute(select(inputs.c.sha).where(inputs.c.sha == sha)).first():
                row = {"sha": sha, "name": name, "size": size, "path": path, "created": now_us()}
                connection.execute(insert(inputs).values(row))

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
            connection.execute(cleared.values(error_kind=None, error_code=None, error_message=None))
