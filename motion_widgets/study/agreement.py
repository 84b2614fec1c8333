"""How far raters agree about the same pairs: counts, and Gwet's AC1 from 8 shared pairs on."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.log.intervals import rate_interval, t_quantile
from motion_widgets.study.ratings import SCORES, jobs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.log.rows import ComparisonRow

__all__ = ["Agreement", "agreement", "left_share"]

SHARED = 8
"""Pairs that several people rated, below which only counts are given."""
_CATEGORIES = 4
"""a, b, tie, both bad."""


class Agreement(NamedTuple):
    """How far raters agree.

    `agreed` of `shared` pairs that several people rated got one answer; `ac1` (1: always, 0: as by chance)
    with its 95 % interval is NaN below 8 shared pairs.
    """

    agreed: int
    shared: int
    ac1: float = math.nan
    low: float = math.nan
    high: float = math.nan


def agreement(rows: Sequence[ComparisonRow]) -> Agreement:
    """Compare what each person said last of each pair; skipped ones are none."""
    said: dict[frozenset[str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.choice in SCORES:
            winner = {"left": row.left_job_id, "right": row.right_job_id}.get(row.choice, row.choice)
            said[jobs_of(row)][row.rater] = winner
    shared = [_answers(ids, answers) for ids, answers in said.items() if len(answers) > 1]
    agreed = sum(len(set(one)) == 1 for one in shared)
    if len(shared) < SHARED:
        return Agreement(agreed, len(shared))
    whole = _ac1(shared)
    count = len(shared)
    left_out = [_ac1([*shared[:place], *shared[place + 1 :]]) for place in range(count)]
    middle = sum(left_out) / count
    error = math.sqrt((count - 1) / count * sum((one - middle) ** 2 for one in left_out))
    away = t_quantile(0.95, count - 1) * error
    return Agreement(agreed, count, whole, max(-1.0, whole - away), min(1.0, whole + away))


def _answers(ids: frozenset[str], answers: Mapping[str, str]) -> list[str]:
    """Return the answers to one pair, its results named alike in all pairs."""
    first = min(ids)
    return [one if one in ("tie", "both_bad") else "a" if one == first else "b" for one in answers.values()]


def _ac1(pairs: Sequence[Sequence[str]]) -> float:
    """Return Gwet's AC1 over pairs with two or more answers each."""
    observed = 0.0
    shares: dict[str, float] = defaultdict(float)
    for answers in pairs:
        same = [one == other for one, other in combinations(answers, 2)]
        observed += sum(same) / len(same) / len(pairs)
        for one in answers:
            shares[one] += 1 / len(answers) / len(pairs)
    chance = sum(share * (1 - share) for share in shares.values()) / (_CATEGORIES - 1)
    return (observed - chance) / (1 - chance)


def left_share(rows: Sequence[ComparisonRow]) -> tuple[int, int, float, float]:
    """Return how many decided answers chose the left side, of how many, and Wilson's 95 % interval."""
    decided = [row.choice for row in rows if row.choice in ("left", "right")]
    left = decided.count("left")
    return left, len(decided), *rate_interval(left, len(decided))
