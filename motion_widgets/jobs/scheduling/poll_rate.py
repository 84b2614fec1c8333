"""How many polls a second an endpoint allows, learned from what it answers and what it refuses."""

from __future__ import annotations

from collections import deque

from motion_widgets.jobs.scheduling import timing

__all__ = ["PollRate"]

_WINDOW = 10.0
"""s that are looked back for the first estimate."""
_ENOUGH = 3
"""Answers without which a refusal says nothing of the rate."""
_FIRST = 1.0
"""Polls a second after a refusal that says nothing of it."""
_FAST = 1.5
"""By how much a rate that is a mere guess grows with each answer."""
_CYCLE = 50.0
"""Pauses in which a known rate would double or so: pauses for probing it cost little then."""
_BACK = 0.8
"""What is left of a rate that was refused."""
_LEAST = 1 / 60
"""Polls a second that are tried however much is refused."""
_UNLIMITED = 1000.0
"""Polls a second from which on there is no limit."""


class PollRate:
    """Spaces polls once the endpoint refused one because of its rate (AIMD).

    Attributes
    ----------
    next
        When the next poll may go (unix s).
    """

    def __init__(self) -> None:
        self.next = 0.0
        self._rate = float("inf")
        self._guessed = False
        self._pause = 1.0
        self._answers: deque[float] = deque(maxlen=1000)

    def sent(self) -> None:
        """Note that a poll goes out now."""
        self.next = timing.now() + 1 / self._rate

    def answered(self) -> None:
        """Note that a poll was answered."""
        now = timing.now()
        since = min(max(now - self._answers[-1], 0.0), 1.0) if self._answers else 0.0
        self._answers.append(now)
        self._rate *= _FAST if self._guessed else 1 + since / (_CYCLE * self._pause)
        if self._rate > _UNLIMITED:
            self._rate = float("inf")

    def refused(self, seconds: float) -> None:
        """Note that a poll was refused, and that the next may go in some s."""
        now = timing.now()
        recent = [at for at in self._answers if now - _WINDOW <= at <= now]
        self._answers.clear()
        if self._rate < float("inf"):
            back = _BACK if recent and not self._guessed else _BACK / _FAST
            self._rate = max(self._rate * back, _LEAST)
            self._guessed = False
        elif len(recent) >= _ENOUGH:
            self._rate = len(recent) / (now - recent[0] + 1.0)
        else:
            self._rate, self._guessed = _FIRST, True
        self._pause = max(seconds, 1.0)
        self.next = now + seconds

    def wait(self, now: float) -> float:
        """Return s until a poll may go; a clock that was put back makes it no longer."""
        self.next = min(self.next, now + max(1 / self._rate, timing.PAUSE))
        return self.next - now
