"""Two clips on one clock for a blind rating, with keys for the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import traitlets as t

from motion_widgets.study.ratings import ANSWERS
from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PairPlayer"]

LONGEST = 24 * 3600
"""s that a pair can have been shown; more is no time that a page measured."""


class PairPlayer(PageWidget, scripts=("player", "player_clock", "pair_player")):
    """Plays two clips on one clock, with keys for the answers. The page learns nothing but their addresses.

    `on_answer` is called with the pair's serial number, what was said of it, the s that it was shown and how
    often it was played; `on_undo` when the last answer is to be taken back. `read` gives a clip's bytes.
    """

    pair = t.Dict().tag(sync=True)
    """`serial`, and the paths `left`, `right` and `motion`; empty: there is nothing to compare."""

    def __init__(
        self, *, on_answer: Callable[[int, str, float, int], None], on_undo: Callable[[], None],
        read: Callable[[str], bytes | None],
    ) -> None:  # fmt: skip
        super().__init__()
        self._on_answer, self._on_undo, self._read = on_answer, on_undo, read

    def _receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        kind = content.get("type")
        if kind == "undo":
            self._on_undo()
        elif kind == "answer" and content.get("choice") in ANSWERS and content.get("serial") == self.serial:
            self._on_answer(self.serial, content["choice"], *_measured(content))
        elif kind == "bytes" and isinstance(content.get("path"), str) and isinstance(content.get("id"), str):
            self._submit(self._answer, content["path"], content["id"])

    def _answer(self, path: str, request: str) -> None:
        shown = path in {self.pair.get(name) for name in ("left", "right", "motion")}
        self._send_file(request, path, self._read, shown=shown)

    @property
    def serial(self) -> int:
        """The number of the pair that is shown; 0: none is."""
        return int(self.pair.get("serial", 0))


def _measured(content: dict[str, Any]) -> tuple[float, int]:
    """Return the s and the plays that a page states, which may state anything."""
    seconds, plays = content.get("seconds"), content.get("plays")
    usable = isinstance(seconds, int | float) and 0 <= seconds <= LONGEST
    counted = type(plays) is int and 0 <= plays <= LONGEST
    return (float(cast("float", seconds)) if usable else 0.0), (cast("int", plays) if counted else 0)
