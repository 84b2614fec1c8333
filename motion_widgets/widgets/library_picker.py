"""The workspace's library as small pictures: choose or keep a medium of a form, tick values of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    check_box,
    close_inside,
    control,
    flow,
    html,
    live_region,
    make,
    note,
    show,
    status,
)
from motion_widgets.widgets.media_preview import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.library import Item

__all__ = ["LibraryAxisPicker", "LibraryPicker"]

SHOWN = 24
"""Small pictures; the form's list names all media, and `ws.library` gives all to a sweep in code."""


class LibraryPicker(Column):
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
        super().__init__(cls="mw-library", width="100%")
        self._host, self._which, self._value, self._use = host, which, value, use
        self.open = button(say(f"library_{which}"), self._toggle, cls="mw-library-open")
        self.keep = button(say(f"library_keep_{which}"), self._keep, cls="mw-library-keep")
        self._grid, self._said = html(), live_region()
        self.choice = control(w.Dropdown, say(f"library_choice_{which}"), options=[("\u2013", "")])
        self.choice.observe(self._chosen, "value")
        self.box = Column(self._grid, self.choice, cls="mw-card")
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
            why = f' title="{escape(one.trouble)}"' if one.trouble else ""
            cells.append(f"<figure{why}>{drawn}<figcaption>{escape(one.line)}</figcaption></figure>")
        grid = f'<div class="mw-shelf">{"".join(cells)}</div>' if cells else note(say("library_empty"))

        def take() -> None:
            assign(self._grid, "value", grid)
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
            self._announce(say("library_nothing"))
            return

        def work() -> Callable[[], None]:
            path = self._host.ws.library.add(value)

            def take() -> None:
                self._announce(say("library_kept", name=path.name))
                if self.box.layout.display != "none":
                    self.refresh()

            return take

        self._host.later(f"keep {self._which}", work)

    def _announce(self, text: str) -> None:
        assign(self._said, "value", status(note(text)))


class LibraryAxisPicker(Column):
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
        super().__init__(cls="mw-library", width="100%")
        self._host, self._which, self._on_change = host, which, on_change
        self._cells: dict[str, Column] = {}
        self.boxes: dict[str, w.Checkbox] = {}
        """By path, as far as the library was opened."""
        self.open = button(say(f"axis_library_{which}"), self._toggle, cls="mw-library-open")
        self._said = live_region()
        self.shelf = make(w.Box, layout={"width": "100%"})
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
            assign(self._said, "value", status(""))
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
            assign(self._said, "value", status("" if cells else note(say("axis_library_empty"))))
            if gone:
                self._on_change(None)

        return take

    def _cell(self, path: str, small: bytes | None, box: w.Checkbox) -> Column:
        """Return the cell of an item: the one that holds its box already, with its picture as it is now."""
        cell = self._cells.get(path)
        if cell is None:
            cell = Column(html(), box, cls="mw-pick-cell")
        assign(cell.children[0], "value", picture(small, "") if small else "")
        return cell

    def _box(self, item: Item) -> w.Checkbox:
        """Return the box of an item; one that is known keeps its tick, one that fits nothing takes none."""
        known = self.boxes.get(str(item.path))
        if known is not None:
            assign(known, "description", item.line)
            return known
        box = check_box(item.line, width="100%", disabled=not item.fits, tooltip=item.trouble or item.line)
        box.observe(self._on_change, "value")
        return box
