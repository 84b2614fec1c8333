"""What each column of the log may hold; what is anything else is as good as not set.

SQLite keeps a text in a column of numbers, and whoever sends a log may have put anything there. So no value
is believed for its column's sake: rows read as records (`rows`), by columns (`schema`) and as frames
(`frame_reader`) are all judged here, and so are rows that come from elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say
from motion_widgets.log.names import is_safe_id, is_safe_path
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "CHOICES", "COUNT_MOST", "SEQ_MOST", "TITLE_MOST", "Rule", "clean", "is_title", "rule_of", "rules_of",
    "text", "unreadable_words",
]  # fmt: skip

SEQ_MOST = 2**62
"""The highest change counter that counts as one; there is room to count on from it."""
_MONEY_MOST = 10**12
"""Micro-dollars of one job, a million USD: the sum over any log is a whole number that a database holds."""
COUNT_MOST = 2**53
"""The highest of other whole numbers, which every reader of an export knows exactly."""
_TIME_MOST = 253_370_764_800_000_000
"""Unix microseconds of the year 9999: a calendar ends there, and a time zone's hours stay before it."""
_REAL_MOST = 1e9
TITLE_MOST = 120
"""Characters of a run's name."""
_USUAL = re.compile(r"results/job-[0-9a-z]+\.mp4|inputs/[0-9a-f]{64}\.[0-9a-z]+")
"""Paths as the toolkit writes them, judged in a tenth of the time."""
CHOICES = ("left", "right", "tie", "both_bad", "skip", "undone")
"""What a rating of a pair may say."""
_STATES = frozenset(state.value for state in State)


class _UnfitError(ValueError):
    """A value that is none of its column's."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What a column may hold; equal only to itself, since SQLAlchemy hashes it with each statement."""

    read: Callable[[Any], Any]
    """Returns a value as its column's type; raises ValueError for one that does not fit."""
    unset: Any = None
    """What stands for a value that is not there, or does not fit."""
    needed: bool = False
    """A row without it is damaged."""
    stand_in: Callable[[Any], Any] | None = None
    """Tells values apart that do not fit. None: they are all `unset`."""
    least: int = 0
    most: int = COUNT_MOST
    """Of whole numbers, in SQL as well."""

    def clean(self, value: Any) -> Any:
        """Return a value, or what stands for it. None stays: what a join or an empty sum gives is none."""
        if value is None:
            return None
        try:
            return self.read(value)
        except ValueError:
            return self.instead(value)

    def instead(self, value: Any) -> Any:
        """Return what stands for a value that does not fit."""
        return self.unset if self.stand_in is None else self.stand_in(value)

    def fits(self, value: Any) -> bool:
        """Return whether a value may stand in the column."""
        if value is None:
            return not self.needed
        try:
            self.read(value)
        except ValueError:
            return False
        return True


def clean(rules: Mapping[str, Rule], row: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a row in which every value fits, and the columns in which one did not."""
    values: dict[str, Any] = dict(row)
    unfit = []
    for name, rule in rules.items():
        value = values[name]
        if value is None and not rule.needed:
            continue
        try:
            values[name] = rule.read(value)
        except ValueError:
            values[name] = rule.instead(value)
            unfit.append(name)
    if unfit:
        _report(str(values.get("id", "")), ", ".join(unfit))
    return values, unfit


def unreadable_words(unfit: list[str], own: str | None) -> str:
    """Return what a row with unfit values says: which they are, and what it said already."""
    words = say("row_unreadable", names=", ".join(unfit))
    return f"{words} {own}" if own else words


@functools.lru_cache(maxsize=10_000)
def _report(row_id: str, names: str) -> None:
    """Log a damaged row once, however often it is read."""
    logging.getLogger("motion_widgets").info(say("row_unreadable_log", id=row_id, names=names))


def rules_of(record: type) -> dict[str, Rule]:
    """Return the rules of a record's columns."""
    return {one.name: rule_of(one.name, str(one.type)) for one in fields(record)}


def rule_of(name: str, kind: str) -> Rule:
    """Return the rule of a column by its name and its type as it is annotated, such as ``"int | None"``."""
    plain = kind.removesuffix(" | None")
    needed = plain == kind
    if plain in ("int", "Micro"):
        least, most = _range(name, plain)
        return Rule(_whole(least, most), least if needed else None, needed, least=least, most=most)
    if plain not in ("float", "bool") and (name in _IDS or name.endswith("sha")):
        return Rule(_ident, None, needed, _stand_in if needed else None)
    read, unset = {"float": (_real(name), 0.0), "bool": (_truth, False)}.get(plain) or _words(name)
    return Rule(read, unset if needed else None, needed)


_IDS = ("id", "job_id", "sweep_id", "left_job_id", "right_job_id", "supersedes")
_REAL_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("timing", "place", "place_mirrored", "direction", "loudness"), (-1, 1)),
    **dict.fromkeys(("lag_ms", "sound_lag_ms"), (-1000, 1000)),
    **dict.fromkeys(("repeats", "clip_repeats", "blur", "sound"), (0, 1)),
}
_TIMES = (
    "created", "submitted", "completed", "collected", "sent", "expires_at", "lease_until", "deleted",
    "shared", "at", "paused", "undone", "since",
)  # fmt: skip


