"""Designs: which cells a sweep has, how often each is repeated, and in which order they run."""

from __future__ import annotations

import itertools
import json
import math
import operator
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple, Self

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.texts import composed
from motion_widgets.request.fields import FIELD, WIRE_FIELDS
from motion_widgets.request.findings import show
from motion_widgets.request.media_source import media_name
from motion_widgets.request.request import MotionRequest, require_request

__all__ = ["Condition", "Design", "Draw", "identity", "label", "whole"]

DEFAULT_AXES: Mapping[str, tuple[str, ...]] = {
    "mode": ("std", "pro"),
    "character_orientation": ("image", "video"),
}
MOST = 100_000
"""Cells of a sweep, repeats included; ten times as many as a plan takes a second for."""
Condition = Mapping[str, Any] | Callable[[dict[str, Any]], bool]
"""Wire field = the value (or a list of values) that it must have; or a function of a cell's values."""


def label(field: str, value: object) -> str:
    """Return an axis value as a person reads it."""
    if FIELD[field].kind == "media":
        return media_name(value)
    if isinstance(value, Mapping):
        return json.dumps(dict(value), ensure_ascii=False, default=str)
    return "" if value is None else str(value)


class Draw(NamedTuple):
    """A cell of a design."""

    values: dict[str, Any]
    """The axes' values, by wire field."""
    repeat: int | None
    """Which repeat of this content it is, from 1. None: the one that stands for it."""
    order: int
    """Its place in the running order, from 1."""
    number: int
    """Its number, from 1, which it keeps in a part of the design."""


