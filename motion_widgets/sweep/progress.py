"""How a run stands and how long it will still take, kept up to date by reading only what changed.

`html_of` shows it as a notebook does at the end of a cell: as a matrix of its cells.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from motion_widgets.core.html_repr import card, table
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_usd, to_usd, total
from motion_widgets.jobs.job import all_rest
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.poll_schedule import DurationModel, Window
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import NO_RESULT, UNDER_WAY, State, mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.sweep.host import SweepHost

__all__ = ["Outlook", "Standing", "held_by", "html_of", "span"]

_SOON = 2.0
"""s that are not worth counting."""
_OVERDUE = 0.15
"""Part of what it took so far that a task beyond all expectation is given on top."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How a run stands; ``str`` of it is the line that the board and the terminal show."""

    cells: int
    done: int
    """Collected."""
    running: int
    """Being submitted, at the endpoint, or on the way here."""
    waiting: int
    """Planned."""
    failed: int
    """Ended without a result."""
    unknown: int
    """Of unknown outcome, which a person can decide on."""
    in_doubt: float
    """USD reserved for those of unknown outcome."""
    limit: float | None
    """USD. None: no budget was set."""
    used: float
    """USD spent or reserved."""
    reserved: float
    """USD of it that is reserved."""
    left: Window | None
    """s until the last cell ends. None: nobody can tell yet, or nothing is under way."""
    moving: bool
    """Whether anything still happens by itself."""
    held: str = ""
    """Which budget or doubt holds cells back, in words; ``""``: none does."""

    def __str__(self) -> str:
        counts = [say("board_running", count=self.running), say("board_failed", count=self.failed)]
        counts += [say("board_waiting", count=self.waiting)] if self.waiting else []
        counts += [say("board_unknown", count=self.unknown)] if self.unknown else []
        said = [say("board_done", done=self.done, all=self.cells), f"{', '.join(counts)}."]
        if self.limit is None:
            said.append(say("board_spent", used=format_usd(self.used)))
        else:
            said.append(say("board_spent_of", used=format_usd(self.used), limit=format_left(self.limit)))
        if self.left is not None:
            low, high = self.left
            soon = high < _SOON
            said.append(
                say("board_left_soon")
                if soon
                else say("board_left", about=span((low + high) / 2), low=span(low), high=span(high))
            )
        elif self.moving:
            said.append(say("board_left_unknown"))
        return " ".join([*said, self.held] if self.held else said)


