"""An answer: a text, the figures behind it, and a bar that shows the interval with its n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.core.html import PLAIN, escape, isolate
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from motion_widgets.study.verdict import Kind

__all__ = ["Answer", "bar", "interval_words", "page", "percent"]

_BOX = "color:var(--jp-ui-font-color1,CanvasText);max-width:44em"
_TRACK = "position:relative;height:1.4em;margin:.3em 0;max-width:26em;border:1px solid;border-radius:3px"
_RANGE = (
    "position:absolute;top:20%;height:60%;left:{:.1f}%;width:{:.1f}%;"
    "background:var(--jp-brand-color1,Highlight);opacity:.55"
)
_MARK = "position:absolute;top:0;height:100%;left:min({:.1f}%,100% - 3px);border-left:{}"
_SMALL = "font-size:.9em;color:var(--jp-ui-font-color2,inherit)"


def percent(share: float) -> str:
    """Return a share in whole percent: ``77 %``."""
    return f"{100 * share:.0f}\u00a0%"


def interval_words(low: float, high: float) -> str:
    """Return an interval of shares in whole percent, rounded outwards: ``60\u201388 %``."""
    least, most = math.floor(100 * low + 1e-9), math.ceil(100 * high - 1e-9)
    return f"{least}\u2013{most}\u00a0%"


def page(text: str, below: str) -> str:
    """Return an answer's text as HTML, with what stands below it."""
    said = "".join(f"<p style='margin:.2em 0'>{isolate(line)}</p>" for line in text.split("\n"))
    return f'<div class="{PLAIN}" style="{_BOX}">{said}{below}</div>'


def bar(words: str, middle: float, low: float, high: float) -> str:
    """Return an interval as a bar from 0 to 1 as HTML, with 0.5 marked, and words that say the same."""
    return (
        f'<div role="img" aria-label="{escape(words)}" style="{_TRACK}">'
        f'<span style="{_RANGE.format(100 * low, 100 * (high - low))}"></span>'
        f'<span style="{_MARK.format(50, "2px dotted")}"></span>'
        f'<span style="{_MARK.format(100 * middle, "3px solid")}"></span></div>'
        f'<div style="{_SMALL}">{escape(words)}</div>'
    )


@dataclass(frozen=True)
class Answer:
    """What a study says; notebooks show it with a bar.

    Attributes
    ----------
    text
        The answer in sentences.
    kind
        ``preferred``, ``alike``, ``not_shown``, ``few``, ``open``; or ``information``, of another axis.
    a, b
        The two values; `a` is the preferred one where one is.
    rate, low, high
        How often `a` is preferred, with its interval (95 %; of `information` 99 %). NaN: nothing was rated.
    ratings
        How many are behind it.
    """

    text: str
    kind: Kind
    a: str
    b: str
    rate: float
    low: float
    high: float
    ratings: int

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return page(self.text, self.bar())

    def bar(self) -> str:
        """Return the interval as a bar from 0 to 100 %, as HTML with a text for those who do not see it."""
        if not self.ratings:
            return ""
        words = say(
            "answer_chart", rate=percent(self.rate), a=self.a, b=self.b, count=self.ratings,
            interval=interval_words(self.low, self.high),
        )  # fmt: skip
        return bar(words, self.rate, self.low, self.high)
