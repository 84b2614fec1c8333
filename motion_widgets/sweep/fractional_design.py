"""What a budget buys: a balanced part of a plan that keeps the main effect of every axis estimable.

Cells are taken one by one, each time one whose values were taken least so far (then: whose pairs of values
were), so that any beginning is balanced and nearly orthogonal. Where that alone leaves main effects aliased,
it begins with cells that are independent of each other; the cheapest such cells are the least that keeps main
effects, for independent rows form a matroid, of which a greedy choice finds the cheapest basis.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_widgets.core.errors import BudgetError
from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro, format_left, format_price, to_usd
from motion_widgets.sweep.design import label
from motion_widgets.sweep.model import Model, distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.model import Matrix

__all__ = ["Estimable", "estimable_by", "fraction_of"]

_ZERO = 1e-7
"""A squared length of a row under this is the noise of floats."""
_SWAPS = 200
_TRIED = 20
"""Cells on either side of an exchange that are tried."""
_FEW = 8
"""Values of an axis that are counted out in a sentence."""
_BROAD = 200
"""Contrasts of a model whose rank is worth computing for a sentence about an interaction."""


class _Tally:
    """How often values and pairs of values were taken; `score` is low for cells that are wanted most."""

    def __init__(self, model: Model, seed: int) -> None:
        self.levels = model.levels
        count, axes = model.levels.shape[1], model.levels.shape[0]
        sizes = [len(values) for values in model.values]
        pairs = list(itertools.combinations(range(axes), 2))
        self.weight = 1 / (4 * (len(pairs) + 1) * (count + 1))  # all pairs weigh less than one value
        self.groups = [(1.0, _members(model.levels[axis])) for axis in range(axes)]
        self.groups += [
            (self.weight, _members(model.levels[one] * sizes[two] + model.levels[two])) for one, two in pairs
        ]
        self.counts = [np.zeros(size, dtype=np.int64) for size in sizes]
        chance = np.random.default_rng(seed).random(count)  # which of several alike is taken
        self.score = chance * self.weight / 4
        self.taken: list[int] = []
        self.open = np.ones(count, dtype=bool)

    def take(self, one: int) -> None:
        self._add(one, 1)
        self.taken.append(one)
        self.open[one] = False

    def drop(self, one: int) -> None:
        self._add(one, -1)
        self.taken.remove(one)
        self.open[one] = True

    def _add(self, one: int, sign: int) -> None:
        for weight, (codes, groups) in self.groups:
            self.score[groups[codes[one]]] += sign * weight
        for axis, counts in enumerate(self.counts):
            counts[self.levels[axis, one]] += sign

    def wanted(self, one: int) -> int:
        """Sum how often a cell's values were taken."""
        return int(sum(counts[self.levels[axis, one]] for axis, counts in enumerate(self.counts)))

    def keeps_even(self, one: int) -> bool:
        """Return whether no axis gets more uneven by a cell, beyond one cell a value."""
        for axis, counts in enumerate(self.counts):
            more = counts.copy()
            more[self.levels[axis, one]] += 1
            if int(np.ptp(more)) > max(1, int(np.ptp(counts))):
                return False
        return True

    @property
    def uneven(self) -> int:
        """By how many cells the values of the most uneven axis differ."""
        return max((int(np.ptp(counts)) for counts in self.counts), default=0)


