"""The workspace's library as small pictures: choose or keep a medium of a form, tick values of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.media_preview import picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.library import Item

__all__ = ["LibraryAxisPicker", "LibraryPicker"]

SHOWN = 24
"""Small pictures; the form's list names all media, and `ws.library` gives all to a sweep in code."""
_NOTHING = ("\u2013", "")


class LibraryPicker(ui.Column):
    """Chooses a medium from the workspace's library, or puts one there.

    `which` is ``"image"`` or ``"clip"``. `value` returns the medium's path in the form and what a person
    calls it; `use` puts a path there.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], *, value: Callable[[], tuple[str, str]],
        use: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(cls="mw-library", width="100%")
        self._host, self._which, self._value, self._use = host, which, value, use
        self._grid, self._said = ui.html(), ui.live_region()
        self.choice = ui.control(w.Dropdown, say(f"library_choice_{which}"), options=[_NOTHING])
        self.choice.observe(host.edge.guard(self._chosen), "value")
        self.box = ui.Column(self._grid, self.choice, cls="mw-card")
        ui.show(self.box, visible=False)
        self.children = (self._said, self.box)

    def toggle(self) -> None:
        """Show or hide what there is to choose."""
        if ui.toggle(self.box):
            self.refresh()

    def refresh(self) -> None:
        """Look into the folder again."""
        self._host.later(f"library {self._which}", lambda: _look(self._host, self._which), self._show)

    def _show(self, found: list[tuple[Item, bytes | None]]) -> None:
        cells = []
        for one, small in found[:SHOWN]:
            why = f' title="{escape(one.trouble)}"' if one.trouble else ""
            cells.append(
                f"<figure{why}>{_picture(small)}<figcaption>{escape(one.line)}</figcaption></figure>"
            )
        grid = f'<div class="mw-shelf">{"".join(cells)}</div>' if cells else ui.note(say("library_empty"))
        ui.assign(self._grid, "value", grid)
        options = [_NOTHING, *((one.line, str(one.path)) for one, _ in found)]
        if list(self.choice.options) != options:
            self.choice.options = options
        ui.show(self.choice, found)

    def _chosen(self, _: object) -> None:
        chosen = self.choice.value
        if chosen:
            self.choice.value = ""  # so that the same one can be chosen again
            self._use(str(chosen))
            ui.show(self.box, visible=False)

    def keep(self) -> None:
        """Put the medium in the form into the library, under the name that a person knows."""
        value, name = self._value()
        if media_kind(value or None) == "path":
            add = self._host.ws.library.add
            self._host.later(f"keep {self._which}", lambda: add(value, name or None), self._kept)
        else:
            self._announce(say("library_nothing"))

    def _kept(self, path: Path) -> None:
        self._announce(say("library_kept", name=path.name))
        if ui.is_shown(self.box):
            self.refresh()

    def _announce(self, text: str) -> None:
        ui.speak(self._said, ui.note(text))


class LibraryAxisPicker(ui.Column):
    """Ticks clips or images of the library as values of an axis; `on_change` is called at each tick."""

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], on_change: Callable[[object], None]
    ) -> None:
        super().__init__(cls="mw-library", width="100%")
        self._host, self._which, self._on_change = host, which, on_change
        self._cells: dict[str, ui.Column] = {}
        self.boxes: dict[str, w.Checkbox] = {}
        """By path, as far as the library was opened."""
        self.open = ui.button(host.edge, say(f"axis_library_{which}"), self._toggle)
        self._said = ui.live_region()
        self.shelf = ui.make(w.Box, layout={"width": "100%"})
        self.shelf.add_class("mw-picks")
        ui.show(self.shelf, visible=False)
        self.children = (ui.flow(self.open), self._said, self.shelf)

    @property
    def values(self) -> list[str]:
        """The paths that are ticked, in the library's order."""
        return [path for path, box in self.boxes.items() if box.value]

    def _toggle(self) -> None:
        if ui.is_shown(self.shelf):
            ui.show(self.shelf, visible=False)
            ui.speak(self._said, "")
        else:
            self._host.later(f"axis {self._which}", lambda: _look(self._host, self._which), self._show)

    def _show(self, found: list[tuple[Item, bytes | None]]) -> None:
        before, ticked = self._cells, self.values
        shown = found[:SHOWN]
        self.boxes = {str(one.path): self._box(one) for one, _ in shown}
        self._cells = {str(one.path): self._cell(one, small) for one, small in shown}
        self.shelf.children = cells = tuple(self._cells.values())
        for path in before.keys() - self._cells.keys():
            ui.close_inside(before[path])
            before[path].close()
        ui.show(self.shelf, cells)
        ui.speak(self._said, "" if cells else ui.note(say("axis_library_empty")))
        if set(ticked) - self.boxes.keys():
            self._on_change(None)

    def _cell(self, item: Item, small: bytes | None) -> ui.Column:
        """Return the cell of an item: the one that holds its box already, with its picture as it is now."""
        path = str(item.path)
        cell = self._cells.get(path) or ui.Column(ui.html(), self.boxes[path], cls="mw-pick-cell")
        ui.assign(cell.children[0], "value", _picture(small))
        return cell

    def _box(self, item: Item) -> w.Checkbox:
        """Return the box of an item; a known one keeps its tick, and one that fits nothing is disabled."""
        known = self.boxes.get(str(item.path))
        if known is not None:
            ui.assign(known, "description", item.line)
            return known
        box = ui.check_box(item.line, width="100%", disabled=not item.fits, tooltip=item.trouble or item.line)
        box.observe(self._host.edge.guard(self._on_change), "value")
        return box


def _look(host: Panel, which: Literal["image", "clip"]) -> list[tuple[Item, bytes | None]]:
    """Return the library's media of a kind, the first `SHOWN` with a small picture; blocks."""
    library = host.ws.library
    items = library.items(which)
    return [(one, library.picture(one) if at < SHOWN else None) for at, one in enumerate(items)]


def _picture(small: bytes | None) -> str:
    return picture(small, "") if small else ""
