"""Plans as TOML: to be read, edited by hand, kept beside a notebook, and run from the terminal."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.arguments import path_of
from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.files import write_whole
from motion_widgets.core.texts import is_text
from motion_widgets.request.fields import WIRE_FIELDS
from motion_widgets.request.findings import show
from motion_widgets.request.media_source import media_source
from motion_widgets.request.request import MotionRequest
from motion_widgets.sweep.design import Design

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["load", "save"]

_HEAD = """\
# A plan of motion-widgets: run it with  motion-widgets sweep FILE --dry-run  (or --budget USD).
# "" stands for no value.
"""
_MOST = 32_000_000
"""Bytes; a plan of 100,000 cells has some 10 MB."""
_DESIGNS = ("product", "zip", "list")


def save(sweep: Design, path: str | Path) -> Path:
    """Write a sweep as TOML, whole or not at all."""
    target = path_of(path, RequestError)
    text = _text(sweep)
    try:
        write_whole(target, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError.of("plan_unwritable", name=str(path), reason=reason) from error
    return target


def load(path: str | Path) -> Design:
    """Read a sweep from TOML."""
    source = path_of(path, RequestError)
    try:
        if source.stat().st_size > _MOST:
            raise RequestError.of("plan_large", name=str(path), limit=_MOST // 1_000_000)
        data = tomllib.loads(source.read_text("utf-8"))
        return _sweep(data)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError.of("plan_unreadable", name=str(path), reason=reason) from error


def _text(sweep: Design) -> str:
    req, where = sweep.request, sweep.where
    told = [(name, getattr(req, name)) for name in WIRE_FIELDS if getattr(req, name) is not None]
    lines = [_HEAD + "[request]", *(f"{name} = {_toml(name, value)}" for name, value in told)]
    conditions = where if isinstance(where, Mapping) else {}
    plain = not callable(where) and not any(map(callable, conditions.values()))
    design = sweep.design if plain else "list"  # what a function chose is written down cell by cell
    lines += ["", "[sweep]", f'design = "{design}"']
    if design != "list":
        lines += [f"repeats = {sweep.repeats}"] if sweep.repeats > 1 else []
        lines += [f"seed = {sweep.seed}"] if sweep.seed is not None else []
        lines += ["", "[axes]", *_table(sweep.axes)]
        for name, condition in conditions.items():
            assert isinstance(condition, Mapping)
            lines += ["", f"[where.{name}]", *_table(condition)]
    else:
        lines.append("cells = [")
        draws = sweep.draws()
        mixed = any(draw.order != place for place, draw in enumerate(draws, 1))
        part = any(draw.number != place for place, draw in enumerate(draws, 1))
        for values, repeat, order, number in draws:
            cell = dict(values)
            if repeat is not None:
                cell["repeat"] = repeat
            if mixed:
                cell["order"] = order
            if part:
                cell["number"] = number
            lines.append(
                "    { " + ", ".join(f"{name} = {_toml(name, it)}" for name, it in cell.items()) + " },"
            )
        lines.append("]")
    return "\n".join(lines) + "\n"


def _toml(field: str, value: object) -> str:
    """Write a value that JSON and TOML write alike, or nearly so."""
    if isinstance(value, Clip | Image | Path):
        value = "" if media_source(value) == "bytes" else media_source(value)
        if not value:
            raise RequestError.of("plan_unsavable", field=field, found="bytes in memory")
    if value is None:
        return '""'
    if isinstance(value, str) and is_text(value):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return json.dumps(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return (
            "{ "
            + ", ".join(f"{_toml(field, name)} = {_within(field, it)}" for name, it in value.items())
            + " }"
        )
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_within(field, one) for one in value) + "]"
    raise RequestError.of("plan_unsavable", field=field, found=show(value))


def _table(fields: Mapping[str, Any]) -> Iterator[str]:
    """Write fields with their values, of which any may be none; or with a single one."""
    for name, values in fields.items():
        several = isinstance(values, list | tuple | set | frozenset)
        parts = [_toml(name, one) for one in (values if several else [values])]
        yield f"{name} = [{', '.join(parts)}]" if several else f"{name} = {parts[0]}"


def _within(field: str, value: object) -> str:
    """Write a part of a value; there an empty text is one, so nothing can stand for None."""
    if value is None:
        raise RequestError.of("plan_unsavable", field=field, found="None")
    return _toml(field, value)


def _sweep(data: dict[str, Any]) -> Design:
    unknown = sorted(set(data) - {"request", "sweep", "axes", "where"})
    options: dict[str, Any] = dict(data.get("sweep", {}))
    design = options.pop("design", "product")
    unknown += sorted(set(options) - {"repeats", "seed", "cells"})
    out_of_place = {"zip": {"where"}, "list": {"axes", "where"}}  # which would change nothing, without a word
    unknown += sorted(out_of_place.get(str(design), set()) & set(data))
    unknown += ["cells"] if "cells" in options and design != "list" else []
    if unknown or design not in _DESIGNS:
        raise ValueError(", ".join(unknown) or str(design))
    req = MotionRequest.from_wire(data["request"])
    if design == "list":
        return Design.listed(req, map(_cell, options.pop("cells", [])), **options)
    axes: dict[str, Any] = {
        name: [_value(one) for one in _many(values)] for name, values in dict(data.get("axes", {})).items()
    }
    clash = sorted(set(axes) - set(WIRE_FIELDS))
    if clash:  # an option's name among the axes would otherwise be taken for the option
        raise RequestError.of("axis_unknown", name=clash[0], known=", ".join(WIRE_FIELDS))
    if design == "zip":
        return Design.zipped(req, **options, **axes)
    where = {
        name: {one: [_value(it) for it in _many(wanted)] for one, wanted in dict(condition).items()}
        for name, condition in dict(data.get("where", {})).items()
    }
    return Design(req, where=where or None, **options, **axes)


def _cell(cell: object) -> dict[str, Any]:
    if not isinstance(cell, Mapping):
        raise TypeError(show(cell))
    return {name: _value(value) for name, value in cell.items()}


def _many(values: object) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _value(value: object) -> object:
    return None if value == "" else value