def fraction_of(
    cells: Sequence[Cell], axes: Mapping[str, Sequence[Any]], limit: Micro, seed: int
) -> tuple[list[int], list[str]]:
    """Choose the cells that a budget buys.

    Parameters
    ----------
    limit
        Micro-dollars that the new ones may cost at most.
    seed
        Decides between cells that are as good.

    Returns
    -------
    (chosen, gives_up)
        Indices in their order, and what they can no longer tell, in sentences.

    Raises
    ------
    BudgetError
        No cells that keep main effects fit.
    RequestError
        The axes have too many values.
    """
    model = Model(cells, axes)
    least, full = _independent(model, seed, limit=None)
    if int(model.cost[least.taken].sum()) > limit or not least.taken:
        price = Micro(int(model.cost[least.taken].sum()))
        new = int((~model.there[least.taken]).sum())
        raise BudgetError.of(
            "fraction_none", budget=format_left(to_usd(limit)), cells=new, least=format_price(to_usd(price))
        )
    tally = _begun(model, seed)
    _fill(model, tally, limit)
    if not _keeps(model, tally, full):
        tally, _ = _independent(model, seed, limit=limit)
        _fill(model, tally, limit)
    if not _keeps(model, tally, full):
        tally = least
        _fill(model, tally, limit)
    _even(model, tally, limit, full)
    chosen = sorted(tally.taken)
    said = _gives_up(model, np.array(chosen), full, limit)
    return [model.at[one] for one in chosen], said


def _begun(model: Model, seed: int) -> _Tally:
    tally = _Tally(model, seed)
    for one in np.flatnonzero(model.there):
        tally.take(int(one))
    return tally


def _keeps(model: Model, tally: _Tally, full: int) -> bool:
    mains = [(axis,) for axis in range(len(model.names))]
    return len(tally.taken) >= full and model.rank(np.array(tally.taken), mains) == full


def _independent(model: Model, seed: int, *, limit: Micro | None) -> tuple[_Tally, int]:
    """Take cells that each tell something new: the cheapest; with a limit (micro-dollars) the most wanted.

    Return the cells taken, and the rank of the model for them.
    """
    tally = _begun(model, seed)
    basis = np.zeros((model.width, model.width))
    lengths = np.full(len(model.at), 1.0 + len(model.names)) - (model.levels == 0).sum(axis=0)
    spent, rank, dear = 0, 0, float(model.cost.max(initial=0) + 1)

    def project(one: int) -> None:
        """Take from every row's squared length what this row tells."""
        nonlocal rank
        row = model.mains(np.array([one]))[0]
        for _ in range(2):  # the second time takes away what rounding left
            row = row - basis[:rank].T @ (basis[:rank] @ row)
        basis[rank] = row / np.linalg.norm(row)
        lengths[:] -= model.along(basis[rank]) ** 2
        rank += 1

    while model.there.any():
        known = int(np.argmax(np.where(model.there, lengths, -1.0)))
        if lengths[known] < _ZERO:
            break
        project(known)
    while True:
        able = (lengths > _ZERO) & tally.open
        if limit is not None:
            able &= model.cost <= limit - spent
        if not able.any():
            return tally, rank
        score = tally.score if limit is not None else tally.score / dear + model.cost
        one = int(np.argmin(np.where(able, score, np.inf)))
        spent += int(model.cost[one])
        tally.take(one)
        project(one)


def _fill(model: Model, tally: _Tally, limit: Micro) -> None:
    """Take the cell that is wanted most, while it can be paid and keeps the values even."""
    left = limit - int(model.cost[tally.taken].sum())
    while True:
        waiting = np.where(tally.open, tally.score, np.inf)
        payable = np.where(model.cost <= left, waiting, np.inf)
        best = int(np.argmin(payable))
        if not np.isfinite(payable[best]):
            return
        wanted = tally.wanted(int(np.argmin(waiting)))
        if wanted < tally.wanted(best) and not tally.keeps_even(best):
            return  # only what is there too often could still be paid
        tally.take(best)
        left -= int(model.cost[best])


def _even(model: Model, tally: _Tally, limit: Micro, full: int) -> None:
    """Exchange cells while that makes the values more even, can be paid, and keeps the rank."""
    spent = int(model.cost[tally.taken].sum())
    for _ in range(_SWAPS):
        if tally.uneven <= 1 or not _exchanged(model, tally, limit - spent, full):
            return
        spent = int(model.cost[tally.taken].sum())


