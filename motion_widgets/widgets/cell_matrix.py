"""The matrix of a sweep: thousands of cells, of which the page draws those in sight.

The page gets the whole table once and then only the cells that changed. Pictures are made of the results
for the cells in sight alone, on a thread of the matrix's own. This module draws; it knows no log and no rule.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.log.states import State, mark
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.pictures import PictureFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["CellMatrix", "MatrixCell", "Sums"]

_KINDS = {
    State.COLLECTED: "good", State.PLANNED: "still",
    **dict.fromkeys((State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.COMPLETED), "moving"),
}  # fmt: skip


def _states() -> dict[str, list[str]]:
    """Return mark, word and kind by state; the kind decides how it looks."""
    return {
        **{state.value: [mark(state), say(f"state_{state}"), _KINDS.get(state, "bad")] for state in State},
        State.UNKNOWN.value: [mark(State.UNKNOWN), say("matrix_unknown"), "odd"],
        "new": ["+", say("matrix_new"), "open"],
        "left": ["\u2013", say("matrix_left_out"), "still"],
        "other": ["\u2013", say("matrix_other"), "still"],
        "invalid": ["\u2716", say("matrix_invalid"), "bad"],
        "unfilled": ["\u2013", say("matrix_unfilled"), "still"],
        "double": ["=", say("matrix_double"), "still"],
    }


class MatrixCell(NamedTuple):
    """A cell as the page gets it. Texts may be anything: the page never reads them as HTML."""

    state: str
    """A state of the log, ``"new"``, ``"left"`` (out), ``"other"`` (not in this run), ``"unfilled"``,
    ``"invalid"`` or ``"double"``."""
    money: str = ""
    progress: int | None = None
    """%."""
    low: float | None = None
    """Unix s between which it is expected to end. None: not known, or it has ended."""
    high: float | None = None
    note: str = ""
    result: str = ""
    """The name by which `picture` and `on_open` know its result; ``""``: there is none."""
    called: str = ""
    """What is said in place of the state's own word; ``""``: that."""
    fact: str = ""
    """What stands below it once it has ended."""
    stars: float | None = None
    change: str = ""
    """The name by which `on_change` knows it; ``""``: nothing to change."""


class Sums(NamedTuple):
    """What the cells of each row and of each column came to, in lines."""

    rows: list[str] = []  # noqa: RUF012 - nobody changes it
    columns: list[str] = []  # noqa: RUF012


class CellMatrix(PageWidget, scripts=("children", "pictures", "cell_matrix")):
    """Cells by row and column, reachable by keyboard.

    Parameters
    ----------
    picture
        Return a small JPEG of a result by its name, or None. It is called on a thread of the matrix's own.
    on_open
        Called with a result's name when a person asks for it.
    on_change
        Called with a cell's `MatrixCell.change` when a person wants it otherwise.
    """

    table: t.Dict[str, Any] = t.Dict().tag(sync=True)
    """The whole table with a serial number. Patches change it in place and are sent by message, so that a
    page opened later gets the current state."""

    finished = t.Unicode().tag(sync=True)
    """What the page's title says once all is done, until a person looks; ``""``: not yet."""

    sound = t.Bool(default_value=False).tag(sync=True)
    """Play two tones when `finished` is set."""

    _states = t.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        picture: Callable[[str], bytes | None] | None = None,
        on_open: Callable[[str], object] | None = None,
        on_change: Callable[[str], object] | None = None,
    ) -> None:
        self._serial = 0
        super().__init__(table=self._whole([], [], "", [], Sums()), _states=_states())
        self._acts = {"open": (on_open, 6), "change": (on_change, 10)}
        """What a person may ask for, and in which place of a cell its name stands."""
        self.pictures = PictureFeed(self._submit, self._send_bytes, make=picture, known=self._names)

    def _whole(
        self, rows: Sequence[str], columns: Sequence[Sequence[str]], corner: str,
        cells: list[list[Any] | None], sums: Sums,
    ) -> dict[str, Any]:  # fmt: skip
        self._serial += 1
        return {
            "serial": self._serial, "now": time.time(), "rows": list(rows),
            "columns": list(map(list, columns)), "corner": corner, "cells": cells, "sums": sums._asdict(),
        }  # fmt: skip

    def show(
        self,
        rows: Sequence[str],
        columns: Sequence[Sequence[str]],
        cells: Sequence[MatrixCell | None],
        corner: str = "",
        sums: Sums | None = None,
    ) -> int:
        """Show a table; where its heads are those shown already, only cells that changed are sent.

        Parameters
        ----------
        columns
            Per column its heads, from the outermost to its own; neighbours share those that are alike.
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
            heads = [list(rows), list(map(list, columns)), corner]
            if [have["rows"], have["columns"], have["corner"]] != heads:
                self.table = self._whole(rows, columns, corner, told, sums or Sums())
                return len(told)
            now = enumerate(zip(told, have["cells"], strict=True))
            return self._patch([[place, new] for place, (new, old) in now if new != old], sums)

    def change(self, cells: Mapping[int, MatrixCell | None], sums: Sums | None = None) -> int:
        """Change some cells by their places, and sums; return how many cells differed and were sent."""
        with self._lock:
            have = self.table["cells"]
            told = [(place, None if one is None else list(one)) for place, one in cells.items()]
            return self._patch([[place, new] for place, new in told if have[place] != new], sums)

    def _patch(self, changes: list[list[Any]], sums: Sums | None) -> int:
        new_sums = sums is not None and sums._asdict() != self.table["sums"]
        if not changes and not new_sums:
            return 0
        if sums is not None:
            self.table["sums"] = sums._asdict()
        self._serial += 1
        for place, cell in changes:
            self.table["cells"][place] = cell
        self.table["serial"], self.table["now"] = self._serial, time.time()
        self.send(
            {
                "type": "patch", "serial": self._serial, "now": time.time(), "cells": changes,
                "sums": self.table["sums"],
            }
        )  # fmt: skip
        return len(changes)

    # What the page asks for.

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        kind = content.get("type")
        if kind == "whole":  # it may have missed a patch
            with self._lock:
                if content.get("serial") != self._serial:
                    self.send({"type": "whole", "table": self.table})
        elif kind == "pictures":
            self.pictures.want(content.get("names"))
        elif kind in self._acts:
            act, place = self._acts[kind]
            if act is not None and content.get("name") in self._names(place):
                act(str(content["name"]))

    def _names(self, place: int = 6) -> set[str]:
        """Return the names in a place of the cells on show: the page is not trusted with others."""
        with self._lock:
            return {cell[place] for cell in self.table["cells"] if cell is not None and cell[place]}
