"""What a team shares: results and inputs, put on the shared path and fetched from it when needed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlalchemy import or_

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.forks import in_child, keep_for_parent
from motion_widgets.core.hashing import sha256_of
from motion_widgets.jobs.share_result import Outbox, not_shared_yet
from motion_widgets.jobs.sidecar import read_sidecar, request_of, write_sidecar
from motion_widgets.jobs.stored_file import stored_file
from motion_widgets.log.names import is_safe_path
from motion_widgets.log.rows import JobRow
from motion_widgets.log.schema import jobs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from motion_widgets.jobs.shared_store import Shared
    from motion_widgets.log.store import Log
    from motion_widgets.request.request import MotionRequest

__all__ = ["Team"]


class Team:
    """The files that a workspace shares with others.

    Parameters
    ----------
    log
        Says what there is.
    folder
        The workspace's folder.
    shared
        The shared path. None: nothing is shared.

    Attributes
    ----------
    shared
        The shared path. None: there is none, or this log is only read.
    """

    def __init__(self, log: Log, folder: Path, shared: Shared | None) -> None:
        self._log, self._folder = log, folder
        self._outbox = Outbox(log, shared) if shared is not None and not log.read_only else None
        self.shared = None if self._outbox is None else shared
        in_child(self._leave_to_parent)

    @property
    def label(self) -> str | None:
        """The shared path as it is shown. None: files stay on this machine."""
        return None if self.shared is None else self.shared.label

    def wake(self) -> None:
        """Look for new files to share now."""
        if self._outbox is not None:
            self._outbox.wake()

    def close(self) -> None:
        """Stop sharing; the file that is on its way is finished."""
        if self._outbox is not None:
            self._outbox.close()

    def _leave_to_parent(self) -> None:
        """In a forked process, leave what is to be shared to the parent."""
        keep_for_parent(self._outbox)
        self._outbox = None

    def share(self, *, everything: bool = False) -> int:
        """Put on the shared path now what is only here; return how many files.

        It happens by itself as well. Blocks; not to be called on the background loop.

        Parameters
        ----------
        everything
            Also check what is there already according to the log: the path may be another one by now, or
            somebody may have removed a file there.

        Raises
        ------
        LogError
            There is no shared path, or something could not be put there, and why.
        """
        if self._outbox is None:
            raise LogError.of("shared_none")
        done, wrong = self._outbox.put_all(everything=everything)
        if wrong:
            raise LogError.of("shared_left", count=len(wrong), done=done, first=wrong[0])
        return done

    def result_of(self, row: JobRow) -> Path | None:
        """Return a job's result, fetched from the shared path where it is not here. None: there is none.

        Raises
        ------
        LogError
            It is neither here nor there, or the path cannot be reached.
        """
        name = _job_row(row).result_path
        if name is None or not is_safe_path(name):
            return None
        path = stored_file(self._folder, name)
        if path is None and self.shared is not None:
            if row.shared is None:
                raise not_shared_yet(row, self.shared)
            path = self.shared.get(name, row.result_sha)
            write_sidecar(row, self._folder)
        return path

    def fetch_inputs(self, row: JobRow) -> None:
        """Fetch the copies of a job's local media that are not here from the shared path.

        Raises
        ------
        LogError
            One is neither here nor there, or the path cannot be reached.
        """
        for path, sha in ((row.image_path, row.image_sha), (row.clip_path, row.clip_sha)):
            if self.shared is not None and path:
                self.shared.get(path, sha)

    def request_of(self, row: JobRow) -> MotionRequest:
        """Return a job's request, ready to be sent again, its local media by the paths of their copies here.

        Raises
        ------
        LogError
            A copy cannot be fetched from the shared path.
        """
        self.fetch_inputs(_job_row(row))
        return request_of(row, self._folder)

    def restore(self, source: str | Path) -> MotionRequest:
        """Return the request that a result was made of (`Workspace.restore`)."""
        path = path_of(source, RequestError)
        known = [jobs.c.id == path.stem]
        if path.suffix != ".json":
            with contextlib.suppress(OSError):  # what cannot be read is looked for by its name alone
                known.append(jobs.c.result_sha == sha256_of(path))
        rows = self._log.jobs.rows(or_(*known), limit=1, newest=True)
        return self.request_of(rows[0]) if rows else read_sidecar(path, self._folder)

    def fetch_all(self, rows: Iterable[JobRow]) -> list[str]:
        """Fetch what some jobs have on the shared path and not here; return a sentence per missing file.

        Raises
        ------
        LogError
            The path cannot be reached, or this disk is full.
        """
        missing: dict[str, None] = {}
        for row in rows if self.shared is not None else ():
            for fetch in (self.result_of, self.fetch_inputs):
                try:
                    fetch(row)
                except LogError as error:
                    if error.code not in ("shared_missing", "shared_not_yet", "shared_broken"):
                        raise
                    missing[str(error)] = None
        return list(missing)


def _job_row(row: object) -> JobRow:
    if not isinstance(row, JobRow):
        raise LogError.of("not_a_row", found=type(row).__name__)
    return row
