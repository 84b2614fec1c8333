"""When a task is expected to end, and so when to poll it next.

Up to four estimates are available for a task: the endpoint's `estimated_time`, the progress it reports, and
how long finished jobs took, either of the same model, mode and length or carried over from any others. For
each source the ratios of actual to estimated time seen so far both correct its next estimate and tell how
reliable it is; the most reliable source decides.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from motion_widgets.jobs.scheduling import timing

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from motion_widgets.endpoint.responses import Task
    from motion_widgets.log.rows import JobRow, TaskTime

__all__ = ["DurationModel", "TaskSchedule", "Window"]

_KEPT = 60
_TAIL = 0.05
"""Share of the past ratios that is left out at either end of the expected range."""
_SPREAD = {"server": 0.0, "group": 0.1, "progress": 0.3, "scale": 0.6}
"""Assumed relative spread of each source's estimates until there are enough past ratios."""
_ENOUGH = 4
_GUESS = 30.0
"""s per s of a plain clip: 2 to 11 minutes are usual (`endpoint/API.md` section 2)."""
_LENGTHS = 3
"""Lengths of clips without which tasks of a model and mode say nothing of those of other lengths."""
_LONGEST = 7 * 24 * 3600.0
_EAGER, _PATIENT = 0.025, 0.25
"""Time between polls, as a share of a task's duration, while others wait for its place and otherwise."""
_TOLD = ("server", "progress")
"""Sources that are about the task itself; what other tasks took counts once it proved to be of use."""


class _Group(Protocol):
    """The columns of a job or a finished task by which similar ones are recognized."""

    @property
    def model(self) -> str | None: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def character_orientation(self) -> str | None: ...
    @property
    def clip_length(self) -> float | None: ...


class Window(NamedTuple):
    """The s after its submit between which a task is expected to end."""

    low: float
    high: float


class DurationModel:
    """How long tasks take at one endpoint, learned from finished ones; belongs to one event loop."""

    def __init__(self) -> None:
        self._durations: dict[Hashable, deque[float]] = {}
        self._server_estimates: dict[Hashable, float] = {}
        self._per_weight: deque[float] = deque(maxlen=_KEPT)
        self._by_length: dict[Hashable, deque[tuple[int, float]]] = {}
        """By model and mode: the clip length and the duration (s) of the last tasks."""
        self._lines: dict[Hashable, tuple[float, float] | None] = {}
        self._ratios: dict[str, deque[float]] = {source: deque(maxlen=_KEPT) for source in _SPREAD}
        self._ranges: dict[str, Window] = {}
        self._expected: dict[Hashable, float] = {}

    @staticmethod
    def group(row: _Group) -> tuple[str, str, int]:
        """Return the model, mode and clip length (whole s) that a task's duration depends on."""
        cap = 10 if row.character_orientation == "image" else 30
        length = row.clip_length or 0.0
        return row.model or "", row.mode or "", max(round(length), 1) if 0 < length <= cap else cap

    def expected(self, group: Hashable) -> float:
        """Return how long (s) a task of a group is expected to take; a rough guess until one has finished."""
        if group not in self._expected:
            estimates = self.estimates(group, None)
            best = min(estimates, key=self._spread, default="")
            self._expected[group] = estimates[best] if best else _GUESS * _weight(group)
        return self._expected[group]

    def estimates(self, group: Hashable, estimated_time: float | None) -> dict[str, float]:
        """Return the duration (s) that each source estimates for a task.

        Parameters
        ----------
        estimated_time
            The endpoint's estimate (s) for this very task. None: its latest one for the group is taken.
        """
        server = self._server_estimates.get(group) if estimated_time is None else estimated_time
        found = {"server": server} if server else {}
        if self._durations.get(group):
            found["group"] = statistics.median(self._durations[group])
        elif self._per_weight:
            line = self._by_line(group)
            found["scale"] = statistics.median(self._per_weight) * _weight(group) if line is None else line
        return found

    def _by_line(self, group: Hashable) -> float | None:
        """Return how long (s) tasks of one's model and mode take at a group's length, by a straight line.

        Each takes a while whatever its length, so scaling by the length alone puts short ones too late in the
        order. None: too few lengths were seen, or longer ones did not take longer.
        """
        kind, length = _kind(group)
        if kind not in self._lines:
            seen = self._by_length.get(kind, ())
            lengths, durations = [one[0] for one in seen], [one[1] for one in seen]
            enough = len(set(lengths)) >= _LENGTHS
            self._lines[kind] = statistics.linear_regression(lengths, durations) if enough else None
        slope, base = self._lines[kind] or (0.0, 0.0)
        duration = base + slope * length
        return duration if slope > 0 and duration > 0 else None

    def window(self, estimates: Mapping[str, float]) -> Window | None:
        """Return when a task will end by the most reliable of its estimates. None: none can be relied on."""
        usable = [name for name in estimates if name in _TOLD or len(self._ratios[name]) >= _ENOUGH]
        if not usable:
            return None
        source = min(usable, key=self._spread)
        low, high = self._range(source)
        return Window(estimates[source] * low, estimates[source] * high)

    def learn_estimate(self, group: Hashable, estimated_time: float) -> None:
        """Keep the endpoint's estimate (s) for tasks of a group."""
        if 0 < estimated_time <= _LONGEST:
            self._server_estimates[group] = estimated_time
            self._expected.pop(group, None)

    def learn(self, group: Hashable, duration: float, estimates: Mapping[str, float]) -> None:
        """Keep how long a task took (s), and what had been estimated for it."""
        if not 0 < duration <= _LONGEST:
            return
        self._durations.setdefault(group, deque(maxlen=_KEPT)).append(duration)
        self._per_weight.append(duration / _weight(group))
        kind, length = _kind(group)
        self._by_length.setdefault(kind, deque(maxlen=_KEPT)).append((length, duration))
        self._lines.pop(kind, None)
        for source, estimate in estimates.items():
            if 0 < estimate <= _LONGEST:
                self._ratios[source].append(duration / estimate)
        self._ranges.clear()
        self._expected.clear()

    def learn_all(self, rows: Iterable[TaskTime]) -> None:
        """Learn from finished jobs of the log, oldest first."""
        for row in rows:
            group = self.group(row)
            duration = (row.completed - row.submitted) / 1e6
            self.learn(group, duration, self.estimates(group, row.estimated_time))

    def _spread(self, source: str) -> float:
        if len(self._ratios[source]) < _ENOUGH:
            return _SPREAD[source]
        low, high = self._range(source)
        return (high - low) / max(low, 1e-6)

    def _range(self, source: str) -> Window:
        """Return the range of past ratios of actual to estimated time, without outliers."""
        if source not in self._ranges:
            ratios = sorted(self._ratios[source])
            if len(ratios) < _ENOUGH:
                half = _SPREAD[source] / 2
                self._ranges[source] = Window(max(min([1 - half, *ratios]), 0.0), max([1 + half, *ratios]))
            else:
                out = int(len(ratios) * _TAIL)
                self._ranges[source] = Window(ratios[out], ratios[-1 - out])
        return self._ranges[source]


