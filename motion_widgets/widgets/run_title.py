"""What the run on the board is called, and a field in which that can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.html import isolate
from motion_widgets.core.messages import say
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.sweep import Run
    from motion_widgets.widgets.base import Panel

__all__ = ["RunTitle"]


class RunTitle:
    """Shows a run's name with a button that changes it.

    Parameters
    ----------
    run
        Return the run on show. None: there is none.
    renamed
        Called when it has another name.
    """

    def __init__(self, host: Panel, run: Callable[[], Run | None], renamed: Callable[[], object]) -> None:
        self._host, self._run, self._renamed = host, run, renamed
        self._name = ""
        self._shown = ui.html()
        self.change = ui.button(host.edge, say("log_rename"), self._open)
        self.field = ui.control(w.Text, say("log_rename_to"))
        self.save = ui.button(host.edge, say("save"), self._save)
        self._cancel = ui.button(host.edge, say("cancel"), self._shut)
        self.form = ui.flow(self.field, self.save, self._cancel)
        ui.show(self.form, visible=False)
        self.view = ui.flow(self._shown, self.change, self.form, cls="mw-run-title")
        self.draw("")

    def draw(self, name: str) -> None:
        """Show the name of the run; ``""``: there is none."""
        self._name = name
        ui.show(self.view, name)
        ui.assign(self._shown, "value", f"<b>{isolate(name)}</b>" if name else "")

    def _open(self) -> None:
        self.field.value = self._name
        ui.show(self.form, visible=True)
        ui.show(self.change, visible=False)
        self._host.focus(self.field)

    def _shut(self) -> None:
        ui.show(self.form, visible=False)
        ui.show(self.change, visible=True)
        self._host.focus(self.change)

    def _save(self) -> None:
        run, title = self._run(), ui.typed(self.field.value)
        if run is None:
            return

        def work() -> None:
            if title.strip() != self._name:  # left as it is, the name goes on telling its day
                run.name = title

        def done(_: object) -> None:
            self._host.announce("")
            self._shut()
            self._renamed()

        self._host.later("rename", work, done, in_turn=True)
