"""Mends: which media file was made from which other one, and how."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import insert, or_, select, update

from motion_widgets.log.engine import now_us
from motion_widgets.log.ids import current_person, new_id
from motion_widgets.log.rows import MendRow
from motion_widgets.log.schema import jobs, mends
from motion_widgets.log.transitions import next_seq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.log.engine import Database

__all__ = ["Mends"]


class Mends:
    """The mends that a log knows of.

    Parameters
    ----------
    database
        The log's database.
    """

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
