"""Frames of a study: preference by axis, what is still in the running, costs by setting."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.log.states import NO_RESULT
from motion_widgets.study.bradley_terry import Fit, challengers, fit, surely_better
from motion_widgets.study.conclude import INFORMATION, answer
from motion_widgets.study.money import Costs, costs_of
from motion_widgets.study.ratings import scored
from motion_widgets.study.results import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from motion_widgets.study.material import Material
    from motion_widgets.study.pairs import Pair
    from motion_widgets.study.ratings import Rated
    from motion_widgets.study.results import Result

__all__ = ["Running", "Spent", "contests", "costs", "preference", "ranking", "running", "spent"]


def _rated(it: Material) -> list[Rated]:
    """Return all ratings of two settings of one block, whichever differ."""
    return scored(it.counted, it.pairs)[0]


def _fitted(rated: Sequence[Rated], columns: Sequence[Any], value: Any) -> Fit:
    """Fit ratings by columns; `value` says whether a result has a column's value."""
    import numpy as np

    blocks = {block: place for place, block in enumerate(dict.fromkeys(one.pair.block for one in rated))}
    design = np.array(
        [[float(value(one.pair.a, each)) - value(one.pair.b, each) for each in columns] for one in rated]
    )
    scores = np.array([one.score for one in rated])
    return fit(design, scores, np.array([blocks[one.pair.block] for one in rated]))


def preference(it: Material) -> pd.DataFrame:
    """Return how often a value is preferred, by axis, as `Study.preference` documents."""
    import pandas as pd

    rated, asked = _rated(it), it.question
    axes = it.axes
    columns = [(axis, value) for axis, values in axes.items() for value in values[1:]]
    lines: list[tuple[Any, ...]] = []
    if asked is not None:
        said = answer(it, asked)
        lines.append(
            (asked.axis, said.a, said.b, said.rate, said.low, said.high, 0.95, said.ratings, "question")
        )
    if rated:
        fitted = _fitted(rated, columns, lambda one, each: one.settings[each[0]] == each[1])
        for place, (axis, value) in enumerate(columns):
            count = sum(one.pair.a.settings[axis] != one.pair.b.settings[axis] for one in rated)
            if count and (asked is None or axis != asked.axis):  # which has its own answer
                rate, low, high = map(float, fitted.interval(place, INFORMATION))
                first = axes[axis][0]
                lines.append((axis, value, first, rate, low, high, INFORMATION, count, "model"))
    names = ["axis", "a", "b", "rate", "low", "high", "level", "ratings", "by"]
    return pd.DataFrame(lines, columns=names)


class Running(NamedTuple):
    """The settings by how they are liked, likeliest first."""

    names: list[str]
    ranks: list[int]
    """The best possible one: 1 and as many as are surely better."""
    intervals: list[tuple[float, float, float]]
    """Win rate against the mean of all settings, with its 95 % interval."""
    excluded: Mapping[str, list[str]]
    """By setting those that are surely better."""
    ratings: int


def running(it: Material) -> Running:
    """Return what is still in the running."""
    import numpy as np

    rated, axes = _rated(it), list(it.axes)
    names = sorted({one.setting(axes) for one in it.results})
    if not rated:
        none = [(0.5, 0.0, 1.0)] * len(names)
        return Running(names, [1] * len(names), none, {name: [] for name in names}, 0)
    fitted = _fitted(rated, names, lambda one, name: one.setting(axes) == name)
    better = surely_better(fitted)
    order = sorted(range(len(names)), key=lambda place: -fitted.effects[place])
    against = fitted.against(np.eye(len(names)) - 1 / len(names))
    intervals = [(float(r), float(low), float(high)) for r, low, high in zip(*against, strict=True)]
    return Running(
        [names[place] for place in order], [1 + int(better[:, place].sum()) for place in order],
        [intervals[place] for place in order],
        {names[place]: [names[one] for one in np.flatnonzero(better[:, place])] for place in order},
        len(rated),
    )  # fmt: skip


def contests(it: Material) -> list[list[Pair]]:
    """Return the pairs of the leading setting with each other one, the least sure difference first."""
    rated, axes = _rated(it), list(it.axes)
    names = sorted({one.setting(axes) for one in it.results})
    if rated:
        fitted = _fitted(rated, names, lambda one, name: one.setting(axes) == name)
        names = [names[place] for place in challengers(fitted)]
    among: dict[frozenset[str], list[Pair]] = defaultdict(list)
    for pair in it.pairs:
        among[frozenset((pair.a.setting(axes), pair.b.setting(axes)))].append(pair)
    return [among[frozenset((names[0], other))] for other in names[1:]]


def ranking(it: Material) -> pd.DataFrame:
    """Return the settings, likeliest first, with their best possible rank."""
    import pandas as pd

    found = running(it)
    both = zip(found.names, found.ranks, strict=True)
    lines = [(name, rank, rank == 1, found.ratings) for name, rank in both]
    return pd.DataFrame(lines, columns=["setting", "best_rank", "in_the_running", "ratings"])


class Spent(NamedTuple):
    """What a setting costs."""

    setting: str
    costs: Costs
    failed: int
    """Jobs without a result; they cost nothing."""
    excluded: bool
    """Another setting costs no more a second and is surely better."""


def spent(it: Material) -> list[Spent]:
    """Return what each setting costs."""
    axes = list(it.axes)
    by_setting: dict[str, list[Result]] = defaultdict(list)
    for one in it.results:
        by_setting[one.setting(axes)].append(one)
    failed: dict[str, int] = defaultdict(int)
    for row in it.rows:
        failed[settings_of(row).setting(axes)] += row.state in NO_RESULT
    made = {name: costs_of(among, it.usable) for name, among in sorted(by_setting.items())}
    better = running(it).excluded
    return [
        Spent(name, cost, failed[name], any(made[one].per_second <= cost.per_second for one in better[name]))
        for name, cost in made.items()
    ]


def costs(it: Material) -> pd.DataFrame:
    """Return what each setting costs, as `Study.costs` documents."""
    import pandas as pd

    lines = [
        {"setting": one.setting, **vars(one.costs), "failed": one.failed, "excluded": one.excluded}
        for one in spent(it)
    ]
    return pd.DataFrame(lines)