def span(seconds: float) -> str:
    """Return a length of time as ``m:ss``, or ``h:mm:ss``."""
    whole = max(round(seconds), 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


class RunOfCells(Protocol):
    """A run, as far as its progress needs it; `Run` says it all."""

    id: str
    axes: dict[str, list[str]]
    cells: list[dict[str, Any]]

    @property
    def budget(self) -> tuple[float | None, float]:
        """(limit, used) in USD."""

    def rows(self) -> list[JobRow]:
        """Return each cell's last attempt, in the plan's order."""


_Run = TypeVar("_Run", bound=RunOfCells)


class Standing(Generic[_Run]):
    """The rows of a run, as they were at the last look.

    Attributes
    ----------
    rows
        Each cell's last attempt, in the plan's order.
    """

    def __init__(self, ws: SweepHost, run: _Run) -> None:
        self._ws, self.run = ws, run
        self._seen = ws.log_store.jobs.version()  # before the rows: what changes meanwhile is read again
        self.rows: list[JobRow] = run.rows()
        self._places: dict[tuple[object, ...], list[int]] = {}
        for place, row in enumerate(self.rows):
            self._places.setdefault(row.repeat_of, []).append(place)
        self._durations = DurationModel()
        self._learned = -1

    def update(self) -> list[int]:
        """Read what changed in the log since; return the places of the rows that are other ones now."""
        version = self._ws.log_store.jobs.version()
        if version == self._seen:
            return []
        changed: list[int] = []
        for row in self._ws.log_store.jobs.rows(jobs.c.seq > self._seen):
            for place in self._places.get(row.repeat_of, ()):
                if row.attempt >= self.rows[place].attempt:
                    self.rows[place] = row
                    changed.append(place)
        self._seen = version
        return changed

    @property
    def resting(self) -> bool:
        """Whether nothing more happens by itself, as far as these rows tell."""
        if self._ws.connection.drives_any(row.id for row in self.rows):
            return False
        return all_rest(self._ws, self.rows)

    def ends(self, row: JobRow) -> Window | None:
        """Return when a job under way is expected to end (unix s; past: it is late). None: unknown."""
        window = self._window(row)
        if window is None or row.submitted is None or row.state not in UNDER_WAY:
            return None
        began = row.submitted / 1e6
        return Window(began + window.low, began + window.high)

    def outlook(self, *, resting: bool | None = None) -> Outlook:
        """Return how the run stands now. `resting`: as it was just found. None: look."""
        states = [State(row.state) for row in self.rows]
        done = states.count(State.COLLECTED)
        self._learn(done)
        limit, used = self.run.budget
        waiting = states.count(State.PLANNED)
        running = sum(state in UNDER_WAY for state in states)
        moving = bool(running or waiting) and not (self.resting if resting is None else resting)
        return Outlook(
            cells=len(states), done=done, running=running, waiting=waiting,
            failed=sum(state in NO_RESULT for state in states),
            unknown=sum(row.undecided for row in self.rows),
            in_doubt=to_usd(total(row.reserved for row in self.rows if row.undecided)),
            limit=limit, used=used, reserved=to_usd(self._ws.log_store.jobs.reserved(self.run.id)),
            left=self._left() if moving else None, moving=moving,
            held="" if moving else held_by(self.rows),
        )  # fmt: skip

    def _learn(self, done: int) -> None:
        if done != self._learned and self.rows:
            self._learned = done
            self._durations = DurationModel()
            self._durations.learn_all(self._ws.log_store.jobs.task_times(self.rows[0].endpoint))

    def _window(self, row: JobRow) -> Window | None:
        group = DurationModel.group(row)
        return self._durations.window(self._durations.estimates(group, row.estimated_time))

    def _left(self) -> Window | None:
        """Return s until all have ended: those under way as expected, the waiting ones in their places.

        As many places as are taken now stay. Of many tasks one after the other some take longer and some
        less than expected, so that the sum is surer than each of them.
        """
        now = timing.now()
        known = []
        for row in self.rows:
            end = self.ends(row)
            if end is not None:
                late = _OVERDUE * max(now - (row.submitted or 0) / 1e6, 0.0) if end.high < now else 0.0
                known.append(Window(max(end.low - now, 0.0), max(end.high - now, late)))
        queue = [self._window(row) for row in self.rows if row.state == State.PLANNED]
        likely = [one for one in queue if one is not None]
        if (not known and not likely) or len(likely) < len(queue):
            return None
        low = max((one.low for one in known), default=0.0)
        high = max((one.high for one in known), default=0.0)
        if not queue:
            return Window(low, high)
        places = [sum(one) / 2 for one in known] or [0.0]
        heapq.heapify(places)
        for one in likely:
            heapq.heapreplace(places, places[0] + sum(one) / 2)
        whole = max(places)
        each = math.sqrt(math.ceil(len(queue) / len(places)) + 1)
        middle = sum(sum(one) / 2 for one in likely)
        under = sum(one.low for one in likely) / middle
        over = sum(one.high for one in likely) / middle
        return Window(max(whole * (1 - (1 - under) / each), low), max(whole * (1 + (over - 1) / each), high))


def held_by(rows: list[JobRow]) -> str:
    """Return which budget or doubt holds cells back; ``""``: none does."""
    kinds = ("budget", "doubt")
    planned = [row for row in rows if row.state == State.PLANNED and row.error_kind in kinds]
    return str(planned[0].error_message) if planned else ""


def html_of(
    title: str, axes: Iterable[str], cells: Iterable[dict[str, Any]], attempts: Sequence[JobRow]
) -> str:
    """Return a run as HTML: the last axis across, the others down, repeats in the same cell."""
    *down, across = list(axes) or [""]
    columns: dict[str, None] = {}
    body: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for cell, row in zip(cells, attempts, strict=True):
        values = cell["values"]
        column = values.get(across, "")
        columns[column] = None
        body.setdefault(tuple(values[name] for name in down), {}).setdefault(column, []).append(_told(row))
    lines = [[*names, *("; ".join(held.get(one, [])) for one in columns)] for names, held in body.items()]
    heads = [*down, *(f"{across} {one}".strip() for one in columns)]
    return card(title, None, table(heads, lines, named=len(down)))


def _told(row: JobRow) -> str:
    """Return a cell's state in words, and what it cost."""
    state = f"{mark(row.state)} {say(f'state_{row.state}')}"
    return state if row.cost is None else f"{state} {format_usd(to_usd(row.cost))}"
