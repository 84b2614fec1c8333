"""A fault plan: which call meets which mishap. Data, its parsing, and the counting of calls.

The head says how the server is (``idempotency``, ``max_in_flight``); an ordered list of rules says what goes
wrong. How a fault is played is the business of `chaos` and `spoil`. Every length of time in a plan is the
provider's, so it is divided by the sandbox's clock factor like all the others.
"""

from __future__ import annotations

import json
import math
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from motion_widgets.sandbox.faults.kinds import CALLS, KINDS, PARAMETERS, STATES, Kind

__all__ = ["About", "FaultPlan", "InForce", "PlanError", "Rule"]

_HEAD = ("fault", "idempotency", "max_in_flight")
_COMMON = ("on", "kind", "nth", "times", "match", "when", "accepted")


class PlanError(ValueError):
    """A fault plan that cannot be understood, in one sentence."""


class About(NamedTuple):
    """What a plan's `match` looks into."""

    words: str = ""
    """Model, mode, orientation and prompt: a part of them is enough."""
    names: tuple[str, ...] = ()
    """Idempotency key and task id: only the whole one, as a short text turns up in random ones by chance."""


@dataclass(slots=True)
class Rule:
    """One fault, and how often it was met."""

    on: str
    """The call it waits for, a word of `CALLS`."""
    kind: str
    """What happens, a word of `KINDS`."""
    nth: tuple[int, ...] = ()
    """Which of the calls that fit it wants, 1-based; empty: from the first on."""
    times: int = 1
    """How often it plays; 0: always."""
    match: str = ""
    """What must be found in the call's model, mode, orientation or prompt, or be its whole key or task id."""
    when: str = ""
    """How the task must really stand, a word of `STATES`; empty: anyhow. Of status calls alone."""
    accepted: bool = False
    """Whether the request is executed (and charged) although its answer is another one or none."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Of the kind, its defaults filled in."""
    seen: int = 0
    played: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def fits(self, on: str, about: About, state: str) -> bool:
        """Return whether a call is of those that the rule counts."""
        return (
            self.on in (on, "any")
            and (not self.match or self.match in about.words or self.match in about.names)
            and (not self.when or self.when == state)
        )

    def wants(self) -> bool:
        """Return whether the call that was counted last is to go wrong."""
        if len(self.nth) > 1:
            return self.seen in self.nth
        first = self.nth[0] if self.nth else 1
        return self.seen >= first and (not self.times or self.played < self.times)

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as a plan has it."""
        nth: Any = self.nth[0] if len(self.nth) == 1 else list(self.nth)
        named = {"on": self.on, "kind": self.kind, "nth": nth, "match": self.match}
        named |= {} if len(self.nth) > 1 else {"times": self.times}
        named |= {"when": self.when, "accepted": self.accepted}
        shown = {name: value for name, value in named.items() if value not in ("", [])}
        return shown | {name: value for name, value in self.parameters.items() if value is not None}


class FaultPlan:
    """An ordered list of rules, and how the server is meanwhile. Any thread may use it.

    Parameters
    ----------
    rules : list of Rule
        The first one that wants a call gets it; all that fit it count it.
    idempotency : bool
        False: idempotency keys are ignored, so that a resend charges twice.
    max_in_flight : int, optional
        Tasks under way at once before a submit gets 429. None: as the sandbox was made.

    Examples
    --------
    >>> plan = FaultPlan.read({"fault": [{"on": "submit", "kind": "reset"}]})
    >>> plan.pick("submit", About(), "").kind
    'reset'
    >>> plan.pick("submit", About(), "") is None
    True
    """

    def __init__(
        self, rules: list[Rule], *, idempotency: bool = True, max_in_flight: int | None = None
    ) -> None:
        self.rules = rules
        self.idempotency = idempotency
        self.max_in_flight = max_in_flight
        self.calls = dict.fromkeys(CALLS, 0)
        """How many calls of each kind came since the plan was set."""
        self._lock = threading.Lock()

    @classmethod
    def read(cls, source: FaultPlan | Mapping[str, Any] | str | Path) -> FaultPlan:
        """Read a plan: a TOML or JSON file, the same as a mapping, or a plan, which is given back.

        Raises
        ------
        PlanError
            In one sentence: the word that is not known, and those that are.
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
            raise PlanError(f"{path.name} is no fault plan: {error}.") from None

    @classmethod
    def of(cls, plan: object) -> FaultPlan:
        """Read a plan that was decoded already; touches no file.

        Raises
        ------
        PlanError
            In one sentence: the word that is not known, and those that are.
        """
        if not isinstance(plan, Mapping):
            raise PlanError(f"A fault plan is a table with {_listed(_HEAD)}, not {plan!r:.60}.")
        _known(plan, _HEAD, "The plan's head")
        idempotency, most = plan.get("idempotency", True), plan.get("max_in_flight")
        if not isinstance(idempotency, bool):
            raise PlanError(f"idempotency is {idempotency!r:.60}; it must be true or false.")
        if most is not None and not _whole(most, 1):
            raise PlanError(f"max_in_flight is {most!r:.60}; it must be a whole number from 1.")
        faults = plan.get("fault", [])
        if not isinstance(faults, list):
            raise PlanError("fault must be a list of tables: write [[fault]] above each.")
        rules = [_rule(fault, number) for number, fault in enumerate(faults, 1)]
        return cls(rules, idempotency=idempotency, max_in_flight=most)

    def concerns(self, on: str) -> bool:
        """Return whether any rule is about such calls."""
        return any(rule.on in (on, "any") for rule in self.rules)

    def count(self, on: str) -> None:
        """Count a call."""
        with self._lock:
            self.calls[on] += 1

    def pick(self, on: str, about: About, state: str) -> Rule | None:
        """Return the rule that plays on a call (None: all goes well), and count.

        Parameters
        ----------
        on : str
            Which call, a word of `CALLS`.
        about : About
            What `match` looks into.
        state : str
            How the task really stands, a word of `STATES`, or ``""``.
        """
        chosen: Rule | None = None
        with self._lock:
            for rule in self.rules:
                if rule.fits(on, about, state):
                    rule.seen += 1
                    if chosen is None and rule.wants():
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
class InForce:
    """The plan that is in force on a server; any thread may put another in its place."""

    plan: FaultPlan | None = None
    stopping: bool = False
    """The server is going down, so nothing is held any longer."""

    @property
    def idempotency(self) -> bool:
        """Whether idempotency keys are honoured."""
        return self.plan is None or self.plan.idempotency

    def room(self, otherwise: int) -> int:
        """Return how many tasks may be under way at once."""
        return otherwise if self.plan is None or self.plan.max_in_flight is None else self.plan.max_in_flight


