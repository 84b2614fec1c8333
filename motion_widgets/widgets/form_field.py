"""The form's fields: a control for each wire field, with the findings about it and their fixes below.

The controls are made from the one table of fields (`request/fields.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.messages import say
from motion_widgets.request.fields import FIELD, MODELS, MODES, ORIENTATIONS, SOUNDS
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_source import media_source
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.request.findings import Finding, Fix

__all__ = ["FieldControl", "FormField", "field_controls"]

FIXES = 2
"""Fixes shown as buttons."""
_WATERMARKS = {"none": None, "off": {"enabled": False}, "on": {"enabled": True}}


class FieldControl:
    """A control whose `value` is what a draft holds.

    `choices` has the draft's value of each choice on offer. None: the control takes text.
    """

    def __init__(self, name: str, widget: Any, choices: Mapping[str, Any] | None = None) -> None:
        self.field, self.widget, self._choices = FIELD[name], widget, choices

    @property
    def value(self) -> Any:
        """What the draft holds; None: nothing was typed or chosen."""
        shown = self.widget.value
        if self._choices is not None:
            return self._choices.get(shown)
        return (shown if self.field.free_text else shown.strip()) or None

    @value.setter
    def value(self, value: object) -> None:
        """Show a draft's value; one that the control does not offer is left unchosen."""
        if self._choices is not None:
            shown = self._choice_of(value) or self._choice_of(self.field.unset_means)
        elif self.field.kind == "media":
            shown = media_source(value) or ""
        else:
            shown = value if isinstance(value, str) else ""
        self.widget.value = shown

    def _choice_of(self, value: object) -> str | None:
        return next((choice for choice, one in (self._choices or {}).items() if one == value), None)


def field_controls(media: Mapping[str, w.Combobox]) -> dict[str, FieldControl]:
    """Return the controls by wire field, in the order of the form; `media` has the boxes that come first."""
    ranges = LIMITS.clip_seconds.items()
    lengths = {name: say("ruler_range", low=low, high=high) for name, (low, high) in ranges}
    orientations = [
        (say(f"form_orientation_{one}", lengths=lengths.get(one, "")), one) for one in ORIENTATIONS
    ]
    modes = [(say(f"form_mode_{one}"), one) for one in MODES]
    sounds = [(say(f"form_sound_{one}"), one) for one in SOUNDS]
    marks = [(say(f"form_watermark_{one}"), one) for one in _WATERMARKS]
    hint = say("form_prompt_hint")
    made = {
        **media,
        "model": ui.control(w.Dropdown, say("form_model"), options=MODELS),
        "character_orientation": ui.control(
            w.RadioButtons, say("form_orientation"), value=None, options=orientations
        ),
        "mode": ui.control(w.RadioButtons, say("form_mode"), value=None, options=modes),
        "prompt": ui.control(w.Textarea, say("form_prompt"), placeholder=hint, rows=3),
        "keep_original_sound": ui.control(w.Dropdown, say("form_sound"), options=sounds),
        "watermark_info": ui.control(w.Dropdown, say("form_watermark"), options=marks),
        "webhook": ui.control(w.Text, say("form_webhook"), placeholder="https://"),
    }
    choices: dict[str, Mapping[str, Any]] = {
        name: {one: one for one in FIELD[name].choices} for name in made if FIELD[name].kind == "choice"
    }
    choices["watermark_info"] = _WATERMARKS
    return {name: FieldControl(name, widget, choices.get(name)) for name, widget in made.items()}


class FormField(ui.Column):
    """A control with the findings about it, a button for each fix, and `more` buttons beside them."""

    def __init__(
        self, apply: Callable[[Fix], None], *children: w.Widget, more: Sequence[w.Button] = ()
    ) -> None:
        super().__init__(cls="mw-field", width="100%")
        self._said = ui.live_region()
        self._fixes = ui.Choices(apply, most=FIXES)
        self._more = more
        self._row = ui.flow(*self._fixes.buttons, *more)
        ui.show(self._row, visible=False)
        self.children = (*children, self._said, self._row)

    def say(self, findings: list[Finding]) -> None:
        """Show the findings about this field."""
        notes = [ui.note(one.message, say(f"word_{one.severity}"), kind=one.severity) for one in findings]
        ui.speak(self._said, "".join(notes))
        fixes = [fix for one in findings for fix in one.fixes]
        self._fixes.offer(fixes, lambda shown, fix: ui.label_button(shown, fix.label))
        ui.show(self._row, fixes or any(map(ui.is_shown, self._more)))