def _words(name: str) -> tuple[Callable[[Any], Any], str]:
    """Return what reads a column of text, and what stands there for nothing."""
    if name in ("state", "to_state", "from_state"):
        return _state, State.UNKNOWN.value
    if name == "choice":
        return _choice, "skip"
    if name == "path" or name.endswith("_path"):
        return _path, ""
    if name == "title":
        return _title, ""
    if name in _SHAPES:
        empty, shaped = _SHAPES[name]
        return _json(shaped), empty
    return text, ""


def _range(name: str, kind: str) -> tuple[int, int]:
    if name in _TIMES:
        return 0, _TIME_MOST
    ranges = {"seq": (0, SEQ_MOST), "progress": (0, 100), "stars": (1, 5), "repeat": (1, COUNT_MOST)}
    ranges |= {"attempt": (1, COUNT_MOST), "limit_micro": (0, COUNT_MOST), "used_micro": (0, COUNT_MOST)}
    return ranges.get(name, (0, _MONEY_MOST if kind == "Micro" else COUNT_MOST))


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is int and least <= value <= most:
            return value
        raise _UnfitError

    return read


def _real(name: str) -> Callable[[Any], float]:
    least, most = _REAL_RANGES.get(name, (0, _REAL_MOST))

    def read(value: Any) -> float:
        if type(value) in (float, int) and least <= value <= most:  # which no NaN is
            return float(value)
        raise _UnfitError

    return read


def _truth(value: Any) -> bool:
    if value is True or value is False:
        return value
    if type(value) is int and value in (0, 1):  # as SQLite keeps it
        return value == 1
    raise _UnfitError


def text(value: Any) -> str:
    """Return any text."""
    if type(value) is str:
        return value
    raise _UnfitError


def is_title(value: str) -> bool:
    """Return whether a text is a name of one line, as a person gives a run one."""
    return 1 <= len(value) <= TITLE_MOST and value.isprintable()


def _title(value: Any) -> str:
    if type(value) is str and is_title(value):
        return value
    raise _UnfitError


def _state(value: Any) -> str:
    if type(value) is str and value in _STATES:
        return value
    raise _UnfitError


def _choice(value: Any) -> str:
    if type(value) is str and value in CHOICES:
        return value
    raise _UnfitError


def _ident(value: Any) -> str:
    if type(value) is str and is_safe_id(value):
        return value
    raise _UnfitError


def _stand_in(value: Any) -> str:
    """Return a name for a row whose id is none: no id of a log begins so."""
    if type(value) is str and re.fullmatch(r"\?[0-9a-f]{16}", value):
        return value
    return f"?{hashlib.sha256(repr(value).encode('utf-8', 'replace')).hexdigest()[:16]}"


def _path(value: Any) -> str:
    if type(value) is str and (not value or _USUAL.fullmatch(value) or is_safe_path(value)):
        return value
    raise _UnfitError


def _json(shaped: Callable[[Any], bool]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if type(value) is str:
            try:
                fits = shaped(json.loads(value))
            except (ValueError, RecursionError):
                raise _UnfitError from None
            if fits:
                return value
        raise _UnfitError

    return read


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _axes(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_texts, value.values()))


def _cells(value: Any) -> bool:
    return isinstance(value, list) and all(map(_cell, value))


def _cell(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("values"), dict):
        return False
    job_id, order = value.get("job_id"), value.get("order", 0)
    labels = all(isinstance(one, str) for one in value["values"].values())
    number = value.get("number", 1)
    numbered = type(order) is int and type(number) is int and 1 <= number <= COUNT_MOST
    return labels and isinstance(job_id, str) and is_safe_id(job_id) and numbered


def _stop_after(value: Any) -> bool:
    if not isinstance(value, list) or [type(one) in (int, float) for one in value] != [True, True]:
        return False
    return bool(0 <= value[0] <= COUNT_MOST and 0 <= value[1] <= 1)


_SHAPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "axes": ("{}", _axes),
    "cells": ("[]", _cells),
    "links": ("[]", _texts),
    "stop_after": ("[]", _stop_after),
    "watermark_info": ("{}", lambda value: isinstance(value, dict)),
    "parameters": ("{}", lambda value: isinstance(value, dict)),
}
"""By column with JSON: what stands for none, and whether a value has the shape that is read."""
