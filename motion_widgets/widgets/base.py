"""What all widgets share: the root with its style, controls that are labelled and wide, and refreshing.

Callbacks come on changing threads and never block: what touches disk or network goes through `later`,
to the owned thread, and comes back with a generation number, so that a stale answer never overwrites a
newer one.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import PLAIN, escape
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = [
    "Panel",
    "assign",
    "button",
    "close_inside",
    "control",
    "flow",
    "html",
    "live_region",
    "note",
    "progress_bar",
    "show",
    "status",
]

_CSS = (Path(__file__).parent / "static" / "studio.css").read_text("utf-8")
TICK = 0.4
"""s between two looks at the log."""
SETTLE = 0.5
"""s without a change after a click on a paid button, before anything is sent: a click may overtake what was
typed before it, since the page holds changes back while the kernel is busy."""
DEBOUNCE = 0.25
"""s of silence after which typed text is taken to the disk or the network."""

if importlib.metadata.version("ipykernel") in ("7.0.0", "7.0.1"):
    warnings.warn(say("ipykernel_broken"), stacklevel=2)


def html(text: str = "", *, cls: str = "") -> w.HTML:
    """Make an HTML widget of text that is safe already."""
    made = w.HTML(text, layout=w.Layout(width="100%", margin="0"))
    for name in cls.split():
        made.add_class(name)
    return made


def live_region() -> w.HTML:
    """Make a line that a screen reader speaks when it changes; empty it takes no room."""
    return html(status(""))


def status(text: str, *, cls: str = "") -> str:
    """Return the HTML of a spoken line; `text` is safe already."""
    return f'<div role="status" aria-live="polite" class="{cls}">{text}</div>'


def note(text: str, head: str = "", *, kind: str = "") -> str:
    """Return the HTML of a note from plain text; `kind` is a severity, ``ok`` or nothing."""
    bold = f"<b>{escape(head)}</b> " if head else ""
    return f'<div class="mw-note{f" mw-{kind}" if kind else ""}">{bold}{escape(text)}</div>'


def progress_bar(percent: int, name: str) -> str:
    """Return the HTML of a progress bar; `name` is plain text for a screen reader."""
    return (
        f'<div class="mw-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(name)}"><i style="width:{percent}%"></i></div>'
    )


def control(cls: type[w.DOMWidget], label: str, **options: Any) -> Any:
    """Make a labelled control as wide as its column."""
    layout = w.Layout(width="100%", margin="0", **options.pop("layout", {}))
    made = cls(description=label, style={"description_width": "initial"}, layout=layout, **options)
    made.add_class("mw-control")
    return made


def button(
    label: str, action: Callable[[], None] | None = None, *, cls: str = "", tooltip: str = ""
) -> w.Button:
    """Make a button that says what it does; `action` must not block."""
    made = w.Button(description=label, tooltip=tooltip or label, layout=w.Layout(width="auto", margin="0"))
    for name in f"mw-button {cls}".split():
        made.add_class(name)
    if action is not None:
        made.on_click(lambda _: action())
    return made


def flow(*children: w.Widget, cls: str = "") -> w.HBox:
    """Put widgets in a row that wraps."""
    made = w.HBox(list(children), layout=w.Layout(flex_flow="row wrap", width="100%", margin="0"))
    for name in f"mw-flow {cls}".split():
        made.add_class(name)
    return made


def show(widget: w.Widget, visible: object) -> None:
    """Show or hide a widget; a hidden one takes no room and no focus."""
    value = None if visible else "none"
    if widget.layout.display != value:
        widget.layout.display = value


def assign(widget: Any, trait: str, value: object) -> None:
    """Set a trait only when it changes, so that nothing is redrawn or spoken for nothing."""
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)


class Panel(w.VBox):
    """The root of a widget: style, a workspace, and a look at the log twice a second.

    Parameters
    ----------
    ws
        The workspace. None: one in the working directory.
    watch
        Look at the log by itself; a panel inside another one is refreshed by that.
    """

    def __init__(self, ws: Workspace | None = None, *, watch: bool = True) -> None:
        super().__init__(layout=w.Layout(width="100%"))
        for name in ("motion-widgets", *PLAIN.split()):
            self.add_class(name)
        self._style = w.HTML(f"<style>{_CSS}</style>", layout=w.Layout(display="none"))
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
        self.children = (self._style, *children)

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
                seen = await asyncio.to_thread(self.ws.log_store.version)
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


def close_inside(root: w.Widget) -> None:
    """End the connections of all that a root holds; ipywidgets would end its own alone."""
    for inner in _inside(root):
        inner.close()


def _inside(root: w.Widget) -> list[w.Widget]:
    """Return all widgets inside a root, layouts and styles too: each has a connection of its own to end."""
    found: list[w.Widget] = []
    for child in getattr(root, "children", ()):
        found += [*_inside(child), child]
    return [
        *found,
        *(one for name in ("layout", "style") if isinstance(one := getattr(root, name, None), w.Widget)),
    ]
