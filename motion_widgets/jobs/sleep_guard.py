"""What a machine that falls asleep puts at risk: paid jobs under way, and results that are not here yet.

Links die while nobody downloads. Whether a machine is about to sleep cannot be told everywhere, so it is said
beforehand: of a machine that runs on a battery, as long as it is not kept awake (`awake`). After a gap in
time it is said what died meanwhile, and what is about to.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import FOLLOWED, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql.elements import ColumnElement

    from motion_widgets.jobs.stay_awake import Awake
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log

__all__ = ["Vigil", "may_sleep"]

SUPPLIES = Path("/sys/class/power_supply")
NAMED = 3
"""Jobs that are named; the others are counted."""
_AT_RISK = [str(state) for state in (*FOLLOWED, State.SUBMITTING)]


def may_sleep() -> bool:
    """Return whether this machine may fall asleep by itself: one with a battery, where that can be told."""
    if sys.platform != "linux":
        return True
    return any(_runs_it(one) for one in SUPPLIES.glob("*"))


def _runs_it(supply: Path) -> bool:
    """Return whether a power supply is a battery of the machine itself, not of a mouse."""
    with contextlib.suppress(OSError):
        if (supply / "type").read_text().strip() != "Battery":
            return False
        scope = supply / "scope"
        return not scope.exists() or scope.read_text().strip() != "Device"
    return False


class Vigil:
    """Says what sleep puts at risk of one endpoint's and account's jobs.

    Parameters
    ----------
    log
        Where the jobs are.
    endpoint, account
        Whose jobs.
    awake
        What keeps the machine awake, if anything does.
    """

    def __init__(self, log: Log, *, endpoint: str, account: str, awake: Awake) -> None:
        self._log = log
        self._mine = (jobs.c.endpoint == endpoint, jobs.c.account == account)
        self._paid = endpoint != "sandbox"
        self._awake = awake
        self._warned = False
        self._gap: tuple[float, float] | None = None

    def warn(self, job_ids: Sequence[str]) -> None:
        """Warn, once, where paid jobs begin on a machine that nothing keeps awake."""
        if job_ids and not self._warned and not self._awake.known and self._endangered:
            self._warned = True
            warnings.warn(self._sentence(job_ids, len(job_ids), ()), UserWarning, stacklevel=4)

    @property
    def _endangered(self) -> bool:
        return self._paid and not self._awake.kept and may_sleep()

    def slept(self, since: float, until: float) -> None:
        """Note a gap in time (unix s)."""
        self._gap = since, until

    def said(self) -> list[str]:
        """Return the sentences that a view shows now; none where nothing is at risk."""
        return [one for one in (self.risk(), self.missed()) if one]

    def risk(self) -> str:
        """Return what is at risk should the machine fall asleep. ``""``: nothing is, or it is kept awake."""
        count = self._log.jobs.count(*self._mine, jobs.c.state.in_(_AT_RISK)) if self._endangered else 0
        if not count:
            return ""
        some = self._log.jobs.rows(*self._mine, jobs.c.state.in_(_AT_RISK), limit=NAMED)
        dying = [row.expires_at for row in self._waiting() if row.expires_at]
        return self._sentence([row.id for row in some], count, dying)

    def _sentence(self, some: Sequence[str], count: int, dying: Sequence[int]) -> str:
        if dying:
            dies = say("sleep_dies", when=_moment(min(dying) / 1e6))
        else:
            dies = say("sleep_lives", hours=timing.LIFE / 3600)
        how = say("sleep_by_hand" if self._awake.known else "sleep_extra")
        return say("sleep_risk", count=count, ids=_names(some, count), dies=dies, how=how)

    def missed(self) -> str:
        """Say, for a while after a gap, which links died in it and which are about to. ``""``: none."""
        if self._gap is None or timing.now() > self._gap[1] + timing.URGENT:
            return ""
        since, until = self._gap
        dies = {row.id: (row.expires_at or 0) / 1e6 for row in self._waiting()}
        lost = [row.id for row in self._waiting(jobs.c.expires_at >= int(since * 1e6), state=State.EXPIRED)]
        lost += [name for name, at in dies.items() if at < until]
        soon = {name: at for name, at in dies.items() if until <= at < timing.now() + timing.URGENT}
        parts = []
        if lost:
            parts.append(say("slept_dead", count=len(lost), ids=_names(lost, len(lost))))
        if soon:
            names = _names(sorted(soon, key=soon.__getitem__), len(soon))
            first = _moment(min(soon.values()))
            parts.append(say("slept_dying", count=len(soon), ids=names, when=first))
        if not parts:
            return ""
        return " ".join([say("slept", since=_moment(since), until=_moment(until)), *parts])

    def _waiting(self, *where: ColumnElement[bool], state: State = State.COMPLETED) -> list[JobRow]:
        return self._log.jobs.rows(*self._mine, jobs.c.state == str(state), *where)


def _names(ids: Sequence[str], count: int) -> str:
    more = say("sleep_more", count=count - NAMED) if count > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _moment(at: float) -> str:
    """Return a moment as a person in this place reads it."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M}"
