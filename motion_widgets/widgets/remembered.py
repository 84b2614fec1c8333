"""What the Studio remembers of a folder: the form, the axes, the run on the board, and the open tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.forks import new_lock
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.media_source import media_source
from motion_widgets.request.request import MotionRequest
from motion_widgets.workspace.settings import keep_view, kept_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.widgets.request_form import RequestForm
    from motion_widgets.widgets.sweep_board import SweepBoard
    from motion_widgets.widgets.tab_bar import TabBar
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Remembered"]


class Remembered:
    """Restores a view once, and writes it down whenever it stayed as it is for two looks."""

    def __init__(
        self, ws: Workspace, form: RequestForm, board: SweepBoard, tabs: TabBar, names: Sequence[str]
    ) -> None:
        self._ws, self._form, self._board, self._tabs, self._names = ws, form, board, tabs, names
        self._looked_at = self._kept = self._view()
        self._lock = new_lock()  # a look that takes long would write its older view over a newer one

    def restore(self) -> int:
        """Show what was open; return the number of the tab that was. Strangers find nothing.

        Raises
        ------
        LogError
            What was kept is not believed; nothing was changed.
        """
        view = {} if in_visitor_mode() else kept_view(self._ws.folder)
        request, axes, run = view.get("request"), view.get("axes"), view.get("run")
        if isinstance(request, dict):
            values = {field.name: request[field.name] for field in FIELDS if field.name in request}
            self._form.load(MotionRequest(**values))
            self._board.load(self._form.request)
        if isinstance(axes, dict):
            self._restore_axes(axes)
        if view.get("endpoint") == self._ws.endpoint and run in self._ws.log_store.sweeps.ids():
            self._board.follow(str(run))
        tab = view["tab"] if view.get("tab") in self._names else self._names[0]
        self._looked_at = self._kept = {**self._view(), "tab": tab}
        return self._names.index(tab)

    def look(self, *, last: bool = False) -> None:
        """Write the view down if it changed and rests now, or it is the last look. It may block."""
        with self._lock:
            view = self._view()
            if (view == self._looked_at or last) and view != self._kept and not in_visitor_mode():
                keep_view(self._ws.folder, view)
                self._kept = view
            self._looked_at = view

    def _view(self) -> dict[str, Any]:
        req, axes, run = self._form.request, self._board.axes, self._board.run
        values = {field.name: getattr(req, field.name) for field in FIELDS}
        medium = {field.name: media_source(values[field.name]) for field in FIELDS if field.kind == "media"}
        ticked = {
            name: [one for one, box in boxes.items() if box.value] for name, boxes in axes.boxes.items()
        }
        listed = {
            name: [*text.value.splitlines(), *(axes.library[name].values if name in axes.library else ())]
            for name, text in axes.lists.items()
        }
        return {
            "tab": self._names[self._tabs.selected_index],
            "request": values | medium,
            "axes": ticked | listed,
            "run": run.id if run is not None else None,
            "endpoint": self._ws.endpoint,
        }

    def _restore_axes(self, kept: dict[str, Any]) -> None:
        axes = self._board.axes
        for name, chosen in kept.items():
            if isinstance(chosen, list):
                for value, box in axes.boxes.get(name, {}).items():
                    box.value = value in chosen
                if name in axes.lists:
                    axes.lists[name].value = "\n".join(one for one in chosen if isinstance(one, str))
