"""The root of every widget: its style, its workspace, and refreshing.

Callbacks come on changing threads and never block: what touches disk or network goes through `later`,
to the owned thread, and comes back with a generation number, so that a stale answer never overwrites a
newer one.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
import warnings
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import PLAIN, escape
from motion_widgets.core.messages import say
from motion_widgets.widgets.controls import Column, assign, close_inside, live_region, shared, status
from motion_widgets.widgets.page_widget import compact

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["DEBOUNCE", "SETTLE", "TICK", "Panel"]

TICK = 0.4
"""s between two looks at the log."""
SETTLE = 0.5
"""s without a change after a click on a paid button, before anything is sent: a click may overtake what was
typed before it, since the page holds changes back while the kernel is busy."""
DEBOUNCE = 0.25
"""s of silence after which typed text is taken to the disk or the network."""

if importlib.metadata.version("ipykernel") in ("7.0.0", "7.0.1"):
    warnings.warn(say("ipykernel_broken"), stacklevel=2)


def _style_sheet() -> w.HTML:
    """Return the style of all panels; they share one, as it would be saved with each of them."""
    hidden = {"display": "none"}
    return shared(w.HTML, value=f"<style>{compact('studio.css')}</style>", layout=shared(w.Layout, **hidden))


class Panel(Column):
    """The root of a widget: style, a workspace, and a look at the log twice a second.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    watch
        Look at the log by itself; a panel inside another one is refreshed by that.
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
        """Begin to look at the log; a panel calls it last, when everything that `refresh` draws is there."""
        if self._watch_wanted:
            self._watching = spawn(self._watch())

    def refresh(self) -> None:
        """Draw what the log says now. Called on a thread that may block; panels override it."""

    def watch_jobs(self) -> None:
        """Tell the runner which jobs are watched; called for as long as a panel watches."""

    def announce(self, text: str, *, bad: bool = False) -> None:
        """Show a plain sentence in the panel's own line."""
        mark = f"<b>{escape(say('word_error'))}</b> " if bad else ""
        assign(
            self.notice,
            "value",
            status(mark + escape(text), cls=f"mw-note {'mw-error' if bad else 'mw-ok'}" if text else ""),
        )

    def later(self, name: str, work: Callable[[], object], *, delay: float = 0.0) -> None:
        """Run `work` on a thread that may block; what it gives back runs unless a newer call came.

        Errors of the toolkit are told in the panel's line.
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
            await asyncio.sleep(delay)
            if not current():
                return
            try:
                after = await asyncio.to_thread(work)
            except MotionError as error:
                message = str(error)
                after = lambda: self.announce(message, bad=True)  # noqa: E731
            if callable(after):
                await asyncio.to_thread(draw, after)  # not on the loop: another thread may hold the lock

        spawn(run())

    async def _watch(self) -> None:
        while not self.closed:
            try:
                self.watch_jobs()
                seen = await asyncio.to_thread(self.ws.log_store.jobs.version)
                if seen != self._seen:
                    await asyncio.to_thread(self.refresh)
                    self._seen = seen  # only now: what failed is drawn again at the next look
            except MotionError as error:
                self.announce(str(error), bad=True)
            await asyncio.sleep(TICK)

    def close(self) -> None:
        """Take the widget from the page and stop looking at the log; jobs go on."""
        if self.closed:
            return
        self.closed = True
        close_inside(self)
        super().close()
