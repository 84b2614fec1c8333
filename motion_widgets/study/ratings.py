"""Which ratings stand and count, and what they score."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.study.preference import Scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from motion_widgets.log.rows import ComparisonRow
    from motion_widgets.study.pairs import Pair

__all__ = ["ANSWERS", "SCORES", "Rated", "jobs_of", "looks_of", "scored", "scores_of", "standing"]

SCORES = {"left": 1.0, "right": 0.0, "tie": 0.5, "both_bad": 0.5}
"""What an answer scores for the result on the left."""
ANSWERS = (*SCORES, "skip")


class Rated(NamedTuple):
    """A rating that has a score."""

    row: ComparisonRow
    pair: Pair
    score: float
    """Of the pair's `a`: 1, 0.5 or 0."""
    round: int
    """How often its block had been seen then, this time included."""


def jobs_of(row: ComparisonRow) -> frozenset[str]:
    """Return the two jobs that a rating is about, whichever was on the left."""
    return frozenset((row.left_job_id, row.right_job_id))


def standing(
    rows: Sequence[ComparisonRow], criterion: str | None = None, *, blind: bool = True
) -> list[ComparisonRow]:
    """Return the ratings that nobody took back, oldest first, skipped ones included.

    `criterion`: by this one only. `blind`: only those that count, as no settings were in sight. Only their
    own rater takes a rating back.
    """
    gone = {(row.supersedes, row.rater) for row in rows if row.supersedes is not None}
    return [
        row
        for row in rows
        if row.choice != "undone"
        and (row.id, row.rater) not in gone
        and not (blind and row.names_visible)
        and (criterion is None or row.criterion == criterion)
    ]


def scored(rows: Sequence[ComparisonRow], pairs: Sequence[Pair]) -> tuple[list[Rated], int]:
    """Return the ratings of these pairs that have a score, and how many rounds are over.

    A round is over when all blocks were seen as often; a pair that was skipped was seen, so that a broken
    clip does not hold a round up.
    """
    known = {pair.ids: pair for pair in pairs}
    visits: Counter[str] = Counter()
    made = []
    for row in rows:
        pair = known.get(jobs_of(row))
        if pair is None:
            continue
        visits[pair.block] += 1
        if row.choice in SCORES:
            left = SCORES[row.choice]
            score = left if row.left_job_id == pair.a.id else 1 - left
            made.append(Rated(row, pair, score, visits[pair.block]))
    return made, min((visits[block] for block in {pair.block for pair in pairs}), default=0)


def scores_of(rated: Iterable[Rated]) -> Scores:
    """Return the scores by block."""
    return Scores.of((one.pair.block, one.score, one.pair.a.clip, one.pair.a.image) for one in rated)


def looks_of(rated: Sequence[Rated], rounds: int) -> Scores:
    """Return the scores up to the end of each of so many rounds, a row each."""
    import numpy as np

    kept = [one for one in rated if one.round <= rounds]
    whole = scores_of(kept)
    blocks = {block: place for place, block in enumerate(dict.fromkeys(one.pair.block for one in kept))}
    at = np.array([[one.round - 1, blocks[one.pair.block]] for one in kept], dtype=np.int64).reshape(-1, 2)
    scores = np.array([one.score for one in kept], dtype=np.float64)
    sums, counts = np.zeros((2, rounds, len(blocks)))
    np.add.at(sums, (at[:, 0], at[:, 1]), scores)
    np.add.at(counts, (at[:, 0], at[:, 1]), 1.0)
    wins, losses = (np.bincount(at[scores == end, 0], minlength=rounds).cumsum() for end in (1, 0))
    return Scores(sums.cumsum(0), counts.cumsum(0), wins, losses, whole.clips, whole.images)
