"""A line that opens what stands under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    import ipywidgets as w

    from motion_widgets.widgets.edge import Edge

__all__ = ["Fold"]


class Fold(ui.Column):
    """A line that opens what stands under it; `on_turn` is called when a person opened or closed it."""

    def __init__(
        self, edge: Edge, label: str, *body: w.Widget, on_turn: Callable[[], object] | None = None
    ) -> None:
        self._on_turn = on_turn
        self.head = ui.button(edge, label, self._turn, cls="mw-fold")
        self.body = ui.Column(*body, cls="mw-stack-small")
        super().__init__(self.head, self.body, cls="mw-stack-small", width="100%")
        self.unfold(wanted=False)

    @property
    def is_open(self) -> bool:
        """Whether the body is shown."""
        return ui.is_shown(self.body)

    def unfold(self, *, wanted: object = True) -> None:
        """Open it, or close it."""
        ui.show(self.body, wanted)
        ui.set_class(self.head, "mw-open", wanted)

    def label(self, text: str) -> None:
        """Change what the line says; the style draws its sign, `form_marks.js` says whether it is open."""
        ui.label_button(self.head, text)

    def _turn(self) -> None:
        self.unfold(wanted=not self.is_open)
        if self._on_turn is not None:
            self._on_turn()
