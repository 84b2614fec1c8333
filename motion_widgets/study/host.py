"""What a study needs of a workspace, so that this room need not know that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["StudyHost"]


class StudyHost(Protocol):
    """A workspace."""

    log_store: Log
    folder: Path

    def result_of(self, row: JobRow) -> Path | None:
        """Return a row's result, fetched from the shared path where it is not here. None: there is none."""
