"""How long a job has been under way, and how long it may still take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from motion_widgets.jobs.scheduling.poll_schedule import DurationModel
from motion_widgets.log.states import State
from motion_widgets.sweep.progress import span

if TYPE_CHECKING:
    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Waiting"]


class Waiting:
    """What was learned from a workspace's finished jobs about how long those under way will take."""

    def __init__(self) -> None:
        self._durations = DurationModel()
        self._learned: tuple[str, int] | None = None

    def learn(self, ws: Workspace, done: int) -> None:
        """Learn from the log again if the number of finished jobs is another one. Reads the log."""
        if self._learned != (ws.endpoint, done):
            self._learned, self._durations = (ws.endpoint, done), DurationModel()
            self._durations.learn_all(ws.log_store.jobs.task_times(ws.endpoint))

    def left(self, row: JobRow) -> str:
        """Return how long a job will still take, as ``m:ss``; ``""``: it is not known, or it is late."""
        if row.submitted is None or row.state not in (State.SUBMITTED, State.RUNNING):
            return ""
        group = DurationModel.group(row)
        window = self._durations.window(self._durations.estimates(group, row.estimated_time))
        if window is None:
            return ""
        left = row.submitted / 1e6 + (window.low + window.high) / 2 - time.time()
        return span(left) if left > 0 else ""
