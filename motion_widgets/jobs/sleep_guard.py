"""Paid jobs on a machine that may fall asleep: keeping it awake, and warning of what its sleep costs.

Links to results expire while nobody downloads. Where the extra (``pip install "motion-widgets[awake]"``) is
installed and the system can, the machine is kept awake while jobs are under way. Otherwise a person is warned
beforehand, if it has a battery; and after a gap in time told which links expired and which are about to.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.logging import report
from motion_widgets.core.messages import say
from motion_widgets.core.texts import first_of
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import FOLLOWED, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["KeepAwake", "SleepGuard", "may_sleep"]

SUPPLIES = Path("/sys/class/power_supply")
NAMED = 3
"""Jobs that are named; the others are counted."""
_AT_RISK = [str(state) for state in (*FOLLOWED, State.SUBMITTING)]


def may_sleep() -> bool:
    """Return whether this machine may fall asleep by itself. Without a way to tell, it may."""
    if sys.platform != "linux":
        return True
    return any(_is_main_battery(one) for one in SUPPLIES.glob("*"))


def _is_main_battery(supply: Path) -> bool:
    """Return whether a power supply is a battery of the machine itself, not of a mouse."""
    with contextlib.suppress(OSError):  # what cannot be read is no battery
        if (supply / "type").read_text().strip() != "Battery":
            return False
        scope = supply / "scope"
        return not scope.exists() or scope.read_text().strip() != "Device"
    return False


class KeepAwake:
    """Keeps the machine awake while something is under way.

    Attributes
    ----------
    installed
        Whether the extra is installed.
    """

    def __init__(self) -> None:
        self._over: threading.Event | None = None
        self.installed = importlib.util.find_spec("wakepy") is not None
        self._refused = not self.installed

    @property
    def works(self) -> bool:
        """Whether the machine stays awake while something is under way, as far as anybody can tell."""
        return not self._refused

    def hold(self, busy: bool) -> None:
        """Keep the machine awake, or let it sleep; returns at once, and may be repeated."""
        if busy and self._over is None:
            self._over = threading.Event()
            threading.Thread(
                target=self._stay_awake, args=(self._over,), name="motion-widgets-awake", daemon=True
            ).start()
        elif not busy and self._over is not None:
            self._over.set()
            self._over = None

    def _stay_awake(self, over: threading.Event) -> None:
        """Stay awake until it is over. In a thread of its own: some systems know the caller by its thread."""
        if not self.installed:
            return
        try:
            from wakepy import keep

            with keep.running(on_fail="pass") as mode:
                self._refused = not mode.active
                over.wait()
        except Exception as error:  # noqa: BLE001 - a comfort, never a reason for trouble; sleep is warned of then
            self._refused = True
            report(error, "keep the machine awake")


class SleepGuard:
    """Warns of what sleep puts at risk of one endpoint's and account's jobs.

    Parameters
    ----------
    log
        Where the jobs are.
    endpoint, account
        Whose jobs.
    awake
        What keeps the machine awake.
    """

    def __init__(self, log: Log, *, endpoint: str, account: str, awake: KeepAwake) -> None:
        self._log = log
        self._mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
        self._paid = endpoint != "sandbox"
        self._awake = awake
        self._warned = False
        self._gap: tuple[float, float] | None = None

    def warn(self, job_ids: Sequence[str]) -> None:
        """Warn, once, when paid jobs begin on a machine that nothing keeps awake."""
        if job_ids and not self._warned and not self._awake.installed and self._in_danger:
            self._warned = True
            warnings.warn(self._risk_text(job_ids, len(job_ids), ()), UserWarning, stacklevel=4)

    @property
    def _in_danger(self) -> bool:
        return self._paid and not self._awake.works and may_sleep()

    def note_gap(self, since: float, until: float) -> None:
        """Note a gap in time (unix s), in which the machine was probably asleep."""
        self._gap = since, until

    def messages(self) -> list[str]:
        """Return the sentences that a view shows now; none where nothing is at risk."""
        return [one for one in (self.risk(), self.missed()) if one]

    def risk(self) -> str:
        """Return what is at risk should the machine fall asleep. ``""``: nothing is, or it is kept awake."""
        count = self._log.jobs.count(*self._mine, jobs.c.state.in_(_AT_RISK)) if self._in_danger else 0
        if not count:
            return ""
        some = self._log.jobs.rows(*self._mine, jobs.c.state.in_(_AT_RISK), limit=NAMED)
        expiries = [row.expires_at for row in self._to_download() if row.expires_at]
        return self._risk_text([row.id for row in some], count, expiries)

    def _risk_text(self, some: Sequence[str], count: int, expiries: Sequence[int]) -> str:
        if expiries:
            dies = say("sleep_dies", when=_local_time(min(expiries) / 1e6))
        else:
            dies = say("sleep_lives", hours=timing.LIFE / 3600)
        how = say("sleep_by_hand" if self._awake.installed else "awake_missing")
        return say("sleep_risk", count=count, ids=first_of(some, NAMED, count=count), dies=dies, how=how)

    def missed(self) -> str:
        """Return, for a while after a gap, which links expired in it and which are about to. ``""``: none."""
        if self._gap is None or timing.now() > self._gap[1] + timing.URGENT:
            return ""
        since, until = self._gap
        expiries = {row.id: (row.expires_at or 0) / 1e6 for row in self._to_download()}
        expired = self._to_download(jobs.c.expires_at >= int(since * 1e6), state=State.EXPIRED)
        lost = [row.id for row in expired] + [name for name, at in expiries.items() if at < until]
        soon = {name: at for name, at in expiries.items() if until <= at < timing.now() + timing.URGENT}
        parts = []
        if lost:
            parts.append(say("slept_dead", count=len(lost), ids=first_of(lost, NAMED)))
        if soon:
            names = first_of(sorted(soon, key=soon.__getitem__), NAMED)
            first = _local_time(min(soon.values()))
            parts.append(say("slept_dying", count=len(soon), ids=names, when=first))
        if not parts:
            return ""
        return " ".join([say("slept", since=_local_time(since), until=_local_time(until)), *parts])

    def _to_download(self, *where: ColumnElement[bool], state: State = State.COMPLETED) -> list[JobRow]:
        return self._log.jobs.rows(*self._mine, jobs.c.state == str(state), *where)


def _local_time(at: float) -> str:
    """Return a moment as a person in this place reads it."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M}"
