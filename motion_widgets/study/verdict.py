"""When a study may stop, and what may be said then.

One question and a planned number are written down before the first rating. The data are looked at when all
blocks have been rated equally often. Before the plan's end a 99 % interval has to exclude 50 %, at its end a
97 % one; in all looks together that calls a difference where there is none in at most 5.5 % of studies. The
95 % interval is what is quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from motion_widgets.study.preference import Scores, block_wilson

__all__ = ["EARLY", "LEAST", "Kind", "Verdict", "look", "verdict"]

Kind = Literal["preferred", "alike", "not_shown", "few", "open", "information"]

EARLY, LAST = 0.99, 0.97
"""Levels at a round's end, and at the plan's."""
LEAST, LEAST_BLOCKS = 8, 2
"""Ratings and blocks without which nothing is said early."""
ALIKE = (0.40, 0.60)
"""Within it the 95 % interval means: about equally liked."""
WIDE = 0.60
"""A wider interval says too little."""


@dataclass(frozen=True)
class Verdict:
    """What is said of A against B, and by what.

    Attributes
    ----------
    kind
        ``preferred`` (A or B, by the rate), ``alike``, ``not_shown``, ``few``; ``open``: the plan goes on.
    rate, low, high
        A's win rate with its 95 % interval, of the ratings until the verdict.
    rounds
        After which round.
    early
        It was reached before the planned end.
    used
        How many ratings that were; the blocks' `Scores` are in `scores`.
    """

    kind: Kind
    rate: float
    low: float
    high: float
    rounds: int
    early: bool
    used: int
    scores: Scores


def look(scores: Scores, last: Any) -> Any:
    """Return whether the ratings so far end a study as "preferred"; of many studies an array.

    `last`: whether it is the plan's end, of all or of each.
    """
    _, ends = block_wilson(scores, LAST, EARLY)
    at_the_end, before = ((low > 0.5) | (high < 0.5) for low, high in ends)
    early = before & (scores.blocks >= LEAST_BLOCKS)
    return (scores.total >= LEAST) & ((last & at_the_end) | early)  # 99 % excludes no more than 97 % does


def verdict(looks: Scores, planned: int) -> Verdict:
    """Judge a study by its ratings up to the end of each round.

    Parameters
    ----------
    looks
        The scores up to the end of each complete round, a row each.
    planned
        After how many rounds it ends.
    """
    import numpy as np

    rounds = np.arange(1, len(looks.counts) + 1)
    found = rounds[look(looks, rounds == planned) & (rounds <= planned)].tolist()
    if found:
        return _said("preferred", looks.row(found[0] - 1), found[0], early=found[0] < planned)
    number = min(planned, len(rounds))
    scores = looks.row(number - 1) if number else Scores.of([])
    made = _said("open", scores, number, early=False)
    return made if number < planned else _said(_unshown(made), scores, number, early=False)


def _said(kind: Kind, scores: Scores, number: int, *, early: bool) -> Verdict:
    rate, [(low, high)] = block_wilson(scores, 0.95)
    return Verdict(kind, float(rate), float(low), float(high), number, early, int(scores.total), scores)


def _unshown(made: Verdict) -> Kind:
    """Return what is said where no difference was shown."""
    if made.used < LEAST or made.high - made.low > WIDE:
        return "few"
    return "alike" if ALIKE[0] <= made.low and made.high <= ALIKE[1] else "not_shown"