class Design:
    """The cells of a request with some fields varied: every combination of the axes, or a list.

    `Sweep` is the design that users make; its parameters are said there.
    """

    def __init__(
        self,
        req: MotionRequest,
        *,
        repeats: int = 1,
        seed: int | None = None,
        where: Mapping[str, Condition] | Condition | None = None,
        **axes: Any,
    ) -> None:
        count, begin = whole(repeats), whole(seed)
        if count is None or count < 1:
            raise RequestError.of("repeats_wrong", found=show(repeats))
        if seed is not None and begin is None:
            raise RequestError.of("seed_wrong", found=show(seed))
        self.request = require_request(req)
        self.design = "product"
        """``"product"``, ``"zip"`` or ``"list"``."""
        self.axes = _read(axes or DEFAULT_AXES)
        self.repeats = count
        self.seed = begin
        self.where = _conditions(where)
        self.listed_cells: list[tuple[dict[str, Any], int | None, int | None, int | None]] = []
        """Of a list, per cell: its values; its repeat, place and number if it says so."""
        if isinstance(self.where, Mapping):
            for name, condition in self.where.items():
                named = [name, *(condition if isinstance(condition, Mapping) else ())]
                wrong = [show(one) for one in named if one not in WIRE_FIELDS]
                if wrong:
                    raise RequestError.of("axis_unknown", name=wrong[0], known=", ".join(WIRE_FIELDS))
                if name not in self.axes:
                    raise RequestError.of("where_no_axis", name=name, known=", ".join(self.axes))

    @classmethod
    def zipped(cls, req: MotionRequest, *, repeats: int = 1, seed: int | None = None, **axes: Any) -> Self:
        """Make a sweep whose first cell has the first value of every axis, its second the second, and so on.

        Raises
        ------
        RequestError
            Axes of different lengths; a single value stands for all cells.
        """
        read = _read(axes)
        most = max(map(len, read.values()), default=0)
        read = {name: values * most if len(values) == 1 else values for name, values in read.items()}
        if not read or any(len(values) != most for values in read.values()):
            raise RequestError.of(
                "axes_uneven",
                found=", ".join(f"{name} {len(values)}" for name, values in read.items()) or "\u2013",
            )
        made = cls(req, repeats=repeats, seed=seed)
        made.design, made.axes = "zip", read
        return made

    @classmethod
    def listed(
        cls,
        req: MotionRequest,
        cells: Iterable[Mapping[str, Any]],
        *,
        repeats: int = 1,
        seed: int | None = None,
    ) -> Self:
        """Make a sweep of just these cells.

        Parameters
        ----------
        cells
            Per cell its values by wire field; what one leaves out is the request's own. ``repeat`` says which
            repeat of its content it is (from 1), ``order`` its place in the running order, ``number`` its
            number where it is not just the next one.

        Raises
        ------
        RequestError
            There is no cell, or one has another field.
        """
        if not isinstance(cells, Iterable):
            raise RequestError.of("cell_wrong", found=show(cells))
        given = list(itertools.islice(cells, MOST + 1))
        odd = [cell for cell in given if not isinstance(cell, Mapping)]
        if odd:
            raise RequestError.of("cell_wrong", found=show(odd[0]))
        rows = [{name: _plain(value) for name, value in cell.items()} for cell in given]
        places = [tuple(row.pop(name, None) for name in ("repeat", "order", "number")) for row in rows]
        names = list(dict.fromkeys(name for row in rows for name in row))
        for name in names:
            if name not in WIRE_FIELDS:
                raise RequestError.of("axis_unknown", name=name, known=", ".join(WIRE_FIELDS))
        own = {name: getattr(require_request(req), name) for name in names}
        rows = [{**own, **row} for row in rows]
        axes = {name: list({identity(row[name]): row[name] for row in rows}.values()) for name in names}
        if not names:
            raise RequestError.of("cells_missing")
        made = cls(req, repeats=repeats, seed=seed)
        made.design, made.axes = "list", _read(axes)
        for one in itertools.chain.from_iterable(places):
            if one is not None and (whole(one) or 0) < 1:
                raise RequestError.of("repeats_wrong", found=show(one))
        made.listed_cells = [(row, *place) for row, place in zip(rows, places, strict=True)]
        return made

    def combinations(self) -> list[dict[str, Any]]:
        """Return the values of every cell, repeats left out; of a product the last axis varies fastest."""
        names = list(self.axes)
        self._require_few()
        if self.design == "list":
            return [values for values, *_ in self.listed_cells]
        rows = (
            zip(*self.axes.values(), strict=True)
            if self.design == "zip"
            else itertools.product(*self.axes.values())
        )
        cells = [dict(zip(names, row, strict=True)) for row in rows]
        if self.where is None:
            return cells
        if callable(self.where):
            return [values for values in cells if self.where(dict(values))]
        assert isinstance(self.where, Mapping)
        never = set(self.where)
        kept: dict[tuple[int, ...], dict[str, Any]] = {}
        for cell in cells:
            values, met = self._folded(cell)
            never -= met
            kept[tuple(map(id, values.values()))] = values
        for name in self.where:
            if name in never:
                raise RequestError.of("where_never", name=name, condition=show(self.where[name]))
        return list(kept.values())

    def _require_few(self) -> None:
        """Raise RequestError before more cells are written down than anybody could run or look at."""
        lengths = [len(values) for values in self.axes.values()]
        of_design = {"list": len(self.listed_cells), "zip": max(lengths)}
        count = of_design.get(self.design, math.prod(lengths)) * self.repeats
        if count > MOST:
            raise RequestError.of("cells_many", count=count, most=MOST)

    def _folded(self, values: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Return a cell with the request's own value on every axis that does not vary there.

        With it the axes whose conditions it meets.
        """
        where = self.where
        assert isinstance(where, Mapping)
        left = set(where)
        while True:
            out = [name for name in left if not _meets(where[name], self.request, values)]
            if not out:
                return values, left
            values = values | {name: getattr(self.request, name) for name in out}
            left -= set(out)

    def requests(self) -> list[tuple[dict[str, Any], MotionRequest]]:
        """Return every cell's (values, request), repeats left out."""
        return [(values, self.request.replace(**values)) for values in self.combinations()]

    def draws(self) -> list[Draw]:
        """Return every cell with its repeat and its place in the running order."""
        self._require_few()
        if self.listed_cells:
            cells = [
                (values, repeat if repeat is not None or self.repeats == 1 else turn, order, number)
                for turn in range(1, self.repeats + 1)
                for values, repeat, order, number in self.listed_cells
                if turn == 1 or repeat is None
            ]
        else:
            turns = range(1, self.repeats + 1) if self.repeats > 1 else (None,)
            combinations = self.combinations()
            cells = [(values, turn, None, None) for turn in turns for values in combinations]
        running = sorted(range(len(cells)), key=lambda at: (cells[at][2] is None, cells[at][2] or 0))
        if self.seed is not None:
            running = list(range(len(cells)))
            random.Random(self.seed).shuffle(running)  # noqa: S311 - an order, not a secret
        orders = [0] * len(cells)
        for place, at in enumerate(running, 1):
            orders[at] = place
        numbers = _numbered([number for *_, number in cells])
        return [
            Draw(values, repeat, order, number)
            for (values, repeat, *_), order, number in zip(cells, orders, numbers, strict=True)
        ]


def _numbered(given: Sequence[int | None]) -> list[int]:
    """Return a number per cell: its own if it has one that none before it has, else the next after all."""
    further = itertools.count(max((one for one in given if one is not None), default=0) + 1)
    taken: set[int] = set()
    numbers = []
    for one in given:
        number = next(further) if one is None or one in taken else one
        taken.add(number)
        numbers.append(number)
    return numbers


def _read(axes: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Read axes as a person gives them; a single value is an axis of one."""
    read: dict[str, tuple[Any, ...]] = {}
    for name, given in axes.items():
        values = _plain(given)
        if name not in WIRE_FIELDS:
            raise RequestError.of("axis_unknown", name=name, known=", ".join(WIRE_FIELDS))
        single = isinstance(values, Path | Clip | Image) or not _is_several(values)
        # The order of a set is another one in each process, and a seed is to give the same plan again.
        ordered = sorted(values, key=_order) if isinstance(values, AbstractSet) else values
        # One value more than any sweep may have: some iterators never end.
        several = (values,) if single else itertools.islice(ordered, MOST + 1)
        read[name] = tuple(map(_plain, several))
        if not read[name]:
            raise RequestError.of("axis_empty", name=name)
    return read


def _is_several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _conditions(where: object) -> Mapping[str, Condition] | Condition | None:
    """Read conditions once, so that an iterator is one for every cell, and a plan's file can hold them.

    Raises
    ------
    RequestError
        It is neither a function nor a mapping of axes to conditions.
    """
    if where is None:
        return None
    if callable(where):
        return where
    if not isinstance(where, Mapping):
        raise RequestError.of("where_wrong", found=show(where))
    for condition in where.values():
        if not callable(condition) and not isinstance(condition, Mapping):
            raise RequestError.of("where_wrong", found=show(condition))
    return {
        name: condition if callable(condition) else {one: _wanted(it) for one, it in condition.items()}
        for name, condition in where.items()
    }


def _wanted(given: Any) -> Any:
    values = _plain(given)
    return list(map(_plain, values)) if _is_several(values) else values


def _order(value: object) -> tuple[bool, str]:
    return value is None, str(value)


def _plain(value: Any) -> Any:
    """Return a value of NumPy or pandas as Python's own; what is not set there is None."""
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()
    unset = type(value).__module__.startswith("pandas.") or (isinstance(value, float) and math.isnan(value))
    return None if unset and str(value) in ("nan", "<NA>", "NaT") else value


def whole(value: Any) -> int | None:
    """Return a whole number of Python or NumPy. None: it is none."""
    plain = _plain(value)
    try:
        return None if isinstance(plain, bool) else operator.index(plain)
    except TypeError:
        return None


def identity(value: object) -> object:
    """Return by what a value is known again: plain ones by what they are, others as this very object."""
    return (type(value), value) if isinstance(value, str | int | float | Path | None) else id(value)


def _meets(condition: Condition, req: MotionRequest, values: dict[str, Any]) -> bool:
    if callable(condition):
        return bool(condition(dict(values)))
    for name, wanted in condition.items():
        value = _comparable(values.get(name, getattr(req, name)))
        if value not in list(map(_comparable, wanted if isinstance(wanted, list) else [wanted])):
            return False
    return True


def _comparable(value: Any) -> Any:
    """Return a value as it is compared: a text in one spelling."""
    return composed(value) if isinstance(value, str) else value
