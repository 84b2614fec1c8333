"""Pairs of results that differ in the asked axis only, and which of them a person rates next, on which side.

Blocks (one image, clip and prompt) are rated in rounds: the least rated block is next, never the same one
twice running, and nobody gets a pair twice in a session. A rater's sides alternate within each block; two
neighbouring blocks begin on opposite sides, and a second rater on the other one, flipped by one random bit
for the two. So whoever leans to a side leans towards A as often as towards B.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from motion_widgets.log.rows import ComparisonRow
    from motion_widgets.study.results import Result

__all__ = ["Drawn", "Pair", "draw", "matched", "overview", "shuffled"]


@dataclass(frozen=True)
class Pair:
    """Two results of one block; `a` has the first value of the axis."""

    block: str
    a: Result
    b: Result

    @property
    def ids(self) -> frozenset[str]:
        """The jobs, whichever is on the left."""
        return frozenset((self.a.id, self.b.id))


@dataclass(frozen=True)
class Drawn:
    """A pair as it is put to a rater.

    Attributes
    ----------
    left, right
        Ids of the jobs.
    block, round, place, seed
        As they are stored: of which block, in which round, and which of the session's ratings it is.
    rater
        Who is to rate it.
    """

    left: str
    right: str
    block: str
    round: int
    place: int
    seed: int
    rater: str


def matched(results: Sequence[Result], axis: str, a: str, b: str) -> list[Pair]:
    """Return the pairs that differ in one axis only, by a and b; repeats are paired one to one."""
    groups: dict[tuple[str, ...], tuple[list[Result], list[Result]]] = defaultdict(lambda: ([], []))
    for one in results:
        value = one.settings[axis]
        if value in (a, b):
            groups[one.others(axis)][value == b].append(one)
    return [
        Pair(words[0], first, second)
        for words, (firsts, seconds) in groups.items()
        for first, second in zip(firsts, seconds, strict=False)
    ]


def overview(results: Sequence[Result], axis: str = "") -> list[Pair]:
    """Return all pairs of different settings within each block; `axis`: ``"prompt"`` takes prompts as one."""
    blocks: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        blocks[one.block(axis)].append(one)
    return [
        Pair(block, one, other)
        for block, among in blocks.items()
        for place, one in enumerate(among)
        for other in among[place + 1 :]
        if one.settings != other.settings
    ]


def draw(
    pairs: Sequence[Pair], rated: Sequence[ComparisonRow], rater: str, *, seed: int,
    session: Collection[frozenset[str]] = (), last: str = "",
) -> Drawn | None:  # fmt: skip
    """Return what a rater is to see next. None: nothing that they have not seen in this session.

    Parameters
    ----------
    pairs
        All pairs of the question, or of the overview.
    rated
        The ratings that stand, of all raters; a skipped pair is one as well.
    seed
        Of the study's drawing.
    session
        The pairs that this rater has seen since they began.
    last
        The block of the one before.
    """
    block_of = {pair.ids: pair.block for pair in pairs}
    shown = [(row.rater, frozenset((row.left_job_id, row.right_job_id))) for row in rated]
    shown = [one for one in shown if one[1] in block_of]
    visits = Counter(block_of[ids] for _, ids in shown)
    own = Counter(block_of[ids] for who, ids in shown if who == rater)
    seen, whole = Counter(shown), Counter(ids for _, ids in shown)
    fresh = [pair for pair in pairs if pair.ids not in session]
    fresh = [pair for pair in fresh if pair.block != last] or fresh
    if not fresh:
        return None

    def order(pair: Pair) -> tuple[int, int, int, bytes]:
        chance = _chance(seed, visits[pair.block], pair.block, *sorted(pair.ids))
        return visits[pair.block], seen[rater, pair.ids], whole[pair.ids], chance

    pair = min(fresh, key=order)
    raters = list(dict.fromkeys(row.rater for row in rated))
    number = raters.index(rater) if rater in raters else len(raters)
    blocks = list(dict.fromkeys(one.block for one in pairs))
    flipped = (_flip(seed, blocks, pair.block) + own[pair.block] + number) % 2
    left, right = (pair.b, pair.a) if flipped else (pair.a, pair.b)
    return Drawn(left.id, right.id, pair.block, visits[pair.block] + 1, len(session) + 1, seed, rater)


def shuffled(seed: int, ids: Sequence[str]) -> dict[str, int]:
    """Return a place for each id, by a chance that anybody can draw again."""
    order = sorted(ids, key=lambda one: _chance(seed, one))
    return {one: place for place, one in enumerate(order)}


def _flip(seed: int, blocks: Sequence[str], block: str) -> int:
    """Return on which side a block begins; neighbours (first and second, third and fourth, …) differ."""
    place = blocks.index(block)
    return (place + _chance(seed, blocks[place - place % 2])[0]) % 2


def _chance(seed: int, *words: object) -> bytes:
    """Return a number by chance that anybody can draw again."""
    return hashlib.sha256(repr((seed, *words)).encode()).digest()
