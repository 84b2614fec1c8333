"""A control of the form with what is to be said of it, and the ways out as buttons."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.widgets.controls import Column, assign, button, flow, live_region, note, show, status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import ipywidgets as w

    from motion_widgets.request.rules import Finding, Fix

__all__ = ["Field"]


class Field(Column):
    """A control with what is to be said of it, up to two fixes as buttons, and `more` buttons beside them."""

    def __init__(
        self, apply: Callable[[Fix], None], *children: w.Widget, more: Sequence[w.Button] = ()
    ) -> None:
        super().__init__(cls="mw-field", width="100%")
        self._apply = apply
        self._fixes: list[Fix] = []
        self._said = live_region()
        self._buttons = [button("", partial(self._click, number)) for number in range(2)]
        self._more = more
        self._row = flow(*self._buttons, *more)
        show(self._row, visible=False)
        self.children = (*children, self._said, self._row)

    def say(self, findings: list[Finding]) -> None:
        """Show the findings of this field."""
        notes = "".join(note(one.message, say(f"word_{one.severity}"), kind=one.severity) for one in findings)
        assign(self._said, "value", status(notes))
        self._fixes = [fix for one in findings for fix in one.fixes][: len(self._buttons)]
        for shown, fix in zip(self._buttons, [*self._fixes, None, None], strict=False):
            show(shown, fix)
            if fix is not None:
                assign(shown, "description", fix.label)
                assign(shown, "tooltip", fix.label)
        show(self._row, self._fixes or any(one.layout.display != "none" for one in self._more))

    def _click(self, number: int) -> None:
        if number < len(self._fixes):
            self._apply(self._fixes[number])
