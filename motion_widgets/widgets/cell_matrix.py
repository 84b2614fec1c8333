"""The matrix of a sweep: thousands of cells, of which the page draws those in sight.

The page gets the whole table once and then only the cells that changed. Pictures are made of the results
for the cells in sight alone, on a thread of the matrix's own. This module draws; it knows no log and no rule.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.log.states import State, mark
from motion_widgets.widgets.page_widget import PageWidget, read_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CellMatrix", "MatrixCell"]

_KINDS = {
    State.COLLECTED: "good", State.PLANNED: "still",
    **dict.fromkeys((State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.COMPLETED), "moving"),
}  # fmt: skip
_STATES = {
    **{state.value: [mark(state), say(f"state_{state}"), _KINDS.get(state, "bad")] for state in State},
    State.UNKNOWN.value: [mark(State.UNKNOWN), say("matrix_unknown"), "odd"],
    "new": ["+", say("matrix_new"), "still"],
    "left": ["\u2013", say("matrix_left_out"), "still"],
    "invalid": ["\u2716", say("matrix_invalid"), "bad"],
    "double": ["=", say("matrix_double"), "still"],
}
"""Mark, word and kind by state; the kind decides how it looks."""
_PICTURES = 400
"""Small pictures kept in memory, some 3 KB each."""
_AT_ONCE = 100
"""Pictures that the page may ask for in one message."""


class MatrixCell(NamedTuple):
    """A cell as the page gets it. Texts may be anything: the page never reads them as HTML."""

    state: str
    """A state of the log, ``"new"``, ``"left"`` (out), ``"invalid"`` or ``"double"``."""
    money: str = ""
    progress: int | None = None
    """%."""
    low: float | None = None
    """Unix s between which it is expected to end. None: not known, or it has ended."""
    high: float | None = None
    note: str = ""
    result: str = ""
    """The name by which `picture` and `on_open` know its result; ``""``: there is none."""


class CellMatrix(PageWidget, scripts=("cell_matrix",)):
    """Cells by row and column, reachable by keyboard.

    Parameters
    ----------
    picture
        Return a small JPEG of a result by its name, or None. It is called on a thread of the matrix's own.
    on_open
        Called with a result's name when a person asks for it.
    """

    table: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """The whole table with a serial number. Patches change it in place and are sent by message, so that a
    page opened later gets the current state."""

    finished = t.Unicode().tag(sync=True)
    """What the page's title says once all is done, until a person looks; ``""``: not yet."""

    sound = t.Bool(default_value=False).tag(sync=True)
    """Play two tones when `finished` is set."""

    _states = t.Dict(_STATES).tag(sync=True)

    def __init__(
        self,
        *,
        picture: Callable[[str], bytes | None] | None = None,
        on_open: Callable[[str], object] | None = None,
    ) -> None:
        self._serial = 0
        super().__init__(table=self._whole([], [], "", []))
        self._picture, self._on_open = picture, on_open
        self._pictures: OrderedDict[str, bytes | None] = OrderedDict()
        self._wanted: list[str] = []

    def _whole(
        self, rows: Sequence[str], columns: Sequence[str], corner: str, cells: list[list[Any] | None]
    ) -> dict[str, Any]:
        self._serial += 1
        return {
            "serial": self._serial, "now": time.time(), "rows": list(rows), "columns": list(columns),
            "corner": corner, "cells": cells,
        }  # fmt: skip

    def show(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        cells: Sequence[MatrixCell | None],
        corner: str = "",
    ) -> int:
        """Show a table; where its heads are those shown already, only cells that changed are sent.

        Parameters
        ----------
        cells
            Row by row, as many as rows times columns. None: no cell there.

        Returns
        -------
        int
            How many cells were sent.
        """
        told = [None if one is None else list(one) for one in cells]
        with self._lock:
            have = self.table
            heads = [list(rows), list(columns), corner]
            if [have["rows"], have["columns"], have["corner"]] != heads:
                self.table = self._whole(rows, columns, corner, told)
                return len(told)
            now = enumerate(zip(told, have["cells"], strict=True))
            return self._patch([[place, new] for place, (new, old) in now if new != old])

    def change(self, cells: dict[int, MatrixCell | None]) -> int:
        """Change some cells by their places; return how many differed and were sent."""
        with self._lock:
            have = self.table["cells"]
            told = [(place, None if one is None else list(one)) for place, one in cells.items()]
            return self._patch([[place, new] for place, new in told if have[place] != new])

    def _patch(self, changes: list[list[Any]]) -> int:
        if not changes:
            return 0
        self._serial += 1
        for place, cell in changes:
            self.table["cells"][place] = cell
        self.table["serial"], self.table["now"] = self._serial, time.time()
        self.send({"type": "patch", "serial": self._serial, "now": time.time(), "cells": changes})
        return len(changes)

    # What the page asks for.

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        kind = content.get("type")
        if kind == "whole":  # it may have missed a patch
            with self._lock:
                if content.get("serial") != self._serial:
                    self.send({"type": "whole", "table": self.table})
        elif kind == "pictures" and isinstance(content.get("names"), list):
            self._want([one for one in content["names"][:_AT_ONCE] if isinstance(one, str)])
        elif kind == "open" and self._on_open is not None and content.get("name") in self._results():
            self._on_open(str(content["name"]))

    def _results(self) -> set[str]:
        """Return the names of the results on show: the page is not trusted with others."""
        with self._lock:
            return {cell[-1] for cell in self.table["cells"] if cell is not None and cell[-1]}

    def _want(self, names: list[str]) -> None:
        with self._lock:
            if self._picture is None:
                return
            busy = bool(self._wanted)
            known = self._results()
            self._wanted = [one for one in names if one in known]  # what scrolled away is no longer wanted
            if self._wanted and not busy:
                self._submit(self._draw)

    def _draw(self) -> None:
        while True:
            with self._lock:
                if self._closed or not self._wanted:
                    return
                name = self._wanted[0]
            data = self._small(name)
            with self._lock:
                # Only now: until then a new wish must find this thread at work.
                self._wanted = [one for one in self._wanted if one != name]
                self._send_bytes({"type": "picture", "name": name}, data)

    def _small(self, name: str) -> bytes | None:
        if name not in self._pictures:
            self._pictures[name] = read_or_none(self._picture, name)
            if len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(name)
        return self._pictures[name]
