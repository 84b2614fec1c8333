"""Cells as rows of a main-effects model: what they can tell apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_widgets.core.errors import RequestError
from motion_widgets.sweep.design import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from motion_widgets.sweep.cells import Cell

__all__ = ["Matrix", "Model", "distinct"]

_WIDEST = 10_000_000
"""Numbers in the model's matrix; 80 MB."""

Matrix = Any
"""A numpy array; its shape is said where it is made."""


class Model:
    """The cells that may run as rows of a main-effects model; cells that are there already cost nothing."""

    def __init__(self, cells: Sequence[Cell], axes: Mapping[str, Sequence[Any]]) -> None:
        runs = {"new", "done", "running", "unknown"}
        self.at = [
            number
            for number, cell in enumerate(cells)
            if cell.status in runs and (cell.status != "new" or cell.estimate is not None)
        ]
        mine = [cells[number] for number in self.at]
        self.cost = np.array(
            [one.estimate.high_micro if one.status == "new" and one.estimate else 0 for one in mine],
            dtype=np.int64,
        )
        self.there = np.array([one.status != "new" for one in mine], dtype=bool)
        self.names: list[str] = []
        self.values: list[list[Any]] = []
        levels = []
        for axis in axes:
            numbers: dict[object, int] = {}
            values: list[Any] = []
            codes = []
            for cell in mine:
                value = cell.values[axis]
                code = numbers.setdefault(identity(value), len(numbers))
                if code == len(values):
                    values.append(value)
                codes.append(code)
            if len(values) > 1:
                self.names.append(axis)
                self.values.append(values)
                levels.append(codes)
        self.levels = np.array(levels, dtype=np.int64).reshape(len(levels), len(mine))
        self.width = 1 + sum(len(values) - 1 for values in self.values)
        if self.width * max(len(mine), 1) > _WIDEST:
            raise RequestError.of("fraction_wide", values=self.width - 1, cells=len(mine))

    def rows(self, some: Matrix, blocks: Iterable[Sequence[int]]) -> Matrix:
        """Return the model's rows of some cells: a constant, and a block of contrasts per axis or pair."""
        columns = [np.ones((len(some), 1))]
        for block in blocks:
            made = np.ones((len(some), 1))
            for axis in block:
                own = np.eye(len(self.values[axis]))[self.levels[axis, some]][:, 1:]
                made = (made[:, :, None] * own[:, None, :]).reshape(len(some), -1)
            columns.append(made)
        return np.hstack(columns)

    def mains(self, some: Matrix) -> Matrix:
        """Return the rows of some cells with main effects only."""
        return self.rows(some, [(axis,) for axis in range(len(self.names))])

    def along(self, direction: Matrix) -> Matrix:
        """Return every cell's row of main effects times a direction, without ever writing the rows down."""
        made, start = np.full(len(self.at), direction[0]), 1
        for axis, values in enumerate(self.values):
            own = np.concatenate([[0.0], direction[start : start + len(values) - 1]])
            made += own[self.levels[axis]]
            start += len(values) - 1
        return made

    def rank(self, some: Matrix, blocks: Iterable[Sequence[int]]) -> int:
        """Count how much of a model some cells can tell."""
        return _rank(self.rows(distinct(self.levels, some), blocks))

    def size(self, block: Sequence[int]) -> int:
        """Count a block's contrasts."""
        return math.prod(len(self.values[axis]) - 1 for axis in block)


def distinct(levels: Matrix, some: Matrix) -> Matrix:
    """Return one of each combination among some cells."""
    return some[np.unique(levels[:, some], axis=1, return_index=True)[1]] if len(some) else some


def _rank(rows: Matrix) -> int:
    """Return a matrix's rank by its smaller Gram matrix, whose numbers are small and whole."""
    if not rows.size:
        return 0
    gram = rows.T @ rows if rows.shape[0] >= rows.shape[1] else rows @ rows.T
    return int(np.linalg.matrix_rank(gram, hermitian=True))