def _exchanged(model: Model, tally: _Tally, room: int, full: int) -> bool:
    axis = max(range(len(tally.counts)), key=lambda one: int(np.ptp(tally.counts[one])))
    often = int(np.argmax(tally.counts[axis]))
    out = [one for one in tally.taken if not model.there[one] and model.levels[axis, one] == often]
    for one, other in _siblings(model, tally, axis, out)[:_TRIED]:
        if model.cost[other] - model.cost[one] <= room:
            tally.drop(one)
            tally.take(other)
            if _keeps(model, tally, full):
                return True
            tally.drop(other)
            tally.take(one)
    for one in sorted(out, key=tally.wanted, reverse=True)[:_TRIED]:
        before = sum(int((counts**2).sum()) for counts in tally.counts)
        tally.drop(one)
        able = tally.open & (model.cost <= room + model.cost[one])
        able[one] = False
        for other in np.flatnonzero(able)[np.argsort(tally.score[able], kind="stable")][:_TRIED].tolist():
            tally.take(other)
            if sum(int((counts**2).sum()) for counts in tally.counts) < before and _keeps(model, tally, full):
                return True
            tally.drop(other)
        tally.take(one)
    return False


def _siblings(model: Model, tally: _Tally, axis: int, out: list[int]) -> list[tuple[int, int]]:
    """Pair cells with open ones that differ on an axis alone, in a value that is there less often.

    Of a whole product there always are some while that axis is uneven by two, since each value's cells are
    the others' siblings; and exchanging them leaves the other axes as they are.
    """
    counts = tally.counts[axis]
    fewer = np.flatnonzero(tally.open & (counts[model.levels[axis]] <= counts.max() - 2))
    others = np.delete(model.levels, axis, axis=0)
    place: dict[bytes, list[int]] = {}
    for other in fewer[np.argsort(counts[model.levels[axis, fewer]], kind="stable")].tolist():
        place.setdefault(others[:, other].tobytes(), []).append(other)
    return [(one, other) for one in out for other in place.get(others[:, one].tobytes(), ())[:1]]


# What is lost, in sentences.


def _gives_up(model: Model, chosen: Matrix, full: int, limit: Micro) -> list[str]:
    every, spent = np.arange(len(model.at)), Micro(int(model.cost[chosen].sum()))
    new = int((~model.there[chosen]).sum())
    said = [
        say(
            "fraction_left", left=len(every) - len(chosen), all=len(every), new=new,
            cost=format_price(to_usd(spent)), budget=format_left(to_usd(limit)),
        )
    ]  # fmt: skip
    if full == model.width:
        said.append(say("fraction_keeps"))
    else:
        said.append(say("fraction_keeps_part", rank=full - 1, full=model.width - 1))
    said += _balance(model, chosen)
    said += _interactions(model, chosen)
    combinations, counts = np.unique(model.levels[:, every], axis=1, return_counts=True)
    if counts.max(initial=1) > 1:
        kept, have = np.unique(model.levels[:, chosen], axis=1, return_counts=True)
        have_of = dict(zip(map(tuple, kept.T.tolist()), have.tolist(), strict=True))
        planned = zip(map(tuple, combinations.T.tolist()), counts.tolist(), strict=True)
        fewer = sum(have_of.get(one, 0) < count for one, count in planned)
        said.append(say("fraction_repeats", fewer=fewer, all=combinations.shape[1]))
    return said


def _counts(model: Model, axis: int, chosen: Matrix) -> Matrix:
    return np.bincount(model.levels[axis, chosen], minlength=len(model.values[axis]))


def _balance(model: Model, chosen: Matrix) -> list[str]:
    said = []
    for axis, name in enumerate(model.names):
        counts = _counts(model, axis, chosen)
        if len(counts) <= _FEW:
            told = ", ".join(
                f"{label(name, value) or say('fraction_none_word')} {count}"
                for value, count in zip(model.values[axis], counts.tolist(), strict=True)
            )
            said.append(say("fraction_balance", axis=name, counts=told))
        else:
            said.append(say("fraction_uneven", axis=name, least=int(counts.min()), most=int(counts.max())))
    return said


