"""The states of a job and the one table of allowed transitions.

The table is guarded in the database: every change is an ``UPDATE ... WHERE state IN (sources)``.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ASKED_AGAIN", "ENDS", "FOLLOWED", "NO_RESULT", "RETRYABLE", "TRANSITIONS", "UNDER_WAY", "State",
    "mark", "sources",
]  # fmt: skip


class State(StrEnum):
    """Where a job stands."""

    PLANNED = "planned"
    """Written down; nothing was sent."""
    SUBMITTING = "submitting"
    """The intent and its reserved budget are committed; the request may be on its way."""
    SUBMITTED = "submitted"
    """The endpoint accepted it and gave a task id."""
    RUNNING = "running"
    COMPLETED = "completed"
    """The endpoint has a result; it is not here yet."""
    COLLECTED = "collected"
    """The result was downloaded and checked."""
    REJECTED = "rejected"
    """Surely not accepted; it cost nothing."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    VANISHED = "vanished"
    """The endpoint no longer knows the task, or never gave its result a link."""
    EXPIRED = "expired"
    """The result's link died before it was downloaded."""
    WRITTEN_OFF = "written_off"
    UNKNOWN = "unknown"
    """Money may have been spent; only new evidence or a person moves it on."""


S = State

TRANSITIONS: dict[State, frozenset[State]] = {
    S.PLANNED: frozenset({S.SUBMITTING, S.REJECTED, S.WRITTEN_OFF}),
    S.SUBMITTING: frozenset({S.PLANNED, S.SUBMITTED, S.REJECTED, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.SUBMITTING, S.SUBMITTED, S.WRITTEN_OFF}),
    S.SUBMITTED: frozenset({S.RUNNING, S.COMPLETED, S.FAILED, S.CANCELLED, S.VANISHED}),
    S.RUNNING: frozenset({S.COMPLETED, S.FAILED, S.CANCELLED, S.VANISHED}),
    S.COMPLETED: frozenset({S.COLLECTED, S.EXPIRED, S.VANISHED}),
    S.COLLECTED: frozenset(),
    S.REJECTED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.VANISHED: frozenset({S.RUNNING}),
    S.EXPIRED: frozenset({S.COMPLETED}),
    S.WRITTEN_OFF: frozenset(),
}
"""Where each state may go."""

ASKED_AGAIN = {S.VANISHED: S.RUNNING, S.EXPIRED: S.COMPLETED}
"""Ends of paid jobs from which a person may have the endpoint asked again, and where that goes on."""

ENDS = frozenset(state for state, onward in TRANSITIONS.items() if not onward) | ASKED_AGAIN.keys()
"""States that nothing leaves by itself."""

NO_RESULT = ENDS - {S.COLLECTED}
"""Ends without a result: failures, whatever they cost."""

RETRYABLE = frozenset({S.REJECTED, S.FAILED, S.CANCELLED, S.WRITTEN_OFF})
"""Ends after which the same request starts a new attempt instead of attaching."""

FOLLOWED = frozenset({S.SUBMITTED, S.RUNNING, S.COMPLETED})
"""States in which the toolkit asks or downloads by itself; it costs nothing."""

UNDER_WAY = FOLLOWED | {S.SUBMITTING}
"""Being submitted, at the endpoint, or on the way here."""


def sources(target: State) -> tuple[str, ...]:
    """Return the states from which `target` may be entered."""
    return tuple(state.value for state, onward in TRANSITIONS.items() if target in onward)


_MARKS = {
    S.PLANNED: "\u25cb", S.SUBMITTING: "\u2191", S.SUBMITTED: "\u25b7", S.RUNNING: "\u25b6",
    S.COMPLETED: "\u2193", S.COLLECTED: "\u2714", S.UNKNOWN: "?",
}  # fmt: skip


def mark(state: str) -> str:
    """Return a sign for a state; always shown beside its word."""
    return _MARKS.get(State(state), "\u2716")
