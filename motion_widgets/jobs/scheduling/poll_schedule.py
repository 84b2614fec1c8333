"""When a task will end, as far as anybody can tell, and so when to ask for it.

Several voices are heard: the endpoint's `estimated_time`, its progress, and what finished jobs took of the
same model, mode and length, or of any. How right each was so far (what it took / what the voice had said)
both corrects it and says how sure it is; the surest one counts.
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

__all__ = ["Course", "Forecast", "Window"]

_KEPT = 60
_EDGES = 0.05
"""Part of the earlier cases that is left out at either end of what is expected."""
_DOUBT = {"server": 0.0, "group": 0.1, "progress": 0.3, "scale": 0.6}
"""How far apart (as a part of the whole) the voices are taken to be before they were heard often enough."""
_ENOUGH = 4
_GUESS = 30.0
"""s per s of a plain clip: 2 to 11 minutes are usual (`endpoint/API.md` section 2)."""
_LONGEST = 7 * 24 * 3600.0
_EAGER, _PATIENT = 0.025, 0.25
"""Of what a task takes: the time between two polls while others wait for its place, and while nobody does."""


class _Group(Protocol):
    """What a job or a finished task says of what it has in common with others."""

    @property
    def model(self) -> str | None: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def character_orientation(self) -> str | None: ...
    @property
    def clip_length(self) -> float | None: ...


class Window(NamedTuple):
    """s after the submit between which a task is expected to end."""

    low: float
    high: float


class Forecast:
    """What is known about how long tasks take at one endpoint; belongs to one event loop."""

    def __init__(self) -> None:
        self._took: dict[Hashable, deque[float]] = {}
        self._said: dict[Hashable, float] = {}
        self._per_weight: deque[float] = deque(maxlen=_KEPT)
        self._right: dict[str, deque[float]] = {voice: deque(maxlen=_KEPT) for voice in _DOUBT}
        self._edges: dict[str, Window] = {}
        self._expected: dict[Hashable, float] = {}

    @staticmethod
    def group(row: _Group) -> tuple[str, str, int]:
        """Return what tasks have in common that take alike: model, mode and s of the clip."""
        cap = 10 if row.character_orientation == "image" else 30
        length = row.clip_length or 0.0
        return row.model or "", row.mode or "", max(round(length), 1) if 0 < length <= cap else cap

    def expected(self, group: Hashable) -> float:
        """Return s that a task of a group is expected to take; roughly, where nothing was learned yet."""
        if group not in self._expected:
            voices = self.voices(group, None)
            surest = min(voices, key=self._doubt, default="")
            self._expected[group] = voices[surest] if surest else _GUESS * _weight(group)
        return self._expected[group]

    def voices(self, group: Hashable, estimated: float | None) -> dict[str, float]:
        """Return what each voice says of a task, in s.

        Parameters
        ----------
        estimated
            What the endpoint says of this very task. None: nothing.
        """
        said = self._said.get(group) if estimated is None else estimated
        found = {"server": said} if said else {}
        if self._took.get(group):
            found["group"] = statistics.median(self._took[group])
        elif self._per_weight:
            found["scale"] = statistics.median(self._per_weight) * _weight(group)
        return found

    def window(self, voices: Mapping[str, float]) -> Window | None:
        """Return when a task will end by the surest of some voices. None: there is none."""
        if not voices:
            return None
        voice = min(voices, key=self._doubt)
        low, high = self._edges_of(voice)
        return Window(voices[voice] * low, voices[voice] * high)

    def said(self, group: Hashable, estimated: float) -> None:
        """Keep what the endpoint expects of a group's task."""
        if 0 < estimated <= _LONGEST:
            self._said[group] = estimated
            self._expected.pop(group, None)

    def learn(self, group: Hashable, took: float, voices: Mapping[str, float]) -> None:
        """Keep how long a task took (s), and what had been said of it."""
        if not 0 < took <= _LONGEST:
            return
        self._took.setdefault(group, deque(maxlen=_KEPT)).append(took)
        self._per_weight.append(took / _weight(group))
        for voice, said in voices.items():
            if 0 < said <= _LONGEST:
                self._right[voice].append(took / said)
        self._edges.clear()
        self._expected.clear()

    def recall(self, rows: Iterable[TaskTime]) -> None:
        """Learn from finished jobs of the log, oldest first."""
        for row in rows:
            took = (row.completed - row.submitted) / 1e6
            group = self.group(row)
            self.learn(group, took, self.voices(group, row.estimated_time))

    def _doubt(self, voice: str) -> float:
        if len(self._right[voice]) < _ENOUGH:
            return _DOUBT[voice]
        low, high = self._edges_of(voice)
        return (high - low) / max(low, 1e-6)

    def _edges_of(self, voice: str) -> Window:
        """Return within which multiples of what a voice says the earlier cases were."""
        if voice not in self._edges:
            right = sorted(self._right[voice])
            if len(right) < _ENOUGH:
                half = _DOUBT[voice] / 2
                self._edges[voice] = Window(max(min([1 - half, *right]), 0.0), max([1 + half, *right]))
            else:
                out = int(len(right) * _EDGES)
                self._edges[voice] = Window(right[out], right[-1 - out])
        return self._edges[voice]


