"""Plans as tables: one row per cell, to be looked at, edited, and read back."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pandas as pd

from motion_widgets.core.errors import RequestError
from motion_widgets.request.fields import FIELD, WIRE_FIELDS
from motion_widgets.request.findings import show
from motion_widgets.sweep.design import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.design import Design, Draw

__all__ = ["cells_of", "frame_of", "planned_frame"]

_TOLD = ("status", "reason", "estimate_low", "estimate_high", "job_id")
_PLACES = ("repeat", "order")
_NUMBER = "cell"
"""The name of the index of a plan's frame."""
_KNOWN = {*WIRE_FIELDS, *_TOLD, *_PLACES, _NUMBER}
_ALIKE = 0.8
"""From which likeness (0 to 1) on a column's name is taken for a misspelt wire field."""


def frame_of(axes: Iterable[str], cells: Sequence[Draw | Cell]) -> pd.DataFrame:
    """Return cells by their number, with the same types whatever is in them: their axes and their places."""
    columns: dict[str, Any] = {}
    for axis in axes:
        shown = [cell.values[axis] for cell in cells]  # noqa: PD011 - no array
        labels = {id(value): label(axis, value) for value in {id(one): one for one in shown}.values()}
        # What is not set is so in the log's frames too, whose prompt is joined with this one.
        columns[axis] = pd.array([labels[id(value)] or None for value in shown], dtype="string")
    if any(cell.repeat is not None for cell in cells):
        columns["repeat"] = pd.array([cell.repeat for cell in cells], dtype="Int64")
    if any(cell.order != place for place, cell in enumerate(cells, 1)):
        columns["order"] = pd.array([cell.order for cell in cells], dtype="Int64")
    return pd.DataFrame(columns, index=pd.Index([cell.number for cell in cells], dtype="int64", name=_NUMBER))


def planned_frame(axes: Iterable[str], cells: Sequence[Cell]) -> pd.DataFrame:
    """Return a plan's cells as `frame_of` does, and what is known of each."""
    frame = frame_of(axes, cells)
    for name in _TOLD:
        if name.startswith("estimate"):
            end = name.removeprefix("estimate_")
            numbers = [getattr(cell.estimate, end) if cell.estimate else None for cell in cells]
            frame[name] = pd.Series(numbers, dtype="float64").array
        else:
            frame[name] = pd.array([getattr(cell, name) for cell in cells], dtype="string")
    return frame


def cells_of(
    frame: pd.DataFrame, design: Design | None = None, cells: Sequence[Cell] = ()
) -> list[dict[str, Any]]:
    """Read the cells that a frame's rows describe.

    Parameters
    ----------
    design, cells
        Whose frame it was: a label that is still there stands for the value that it stood for, and a row
        keeps its cell's number. None: the frame holds the values themselves.

    Raises
    ------
    RequestError
        No row or no axis, a column that is almost a wire field, a label that stands for several values, or no
        frame at all.
    """
    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique:
        raise RequestError.of("plan_no_frame", found=show(frame))
    for name in set(map(str, frame.columns)) - _KNOWN:
        meant = difflib.get_close_matches(name.lower(), WIRE_FIELDS, n=1, cutoff=_ALIKE)
        if meant:  # it would change nothing without a word, and the cells are paid for
            raise RequestError.of("column_misspelt", found=show(name), meant=meant[0])
    axes = [str(name) for name in frame.columns if name in WIRE_FIELDS]
    if not axes or not len(frame):
        raise RequestError.of("cells_missing")
    numbers = _own_numbers(frame)
    values = {axis: _values(axis, frame, numbers, design, cells) for axis in axes}
    places = {name: _numbers(name, frame) for name in _PLACES if name in frame.columns}
    every = {**values, **places, **({} if design is None else {"number": numbers})}
    return [dict(zip(every, row, strict=True)) for row in zip(*every.values(), strict=True)]


def _own_numbers(frame: pd.DataFrame) -> list[int | None]:
    """Return the number of each row's cell, in the index or where `reset_index` put it. None: a new row."""
    index = frame.index.name == _NUMBER
    found = frame.index.to_series() if index else frame.get(_NUMBER, pd.Series([None] * len(frame)))
    numbers = pd.to_numeric(found, errors="coerce").tolist()  # a row that was added may have made them floats
    return [int(one) if one >= 1 and float(one).is_integer() else None for one in numbers]


def _values(
    axis: str, frame: pd.DataFrame, numbers: list[int | None], design: Design | None, cells: Sequence[Cell]
) -> list[Any]:
    found = frame[axis].tolist()
    if design is None or axis not in design.axes:
        return [_read(axis, one) for one in found]
    numbered: dict[int | None, Cell] = {cell.number: cell for cell in cells}
    named: dict[str, list[Any]] = {}
    for value in design.axes[axis]:
        same = named.setdefault(label(axis, value), [])
        if not any(value is one or value == one for one in same):
            same.append(value)
    read = []
    for number, one in zip(numbers, found, strict=True):
        text = "" if _none(one) else str(one)
        meant, cell = named.get(text, []), numbered.get(number)
        own = cell.values[axis] if cell else None  # noqa: PD011 - no array
        if cell and label(axis, own) == text:
            read.append(own)
        elif len(meant) > 1:
            raise RequestError.of("label_ambiguous", axis=axis, found=show(text), count=len(meant))
        else:
            read.append(meant[0] if meant else _read(axis, one))
    return read


def _none(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)  # noqa: PLR0124


def _read(axis: str, value: object) -> object:
    """Read a cell of a table as the value of a wire field; nothing and ``""`` mean None."""
    if _none(value):
        return None
    return FIELD[axis].parse(value) if isinstance(value, str) else value


def _numbers(name: str, frame: pd.DataFrame) -> list[int | None]:
    numbers: list[int | None] = []
    for one in frame[name].tolist():
        if _none(one):
            numbers.append(None)
        elif isinstance(one, int | float) and float(one).is_integer():
            numbers.append(int(one))
        else:
            raise RequestError.of("repeats_wrong", found=show(one))
    return numbers
