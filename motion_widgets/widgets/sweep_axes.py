"""The axes of a sweep as boxes to tick, lists to fill in, and media out of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.media_source import media_source
from motion_widgets.sweep import Sweep
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.library_picker import LibraryAxisPicker

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel

__all__ = ["AxesPicker"]

_DEFAULT = ("mode", "character_orientation")
_CHOICES: dict[str, tuple[str, ...]] = {
    field.name: field.choices
    for field in sorted(FIELDS, key=lambda one: _DEFAULT.index(one.name) if one.name in _DEFAULT else 9)
    if field.kind == "choice"
}
_LISTED = ("image_url", "video_url", "prompt")


class AxesPicker:
    """Which fields vary, and over which values; `on_change` is called when a box or a list changed."""

    def __init__(self, host: Panel, on_change: Callable[[object], None]) -> None:
        self._on_change = on_change
        self.boxes: dict[str, dict[str, w.Checkbox]] = {
            field: {value: self._box(value, checked=field in _DEFAULT) for value in values}
            for field, values in _CHOICES.items()
        }
        self.lists = {field: ui.control(w.Textarea, say(f"axis_more_{field}"), rows=2) for field in _LISTED}
        for one in self.lists.values():
            one.observe(on_change, "value")
        self.library = {
            "image_url": LibraryAxisPicker(host, "image", on_change),
            "video_url": LibraryAxisPicker(host, "clip", on_change),
        }
        groups: list[w.Widget] = [
            ui.Column(ui.html(f"<b>{escape(field)}</b>"), ui.flow(*boxes.values()))
            for field, boxes in self.boxes.items()
        ]
        for field, text in self.lists.items():
            beside = self.library.get(field)
            groups.append(text if beside is None else ui.Column(text, beside, cls="mw-stack-small"))
        self.view = ui.Column(*groups, cls="mw-stack")

    def _box(self, value: str, *, checked: bool) -> w.Checkbox:
        box = ui.check_box(value, value=checked, width="auto")
        box.observe(self._on_change, "value")
        return box

    def sweep(self, req: MotionRequest) -> Sweep:
        """Return the sweep around a request; an axis with nothing ticked keeps the request's own value."""
        axes: dict[str, Any] = {}
        for field, boxes in self.boxes.items():
            chosen = [value for value, box in boxes.items() if box.value]
            if chosen:
                axes[field] = chosen
        for field, text in self.lists.items():
            more = [one.strip() for one in text.value.splitlines() if one.strip()]
            more += self.library[field].values if field in self.library else []
            if more:
                own = getattr(req, field)
                known = media_source(own) if field in self.library else own
                axes[field] = [*([own] if own else []), *(one for one in dict.fromkeys(more) if one != known)]
        return Sweep(req, **(axes or {"mode": [req.mode]}))
