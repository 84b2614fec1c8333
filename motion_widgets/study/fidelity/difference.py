"""Which of two settings follows its clip more closely: paired differences within blocks."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.errors import LogError
from motion_widgets.core.messages import say
from motion_widgets.log.intervals import t_quantile
from motion_widgets.request.findings import show
from motion_widgets.study.answer import bar, page
from motion_widgets.study.fidelity.frame import contents_of, kept
from motion_widgets.study.pairs import matched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from motion_widgets.study.fidelity.frame import Contents
    from motion_widgets.study.host import StudyHost
    from motion_widgets.study.material import Material
    from motion_widgets.study.pairs import Pair

__all__ = ["COLUMNS", "COMPARED", "Difference", "difference", "differences"]

_LEAST = 4
"""Blocks from which something is said."""
_LEVEL = 0.95
_FOLLOWS = 0.5
"""Timing below which a lag and a speed mean nothing."""
_MOST = 0.999
"""Correlation that counts as the highest: of 1 there is no atanh."""
_CORRELATIONS = ("timing", "place", "direction", "sound", "loudness")
_RATIOS = ("amount",)
_PLAIN = ("lag_ms", "speed", "repeats", "still_tail", "blur", "grain", "flicker")
COMPARED = (*_CORRELATIONS, *_RATIOS, *_PLAIN)
"""The measures that can be compared."""
COLUMNS = ("axis", "by", "a", "b", "of_a", "of_b", "difference", "low", "high", "blocks", "pairs")
"""Of the frame of `differences`."""


@dataclass(frozen=True)
class Difference:
    """By how much a measure of one setting is above that of another, in results of the same block.

    Attributes
    ----------
    text
        The answer in sentences.
    kind
        ``higher``, ``lower`` (of `a`), ``not_shown``; ``few``: fewer than 4 blocks, so nothing is said.
    by
        The measure.
    a, b
        The two values of the axis.
    of_a, of_b
        What is typical of each: the mean over blocks (of correlations by way of atanh, of `amount` of logs).
    difference, low, high
        Of `a` less `b`, with its 95 % interval, in the measure's unit; of `amount` the ratio.
    blocks, pairs
        How many are behind it.
    """

    text: str
    kind: Literal["higher", "lower", "not_shown", "few"]
    by: str
    a: str
    b: str
    of_a: float
    of_b: float
    difference: float
    low: float
    high: float
    blocks: int
    pairs: int

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return page(self.text, self.bar())

    def bar(self) -> str:
        """Return the interval as a bar around no difference, as HTML; nothing where nothing is said."""
        if self.kind == "few":
            return ""
        turn: Callable[[float], float] = math.log if self.by in _RATIOS else float
        ends = [turn(one) for one in (self.difference, self.low, self.high)]
        size = 2.2 * max(map(abs, ends)) or 1.0
        return bar(_words(self, "chart"), *(0.5 + one / size for one in ends))


def difference(it: Material, host: StudyHost, axis: str, values: tuple[str, str], by: str) -> Difference:
    """Return how two values of an axis differ by a measure, from what the log has.

    Raises
    ------
    LogError
        It is no measure that can be compared, or nothing was measured yet.
    """
    if by not in COMPARED:
        raise LogError.of("fidelity_by", found=show(by), known=", ".join(COMPARED))
    found = kept(it, host)
    if not found:
        raise LogError.of("fidelity_none")
    return _between(it, found, matched(it.results, axis, *values), values, by)


def differences(it: Material, host: StudyHost) -> pd.DataFrame:
    """Return how two values of each axis differ by every measure that the log has, a row for each.

    ``difference`` is of ``a`` less ``b`` (of ``amount`` their ratio) with its 95 % interval from ``low`` to
    ``high``; nothing is said from fewer than 4 blocks. Of an axis with more than two values, only the two of
    the question are compared. No rows: nothing was measured.
    """
    import pandas as pd

    found = kept(it, host)
    lines = []
    for axis, values in it.axes.items() if found else ():
        asked = it.question
        two = [asked.a, asked.b] if asked is not None and asked.axis == axis else values
        if len(two) != 2:
            continue
        a, b = two
        pairs = matched(it.results, axis, a, b)
        told = (_between(it, found, pairs, (a, b), by) for by in COMPARED)
        lines += [(axis, *(getattr(one, name) for name in COLUMNS[1:])) for one in told if one.pairs]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _between(
    it: Material, found: Mapping[Contents, dict[str, Any]], pairs: Sequence[Pair], values: tuple[str, str],
    by: str,
) -> Difference:  # fmt: skip
    """Return how two values differ by a measure in their pairs."""
    blocks: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in pairs:
        first, second = (found.get(contents_of(one.row), {}) for one in (pair.a, pair.b))
        both = _value(first, by), _value(second, by)
        if both[0] is not None and both[1] is not None:
            blocks[pair.block].append((both[0], both[1]))
    return _made(it, by, *values, list(blocks.values()))


def _value(measures: dict[str, Any], by: str) -> float | None:
    """Return a measure on the scale on which it is compared. None: it was not measured, or means nothing."""
    value = measures.get(by)
    if value is None or (by in ("lag_ms", "speed") and (measures.get("timing") or 0.0) < _FOLLOWS):
        return None
    if by in _CORRELATIONS:
        return math.atanh(max(-_MOST, min(_MOST, value)))
    if by in _RATIOS:
        return math.log(value) if value > 0 else None
    return float(value)


def _made(
    it: Material, by: str, a: str, b: str, blocks: Sequence[Sequence[tuple[float, float]]]
) -> Difference:
    means = [tuple(sum(side) / len(one) for side in zip(*one, strict=True)) for one in blocks]
    count, pairs = len(means), sum(map(len, blocks))
    if count < _LEAST:
        nan = math.nan
        made = Difference("", "few", by, a, b, nan, nan, nan, nan, nan, count, pairs)
        return _said(it, made)
    of_a, of_b = (sum(side) / count for side in zip(*means, strict=True))
    apart = [one - other for one, other in means]
    mean = of_a - of_b
    spread = math.sqrt(sum((one - mean) ** 2 for one in apart) / (count - 1) / count)
    away = t_quantile(_LEVEL, count - 1) * spread
    low, high = mean - away, mean + away
    kind: Literal["higher", "lower", "not_shown"] = (
        "higher" if low > 0 else "lower" if high < 0 else "not_shown"
    )
    back: Callable[[float], float] = (
        math.tanh if by in _CORRELATIONS else math.exp if by in _RATIOS else float
    )
    if by in _RATIOS:
        shown = (math.exp(mean), math.exp(low), math.exp(high))
    else:
        shown = (
            back(of_b + mean) - back(of_b),
            back(of_b + low) - back(of_b),
            back(of_b + high) - back(of_b),
        )
    made = Difference("", kind, by, a, b, back(of_a), back(of_b), *shown, count, pairs)
    return _said(it, made)


def _said(it: Material, made: Difference) -> Difference:
    """Return it with its text."""
    lines = [_words(made, made.kind)]
    if made.by == "timing" and made.kind != "few":
        lines.append(say("difference_with_place"))
    text = " ".join(lines)
    return replace(made, text=say("answer_sandbox", text=text) if it.sandbox else text)


def _words(made: Difference, what: str) -> str:
    """Return a sentence with the figures of a difference."""
    digits = 0 if made.by.endswith("_ms") else 2
    figures = {
        name: f"{getattr(made, name):.{digits}f}" for name in ("of_a", "of_b", "difference", "low", "high")
    }
    if made.by in _RATIOS:
        figures["difference"] = say("difference_times", ratio=figures["difference"])
    return say(
        f"difference_{what}",
        by=made.by,
        a=made.a,
        b=made.b,
        blocks=made.blocks,
        pairs=made.pairs,
        least=_LEAST,
        **figures,
    )
