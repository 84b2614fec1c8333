"""A fault plan: which call meets which fault. Reading and checking plans, and counting calls.

A plan's head says how the server behaves (``idempotency``, ``max_in_flight``), its ordered list of rules what
goes wrong. Each rule is checked against the table of kinds. Every length of time in a plan is the provider's,
so it is divided by the sandbox's clock factor like all others.
"""

from __future__ import annotations

import json
import math
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.sandbox.faults.kinds import KINDS, PARAMETERS, Kind
from motion_widgets.sandbox.faults.rule import CALLS, STATES, Rule

if TYPE_CHECKING:
    from motion_widgets.sandbox.faults.rule import CallFacts

__all__ = ["ActivePlan", "FaultPlan", "PlanError", "check_names", "is_whole_number", "parse_rule"]

_COMMON = ("on", "kind", "nth", "times", "match", "when", "accepted", "per_second")


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
    per_second = table.get("per_second", 0)
    if not is_whole_number(per_second, 0):
        raise PlanError(f"{where}: per_second is {per_second!r:.60}; it must be a whole number, 0 for none.")
    parameters = _parameters(table, kind, where)
    accepted = table.get("accepted", _accepted(kind, parameters))
    if not isinstance(accepted, bool):
        raise PlanError(f"{where}: accepted is {accepted!r:.60}; it must be true or false.")
    if not accepted and kind.changes:
        raise PlanError(f"{where} changes a real response, so accepted cannot be false.")
    return Rule(on, name, nth, times, match, when, accepted, parameters, per_second)


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


_HEAD = ("fault", "idempotency", "max_in_flight")


class FaultPlan:
    """An ordered list of rules, and how the server behaves meanwhile. Any thread may use it.

    Parameters
    ----------
    rules : list of Rule
        The first due rule that matches a call plays on it; all that match count it.
    idempotency : bool
        False: idempotency keys are ignored, so that a resend charges twice.
    max_in_flight : int, optional
        Tasks in flight before a submit gets 429. None: as the sandbox was created.

    Examples
    --------
    >>> from motion_widgets.sandbox.faults.rule import CallFacts
    >>> plan = FaultPlan.read({"fault": [{"on": "submit", "kind": "reset"}]})
    >>> plan.pick("submit", CallFacts(), "").kind
    'reset'
    >>> plan.pick("submit", CallFacts(), "") is None
    True
    """

    def __init__(
        self, rules: list[Rule], *, idempotency: bool = True, max_in_flight: int | None = None
    ) -> None:
        self.rules = rules
        self.idempotency = idempotency
        self.max_in_flight = max_in_flight
        self.calls = dict.fromkeys(CALLS, 0)
        """Number of calls since the plan was activated."""
        self._lock = threading.Lock()

    @classmethod
    def read(cls, source: FaultPlan | Mapping[str, Any] | str | Path) -> FaultPlan:
        """Read a plan: a TOML or JSON file, a mapping of the same shape, or a plan, which is returned.

        Raises
        ------
        PlanError
            The plan is not valid.
        OSError
            The file cannot be read.
        """
        if isinstance(source, FaultPlan):
            return source
        if isinstance(source, Mapping):
            return cls.of(source)
        path = Path(source)
        text = path.read_text("utf-8")
        try:
            return cls.of(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
        except PlanError as error:
            raise PlanError(f"{path.name}: {error}") from None
        except ValueError as error:
            raise PlanError(f"{path.name} is not a fault plan: {error}.") from None

    @classmethod
    def of(cls, plan: object) -> FaultPlan:
        """Return the plan that decoded data describe; touches no file.

        Raises
        ------
        PlanError
            The plan is not valid.
        """
        if not isinstance(plan, Mapping):
            raise PlanError(f"A fault plan is a table with {', '.join(_HEAD)}, not {plan!r:.60}.")
        check_names(plan, _HEAD, "The plan's head")
        idempotency, most = plan.get("idempotency", True), plan.get("max_in_flight")
        if not isinstance(idempotency, bool):
            raise PlanError(f"idempotency is {idempotency!r:.60}; it must be true or false.")
        if most is not None and not is_whole_number(most, 1):
            raise PlanError(f"max_in_flight is {most!r:.60}; it must be a whole number from 1.")
        faults = plan.get("fault", [])
        if not isinstance(faults, list):
            raise PlanError("fault must be a list of tables: write [[fault]] above each.")
        rules = [parse_rule(table, number) for number, table in enumerate(faults, 1)]
        return cls(rules, idempotency=idempotency, max_in_flight=most)

    def concerns(self, on: str) -> bool:
        """Return whether any rule is about such calls."""
        return any(rule.on in (on, "any") for rule in self.rules)

    def count(self, on: str) -> None:
        """Count a call."""
        with self._lock:
            self.calls[on] += 1

    def pick(self, on: str, facts: CallFacts, state: str) -> Rule | None:
        """Count a call, a word of `CALLS`, and return the rule that plays on it. None: nothing goes wrong.

        `state` is the task's real state, a word of `STATES`, or ``""``.
        """
        chosen: Rule | None = None
        with self._lock:
            for rule in self.rules:
                if rule.matches(on, facts, state):
                    rule.seen += 1
                    if chosen is None and rule.is_due():
                        chosen = rule
                        rule.played += 1
        return chosen

    def as_dict(self, *, counted: bool = False) -> dict[str, Any]:
        """Return the plan as `read` takes it; `counted`: with its counters, which `read` does not take."""
        head: dict[str, Any] = {"idempotency": self.idempotency}
        if self.max_in_flight is not None:
            head["max_in_flight"] = self.max_in_flight
        with self._lock:
            counts = [{"seen": rule.seen, "played": rule.played} if counted else {} for rule in self.rules]
            calls = {"calls": dict(self.calls)} if counted else {}
        faults = [rule.as_dict() | count for rule, count in zip(self.rules, counts, strict=True)]
        return head | calls | {"fault": faults}


@dataclass(slots=True)
class ActivePlan:
    """The plan that is active on a server; any thread may replace it."""

    plan: FaultPlan | None = None
    stopping: bool = False
    """Whether the server is going down, so that nothing is held back any longer."""

    @property
    def idempotency(self) -> bool:
        """Whether idempotency keys are honoured."""
        return self.plan is None or self.plan.idempotency

    def max_in_flight(self, default: int) -> int:
        """Return how many tasks may be in flight."""
        return default if self.plan is None or self.plan.max_in_flight is None else self.plan.max_in_flight
