"""The library in the form: small pictures of what is there, choosing one, keeping what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.messages import say
from motion_widgets.request.request import media_kind
from motion_widgets.widgets._html import esc
from motion_widgets.widgets.base import button, control, flow, html, line, live_line, note, put, show
from motion_widgets.widgets.media_preview import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel

__all__ = ["LibraryView"]

SHOWN = 24
"""Small pictures; the list names all."""


class LibraryView(w.VBox):
    """Chooses a medium from the workspace's library, or puts one there.

    Parameters
    ----------
    host
        The form: its workspace, thread and lock.
    which
        ``"image"`` or ``"clip"``.
    value, use
        Read and write the medium's path in the form.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], *, value: Callable[[], str],
        use: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(layout=w.Layout(width="100%"))
        self.add_class("mw-library")
        self._host, self._which, self._value, self._use = host, which, value, use
        self.open = button(say(f"library_{which}"), self._toggle, cls="mw-library-open")
        self.keep = button(say(f"library_keep_{which}"), self._keep, cls="mw-library-keep")
        self._grid, self._said = html(), live_line()
        self.choice = control(w.Dropdown, say(f"library_choice_{which}"), options=[("\u2013", "")])
        self.choice.observe(self._chosen, "value")
        self.box = w.VBox([self._grid, self.choice])
        self.box.add_class("mw-card")
        show(self.box, visible=False)
        show(self.keep, visible=False)
        self.children = (flow(self.open, self.keep), self._said, self.box)

    def draw(self) -> None:
        """Offer to keep what stands in the form, where that is a file."""
        show(self.keep, media_kind(self._value() or None) == "path")

    def _toggle(self) -> None:
        opening = self.box.layout.display == "none"
        show(self.box, opening)
        if opening:
            self.refresh()

    def refresh(self) -> None:
        """Look into the folder again."""
        self._host.later(f"library {self._which}", self._look)

    def _look(self) -> Callable[[], None]:
        library = self._host.ws.library
        items = library.items(self._which)
        cells = []
        for one in items[:SHOWN]:
            small = library.picture(one)
            drawn = picture(small, "") if small else ""
            why = f' title="{esc(one.trouble)}"' if one.trouble else ""
            cells.append(f"<figure{why}>{drawn}<figcaption>{esc(one.line)}</figcaption></figure>")
        grid = f'<div class="mw-shelf">{"".join(cells)}</div>' if cells else note(say("library_empty"))

        def take() -> None:
            put(self._grid, "value", grid)
            options = [("\u2013", ""), *((one.line, str(one.path)) for one in items)]
            if list(self.choice.options) != options:
                self.choice.options = options
            show(self.choice, items)

        return take

    def _chosen(self, _: object) -> None:
        if self.choice.value:
            self._use(str(self.choice.value))

    def _keep(self) -> None:
        value = self._value()
        if media_kind(value or None) != "path":
            self._tell(say("library_nothing"))
            return

        def work() -> Callable[[], None]:
            path = self._host.ws.library.add(value)

            def take() -> None:
                self._tell(say("library_kept", name=path.name))
                if self.box.layout.display != "none":
                    self.refresh()

            return take

        self._host.later(f"keep {self._which}", work)

    def _tell(self, text: str) -> None:
        put(self._said, "value", line(note(text)))
