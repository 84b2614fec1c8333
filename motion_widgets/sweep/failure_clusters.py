"""Whether the failures of a run lie on one value of an axis, rather than anywhere.

A cell is judged once it has ended. Failures that have nothing to do with what was asked for (no money, no
key, no connection) are left out. A value stands out when so many failures among its cells would hardly come
about by chance, by Fisher's exact test, one-sided, every value of every axis counted as one try.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.log.rows import JobRow

__all__ = ["Cluster", "chance", "clusters"]

HARDLY = 0.1
"""Chance below which a value stands out, all tries together: 4 of 4 against 0 of 4 does, 2 of 2 does not."""
_FAILED = (State.FAILED, State.REJECTED, State.CANCELLED, State.VANISHED, State.EXPIRED)
_FINE = (State.COMPLETED, State.COLLECTED)
_ELSEWHERE = ("account", "auth", "network", "busy", "rate", "server", "budget", "local", "internal")
"""Kinds of error that no value of an axis brings about."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A value of an axis whose cells fail more often than the others."""

    axis: str
    """The wire field."""
    value: str
    """As a person reads it: of a file, its name."""
    failed: int
    cells: int
    """How many cells of this value have ended, and how many of these failed."""
    others_failed: int
    others: int
    kind: str
    """The `error_kind` that most of these failures have; ``""``: they have none."""

    def __str__(self) -> str:
        said = say(
            "cluster", value=self.value or say("cluster_empty", axis=self.axis), failed=self.failed,
            cells=self.cells, others_failed=self.others_failed, others=self.others,
        )  # fmt: skip
        why = say(f"cluster_{self.kind}") if self.kind in ("moderation", "media", "parameters") else ""
        return f"{said} {why or say('cluster_other')}"


def clusters(cells: Sequence[tuple[Mapping[str, str], JobRow]]) -> list[Cluster]:
    """Find the axis values on which failures lie, the clearest first; each in what the ones before leave.

    Parameters
    ----------
    cells
        Per cell its axis labels and its last attempt's row (`state`, `error_kind`).
    """
    left = [(labels, row) for labels, row in cells if _counts(row)]
    found: list[Cluster] = []
    while (best := _clearest(left)) is not None:
        found.append(best)
        left = [(labels, row) for labels, row in left if labels.get(best.axis) != best.value]
    return found


def _counts(row: JobRow) -> bool:
    return row.state in _FINE or (row.state in _FAILED and row.error_kind not in _ELSEWHERE)


def _clearest(cells: Sequence[tuple[Mapping[str, str], JobRow]]) -> Cluster | None:
    all_of: Counter[tuple[str, str]] = Counter()
    failed_of: Counter[tuple[str, str]] = Counter()
    failures = 0
    for labels, row in cells:
        failed = row.state in _FAILED
        failures += failed
        all_of.update(labels.items())
        if failed:
            failed_of.update(labels.items())
    axes = Counter(axis for axis, _ in all_of)
    tries = sum(count for count in axes.values() if count > 1)
    scored = [
        (chance(failed, all_of[at], failures - failed, len(cells) - all_of[at]), at)
        for at, failed in failed_of.items()
        if axes[at[0]] > 1 and failed * (len(cells) - all_of[at]) > (failures - failed) * all_of[at]
    ]
    if not scored:
        return None
    least, (axis, value) = min(scored)
    if least * tries >= HARDLY:
        return None
    mine = [row for labels, row in cells if labels.get(axis) == value and row.state in _FAILED]
    kinds = sorted(Counter(row.error_kind or "" for row in mine).items())
    count = all_of[axis, value]
    return Cluster(
        axis=axis, value=value, failed=len(mine), cells=count, others_failed=failures - len(mine),
        others=len(cells) - count, kind=max(kinds, key=lambda kind: kind[1])[0],
    )  # fmt: skip


def chance(failed: int, cells: int, others_failed: int, others: int) -> float:
    """Return how likely it is that of all these failures at least `failed` fall on `cells` of the cells."""
    failures, total = failed + others_failed, cells + others
    whole = _ways(total, failures)
    most = min(cells, failures)
    return min(
        sum(
            math.exp(_ways(cells, hit) + _ways(others, failures - hit) - whole)
            for hit in range(failed, most + 1)
        ),
        1.0,
    )


def _ways(of: int, taken: int) -> float:
    """Return the logarithm of how many ways there are to take some."""
    if not 0 <= taken <= of:
        return -math.inf
    return math.lgamma(of + 1) - math.lgamma(taken + 1) - math.lgamma(of - taken + 1)
