"""The end of a workspace or of the interpreter: what is to be sent is sent, and what goes on is said."""

from __future__ import annotations

import atexit
import threading
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from motion_widgets.core.forks import in_child
from motion_widgets.core.logging import going_on
from motion_widgets.core.messages import say
from motion_widgets.core.texts import first_of
from motion_widgets.log.leases import is_leased
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.workspace.connection import Connection
    from motion_widgets.workspace.submission import Submission
    from motion_widgets.workspace.team import Team

__all__ = ["OPEN", "leave"]


class Leaving(Protocol):
    """A workspace, as far as this module needs it."""

    connection: Connection
    team: Team
    submission: Submission


NAMED = 5
"""How many jobs and runs that go on are named."""
UNSENT_NAMED = 20
"""How many jobs that were not sent are named."""
OPEN: weakref.WeakSet[Leaving] = weakref.WeakSet()
"""The workspaces that were opened here and not closed."""
in_child(OPEN.clear)  # they are the parent's to leave


def leave(ws: Leaving, *, send: bool = True) -> None:
    """Send what is still to be sent, wait for answers under way, and say what was not sent and what goes on.

    Parameters
    ----------
    send
        Whether more may be sent: what a person asked for and the endpoint has room for.
    """
    if ws not in OPEN:
        return
    OPEN.discard(ws)
    unsent: list[JobRow] = []
    try:
        unsent = ws.connection.leave(send=send)
    finally:
        ws.team.close()
        with going_on("say what goes on"):  # the log may be gone, and closing has to work all the same
            # What another process drives, the parent of this one perhaps, is that one's to say.
            under_way = [row for row in ws.submission.under_way() if not is_leased(row)]
            _say_what_goes_on(under_way, unsent)


def _say_what_goes_on(rows: Sequence[JobRow], unsent: Sequence[JobRow]) -> None:
    """Print how to take up jobs that are still under way, until when, and what was not sent."""
    if rows:
        names = list(dict.fromkeys(row.sweep_id or row.id for row in rows))[:NAMED]
        calls = ", ".join(say("attach_call", id=name) for name in names)
        print(say("still_running", count=len(rows), calls=calls))  # noqa: T201 - the last words of a script
    expiring = [row.expires_at or 0 for row in rows if row.state == State.COMPLETED]
    if expiring:
        when = f"{datetime.fromtimestamp(min(expiring) / 1e6, UTC):%Y-%m-%d %H:%M}"
        print(say("results_waiting", count=len(expiring), when=when))  # noqa: T201
    if unsent:
        ids = first_of([row.id for row in unsent], UNSENT_NAMED)
        print(say("still_unsent", count=len(unsent), ids=ids))  # noqa: T201


def _leave_all() -> None:
    for ws in list(OPEN):
        with going_on("leave a workspace"):  # the others are left, too
            leave(ws)


# `atexit` comes too late where it can be helped: the threads that look up hosts have ended by then.
getattr(threading, "_register_atexit", atexit.register)(_leave_all)
