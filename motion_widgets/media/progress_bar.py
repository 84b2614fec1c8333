"""A progress bar in a notebook or a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int], None]
    """Called with how many clips are done, of how many."""

__all__ = ["reporting"]


@contextmanager
def reporting(
    progress: Report | bool | None, count: int, told: Callable[[int, int], str] | None = None
) -> Iterator[Report]:
    """Yield what to call after each step: the caller's own function, a bar's, or one that does nothing.

    Parameters
    ----------
    progress
        The caller's function. True: a bar. None: a bar in a notebook or terminal. False: nothing.
    count
        How many clips, or steps, there are.
    told
        Says in a sentence how far it is. None: so many clips were measured.
    """
    if callable(progress):
        yield progress
        return
    if progress is False or not count:
        yield lambda _done, _count: None
        return
    if _in_notebook():
        yield _notebook_bar(count, told or _measured)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    shown = progress is True or console.is_terminal  # not into a pipe
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not shown) as bar:
        task = bar.add_task(told(0, count) if told else say("corpus_measuring"), total=count)
        yield lambda now, _count: bar.update(task, completed=now)


def _in_notebook() -> bool:
    """Return whether this is a notebook's kernel, without importing IPython to find out."""
    core = sys.modules.get("IPython")
    shell = core.get_ipython() if core is not None else None
    return getattr(shell, "kernel", None) is not None


def _measured(done: int, count: int) -> str:
    return say("corpus_progress", done=done, count=count)


def _notebook_bar(count: int, told: Callable[[int, int], str]) -> Report:
    """Show the browser's own, accessible progress bar in the cell's output, and update it in place."""
    from IPython import display

    page: Any = display  # IPython has few types

    def html(done: int) -> Any:
        said = escape(told(done, count))
        return page.HTML(f'<label><progress max="{count}" value="{done}"></progress> {said}</label>')

    shown = page.display(html(0), display_id=True)
    return lambda done, _count: shown.update(html(done))
