"""The root of every widget: its style, its workspace, and refreshing.

Callbacks come on changing threads and never block: whatever touches the disk or the network goes through
`Panel.later` to a thread of the pool. Each call has a generation number, so that a stale answer never
overwrites a newer one.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import ipywidgets as w

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import PLAIN, escape
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.widgets.controls import Column, close_inside, live_region, shared, speak
from motion_widgets.widgets.page_widget import compact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["DEBOUNCE", "SETTLE", "TICK", "Panel"]

_T = TypeVar("_T")
TICK = 0.4
"""s between two looks at the log."""
SETTLE = 0.5
"""s without a change between a click on a paid button and the sending: a click may overtake what was typed
before it, since the page holds changes back while the kernel is busy."""
DEBOUNCE = 0.25
"""s without a keystroke after which typed text may reach the disk or the network."""

if importlib.metadata.version("ipykernel") in ("7.0.0", "7.0.1"):
    warnings.warn(say("ipykernel_broken"), stacklevel=2)


def _style_sheet() -> w.HTML:
    """Return the style of all panels; they share one, since it would be saved with each of them."""
    hidden = shared(w.Layout, display="none")
    return shared(w.HTML, value=f"<style>{compact('studio.css')}</style>", layout=hidden)


class Panel(Column):
    """The root of a widget: style, a workspace, and a look at the log every `TICK`.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    watch
        Whether it looks at the log itself; a panel inside another one is refreshed by that one.
    """

    def __init__(self, ws: Workspace | None = None, *, watch: bool = True) -> None:
        super().__init__(cls=f"motion-widgets {PLAIN}", width="100%")
        self.lock = threading.RLock()
        self.closed = False
        self._generations: dict[str, int] = {}
        self._seen = -1
        if ws is None:
            from motion_widgets.workspace.workspace import Workspace

            ws = Workspace()
        self.ws = ws
        self.notice = live_region()
        self._watch_wanted = watch

    def fill(self, *children: w.Widget) -> None:
        """Set what the panel shows, with its style."""
        self.children = (_style_sheet(), *children)

    def watch(self) -> None:
        """Start looking at the log; a panel calls it last, once everything that `refresh` draws exists."""
        if self._watch_wanted:
            self._watching = spawn(self._watch())

    def refresh(self) -> None:
        """Draw what the log says now. It is called on a thread that may block; panels override it."""

    def watch_jobs(self) -> None:
        """Report to the runner which jobs are watched; called for as long as a panel watches."""

    def announce(self, text: str, *, bad: bool = False) -> None:
        """Show a plain sentence in the panel's own line."""
        mark = f"<b>{escape(say('word_error'))}</b> " if bad else ""
        cls = f"mw-note {'mw-error' if bad else 'mw-ok'}" if text else ""
        speak(self.notice, mark + escape(text), cls=cls)

    def later(
        self, name: str, work: Callable[[], _T], then: Callable[[_T], object] | None = None,
        *, failed: Callable[[str], object] | None = None, delay: float = 0.0,
    ) -> None:  # fmt: skip
        """Run `work` on a thread that may block, and draw what it returned unless a newer call came.

        Parameters
        ----------
        name
            What is worked on: a newer call of the same name makes this one stale.
        then
            Called with the result while the panel is locked. None: nothing is drawn.
        failed
            Called with the sentence of a toolkit error instead. None: it is announced.
        delay
            s before the work begins.
        """
        with self.lock:
            self._generations[name] = generation = self._generations.get(name, 0) + 1

        def current() -> bool:
            return not self.closed and self._generations.get(name) == generation

        def draw(after: Callable[[], object]) -> None:
            with self.lock:
                if current():
                    after()

        async def run() -> None:
            after: Callable[[], object]
            await asyncio.sleep(delay)
            if not current():
                return
            try:
                result = await asyncio.to_thread(work)
            except MotionError as error:
                after = partial(failed or partial(self.announce, bad=True), str(error))
            else:
                if then is None:
                    return
                after = partial(then, result)
            await asyncio.to_thread(draw, after)  # not on the loop: another thread may hold the lock

        spawn(run())

    def show_result(self, job_id: str, on_show: Callable[[Job], object] | None) -> None:
        """Call `on_show` with a job, on a background thread; None: announce its result's path instead."""
        job = Job(self.ws, job_id)

        def announce(path: Path | None) -> None:
            self.announce(say("earlier_at", id=job_id, path=path))

        if on_show is not None:
            self.later("show", lambda: on_show(job))
        else:
            self.later("show", lambda: job.result, announce)

    async def _watch(self) -> None:
        while not self.closed:
            try:
                self.watch_jobs()
                seen = await asyncio.to_thread(self.ws.log_store.jobs.version)
                if seen != self._seen:
                    await asyncio.to_thread(self.refresh)
                    self._seen = seen  # only now: what failed is tried again at the next look
            except MotionError as error:
                self.announce(str(error), bad=True)
            await asyncio.sleep(TICK)

    def close(self) -> None:
        """Remove the widget from the page and stop looking at the log; jobs go on."""
        if self.closed:
            return
        self.closed = True
        close_inside(self)
        super().close()