@dataclass(frozen=True)
class Estimable:
    """What some cells of a plan can tell."""

    balanced: bool
    """Whether each value of an axis is there as often as its others, within one."""
    mains: bool
    """Whether the effect of each axis can be told, as long as axes do not interact."""
    pairs: bool
    """Whether all interactions of two axes can be told that the whole plan could tell."""
    details: tuple[str, ...]
    """How often each value is there, and what cannot be told, in sentences."""


def estimable_by(cells: Sequence[Cell], axes: Mapping[str, Sequence[Any]], some: Sequence[int]) -> Estimable:
    """Return what those of a plan's cells can tell whose indices are in `some`."""
    model = Model(cells, axes)
    mains = [(axis,) for axis in range(len(model.names))]
    place = {number: at for at, number in enumerate(model.at)}
    chosen = np.array([place[one] for one in some if one in place], dtype=np.int64)
    lost = _interactions(model, chosen)
    return Estimable(
        balanced=all(np.ptp(_counts(model, axis, chosen)) <= 1 for axis in range(len(model.names))),
        mains=model.rank(chosen, mains) == model.rank(np.arange(len(model.at)), mains),
        pairs=not lost, details=(*_balance(model, chosen), *lost),
    )  # fmt: skip


def _interactions(model: Model, chosen: Matrix) -> list[str]:
    """Return which interactions of two axes the whole plan could tell, and the chosen cells cannot."""
    every = np.arange(len(model.at))
    mains = [(axis,) for axis in range(len(model.names))]
    said, need = [], 0
    for one, two in itertools.combinations(range(len(model.names)), 2):
        size = model.size((one, two))
        first, second = model.names[one], model.names[two]
        if model.width + size > _BROAD:
            could, have = (_pairs(model, some, one, two) for some in (every, chosen))
        else:
            could = model.rank(every, [*mains, (one, two)]) - model.rank(every, mains)
            have = model.rank(chosen, [*mains, (one, two)]) - model.rank(chosen, mains)
        need += could
        if could and not have:
            said.append(say("fraction_pair_lost", first=first, second=second))
        elif have < could:
            said.append(say("fraction_pair_part", first=first, second=second, have=have, full=could))
        said += _aliases(model, chosen, (one, two))
    room = distinct(model.levels, chosen).size - model.rank(chosen, mains)
    if len(model.names) > 2 and need > room:
        said.append(say("fraction_pairs_together", need=need, have=room))
    return said


def _pairs(model: Model, some: Matrix, one: int, two: int) -> int:
    """Count the contrasts of an interaction that some cells can tell at best: by which pairs they have."""
    pairs = int(np.unique(model.levels[[one, two]][:, some], axis=1).shape[1])
    free = pairs - len(model.values[one]) - len(model.values[two]) + 1
    return max(min(free, len(distinct(model.levels, some)) - model.width), 0)


def _aliases(model: Model, chosen: Matrix, pair: tuple[int, int]) -> list[str]:
    """Return the axis as whose effect an interaction would show."""
    every = np.arange(len(model.at))
    blocks = [(pair[0],), (pair[1],), pair]
    said = []
    for third in range(len(model.names)):
        if third in pair or 1 + sum(map(model.size, blocks)) + model.size((third,)) > _BROAD:
            continue
        could, can = (
            model.rank(some, [*blocks, (third,)]) - model.rank(some, blocks) for some in (every, chosen)
        )
        if can < could:
            first, second, other = (model.names[axis] for axis in (*pair, third))
            said.append(say("fraction_alias", first=first, second=second, third=other))
    return said


def _members(codes: Matrix) -> tuple[Matrix, list[Matrix]]:
    """Return the codes of cells counted from 0, and per code which cells have it."""
    _, numbers = np.unique(codes, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    return numbers, np.split(order, np.cumsum(np.bincount(numbers))[:-1])
