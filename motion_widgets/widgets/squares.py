"""How a plan and its jobs become the squares of a matrix."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.texts import say
from motion_widgets.widgets.matrix import Square
from motion_widgets.widgets.words import billed, usd

if TYPE_CHECKING:
    from motion_widgets.jobs.forecast import Window
    from motion_widgets.log.store import Row
    from motion_widgets.sweep import Cell, Plan

__all__ = ["laid", "of_cell", "of_row"]

_DOT = " \u00b7 "


def laid(plan: Plan) -> tuple[list[str], list[str], str, list[int]]:
    """Give the heads of rows and columns, the corner, and each cell's place: the longest axis goes down."""
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
        rows[at[down]] = cell.labels[down]
        columns[column] = _DOT.join(cell.labels[name] for name in across) or say("board_cell")
        places.append(at[down] * width + column)
    corner = f"{_word(down)} \u2193" + (f"  {_DOT.join(map(_word, across))} \u2192" if across else "")
    return rows, columns, corner, places


def _word(axis: str) -> str:
    return axis.removesuffix("_url").removeprefix("character_").removeprefix("keep_original_")


def of_cell(cell: Cell) -> Square:
    """Give a cell that no job stands for yet."""
    money = str(cell.estimate) if cell.estimate is not None and cell.status == "new" else ""
    return Square(cell.status, money, note=cell.reason)


def of_row(row: Row, end: Window | None) -> Square:
    """Give a cell by its job.

    Parameters
    ----------
    end
        When it is expected to end (unix s). None: nobody can tell, or it has.
    """
    settled = row["cost"] is not None or row["state"] in RETRYABLE
    return Square(
        row["state"],
        billed(row) if settled else usd(row["estimate_high"]),
        progress=row["progress"] if row["state"] == State.RUNNING else None,
        low=round(end.low, 1) if end is not None else None,
        high=round(end.high, 1) if end is not None else None,
        note=row["error_message"] or "",
        result=row["id"] if row["state"] == State.COLLECTED and row["result_path"] else "",
    )
