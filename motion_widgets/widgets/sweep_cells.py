"""A plan and its jobs as the cells of a matrix."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.messages import say
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.widgets.cell_matrix import MatrixCell
from motion_widgets.widgets.row_text import billed, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from motion_widgets.jobs.scheduling.poll_schedule import Window
    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep import Cell, Plan, Run
    from motion_widgets.sweep.progress import Standing

__all__ = [
    "Layout",
    "cell_of_plan",
    "cell_of_row",
    "layout_of_plan",
    "layout_of_run",
    "plan_axes",
    "plan_holds",
    "run_axes",
]

_DOT = " \u00b7 "
_NOTHING = "\u2013"
"""Stands for an unset value; an empty head would look like a missing one."""
_SPARSE = 4
"""Places per cell above which a table would be mostly empty; its cells go into one column instead."""


class Layout(NamedTuple):
    """A table as the matrix shows it."""

    rows: list[str]
    columns: list[str]
    corner: str
    cells: list[MatrixCell | None]
    places: list[int]
    """The place of each of the run's rows."""


def plan_holds(plan: Plan, standing: Standing[Run]) -> bool:
    """Return whether the cells of a plan hold every row of a run, each in a cell of its own."""
    keys = {row.key for row in standing.rows}
    valid = {cell.key for cell in plan.cells if cell.status != "invalid"}
    return len(keys) == len(standing.rows) and keys <= valid


def layout_of_run(standing: Standing[Run]) -> Layout:
    """Draw a run by its own axes."""
    rows, columns, corner, places = run_axes(standing.run)
    cells: list[MatrixCell | None] = [None] * (len(rows) * len(columns))
    for place, row in zip(places, standing.rows, strict=True):
        cells[place] = cell_of_row(row, standing.ends(row))
    return Layout(rows, columns, corner, cells, places)


def layout_of_plan(
    plan: Plan, standing: Standing[Run] | None, known: Mapping[str, JobRow], part: Plan
) -> Layout:
    """Draw a plan, with a run that it holds.

    Parameters
    ----------
    known
        Jobs that stand for cells already, by content.
    part
        What would be run of it: the plan itself or a part.
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
        cells[place] = (
            cell_of_row(row, end) if row is not None else cell_of_plan(cell, left=cell.key not in kept)
        )
        if own:
            place_of[cell.key] = place
    return Layout(rows, columns, corner, cells, [place_of[key] for key in found])


def plan_axes(plan: Plan) -> tuple[list[str], list[str], str, list[int]]:
    """Return the heads of rows and columns, the corner, and each cell's place; the longest axis goes down."""
    axes = {name: len(values) for name, values in plan.sweep.axes.items()}
    varied = [name for name, count in axes.items() if count > 1] or list(axes)[:1]
    down = max(varied, key=lambda name: axes[name])
    across = [name for name in varied if name != down]
    width = math.prod(axes[name] for name in across)
    rows, columns, places = [""] * axes[down], [""] * width, []
    # The places count, not the labels: two files of one name are two columns.
    combined = itertools.product(*[range(count) for count in axes.values()])
    for cell, indices in zip(plan.cells, combined, strict=True):
        at = dict(zip(axes, indices, strict=True))
        column = 0
        for name in across:
            column = column * axes[name] + at[name]
        rows[at[down]] = cell.labels[down] or _NOTHING
        columns[column] = _joined(cell.labels, across) or say("board_cell")
        places.append(at[down] * width + column)
    return rows, columns, _corner(_word(down), across), places


def run_axes(run: Run) -> tuple[list[str], list[str], str, list[int]]:
    """Return the same for a run of any design; cells with equal values stand beside each other."""
    told = [{name: cell["values"].get(name) or _NOTHING for name in run.axes} for cell in run.cells]
    kinds = {name: len({one[name] for one in told}) for name in run.axes}
    names = [name for name, count in kinds.items() if count > 1] or list(run.axes)[:1]
    down = max(names, key=lambda name: kinds[name])
    pairs = [(one[down], _joined(one, [name for name in names if name != down])) for one in told]
    rows, columns = (list(dict.fromkeys(heads)) for heads in zip(*pairs, strict=True))
    across = [name for name in names if name != down]
    if len(rows) * len(columns) > _SPARSE * len(told):
        pairs, across = [(_joined(one, names), "") for one in told], []
        rows, columns = list(dict.fromkeys(head for head, _ in pairs)), [""]
    seen: Counter[tuple[str, str]] = Counter()
    turns = []
    for pair in pairs:
        turns.append(seen[pair])
        seen[pair] += 1
    deep = max(seen.values())
    numbers = [say("board_repeat", number=turn + 1) for turn in range(deep)] if deep > 1 else [""]
    heads = [_DOT.join(filter(None, (head, one))) or say("board_cell") for head in columns for one in numbers]
    row_of, column_of = ({head: at for at, head in enumerate(some)} for some in (rows, columns))
    places = [
        row_of[row] * len(heads) + column_of[column] * deep + turn
        for (row, column), turn in zip(pairs, turns, strict=True)
    ]
    downs = [down] if across else names
    return rows, heads, _corner(_DOT.join(map(_word, downs)), across), places


def _joined(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return _DOT.join(labels[name] or _NOTHING for name in names)


def _corner(down: str, across: Sequence[str]) -> str:
    return f"{down} \u2193" + (f"  {_DOT.join(map(_word, across))} \u2192" if across else "")


def _word(axis: str) -> str:
    return axis.removesuffix("_url").removeprefix("character_").removeprefix("keep_original_")


def cell_of_plan(cell: Cell, *, left: bool = False) -> MatrixCell:
    """Return a cell without a job; `left`: it is outside of what the budget buys."""
    money = str(cell.estimate) if cell.estimate is not None and cell.status == "new" else ""
    return MatrixCell("left" if left and cell.status == "new" else cell.status, money, note=cell.reason)


def cell_of_row(row: JobRow, end: Window | None) -> MatrixCell:
    """Return the cell of a job.

    Parameters
    ----------
    end
        When it is expected to end (unix s). None: unknown, or it has ended.
    """
    settled = row.cost is not None or row.state in RETRYABLE
    return MatrixCell(
        row.state,
        billed(row) if settled else usd(row.estimate_high),
        progress=row.progress if row.state == State.RUNNING else None,
        low=round(end.low, 1) if end is not None else None,
        high=round(end.high, 1) if end is not None else None,
        note=row.error_message or "",
        result=row.id if row.state == State.COLLECTED and row.result_path else "",
    )
