"""A plan and its jobs as the cells of a matrix, with nested heads and what rows and columns came to."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd, total
from motion_widgets.log.billing import refund_open
from motion_widgets.log.states import NO_RESULT, RETRYABLE, State
from motion_widgets.widgets.axis_words import axis_head, axis_word
from motion_widgets.widgets.cell_matrix import MatrixCell, Sums
from motion_widgets.widgets.row_text import REFUSED, billed, dotted, price, waited

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from motion_widgets.jobs.scheduling.poll_schedule import Window
    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Cell, Plan, Run
    from motion_widgets.sweep.progress import Standing

__all__ = [
    "Layout",
    "cell_of_row",
    "is_unfilled",
    "layout_of_plan",
    "layout_of_run",
    "plan_axes",
    "plan_holds",
    "run_axes",
    "sums_of",
]

_NOTHING = "\u2013"
"""Stands for an unset value; an empty head would look like a missing one."""
_SPARSE = 4
"""Places per cell above which a table would be mostly empty; its cells go into one column instead."""
_WIDEST = 24
"""Columns of a table; of more, axes go down instead."""


class Layout(NamedTuple):
    """A table as the matrix shows it."""

    rows: list[str]
    columns: list[list[str]]
    corner: str
    cells: list[MatrixCell | None]
    places: list[int]
    """The place of each of the run's rows."""


def plan_holds(plan: Plan, standing: Standing[Run]) -> bool:
    """Return whether the cells of a plan hold every row of a run, each in a cell of its own."""
    keys = {row.key for row in standing.rows}
    valid = {cell.key for cell in plan.cells if cell.status != "invalid"}
    return len(keys) == len(standing.rows) and keys <= valid


def layout_of_run(standing: Standing[Run], stars: Mapping[str, float]) -> Layout:
    """Draw a run by its own axes; `stars` by job."""
    rows, columns, corner, places = run_axes(standing.run)
    cells: list[MatrixCell | None] = [None] * (len(rows) * len(columns))
    for place, row in zip(places, standing.rows, strict=True):
        cells[place] = cell_of_row(row, standing.ends(row), stars.get(row.id))
    return Layout(rows, columns, corner, cells, places)


def layout_of_plan(
    plan: Plan, standing: Standing[Run] | None, known: Mapping[str, JobRow], part: Plan,
    stars: Mapping[str, float],
) -> Layout:  # fmt: skip
    """Draw a plan, with a run that it holds.

    Parameters
    ----------
    known
        Jobs that stand for cells already, by content.
    part
        What would be run of it: the plan itself or a part.
    stars
        By job.
    """
    found = {row.key: row for row in standing.rows} if standing is not None else {}
    kept = {cell.key for cell in part.cells}
    rows, columns, corner, places = plan_axes(plan)
    cells: list[MatrixCell | None] = [None] * (len(rows) * len(columns))
    place_of = {}
    for place, cell in zip(places, plan.cells, strict=True):
        own = cell.status not in ("invalid", "double")
        row = (found.get(cell.key) or known.get(cell.key)) if own else None
        end = standing.ends(row) if row is not None and standing is not None else None
        state = "other" if standing is not None else "left" if cell.key not in kept else "new"
        cells[place] = (
            cell_of_row(row, end, stars.get(row.id)) if row is not None else cell_of_plan(cell, state)
        )
        if own:
            place_of[cell.key] = place
    return Layout(rows, columns, corner, cells, [place_of[key] for key in found])


