"""One rule of a fault plan: which calls it is about, what happens to them, and how often it was met."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["CALLS", "STATES", "CallFacts", "Rule"]

CALLS = ("submit", "status", "upload", "balance", "result", "host")
"""Calls that a rule may be about; ``host`` gives a local file a link (``POST /sandbox/media``)."""
STATES = ("working", "completed", "failed")
"""Real states of a task whose status is polled."""


class CallFacts(NamedTuple):
    """What a rule's `match` looks into."""

    text: str = ""
    """Model, mode, orientation and prompt: finding a part is enough."""
    ids: tuple[str, ...] = ()
    """Idempotency key and task id: only a whole one counts, as a short text is found in random ids."""


@dataclass(slots=True)
class Rule:
    """One fault and its counters."""

    on: str
    """The call, a word of `CALLS` or ``any``."""
    kind: str
    """What happens, a key of `kinds.KINDS`."""
    nth: tuple[int, ...] = ()
    """Which of the matching calls, 1-based. Empty: from the first on."""
    times: int = 1
    """How often it plays. 0: always."""
    match: str = ""
    """What must be found in the call's text, or be one of its ids."""
    when: str = ""
    """The real state of the task, a word of `STATES`. Empty: any. Only for status calls."""
    accepted: bool = False
    """Whether the request is executed (and charged) although its response is replaced or lost."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The kind's parameters, defaults filled in."""
    per_second: int = 0
    """How many matching calls in a second it lets pass before it plays. 0: none."""
    seen: int = 0
    played: int = 0
    first: Any = None
    """The first real response that it met, where its kind keeps it."""
    _passed: deque[float] = field(default_factory=deque)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def matches(self, on: str, facts: CallFacts, state: str) -> bool:
        """Return whether the rule counts a call."""
        return (
            self.on in (on, "any")
            and (not self.match or self.match in facts.text or self.match in facts.ids)
            and (not self.when or self.when == state)
        )

    def is_due(self) -> bool:
        """Return whether the rule plays on the call that it counted last."""
        if self.per_second and self._has_room():
            return False
        if len(self.nth) > 1:
            return self.seen in self.nth
        first = self.nth[0] if self.nth else 1
        return self.seen >= first and (not self.times or self.played < self.times)

    def _has_room(self) -> bool:
        """Return whether a call is within the rate, and count it if so."""
        now = time.monotonic()
        while self._passed and self._passed[0] <= now - 1:
            self._passed.popleft()
        room = len(self._passed) < self.per_second
        if room:
            self._passed.append(now)
        return room

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as a plan states it."""
        nth: Any = self.nth[0] if len(self.nth) == 1 else list(self.nth)
        named = {"on": self.on, "kind": self.kind, "nth": nth, "match": self.match}
        named |= {} if len(self.nth) > 1 else {"times": self.times}
        named |= {"when": self.when, "accepted": self.accepted, "per_second": self.per_second or ""}
        shown = {name: value for name, value in named.items() if value not in ("", [])}
        return shown | {name: value for name, value in self.parameters.items() if value is not None}
