"""The root of every widget: its style, its workspace, and refreshing.

Callbacks come on changing threads and never block: whatever touches the disk or the network goes through
`Panel.later` to a thread of the pool. Each call has a generation number, so that a stale answer never
overwrites a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as w

from motion_widgets.core.arguments import require_workspace
from motion_widgets.core.background import start
from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import PLAIN, escape
from motion_widgets.core.html_repr import card, table
from motion_widgets.core.logging import going_on
from motion_widgets.core.messages import say
from motion_widgets.jobs.job import Job
from motion_widgets.widgets.controls import Column, close_inside, live_region, note, shared, speak
from motion_widgets.widgets.edge import DRAWING, WATCHING, Edge
from motion_widgets.widgets.focus import Focus
from motion_widgets.widgets.page_widget import style

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["DEBOUNCE", "SETTLE", "TICK", "Panel"]

_T = TypeVar("_T")
STILL = 5
"""Jobs that a saved notebook shows of a widget."""
TICK = 0.4
"""s between two looks at the log."""
SETTLE = 0.5
"""s without a change between a click on a paid button and the sending: a click may overtake what was typed
before it, since the page holds changes back while the kernel is busy."""
DEBOUNCE = 0.25
"""s without a keystroke after which typed text may reach the disk or the network."""

if importlib.metadata.version("ipykernel") in ("7.0.0", "7.0.1"):
    warnings.warn(say("ipykernel_broken"), stacklevel=2)


STYLES = ("studio", "shared", "create", "sweep", "log")
"""The style sheets of `static/` that panels use; those of anywidgets travel with them."""


def _style_sheet() -> w.HTML:
    """Return the style of all panels; they share one, since it would be saved with each of them."""
    hidden = shared(w.Layout, display="none")
    styles = "".join(style(name) for name in STYLES)
    return shared(w.HTML, value=f"<style>{styles}</style>", layout=hidden)


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
        self._refreshing = threading.Lock()
        self.closed = False
        self._generations: dict[str, int] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._seen = -1
        if ws is None:
            from motion_widgets.workspace.workspace import Workspace

            ws = Workspace()
        self.ws = require_workspace(ws)
        self.notice = live_region()
        self.refused = False
        """Whether the notice tells of an error."""
        self._trouble = live_region()
        self.edge = Edge(type(self).__name__, self._show_trouble)
        """Where errors of its callbacks end, and of the controls in it."""
        self._watch_wanted = watch

    def fill(self, *children: w.Widget) -> None:
        """Set what the panel shows, with its style and the line for what failed."""
        focus = shared(Focus)
        focus.translate()  # it may have been made while another language was spoken
        self.children = (_style_sheet(), focus, self._trouble, *children)

    def focus(self, widget: w.DOMWidget) -> None:
        """Move the keyboard's focus to where a person goes on after what they did.

        Call it at the end of an action, after what it changed was drawn: on the next finding, the button that
        is now the first one, or the result. A widget may still be hidden or about to be drawn: the page waits
        ten seconds for it. A control takes the focus itself; of a box, the first control in it does; one
        without any, of class ``mw-place`` or a tab's panel becomes a place from which the keyboard goes on.

        Nothing happens where the person went on to another control meanwhile, so it may be called for what
        comes by itself, such as a result. Without a call, the focus of a control that was hidden, disabled or
        removed goes to the nearest one that is left.
        """
        shared(Focus).move(widget)

    def _show_trouble(self, text: str) -> None:
        speak(self._trouble, note(text, say("word_error"), kind="error") if text else "")

    def watch(self) -> None:
        """Start looking at the log; a panel calls it last, once everything that `refresh` draws exists."""
        if self._watch_wanted:
            self._watching = start(self._watch(), type(self).__name__)

    def refresh(self) -> None:
        """Draw what the log says now. It is called on a thread that may block; panels override it."""

    def redraw(self) -> bool:
        """Refresh; what goes wrong is said in the panel. Return whether all was drawn."""
        with self._refreshing:  # one at a time: else what was read first could be drawn last
            drawn = self.edge.run(self.refresh, DRAWING)
        if not drawn:
            self.draw_again()
        return drawn

    def draw_again(self) -> None:
        """Draw at the next look, whether anything changed by then or not."""
        self._seen = -1

    def watch_jobs(self) -> None:
        """Report to the runner which jobs are watched; called for as long as a panel watches."""

    def announce(self, text: str, *, bad: bool = False, warns: bool = False) -> None:
        """Show a plain sentence in the panel's own line: an error, a warning, or good news."""
        mark = f"<b>{escape(say('word_error'))}</b> " if bad else ""
        kind = "mw-error" if bad else "mw-warning" if warns else "mw-ok"
        cls = f"mw-note {kind}" if text else ""
        self.refused = bad and bool(text)
        speak(self.notice, mark + escape(text), cls=cls)

    def later(
        self, name: str, work: Callable[[], _T], then: Callable[[_T], object] | None = None,
        *, failed: Callable[[str], object] | None = None, delay: float = 0.0, in_turn: bool = False,
    ) -> None:  # fmt: skip
        """Run `work` on a thread that may block, and draw what it returned unless a newer call came.

        Parameters
        ----------
        name
            What is worked on: a newer call of the same name makes this one stale.
        then
            Called with the result while the panel is locked. None: nothing is drawn.
        failed
            Called with the sentence about an error instead, also where `then` raised one. None: it is
            announced.
        delay
            s before the work begins.
        in_turn
            Whether it writes what a person said: it waits for those before it of the same name, as a slow
            write could end after a newer one, and stand; none is left out, even if the panel closes.
        """
        with self.lock:
            self._generations[name] = generation = self._generations.get(name, 0) + 1

        def current() -> bool:
            return not self.closed and (in_turn or self._generations.get(name) == generation)

        def draw(after: Callable[[], object]) -> None:
            with self.lock:
                if current():
                    after()

        def do() -> None:
            try:
                result = work()
                if then is not None:
                    draw(partial(then, result))
            except Exception as error:  # noqa: BLE001 - whatever it was, it is taken or goes to the edge
                draw(self._taking(error, name, failed))

        async def run() -> None:
            await asyncio.sleep(delay)
            turn = self._turns.setdefault(name, asyncio.Lock()) if in_turn else contextlib.nullcontext()
            async with turn:
                if in_turn or current():  # not on the loop: it may block, and another may hold the lock
                    await asyncio.to_thread(self.edge.run, do, name)

        start(run(), name)

    def _taking(
        self, error: Exception, name: str, failed: Callable[[str], object] | None
    ) -> Callable[[], object]:
        """Return what takes an error in the background; raise one that nobody expected and nobody takes."""
        if failed is None and not isinstance(error, MotionError):
            raise error
        return partial(failed or partial(self.announce, bad=True), self.edge.told(error, name))

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
            await asyncio.to_thread(self._tick)
            await asyncio.sleep(TICK)

    def _tick(self) -> None:
        self.edge.run(self.watch_jobs, WATCHING)
        self.edge.run(self._look, DRAWING)

    def _look(self) -> None:
        """Draw what changed since the last look."""
        seen = self.ws.log_store.jobs.version()
        if seen != self._seen:
            self._seen = seen
            self.redraw()

    def __repr__(self) -> str:
        return f"<{self._told()}>"

    def _told(self) -> str:
        """Return what this is, in words; the folder by its name alone, since notebooks are passed on."""
        where = say("shown_live" if self.ws.live else "shown_sandbox")
        told = {"kind": type(self).__name__, "folder": self.ws.folder.name, "where": where}
        return say("shown_saved", count=len(self.ws.log), **told)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget's view, and a still for the readers of a saved notebook, where no kernel runs."""
        bundle = super()._repr_mimebundle_(**options)
        with going_on("drawing a still"):  # the log may be gone, and the widget says so itself
            bundle["text/plain"] = repr(self)
            jobs = [(job.id, job.row) for job in self.ws.jobs(limit=STILL)]
            rows = [(an_id, say(f"state_{row.state}"), row.mode, row.clip_name or "") for an_id, row in jobs]
            bundle["text/html"] = card(self._told(), None, table((), rows, named=1))
        return bundle

    def close(self) -> None:
        """Remove the widget from the page and stop looking at the log; jobs go on."""
        if self.closed:
            return
        self.closed = True
        close_inside(self)
        super().close()