def _rule(fault: object, number: int) -> Rule:
    where = f"Fault {number}"
    if not isinstance(fault, Mapping):
        raise PlanError(f"{where} must be a table with on and kind, not {fault!r:.60}.")
    on = _word(fault, "on", (*CALLS, "any"), where)
    name = _word(fault, "kind", tuple(KINDS), where)
    kind = KINDS[name]
    where = f"{where} ({name})"
    _known(fault, (*_COMMON, *kind.parameters), where)
    if on != "any" and on not in kind.on:
        raise PlanError(f"{where} cannot play on {on!r}; it plays on {_listed(kind.on)}.")
    if on == "any" and set(kind.on) != set(CALLS):
        raise PlanError(f"{where} cannot play on 'any'; it plays on {_listed(kind.on)}.")
    nth = _nth(fault, where)
    times = fault.get("times", kind.times)
    if not _whole(times, 0):
        raise PlanError(f"{where}: times is {times!r:.60}; it must be a whole number, 0 for always.")
    when = _word(fault, "when", STATES, where) if "when" in fault else kind.when
    if "when" in fault and on != "status":
        raise PlanError(f"{where}: when is about status calls, not about {on!r}.")
    match = fault.get("match", "")
    if not isinstance(match, str):
        raise PlanError(f"{where}: match is {match!r:.60}; it must be a text.")
    parameters = _parameters(fault, kind, where)
    accepted = fault.get("accepted", _accepted(kind, parameters))
    if not isinstance(accepted, bool):
        raise PlanError(f"{where}: accepted is {accepted!r:.60}; it must be true or false.")
    if not accepted and kind.spoils:
        raise PlanError(f"{where} changes a real answer, so accepted cannot be false.")
    return Rule(on, name, nth, times, match, when, accepted, parameters)


def _accepted(kind: Kind, parameters: Mapping[str, Any]) -> bool:
    """Return what is meant when a rule does not: the outcome is worst where nobody knows it."""
    code = parameters.get("code")
    if kind.accepted is not None or code is None:
        return bool(kind.accepted)
    return not (400 <= code < 500 or 300 <= code < 400)


def _parameters(fault: Mapping[str, Any], kind: Kind, where: str) -> dict[str, Any]:
    given = dict(kind.parameters)
    for name in kind.parameters:
        if name not in fault:
            if given[name] is ...:
                raise PlanError(f"{where} needs {name}, {PARAMETERS[name].words}.")
            continue
        value = fault[name]
        if not PARAMETERS[name].fits(value):
            raise PlanError(f"{where}: {name} is {value!r:.60}; it must be {PARAMETERS[name].words}.")
        given[name] = value
    return given


def _nth(fault: Mapping[str, Any], where: str) -> tuple[int, ...]:
    nth = fault.get("nth", [])
    calls = nth if isinstance(nth, list) else [nth]
    if not all(_whole(one, 1) for one in calls):
        raise PlanError(f"{where}: nth is {nth!r:.60}; it must be a whole number from 1, or a list of them.")
    if len(calls) > 1 and "times" in fault:
        raise PlanError(f"{where}: a list of nth says by itself how often; leave times out.")
    return tuple(calls)


def _word(fault: Mapping[str, Any], name: str, words: tuple[str, ...], where: str) -> str:
    word = fault.get(name)
    if not isinstance(word, str) or word not in words:
        found = f"{name} is {word!r:.60}" if name in fault else f"{name} is missing"
        raise PlanError(f"{where}: {found}; it must be one of {_listed(words)}.")
    return word


def _known(table: Mapping[str, Any], words: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in words:
            raise PlanError(f"{where} knows no {str(name)[:60]!r}; it knows {_listed(words)}.")


def _whole(value: object, low: int) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return number and low <= value < math.inf  # type: ignore[operator]


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