def _turned(sizes: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Return which axes go down, the longest first, and which across, as many as there is room for."""
    varied = [name for name, count in sizes.items() if count > 1] or list(sizes)[:1]
    down = [max(varied, key=lambda name: sizes[name])]
    across = [name for name in varied if name not in down]
    while math.prod(sizes[name] for name in across) > _WIDEST:
        down.append(max(across, key=lambda name: sizes[name]))
        across.remove(down[-1])
    return down, across


def plan_axes(plan: Plan) -> tuple[list[str], list[list[str]], str, list[int]]:
    """Return the heads of rows and columns, the corner, and each cell's place; the longest axis goes down."""
    sizes = {name: len(values) for name, values in plan.sweep.axes.items()}
    down, across = _turned(sizes)
    width = math.prod(sizes[name] for name in across)
    rows, places = [""] * math.prod(sizes[name] for name in down), []
    columns: list[list[str]] = [[]] * width
    # The places count, not the labels: two files of one name are two columns.
    combined = itertools.product(*[range(count) for count in sizes.values()])
    for cell, indices in zip(plan.cells, combined, strict=True):
        at = dict(zip(sizes, indices, strict=True))
        row, column = (_place(at, sizes, names) for names in (down, across))
        rows[row] = dotted(*_heads(cell.labels, down))
        columns[column] = _heads(cell.labels, across) or [say("board_cell")]
        places.append(row * width + column)
    return rows, columns, dotted(*map(axis_word, down)), places


def _place(at: Mapping[str, int], sizes: Mapping[str, int], names: Iterable[str]) -> int:
    place = 0
    for name in names:
        place = place * sizes[name] + at[name]
    return place


def _heads(labels: Mapping[str, str], names: Iterable[str]) -> list[str]:
    return [axis_head(name, labels.get(name) or "") or _NOTHING for name in names]


def run_axes(run: Run) -> tuple[list[str], list[list[str]], str, list[int]]:
    """Return the same for a run of any design; cells with equal values stand beside each other."""
    told = [cell["values"] for cell in run.cells]
    heads = {name: list(dict.fromkeys(one.get(name) for one in told)) for name in run.axes}
    down, across = _turned({name: len(some) for name, some in heads.items()})
    pairs = [(dotted(*_heads(one, down)), tuple(_heads(one, across))) for one in told]
    rows = list(dict.fromkeys(row for row, _ in pairs))
    # Columns that share outer heads stand together, in the order in which the values came.
    rank = {
        name: {axis_head(name, one or "") or _NOTHING: at for at, one in enumerate(heads[name])}
        for name in across
    }
    columns = sorted(
        dict.fromkeys(path for _, path in pairs),
        key=lambda path: [rank[name][one] for name, one in zip(across, path, strict=True)],
    )
    if len(rows) * len(columns) > _SPARSE * len(told):
        down, across = [*down, *across], []
        pairs = [(dotted(*_heads(one, down)), ()) for one in told]
        rows, columns = list(dict.fromkeys(row for row, _ in pairs)), [()]
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    turns = []
    for pair in pairs:
        turns.append(seen[pair])
        seen[pair] += 1
    deep = max(seen.values())
    numbers = [[say("board_repeat", number=turn + 1)] for turn in range(deep)] if deep > 1 else [[]]
    paths = [[*path, *one] or [say("board_cell")] for path in columns for one in numbers]
    row_of = {head: at for at, head in enumerate(rows)}
    column_of = {path: at for at, path in enumerate(columns)}
    places = [
        row_of[row] * len(paths) + column_of[path] * deep + turn
        for (row, path), turn in zip(pairs, turns, strict=True)
    ]
    return rows, paths, dotted(*map(axis_word, down)), places


def cell_of_plan(cell: Cell, state: str = "new") -> MatrixCell:
    """Return a cell without a job; `state` is what one that can be run is shown as."""
    told = cell.estimate is not None and cell.status == "new" and state != "other"
    money = str(cell.estimate) if told else ""
    if _unfilled(cell):
        return MatrixCell("unfilled")
    return MatrixCell(state if cell.status == "new" else cell.status, money, note=cell.reason)


def _unfilled(cell: Cell) -> bool:
    """Return whether a cell cannot run because nobody chose its picture or its clip yet."""
    return cell.status == "invalid" and not (cell.request.image_url and cell.request.video_url)


def is_unfilled(plan: Plan) -> bool:
    """Return whether all that a plan lacks is a picture or a clip."""
    return bool(plan.cells) and all(map(_unfilled, plan.cells))


def cell_of_row(row: JobRow, end: Window | None, stars: float | None = None) -> MatrixCell:
    """Return the cell of a job.

    Parameters
    ----------
    end
        When it is expected to end (unix s). None: unknown, or it has ended.
    stars
        None: nobody gave it any.
    """
    settled = row.cost is not None or row.state in RETRYABLE
    called, fact = _why(row)
    return MatrixCell(
        row.state,
        billed(row) if settled else price(row.estimate_high),
        progress=row.progress if row.state == State.RUNNING else None,
        low=round(end.low, 1) if end is not None else None,
        high=round(end.high, 1) if end is not None else None,
        note=row.error_message or "",
        result=row.id if row.state == State.COLLECTED and row.result_path else "",
        called=called, fact=fact, stars=stars,
        change=row.id if row.state in (State.REJECTED, State.FAILED) and row.drivable else "",
    )  # fmt: skip


def _why(row: JobRow) -> tuple[str, str]:
    """Return what a job without a result is called, and why; of another one nothing, and how long it took."""
    if not row.drivable:
        return say("state_damaged"), ""
    if row.state not in (State.REJECTED, State.FAILED):
        return "", waited(row) if row.state == State.COLLECTED else ""
    refused = row.error_kind in REFUSED
    reason = say(f"why_{row.error_kind}") if refused else row.error_message or ""
    money = say("why_refund_open") if refund_open(row) else billed(row) if row.cost else say("refunded")
    sent = row.task_id is not None
    return say("why_refused") if refused else "", ", ".join(filter(None, [reason, money if sent else ""]))


def sums_of(rows: Mapping[int, JobRow], stars: Mapping[str, float], shape: tuple[int, int]) -> Sums:
    """Return what each row and each column of a table came to; ``""``: nothing ended there.

    Parameters
    ----------
    rows
        Jobs by place.
    stars
        By job.
    shape
        Rows and columns of the table.
    """
    height, width = shape
    down: list[list[JobRow]] = [[] for _ in range(height)]
    across: list[list[JobRow]] = [[] for _ in range(width)]
    for place, row in rows.items():
        down[place // width].append(row)
        across[place % width].append(row)
    return Sums(*([_sum(some, stars) for some in line] for line in (down, across)))


def _sum(rows: Sequence[JobRow], stars: Mapping[str, float]) -> str:
    """Return counts, the mean of what was billed over as many, and the mean of the stars over as many."""
    done = sum(row.state == State.COLLECTED for row in rows)
    failed = sum(row.state in NO_RESULT for row in rows)
    costs = [row.cost for row in rows if row.cost]
    given = [stars[row.id] for row in rows if row.id in stars]
    lines = [say("sum_done", done=done) if done else "", say("sum_failed", failed=failed) if failed else ""]
    lines = [" ".join(filter(None, lines))]
    if costs:
        mean = format_usd(to_usd(total(costs)) / len(costs))
        lines.append(say("sum_cost", mean=mean, count=len(costs)))
    if given:
        lines.append(say("sum_stars", mean=sum(given) / len(given), count=len(given)))
    return "\n".join(filter(None, lines))
