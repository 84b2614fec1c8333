"""Choosing a part of a clip: two handles on its filmstrip, by mouse, finger or arrow keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from motion_widgets.widgets.page_widget import PageWidget

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TrimEditor"]

_CODES = (
    "trim_start", "trim_end", "trim_at", "trim_part", "trim_fits", "trim_not", "trim_keys", "trim_group"
)  # fmt: skip


class TrimEditor(PageWidget, scripts=("trim_editor",), codes=_CODES):
    """A filmstrip with an in and an out handle. Times are s of the clip, in steps of 0.1 s."""

    strip = t.Unicode().tag(sync=True)
    """The filmstrip as a ``data:image/…`` link; ``""``: there is none."""
    length = t.Float(0.0).tag(sync=True)
    """s that the picture of the clip lasts."""
    low = t.Float(3.0).tag(sync=True)
    """s that a part must last at least."""
    high = t.Float(10.0).tag(sync=True)
    """s that a part may last at most."""
    start = t.Float(0.0).tag(sync=True)
    end = t.Float(0.0).tag(sync=True)

    @property
    def fits(self) -> bool:
        """Whether the chosen part is of an allowed length and inside the clip."""
        inside = 0 <= self.start < self.end <= self.length + 0.05
        return inside and self.low - 1e-6 <= self.end - self.start <= self.high + 1e-6

    def load(self, strip: str, *, length: float, low: float, high: float) -> None:
        """Show another clip, its first part chosen."""
        with self.hold_sync():
            self.strip, self.length, self.low, self.high = strip, length, low, high
            self.choose(0.0, high)

    def choose(self, start: float, length: float) -> None:
        """Choose a part by its start and length, moved into the clip."""
        length = min(length, self.length)
        start = round(max(0.0, min(start, self.length - length)), 1)
        with self.hold_sync():
            self.start, self.end = start, round(min(start + length, self.length), 3)

    @t.validate("start", "end")
    def _number(self, proposal: Mapping[str, Any]) -> float:
        # The page is not trusted with times: no infinity reaches ffmpeg.
        value = float(proposal["value"])
        return value if 0 <= value <= 1e6 else 0.0
