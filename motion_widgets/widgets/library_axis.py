"""An axis out of the library: media of the workspace, ticked beside their small pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.messages import say
from motion_widgets.widgets.base import button, close_inside, flow, html, line, live_line, note, put, show
from motion_widgets.widgets.media_preview import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.library import Item

__all__ = ["LibraryAxis"]

SHOWN = 24
"""Media that can be ticked; `ws.library` gives all of them to a sweep in code."""


class LibraryAxis(w.VBox):
    """Ticks clips or images of the library as values of an axis.

    Parameters
    ----------
    host
        The board: its workspace, thread and lock.
    which
        ``"image"`` or ``"clip"``.
    on_change
        Called when a box was ticked or unticked.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], on_change: Callable[[object], None]
    ) -> None:
        super().__init__(layout=w.Layout(width="100%"))
        self.add_class("mw-library")
        self._host, self._which, self._on_change = host, which, on_change
        self._cells: dict[str, w.VBox] = {}
        self.boxes: dict[str, w.Checkbox] = {}
        """By path, as far as the library was opened."""
        self.open = button(say(f"axis_library_{which}"), self._toggle, cls="mw-library-open")
        self._said = live_line()
        self.shelf = w.Box(layout=w.Layout(width="100%"))
        self.shelf.add_class("mw-picks")
        show(self.shelf, visible=False)
        self.children = (flow(self.open), self._said, self.shelf)

    @property
    def values(self) -> list[str]:
        """The paths that are ticked, in the library's order."""
        return [path for path, box in self.boxes.items() if box.value]

    def _toggle(self) -> None:
        if self.shelf.layout.display is None:
            show(self.shelf, visible=False)
            put(self._said, "value", line(""))
        else:
            self._host.later(f"axis {self._which}", self._look)

    def _look(self) -> Callable[[], None]:
        """Look into the folder; on a thread."""
        library = self._host.ws.library
        items = library.items(self._which)[:SHOWN]
        pictures = [library.picture(one) for one in items]

        def take() -> None:
            before, ticked = self._cells, self.values
            boxes = {str(one.path): self._box(one) for one in items}
            self._cells = {
                path: self._cell(path, small, box)
                for small, (path, box) in zip(pictures, boxes.items(), strict=True)
            }
            cells, gone = tuple(self._cells.values()), any(path not in boxes for path in ticked)
            self.boxes = boxes
            self.shelf.children = cells
            for path in before.keys() - self._cells.keys():
                close_inside(before[path])
                before[path].close()
            show(self.shelf, visible=cells)
            put(self._said, "value", line("" if cells else note(say("axis_library_empty"))))
            if gone:
                self._on_change(None)

        return take

    def _cell(self, path: str, small: bytes | None, box: w.Checkbox) -> w.VBox:
        """Return the cell of an item: the one that holds its box already, with its picture as it is now."""
        cell = self._cells.get(path)
        if cell is None:
            cell = w.VBox([html(), box])
            cell.add_class("mw-pick-cell")
        put(cell.children[0], "value", picture(small, "") if small else "")
        return cell

    def _box(self, item: Item) -> w.Checkbox:
        """Return the box of an item; one that is known keeps its tick, one that fits nothing takes none."""
        known = self.boxes.get(str(item.path))
        if known is not None:
            put(known, "description", item.line)
            return known
        box = w.Checkbox(
            description=item.line, value=False, indent=False, disabled=not item.fits,
            tooltip=item.trouble or item.line, layout=w.Layout(width="100%"),
        )  # fmt: skip
        box.observe(self._on_change, "value")
        return box
