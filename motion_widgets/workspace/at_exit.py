"""The end of an interpreter: answers under way are waited for, and what goes on without it is said."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from motion_widgets.core.messages import say
from motion_widgets.log.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import JobRow

__all__ = ["OPEN", "say_what_goes_on"]


class Leaving(Protocol):
    """A workspace, as far as this module needs it."""

    def leave(self) -> None:
        """Wait for answers under way, and say how to take up what goes on without this interpreter."""


OPEN: weakref.WeakSet[Leaving] = weakref.WeakSet()
"""The workspaces that were not closed."""


def say_what_goes_on(rows: Sequence[JobRow]) -> None:
    """Print how to take up jobs that are still under way, and until when results can be fetched."""
    if rows:
        print(say("still_running", count=len(rows), id=rows[0].id))  # noqa: T201 - the last words of a script
    expiring = [row.expires_at or 0 for row in rows if row.state == State.COMPLETED]
    if expiring:
        when = f"{datetime.fromtimestamp(min(expiring) / 1e6, UTC):%Y-%m-%d %H:%M}"
        print(say("results_waiting", count=len(expiring), when=when))  # noqa: T201


def _leave_all() -> None:
    for ws in list(OPEN):
        with contextlib.suppress(Exception):  # the others are left too; nobody reads a traceback now
            ws.leave()


# `atexit` comes too late where it can be helped: the threads that look up hosts have ended by then.
getattr(threading, "_register_atexit", atexit.register)(_leave_all)
