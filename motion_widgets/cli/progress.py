"""The progress of a job or a run, drawn on standard error while a command follows it.

Standard output keeps what a script reads: ids, tables and paths.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from motion_widgets.cli.terminal import plain
from motion_widgets.core.errors import MotionTimeout
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress
    from rich.text import Text

    from motion_widgets.jobs.job import Job
    from motion_widgets.sweep import Run

__all__ = ["BARS", "follow_job", "follow_run", "resumable"]

BARS = 16
"""The most cells that have a progress bar each; a larger run has a single one."""
TICK = 0.3
"""s between two drawings."""


def follow_job(job: Job) -> None:
    """Draw the progress of a job until it rests."""

    def begin(progress: Progress, _: Text) -> Callable[[], None]:
        row = job.row
        named = say("cli_follow_job", id=job.id, mode=row.mode, orientation=row.character_orientation)
        bar = progress.add_task(plain(named), total=100, state="")

        def draw() -> None:
            row = job.row
            progress.update(bar, completed=_percent(row.state, row.progress), state=plain(row.state))

        return draw

    _follow(job, begin)


def follow_run(run: Run) -> None:
    """Draw the progress of a run until it rests, with a bar per cell if they are few."""

    def begin(progress: Progress, line: Text) -> Callable[[], None]:
        standing = run.standing()
        whole = progress.add_task(plain(f"{run.id} ({run.name})"), total=len(run.cells), state="")
        cells = run.cells if len(run.cells) <= BARS else ()
        names = (plain(" ".join(cell["values"].values())) for cell in cells)
        bars = [progress.add_task(name, total=100, state="") for name in names]

        def draw() -> None:
            standing.update()
            outlook = standing.outlook()
            for bar, row in zip(bars, standing.rows, strict=False):
                progress.update(bar, completed=_percent(row.state, row.progress), state=plain(row.state))
            progress.update(whole, completed=outlook.done)
            line.plain = plain(outlook)

        return draw

    _follow(run, begin)


def _percent(state: str, progress: int | None) -> int:
    """Return how far a job is; what is not here yet is not done."""
    return 100 if state == "collected" else min(progress or 0, 99)


@contextmanager
def resumable(what: Job | Run) -> Iterator[None]:
    """Name the command that takes it up again where an interrupt comes; the terminal shows it once."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(say("interrupted", id=what.id)) from error


def _follow(what: Job | Run, begin: Callable[[Progress, Text], Callable[[], None]]) -> None:
    """Draw until it rests."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
    )
    progress, line, console = Progress(*columns), Text(), Console(stderr=True)
    draw = begin(progress, line)
    with Live(Group(progress, line), console=console):
        while True:
            resting = _rests(what)  # before the drawing, so that the last drawing shows the end
            draw()
            if resting:
                break
            time.sleep(TICK)
    if not console.is_terminal:  # the last drawing does not end its line there
        console.line()


def _rests(what: Job | Run) -> bool:
    """Return whether it rests, and report that somebody watches it."""
    try:
        what.wait(0)
    except MotionTimeout:
        return False
    return True
