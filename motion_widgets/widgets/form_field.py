"""The form's fields: a control for each wire field, with a line for each finding about it and its buttons.

The controls are made from the one table of fields (`request/fields.py`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.request.fields import FIELD, MODELS, MODES, ORIENTATIONS, SOUNDS
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.media_source import media_source
from motion_widgets.request.price import PRICES
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.axis_words import axis_word
from motion_widgets.widgets.row_text import short_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.request.findings import Finding
    from motion_widgets.request.price import Prices
    from motion_widgets.widgets.edge import Edge

__all__ = ["FormField", "Offer", "field_controls", "mode_options"]

OFFERED = 4
"""Buttons of one finding."""
WATERMARKS = {"none": None, "off": {"enabled": False}, "on": {"enabled": True}}
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Offer:
    """A button beside a finding."""

    label: str
    act: Callable[[], object]
    enabled: bool = True


class FieldControl:
    """A control whose `value` is what a draft holds.

    `choices` has the draft's value of each choice on offer. None: the control takes text.
    """

    def __init__(self, name: str, widget: Any, choices: Mapping[str, Any] | None = None) -> None:
        self.field, self.widget, self._choices = FIELD[name], widget, choices

    @property
    def value(self) -> Any:
        """What the draft holds; None: nothing was typed or chosen.

        Of a text that is too long, as much as shows that it is: megabytes may be pasted.
        """
        shown = self.widget.value
        if self._choices is not None:
            return self._choices.get(shown)
        shown = ui.typed(shown)
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


def mode_options(prices: Prices, model: object) -> list[tuple[str, str]]:
    """Return the modes in people's words, each with what a second costs, for a `RadioButtons`."""
    options = []
    for mode in MODES:
        rate = prices.of(model, mode)
        cost = format_usd(rate, digits=3) if rate is not None else "\u2013"
        options.append((say(f"form_mode_{mode}", cost=cost), mode))
    return options


def field_controls(media: Mapping[str, w.Combobox]) -> dict[str, FieldControl]:
    """Return the controls by wire field, in the order of the form; `media` has the boxes that come first."""
    ranges = LIMITS.clip_seconds.items()
    lengths = {name: say("range_seconds", low=low, high=high) for name, (low, high) in ranges}
    orientations = [
        (say(f"form_orientation_{one}", lengths=lengths.get(one, "")), one) for one in ORIENTATIONS
    ]
    sounds = [(say(f"form_sound_{one}"), one) for one in SOUNDS]
    marks = [(say(f"form_watermark_{one}"), one) for one in WATERMARKS]
    models = [(short_model(one), one) for one in sorted(MODELS)]
    hint = say("form_prompt_hint")
    made = {
        **media,
        "character_orientation": ui.control(
            w.RadioButtons, say("form_orientation"), value=None, options=orientations
        ),
        "mode": ui.control(
            w.RadioButtons, axis_word("mode"), value=None, options=mode_options(PRICES, MODELS[0])
        ),
        "model": ui.control(w.Dropdown, axis_word("model"), options=models),
        "prompt": ui.control(w.Textarea, say("form_prompt"), placeholder=hint, rows=2),
        "keep_original_sound": ui.control(w.Dropdown, say("form_sound"), options=sounds),
        "watermark_info": ui.control(w.Dropdown, axis_word("watermark_info"), options=marks),
        "webhook": ui.control(w.Text, say("form_webhook"), placeholder="https://"),
    }
    choices: dict[str, Mapping[str, Any]] = {
        name: {one: one for one in FIELD[name].choices} for name in made if FIELD[name].kind == "choice"
    }
    choices["watermark_info"] = WATERMARKS
    return {name: FieldControl(name, widget, choices.get(name)) for name, widget in made.items()}


class _Line:
    """One finding in a line, its buttons beside it. It is filled anew, so that the focus stays."""

    def __init__(self, edge: Edge) -> None:
        self.id = f"mw-finding-{next(_NUMBERS)}"
        self.said = ui.live_region()
        self._choices = ui.Choices(edge, lambda offer: offer.act(), most=OFFERED)
        self.box = ui.flow(self.said, *self._choices.buttons, cls="mw-finding")
        self.buttons = self._choices.buttons

    def show(self, finding: Finding | None, offers: Sequence[Offer]) -> None:
        ui.show(self.box, finding is not None)
        self._choices.offer(offers, lambda shown, one: ui.label_button(shown, one.label, enabled=one.enabled))
        if finding is None:
            ui.speak(self.said, "")
            return
        for one in ("error", "warning", "hint"):
            ui.set_class(self.box, f"mw-{one}", one == finding.severity)
        message = finding.message
        if offers:  # the last sentence says what to do, which the buttons do
            message = message.rpartition(". ")[0] + "." if ". " in message else message
        head = f"<b>{escape(say(f'word_{finding.severity}'))}</b> "
        ui.speak(self.said, f'<span id="{self.id}">{head}{escape(message)}</span>')


class FormField(ui.Column):
    """A control with a line for each finding about it."""

    def __init__(self, edge: Edge, *children: w.Widget) -> None:
        self._edge = edge
        self.lines: list[_Line] = []
        """The lines so far; they are made when there is something to say, and stay."""
        self.findings: Sequence[Finding] = ()
        """What is shown."""
        self._below = ui.Column(cls="mw-stack-small")
        super().__init__(*children, self._below, cls="mw-field", width="100%")
        ui.show(self._below, visible=False)

    def say(self, findings: Sequence[Finding], offers: Callable[[Finding], Sequence[Offer]]) -> None:
        """Show the findings about this field, and what `offers` has for each."""
        self.findings = findings
        if len(findings) > len(self.lines):
            self.lines += [_Line(self._edge) for _ in findings[len(self.lines) :]]
            self._below.children = [line.box for line in self.lines]
        ui.show(self._below, findings)
        for line, finding in itertools.zip_longest(self.lines, findings):
            line.show(finding, offers(finding) if finding is not None else ())

    @property
    def buttons(self) -> list[w.Button]:
        """The buttons beside the findings that are shown, in order."""
        shown = (line for line in self.lines if ui.is_shown(line.box))
        return [one for line in shown for one in line.buttons if ui.is_shown(one)]

    @property
    def ids(self) -> list[str]:
        """The ids of the sentences that are shown."""
        return [line.id for line in self.lines if ui.is_shown(line.box)]

    @property
    def said(self) -> str:
        """The HTML of what is shown."""
        return "".join(line.said.value for line in self.lines)
