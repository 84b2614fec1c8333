"""The axes of a sweep as chips: which fields vary, and over which values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.media_source import media_name, media_source
from motion_widgets.sweep import Sweep
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_value, axis_word
from motion_widgets.widgets.library_picker import LibraryAxisPicker
from motion_widgets.widgets.row_text import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
_FIXED = ("model", "mode", "character_orientation", "image_url", "video_url")
"""What is said of the fields that do not vary."""
_LIST = 200_000
"""Characters of a list; a sweep of so many values has more cells than are planned."""
_SHOWN = 4
"""Values of a list that its chip shows."""
_LONG = 18
"""Characters of a value on its chip."""


class AxesPicker:
    """Which fields vary, and over which values; `on_change` is called when a value came or went."""

    def __init__(self, host: Panel, on_change: Callable[[object], None]) -> None:
        self._edge, self._on_change = host.edge, on_change
        self._req: MotionRequest | None = None
        self._added: set[str] = set()
        """Axes that a person asked for and that have no values yet."""
        self.boxes: dict[str, dict[str, w.Checkbox]] = {
            field: {value: self._box(field, value) for value in values} for field, values in _CHOICES.items()
        }
        self.lists = {field: ui.control(w.Textarea, say(f"axis_more_{field}"), rows=2) for field in _LISTED}
        for one in self.lists.values():
            one.observe(host.edge.guard(self._changed), "value")
        self.library = {
            "image_url": LibraryAxisPicker(host, "image", self._changed),
            "video_url": LibraryAxisPicker(host, "clip", self._changed),
        }
        self._own = {field: ui.html() for field in _LISTED}
        self._values = {
            field: ui.Choices(host.edge, partial(self._take_away, field), most=_SHOWN, cls="mw-value")
            for field in _LISTED
        }
        self.editors = {field: self._editor(field) for field in _LISTED}
        self.chips = {field: self._chip(field) for field in (*_CHOICES, *_LISTED)}
        self.add = {
            field: ui.button(self._edge, axis_word(field), partial(self.vary, field)) for field in self.chips
        }
        self.more = ui.button(self._edge, "", self._toggle)
        self.menu = ui.flow(*self.add.values())
        ui.show(self.menu, visible=False)
        self._fixed = ui.html(cls="mw-fixed")
        vary = ui.html(f"<b>{escape(say('axis_vary'))}</b>")
        chips = ui.flow(vary, *self.chips.values(), self.more, self._fixed)
        self.view = ui.Column(chips, self.menu, *self.editors.values(), cls="mw-axes")
        self.draw(None)

    def _box(self, field: str, value: str) -> w.Checkbox:
        options = {"value": field in _DEFAULT, "tooltip": f"{axis_word(field)}: {value}"}
        box = ui.check_box(axis_value(field, value), width="auto", **options)
        box.observe(self._edge.guard(self._changed), "value")
        return box

    def _chip(self, field: str) -> w.HBox:
        head = ui.html(f"<b>{escape(axis_word(field))}</b>")
        say_less = say("axis_drop", name=axis_word(field))
        drop = ui.button(self._edge, "", partial(self.fix, field), cls="mw-x", tooltip=say_less)
        if field in self.boxes:
            return ui.flow(head, *self.boxes[field].values(), drop, cls="mw-chip")
        add = ui.button(self._edge, "", partial(ui.toggle, self.editors[field]), cls="mw-plus")
        ui.assign(add, "tooltip", say("axis_add", name=axis_word(field)))
        return ui.flow(head, self._own[field], *self._values[field].buttons, add, drop, cls="mw-chip")

    def _editor(self, field: str) -> ui.Column:
        beside = [self.library[field]] if field in self.library else []
        made = ui.Column(self.lists[field], *beside, cls="mw-stack-small")
        ui.show(made, visible=False)
        return made

    # What a person does.

    def vary(self, field: str) -> None:
        """Add an axis: all values of a choice, or the place where values are given."""
        ui.show(self.menu, visible=False)
        self._added.add(field)
        for box in self.boxes.get(field, {}).values():
            box.value = True
        if field in self.editors:
            ui.show(self.editors[field], visible=True)
        self.draw(self._req)

    def fix(self, field: str) -> None:
        """Take an axis away; its field keeps the request's own value."""
        self._added.discard(field)
        for box in self.boxes.get(field, {}).values():
            box.value = False
        if field in self.editors:
            ui.show(self.editors[field], visible=False)
            for box in self.library[field].boxes.values() if field in self.library else ():
                box.value = False
            self.lists[field].value = ""
        self.draw(self._req)

    def _take_away(self, field: str, value: str) -> None:
        """Take a value off a list, wherever it was given."""
        lines = self.lists[field].value.splitlines()
        for path, box in self.library[field].boxes.items() if field in self.library else ():
            if path == value:
                box.value = False
        self.lists[field].value = "\n".join(one for one in lines if one.strip() != value)

    def _toggle(self) -> None:
        ui.toggle(self.menu)

    def _changed(self, change: object) -> None:
        self.draw(self._req)
        self._on_change(change)

    # What is shown.

    def draw(self, req: MotionRequest | None) -> None:
        """Draw the chips around a request, whose own values stand first."""
        self._req = req
        for field, boxes in self.boxes.items():
            varied = field in self._added or any(box.value for box in boxes.values())
            ui.show(self.chips[field], varied)
        for field in _LISTED:
            self._draw_list(field)
        left = [field for field, chip in self.chips.items() if not ui.is_shown(chip)]
        for field, one in self.add.items():
            ui.show(one, field in left)
        ui.show(self.more, left)
        names = ", ".join(axis_word(field) for field in left[:3])
        ui.label_button(self.more, say("axis_more", names=names))
        ui.assign(self._fixed, "value", "" if req is None else _fixed(req, left))

    def _draw_list(self, field: str) -> None:
        more = self._more(field)
        ui.show(self.chips[field], field in self._added or more)
        own = getattr(self._req, field, None) if self._req is not None else None
        shown = f'<span class="mw-pill">{escape(_short(own))}</span>' if own else ""
        if len(more) > _SHOWN:
            shown += f' <span class="mw-muted">{escape(say("axis_rest", count=len(more) - _SHOWN))}</span>'
        ui.assign(self._own[field], "value", shown)
        self._values[field].offer(more, self._draw_value)

    def _draw_value(self, one: w.Button, value: str) -> None:
        ui.label_button(one, _short(value), tooltip=say("axis_take_away", value=_short(value)))

    def _more(self, field: str) -> list[str]:
        """Return the values of a list beside the request's own, as far as they are not too many."""
        text = self.lists[field].value[:_LIST]
        lines = [one.strip() for one in text.splitlines() if one.strip()]
        lines += self.library[field].values if field in self.library else []
        return list(dict.fromkeys(lines))

    def sweep(self, req: MotionRequest, trimmed: Mapping[str, str] | None = None) -> Sweep:
        """Return the sweep around a request; an axis with nothing ticked keeps the request's own value.

        `trimmed` names by clip the one to take in its place.
        """
        axes: dict[str, Any] = {}
        for field, boxes in self.boxes.items():
            chosen = [value for value, box in boxes.items() if box.value]
            if chosen:
                axes[field] = chosen
        for field, text in self.lists.items():
            ui.require_typed(text.value, text.description, most=_LIST)
            more = self._more(field)
            if more:
                own = getattr(req, field)
                known = media_source(own) if field in self.library else own
                axes[field] = [*([own] if own else []), *(one for one in more if one != known)]
        if trimmed:
            req = req.replace(video_url=_short_clip(req.video_url, trimmed))
            if "video_url" in axes:
                axes["video_url"] = [_short_clip(one, trimmed) for one in axes["video_url"]]
        return Sweep(req, **(axes or {"mode": [req.mode]}))


def _short_clip(clip: Any, trimmed: Mapping[str, str]) -> Any:
    return trimmed.get(str(media_source(clip)), clip)


def _short(value: object) -> str:
    """Return a value of a list as its chip shows it: a file's name, or how a text begins."""
    text = (
        str(value) if isinstance(value, str) and "/" not in value and "\\" not in value else media_name(value)
    )
    return text if len(text) <= _LONG else f"{text[: _LONG - 1].rstrip()}\u2026"


def _fixed(req: MotionRequest, left: list[str]) -> str:
    """Return what all cells share of the fields that do not vary."""
    values = [(name, getattr(req, name)) for name in _FIXED if name in left]
    values = [
        (name, value if isinstance(value, str) else media_name(value)) for name, value in values if value
    ]
    told = dotted(*(_short(axis_value(name, value)) for name, value in values))
    return escape(say("axis_fixed", values=told)) if told else ""
