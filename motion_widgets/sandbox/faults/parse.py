"""Checking a rule of a fault plan against the table of kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from motion_widgets.sandbox.faults.kinds import KINDS, PARAMETERS, Kind
from motion_widgets.sandbox.faults.rule import CALLS, STATES, Rule

__all__ = ["PlanError", "check_names", "is_whole_number", "parse_rule"]

_COMMON = ("on", "kind", "nth", "times", "match", "when", "accepted")


class PlanError(ValueError):
    """A fault plan that is not valid; the message is one sentence."""


def parse_rule(table: object, number: int) -> Rule:
    """Return the rule that a table describes; `number` is its place in the plan, from 1.

    Raises
    ------
    PlanError
        A word is unknown or a value is not allowed.
    """
    where = f"Fault {number}"
    if not isinstance(table, Mapping):
        raise PlanError(f"{where} must be a table with on and kind, not {table!r:.60}.")
    on = _word(table, "on", (*CALLS, "any"), where)
    name = _word(table, "kind", tuple(KINDS), where)
    kind = KINDS[name]
    where = f"{where} ({name})"
    check_names(table, (*_COMMON, *kind.parameters), where)
    if not set(CALLS if on == "any" else (on,)) <= set(kind.on):
        raise PlanError(f"{where} cannot play on {on!r}; it plays on {', '.join(kind.on)}.")
    nth = _nth(table, where)
    times = table.get("times", kind.times)
    if not is_whole_number(times, 0):
        raise PlanError(f"{where}: times is {times!r:.60}; it must be a whole number, 0 for always.")
    when = _word(table, "when", STATES, where) if "when" in table else kind.when
    if "when" in table and on != "status":
        raise PlanError(f"{where}: when is about status calls, not about {on!r}.")
    match = table.get("match", "")
    if not isinstance(match, str):
        raise PlanError(f"{where}: match is {match!r:.60}; it must be a text.")
    parameters = _parameters(table, kind, where)
    accepted = table.get("accepted", _accepted(kind, parameters))
    if not isinstance(accepted, bool):
        raise PlanError(f"{where}: accepted is {accepted!r:.60}; it must be true or false.")
    if not accepted and kind.changes:
        raise PlanError(f"{where} changes a real response, so accepted cannot be false.")
    return Rule(on, name, nth, times, match, when, accepted, parameters)


def check_names(table: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    """Raise a `PlanError` when a table has other names than these."""
    for name in table:
        if name not in names:
            raise PlanError(f"{where} does not accept {str(name)[:60]!r}; it accepts {', '.join(names)}.")


def is_whole_number(value: object, low: int) -> bool:
    """Return whether a value is a whole number of at least `low`."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < math.inf


def _accepted(kind: Kind, parameters: Mapping[str, Any]) -> bool:
    """Return the default of `accepted`: the worse case where the client cannot know the outcome."""
    code = parameters.get("code")
    if kind.accepted is not None or code is None:
        return bool(kind.accepted)
    return not 300 <= code < 500


def _parameters(table: Mapping[str, Any], kind: Kind, where: str) -> dict[str, Any]:
    parameters = dict(kind.parameters)
    for name, default in kind.parameters.items():
        if name in table:
            value = parameters[name] = table[name]
            if not PARAMETERS[name].fits(value):
                raise PlanError(f"{where}: {name} is {value!r:.60}; it must be {PARAMETERS[name].wanted}.")
        elif default is ...:
            raise PlanError(f"{where} needs {name}, {PARAMETERS[name].wanted}.")
    return parameters


def _nth(table: Mapping[str, Any], where: str) -> tuple[int, ...]:
    nth = table.get("nth", [])
    calls = nth if isinstance(nth, list) else [nth]
    if not all(is_whole_number(call, 1) for call in calls):
        raise PlanError(f"{where}: nth is {nth!r:.60}; it must be a whole number from 1, or a list of them.")
    if len(calls) > 1 and "times" in table:
        raise PlanError(f"{where}: a list of nth says by itself how often; leave times out.")
    return tuple(calls)


def _word(table: Mapping[str, Any], name: str, words: tuple[str, ...], where: str) -> str:
    word = table.get(name)
    if not isinstance(word, str) or word not in words:
        found = f"{name} is {word!r:.60}" if name in table else f"{name} is missing"
        raise PlanError(f"{where}: {found}; it must be one of {', '.join(words)}.")
    return word