class TaskSchedule:
    """When to poll one task.

    Parameters
    ----------
    durations
        How long tasks take here.
    row
        The task's job.
    """

    def __init__(self, durations: DurationModel, row: JobRow) -> None:
        self._durations = durations
        self._group = durations.group(row)
        self._estimated_time: float | None = row.estimated_time
        self._progress = 0
        self._began = (row.submitted or timing.now() * 1e6) / 1e6
        self._polled = self._began
        self._working = 0.0
        """s after the submit when it was last seen working."""
        self._jitter = random.random()  # noqa: S311 - it spreads load

    def due(self, *, watched: int, eager: bool) -> float:
        """Return when to poll next (unix s).

        Parameters
        ----------
        watched
            How many jobs somebody waits for, this one among them; they share the polls. 0: nobody waits.
        eager
            Others wait for its place at the endpoint, so its end should be noticed at once.
        """
        ahead = self._polled - timing.now()
        if ahead > 0:  # the clock was put back
            self._polled -= ahead
            self._began -= ahead
        shortest, longest = timing.POLL
        window = self._durations.window(self._estimates())
        wait = self._wait(window, eager=eager)
        if watched:
            duration = 60.0 if window is None else window.high
            wait = min(wait, max(min(duration / 15, longest), watched * shortest))
        wait = wait if math.isfinite(wait) else longest
        return self._polled + min(max(wait, shortest), longest * timing.UNWATCHED)

    def _wait(self, window: Window | None, *, eager: bool) -> float:
        """Return s from the last poll to the next one, by the window in which the task should end."""
        since = self._polled - self._began
        if window is None:
            return max(since, 1.0) * (2 * _EAGER if eager else _PATIENT) * (0.5 + self._jitter)
        low, high = window
        # A single task that took long makes the window wide, so it is no reason to wait for its end.
        first = low if eager else min(high, max(since, low) * (1 + _PATIENT))
        if since < first:
            return first - since + (0.02 + (0.001 if eager else 0.005) * first) * (0.5 + self._jitter)
        if eager:
            wait = max(_EAGER * low, 0.1 * (since - high))
        else:
            wait = max(_PATIENT * (high - low), _PATIENT * (since - high))
        return wait * (0.9 + 0.2 * self._jitter)

    def polled(self, task: Task | None = None) -> None:
        """Note a poll and its answer. None: it brought none."""
        self._polled = timing.now()
        self._jitter = random.random()  # noqa: S311 - it spreads load
        if task is not None and task.state == "working":
            self._working = max(self._polled - self._began, 0.0)
            self._progress = max(task.progress or 0, self._progress)
            if task.estimated_time:
                self._estimated_time = task.estimated_time
                self._durations.learn_estimate(self._group, task.estimated_time)

    def completed(self, task: Task) -> None:
        """Learn from a task that completed."""
        seen = timing.now() - self._began
        estimates = self._estimates()
        window = self._durations.window(estimates)
        duration = seen if window is None else min(max(sum(window) / 2, self._working), seen)
        if task.created and task.completed and 0 < task.completed - task.created < seen + 2:
            stated = task.completed - task.created
            # The endpoint states whole seconds, so an estimate within one of it may be closer to the truth.
            if abs(duration - stated) > 1:
                duration = min(max(stated, self._working), seen)
        if self._working and seen - self._working < 1:
            duration = (seen + self._working) / 2
        self._durations.learn(self._group, duration, estimates)

    def _estimates(self) -> dict[str, float]:
        estimates = self._durations.estimates(self._group, self._estimated_time)
        if 5 <= self._progress < 100 and self._working:
            estimates["progress"] = self._working * 100 / self._progress
        return estimates


def _kind(group: Hashable) -> tuple[tuple[str, str], int]:
    """Return a group's model and mode, and its length."""
    model, mode, length = group if isinstance(group, tuple) else ("", "", 10)
    return (model, mode), length


def _weight(group: Hashable) -> float:
    """Return how much work a group's task is: longer clips, ``pro`` and v3 take longer."""
    (model, mode), length = _kind(group)
    return float(length) * (1.5 if mode == "pro" else 1.0) * (1.3 if "v3" in model else 1.0)
