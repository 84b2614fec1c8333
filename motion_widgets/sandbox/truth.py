"""What the sandbox plants in its results, so that a study of them has something true to find.

`TRUTH` is the whole of it: what a setting does to a result, and how much people like it. The errors are
seeded by a request's files and settings, so the same request has the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

__all__ = ["TRUTH", "Plant", "planted", "simulated_answer"]

_TIE, _BAD = 0.5, 0.08  # Davidson's weight of a tie (20 % between equals), share of both bad


@dataclass(frozen=True, slots=True)
class Plant:
    """What is done to a result; the defaults do nothing."""

    late: float = 0.0
    """Seconds by which it moves after its clip."""
    amount: float = 1.0
    """Share of the displacements that is left."""
    blur: float = 0.0
    """Radius in px of a blur, at 640 px on the long side."""
    turned: float = 0.0
    """Standard deviation in rad by which its motion turns off its way, over some 0.6 s."""
    strength: float = 0.0
    """Log-odds with which a simulated person prefers it."""


TRUTH: Mapping[str, Plant] = {
    "std": Plant(amount=0.7, blur=1.5),
    "pro": Plant(strength=0.85),
    "image": Plant(late=0.1, turned=0.8),
    "video": Plant(strength=0.4),
}
"""What is planted, by the value of a setting; what is not named is left alone."""


def planted(truth: Mapping[str, Plant] | None, mode: str, orientation: str) -> Plant:
    """Return what is planted in a result of these settings: their delays add up, their amounts multiply."""
    parts = [(truth or {}).get(name, Plant()) for name in (mode, orientation)]
    sums = {field.name: sum(getattr(one, field.name) for one in parts) for field in fields(Plant)}
    return Plant(**sums | {"amount": math.prod(one.amount for one in parts)})


def simulated_answer(
    left: tuple[str, str], right: tuple[str, str], chance: Random, truth: Mapping[str, Plant] | None = TRUTH
) -> str:
    """Return what a simulated person answers to a pair of results.

    Parameters
    ----------
    left, right
        Mode and orientation of the results.
    chance
        Makes the person; the same seed gives the same answers.
    truth
        The planted strengths. None: both are liked equally.

    Returns
    -------
    str
        ``left``, ``right``, ``tie`` or ``both_bad``.
    """
    drawn = chance.random()
    if drawn < _BAD:
        return "both_bad"
    gap = planted(truth, *left).strength - planted(truth, *right).strength
    one, other = math.exp(gap / 2), math.exp(-gap / 2)
    drawn = (drawn - _BAD) / (1 - _BAD) * (one + other + _TIE)
    return "left" if drawn < one else "right" if drawn < one + other else "tie"
