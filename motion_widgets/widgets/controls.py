"""The pieces that panels are made of: labelled controls, rows and columns, notes, and spoken lines.

Panels import this module as `ui`. Widgets that look alike share one layout and one style: with one each,
these would be two thirds of what is saved with a notebook. So nobody changes a shared layout; `show` gives
a widget another one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.request.limits import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from motion_widgets.widgets.edge import Edge

__all__ = [
    "Choices",
    "Column",
    "assign",
    "beside",
    "button",
    "check_box",
    "close_inside",
    "control",
    "flow",
    "folded",
    "html",
    "is_shown",
    "label_button",
    "live_region",
    "make",
    "note",
    "progress_bar",
    "require_typed",
    "set_class",
    "shared",
    "show",
    "speak",
    "toggle",
    "typed",
]

_W = TypeVar("_W", bound=w.Widget)
_SHARED: dict[tuple[Any, ...], w.Widget] = {}
"""Layouts, styles and the stylesheet by what they were made of; they live as long as the kernel."""


def shared(cls: type[_W], **traits: Any) -> _W:
    """Return the one widget of these traits, which all panels use; nobody may change or close it."""
    key = (cls, *sorted(traits.items()))
    if key not in _SHARED or _SHARED[key].comm is None:  # a person may have closed all widgets
        _SHARED[key] = cls(**traits)
    found: _W = _SHARED[key]
    return found


def make(cls: type[_W], *, layout: dict[str, str] | w.Layout | None = None, **options: Any) -> _W:
    """Make a widget with a shared style, and a shared layout where this is given as a dict."""
    style = cls.class_traits().get("style")
    if style is not None:
        options["style"] = shared(style.klass, **options.get("style", {}))
    layout = layout if isinstance(layout, w.Layout) else shared(w.Layout, **(layout or {}))
    made: _W = cls(layout=layout, **options)
    return made


def close_inside(root: w.Widget) -> None:
    """End the connections of all that a root holds; ipywidgets would end its own alone."""
    everybodys = set(_SHARED.values())
    inside = [*getattr(root, "children", ()), *(getattr(root, name, None) for name in ("layout", "style"))]
    for one in inside:
        if isinstance(one, w.Widget) and one not in everybodys:
            close_inside(one)
            one.close()


# Containers and controls.


class Column(w.VBox):
    """Widgets below each other."""

    def __init__(self, *children: w.Widget, cls: str = "", width: str | None = None) -> None:
        super().__init__(list(children), layout=shared(w.Layout, **({"width": width} if width else {})))
        _add_classes(self, cls)


def flow(*children: w.Widget, cls: str = "") -> w.HBox:
    """Put widgets in a row that wraps."""
    made = make(w.HBox, layout={"flex_flow": "row wrap", "width": "100%", "margin": "0"}, children=children)
    return _add_classes(made, f"mw-flow {cls}")


def beside(form: w.Widget, *views: w.Widget) -> w.Box:
    """Put what a form makes beside it, or below it where there is no room."""
    return _add_classes(make(w.Box, children=[form, Column(*views, cls="mw-views")]), "mw-beside")


def html(text: str = "", *, cls: str = "") -> w.HTML:
    """Make an HTML widget of text that is safe already."""
    return _add_classes(make(w.HTML, layout={"width": "100%", "margin": "0"}, value=text), cls)


def control(cls: type[w.DOMWidget], label: str, **options: Any) -> Any:
    """Make a labelled control as wide as its column."""
    layout: Any = {"width": "100%", "margin": "0"}
    if issubclass(cls, w.Text | w.Textarea):
        layout = w.Layout(**layout)  # of its own: another layout would redraw a box in which somebody types
    made = make(cls, description=label, style={"description_width": "initial"}, layout=layout, **options)
    return _add_classes(made, "mw-control")


def typed(text: object) -> str:
    """Return a text from the page; of one that is too long, as much as shows that it is."""
    return str(text)[: LONGEST_TEXT + 1]


def require_typed(text: object, what: str, *, most: int = LONGEST_TEXT) -> str:
    """Return a text from the page; megabytes may be pasted, which no work is to begin with.

    Raises
    ------
    RequestError
        `what` takes `most` characters.
    """
    shown = str(text)
    if len(shown) > most:
        raise RequestError.of("text_long", what=what, limit=most)
    return shown


def check_box(label: str, *, width: str, **options: Any) -> w.Checkbox:
    """Make a box to tick, its label beside it."""
    options = {"value": False, "indent": False, **options}
    return make(w.Checkbox, description=label, layout={"width": width}, **options)


def button(
    edge: Edge, label: str, action: Callable[[], object], *, cls: str = "", tooltip: str = ""
) -> w.Button:
    """Make a button that says what it does; `action` must not block, and its errors end at the `edge`."""
    layout = {"width": "auto", "margin": "0"}
    made = make(w.Button, description=label, tooltip=tooltip or label, layout=layout)
    made.on_click(edge.guard(lambda _: action()))
    return _add_classes(made, cls)


def label_button(
    one: w.Button, text: str, *, tooltip: str = "", enabled: object = True, live: bool = False
) -> None:
    """Change what a button says; `live` marks that a click spends money."""
    assign(one, "description", text)
    assign(one, "tooltip", tooltip or text)
    assign(one, "disabled", not enabled)
    set_class(one, "mw-live", live)


class Choices:
    """Up to `most` buttons for what is on offer; they are made once, so that the focus stays.

    `act` is called with what a clicked button stands for; it must not block. Further offers are not shown.
    """

    def __init__(self, edge: Edge, act: Callable[[Any], None], *, most: int, cls: str = "") -> None:
        self._act, self._offers = act, ()
        self.buttons = [button(edge, "", partial(self._click, number), cls=cls) for number in range(most)]

    def offer(self, offers: Sequence[Any], draw: Callable[[w.Button, Any], None]) -> None:
        """Show a button for each of `offers`; `draw` says what is on it."""
        self._offers = tuple(offers)[: len(self.buttons)]
        for number, one in enumerate(self.buttons):
            show(one, number < len(self._offers))
            if number < len(self._offers):
                draw(one, self._offers[number])

    def _click(self, number: int) -> None:
        if number < len(self._offers):
            self._act(self._offers[number])


def _add_classes(widget: _W, names: str) -> _W:
    for name in names.split():
        widget.add_class(name)
    return widget


def set_class(widget: w.DOMWidget, name: str, wanted: object) -> None:
    """Put a class on a widget or take it away."""
    (widget.add_class if wanted else widget.remove_class)(name)


def show(widget: w.Widget, visible: object) -> None:
    """Show or hide a widget; a hidden one takes neither room nor focus."""
    layout = widget.layout
    if layout not in _SHARED.values():  # its own
        assign(layout, "display", None if visible else "none")
    elif (layout.display == "none") == bool(visible):
        given = {
            name: value
            for name, value in layout.get_state().items()
            if value is not None and not name.startswith("_") and name != "display"
        }
        widget.layout = shared(w.Layout, **given, **({} if visible else {"display": "none"}))


def is_shown(widget: w.Widget) -> bool:
    """Return whether a widget is not hidden by `show`."""
    return bool(widget.layout.display != "none")


def toggle(widget: w.Widget) -> bool:
    """Show a hidden widget or hide a shown one; return whether it is shown now."""
    show(widget, not is_shown(widget))
    return is_shown(widget)


def assign(widget: Any, trait: str, value: object) -> None:
    """Set a trait only when it changes, so that nothing is redrawn or spoken for nothing."""
    if getattr(widget, trait) != value:
        setattr(widget, trait, value)


# HTML.


def live_region() -> w.HTML:
    """Make a line that a screen reader speaks when it changes; empty it takes no room. See `speak`."""
    return html(_spoken(""))


def speak(region: w.HTML, text: str, *, cls: str = "") -> None:
    """Set the HTML of a live region; `text` is safe already."""
    assign(region, "value", _spoken(text, cls))


def _spoken(text: str, cls: str = "") -> str:
    return f'<div role="status" aria-live="polite" class="{cls}">{text}</div>'


def note(text: str, head: str = "", *, kind: str = "") -> str:
    """Return the HTML of a note from plain text; `kind` is a severity, ``ok`` or nothing."""
    bold = f"<b>{escape(head)}</b> " if head else ""
    return f'<div class="mw-note{f" mw-{kind}" if kind else ""}">{bold}{escape(text)}</div>'


def folded(lines: Iterable[str]) -> str:
    """Return the HTML of plain sentences that a person opens as a list."""
    items = "".join(f"<li>{escape(one)}</li>" for one in lines)
    return f"<details><summary>{escape(say('line_details'))}</summary><ul>{items}</ul></details>"


def progress_bar(percent: int, name: str) -> str:
    """Return the HTML of a progress bar; `name` is plain text for a screen reader."""
    return (
        f'<div class="mw-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(name)}"><i style="width:{percent}%"></i></div>'
    )