class Course:
    """One task on its way: when it is asked for next.

    Parameters
    ----------
    forecast
        What is known of its like.
    row
        Its job.
    """

    def __init__(self, forecast: Forecast, row: JobRow) -> None:
        self._forecast = forecast
        self._group = forecast.group(row)
        self._estimated: float | None = row.estimated_time
        self._progress = 0
        self._began = (row.submitted or timing.now() * 1e6) / 1e6
        self._polled = self._began
        self._working = 0.0
        """s after the submit when it was seen to be still working."""
        self._jitter = random.random()  # noqa: S311 - it spreads load

    def due(self, *, watched: bool, eager: bool) -> float:
        """Return when to poll next (unix s).

        Parameters
        ----------
        watched
            Somebody looks at its bar.
        eager
            Others wait for its place, so it matters to see at once that it ended.
        """
        ahead = self._polled - timing.now()
        if ahead > 0:  # the clock was put back
            self._polled -= ahead
            self._began -= ahead
        since = self._polled - self._began
        window = self._forecast.window(self._voices())
        shortest, longest = timing.POLL
        if window is None:
            wait = max(since, 1.0) * (2 * _EAGER if eager else _PATIENT) * (0.5 + self._jitter)
            whole = 60.0
        else:
            low, high = window
            whole = high
            at = low if eager else high
            if since < at:
                wait = at - since + (0.02 + (0.001 if eager else 0.005) * at) * (0.5 + self._jitter)
            elif eager:
                wait = max(_EAGER * low, 0.1 * (since - high)) * (0.9 + 0.2 * self._jitter)
            else:
                wait = max(_PATIENT * (high - low), _PATIENT * (since - high)) * (0.9 + 0.2 * self._jitter)
        if watched:
            wait = min(wait, max(whole / 15, shortest), longest)
        wait = wait if math.isfinite(wait) else longest
        return self._polled + min(max(wait, shortest), longest * timing.UNWATCHED)

    def asked(self, task: Task | None = None) -> None:
        """Note a poll, and what it said. None: nothing of use."""
        self._polled = timing.now()
        self._jitter = random.random()  # noqa: S311 - it spreads load
        if task is not None and task.state == "working":
            self._working = max(self._polled - self._began, 0.0)
            self._progress = max(task.progress or 0, self._progress)
            if task.estimated_time:
                self._estimated = task.estimated_time
                self._forecast.said(self._group, task.estimated_time)

    def ended(self, task: Task) -> None:
        """Learn from a task that completed."""
        seen = timing.now() - self._began
        voices = self._voices()
        window = self._forecast.window(voices)
        took = seen if window is None else min(max(sum(window) / 2, self._working), seen)
        if task.created and task.completed and 0 < task.completed - task.created < seen + 2:
            told = task.completed - task.created
            # The endpoint's times are whole seconds, so what fits them is as good as they are.
            took = took if abs(took - told) <= 1 else min(max(told, self._working), seen)
        if self._working and seen - self._working < 1:
            took = (seen + self._working) / 2
        self._forecast.learn(self._group, took, voices)

    def _voices(self) -> dict[str, float]:
        voices = self._forecast.voices(self._group, self._estimated)
        if 5 <= self._progress < 100 and self._working:
            voices["progress"] = self._working * 100 / self._progress
        return voices


def _weight(group: Hashable) -> float:
    """Return how much work a group's task is: longer clips, ``pro`` and v3 take longer."""
    model, mode, length = group if isinstance(group, tuple) else ("", "", 10)
    return float(length) * (1.5 if mode == "pro" else 1.0) * (1.3 if "v3" in model else 1.0)
