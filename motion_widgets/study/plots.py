"""Plots of a study: preference with intervals, cost against preference, and waiting by a setting."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.study import conclude, tables
from motion_widgets.study.answer import interval_words, percent
from motion_widgets.study.drawing import Drawing
from motion_widgets.study.results import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from motion_widgets.study.material import Material

__all__ = ["PLOTS", "cost", "motion", "preference", "waiting"]

_LEFT, _RIGHT, _WIDTH, _ROW, _TOP = 250, 130, 760, 34, 44
"""px: the names' and the figures' columns, the whole, a row, and the head."""


def _sheet(head: str, rows: int, text: str) -> Drawing:
    made = Drawing(_WIDTH, _TOP + rows * _ROW + 40, text)
    made.words(12, 18, head, most=110)
    return made


def _across(share: float) -> float:
    """Return where a share from 0 to 1 stands."""
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _shares(made: Drawing, rows: Sequence[tuple[str, float, float, float, int]]) -> Drawing:
    """Draw a row for each share, with its interval and its n, over a scale of percent."""
    bottom = _TOP + len(rows) * _ROW
    for tick in (0, 0.25, 0.5, 0.75, 1):
        made.line(_across(tick), _TOP - 6, _across(tick), bottom, dotted=tick == 0.5)
        made.words(_across(tick), bottom + 14, percent(tick), anchor="middle")
    for place, (name, rate, low, high, count) in enumerate(rows):
        y = _TOP + (place + 0.5) * _ROW
        made.words(_LEFT - 12, y, name, anchor="end", most=34)
        made.line(_across(low), y, _across(high), y, bold=True)
        made.dot(_across(rate), y)
        made.words(_WIDTH - _RIGHT + 12, y, say("plot_n", rate=percent(rate), count=count))
    return made


def _told(rows: Sequence[tuple[str, float, float, float, int]]) -> str:
    return "; ".join(
        say("plot_row", name=name, rate=percent(rate), interval=interval_words(low, high), count=count)
        for name, rate, low, high, count in rows
    )


def preference(it: Material) -> Drawing:
    """Return how often the asked value is preferred, and each setting against the mean of all."""
    rows = []
    if it.question is not None:
        said = conclude.answer(it, it.question)
        if said.ratings:
            name = say("plot_pair", a=said.a, b=said.b)
            rows.append((name, said.rate, said.low, said.high, said.ratings))
    found = tables.running(it)
    if found.ratings and len(found.names) > 2:
        for name, interval in zip(found.names, found.intervals, strict=True):
            rows.append((say("plot_mean", setting=name), *interval, found.ratings))
    head = _marked(it, say("plot_preference"))
    return _shares(_sheet(head, len(rows), f"{head}: {_told(rows) or say('plot_nothing')}"), rows)


def cost(it: Material) -> Drawing:
    """Return the cost of a second against preference; hollow: excluded, as another is surely better for less.

    There is no line through the points: their order is not sure.
    """
    found = tables.running(it)
    liked = dict(zip(found.names, found.intervals, strict=True))
    points = [
        (one.setting, one.costs.per_second, liked[one.setting], one.excluded)
        for one in tables.spent(it)
        if not math.isnan(one.costs.per_second)
    ]
    head = _marked(it, say("plot_cost"))
    ticks = _round_numbers(max((usd for _, usd, _, _ in points), default=0.0) * 1.15)
    most = ticks[-1]
    told = "; ".join(
        say(
            "plot_point", name=name, usd=format_usd(usd, digits=4), rate=percent(rate),
            interval=interval_words(low, high), excluded=say("plot_excluded" if out else "plot_included"),
        )
        for name, usd, (rate, low, high), out in points
    )  # fmt: skip
    made = Drawing(_WIDTH, 420, f"{head}: {told or say('plot_nothing')}")
    made.words(12, 18, head, most=110)

    def x(usd: float) -> float:
        return 70 + usd / most * (_WIDTH - 240)

    def y(share: float) -> float:
        return 370 - share * 320

    for tick in (0, 0.25, 0.5, 0.75, 1):
        made.line(x(0), y(tick), x(most), y(tick), dotted=tick == 0.5)
        made.words(62, y(tick), percent(tick), anchor="end")
    for usd in ticks:
        made.words(x(usd), 388, format_usd(usd, digits=3), anchor="middle")
    beside = Counter(round(x(usd) / 8) for _, usd, _, _ in points)
    drawn: Counter[int] = Counter()
    for name, usd, (rate, low, high), out in points:
        near = round(x(usd) / 8)
        at = x(usd) + 10 * drawn[near]  # settings of one price stand side by side
        drawn[near] += 1
        made.line(at, y(low), at, y(high), bold=True)
        made.dot(at, y(rate), hollow=out)
        label = f"{name} ({say('plot_excluded')})" if out else name
        made.words(x(usd) + 10 * beside[near] + 4, y(rate) - 9, label, most=28)  # no line crosses it
    made.words(x(most / 2), 408, say("plot_per_second"), anchor="middle", most=110)
    return made


def waiting(it: Material) -> Drawing:
    """Return how long tasks took, a dot for each result and its median, by the asked axis or the mode."""
    axis = it.question.axis if it.question is not None else "mode"
    took = defaultdict(list)
    for row in it.rows:
        if row.submitted is not None and row.completed is not None and row.completed >= row.submitted:
            took[settings_of(row).settings[axis]].append((row.completed - row.submitted) / 1e6)
    numbers = _round_numbers(max((max(times) for times in took.values()), default=0.0))
    most = numbers[-1]
    head = _marked(it, say("plot_waiting", axis=axis))
    told = "; ".join(
        say("plot_wait", name=name, seconds=_tenths(times), count=len(times))
        for name, times in sorted(took.items())
    )
    made = _sheet(head, len(took), f"{head}: {told or say('plot_nothing')}")
    ticks = [(f"{seconds:g} s", seconds / most) for seconds in numbers]
    rows = [
        (name, [one / most for one in times], f"{_tenths(times):g} s, n = {len(times)}")
        for name, times in sorted(took.items())
    ]
    return _dots(made, ticks, rows)


def motion(it: Material, measured: pd.DataFrame) -> Drawing:
    """Return timing and place by the asked axis or the mode, a dot for each result and its median.

    `measured` has a row for each result: ``id``, ``timing`` and ``place`` (-1 to 1; missing: not to be told).
    """
    axis = it.question.axis if it.question is not None else "mode"
    settings = {one.id: one.settings[axis] for one in it.results}
    rows: list[tuple[str, list[float]]] = []
    for setting, among in measured.groupby(measured["id"].map(settings)):
        for said, column in (
            (say("plot_timing", setting=setting), "timing"), (say("plot_place", setting=setting), "place"),
        ):  # fmt: skip
            values = among[column].dropna().astype(float).tolist()
            if values:
                rows.append((said, values))
    least = min([0.0, *(math.floor(4 * one) / 4 for _, values in rows for one in values)])
    head = _marked(it, say("plot_motion"))
    told = "; ".join(
        say("plot_follows", name=name, middle=median(values), count=len(values)) for name, values in rows
    )
    made = _sheet(head, len(rows), f"{head}: {told or say('plot_nothing')}")
    steps = round((1 - least) * 4)
    ticks = [(f"{least + step / 4:.2f}", step / steps) for step in range(steps + 1)]
    shares = [
        (name, [(one - least) / (1 - least) for one in values], f"{median(values):.2f}, n = {len(values)}")
        for name, values in rows
    ]
    return _dots(made, ticks, shares)


def _tenths(times: Sequence[float]) -> float:
    return round(median(times), 1)


def _round_numbers(most: float) -> list[float]:
    """Return four to six round numbers from 0, evenly apart, of which the last is at least `most`."""
    most = most or 1.0
    ten = 10 ** math.floor(math.log10(most / 3))
    step = next(one for one in (ten, 2 * ten, 2.5 * ten, 5 * ten, 10 * ten) if 5 * one >= most)
    return [step * place for place in range(math.ceil(most / step - 1e-9) + 1)]


def _dots(
    made: Drawing, ticks: Sequence[tuple[str, float]], rows: Sequence[tuple[str, Sequence[float], str]]
) -> Drawing:
    """Draw a row of shares for each name, with its median and words beside it, over a scale."""
    bottom = _TOP + len(rows) * _ROW
    for said, at in ticks:
        made.line(_across(at), _TOP - 6, _across(at), bottom)
        made.words(_across(at), bottom + 14, said, anchor="middle")
    for place, (name, values, said) in enumerate(rows):
        y = _TOP + (place + 0.5) * _ROW
        made.words(_LEFT - 12, y, name, anchor="end", most=34)
        for one in values:
            made.dot(_across(one), y, hollow=True)
        middle = _across(median(values))
        made.line(middle, y - 12, middle, y + 12, bold=True)
        made.words(_WIDTH - _RIGHT + 12, y, said)
    return made


def _marked(it: Material, head: str) -> str:
    return f"SANDBOX \u00b7 {head}" if it.sandbox else head


PLOTS: Mapping[str, Callable[[Material], Drawing]] = {
    "preference": preference, "cost": cost, "waiting": waiting,
}  # fmt: skip
"""By the word that `Study.plot` takes."""
