"""Moving a job between states, each time with its event and its money in one transaction.

The moves that money hangs on: `intend` commits that a request is to be sent, with its budget; `seal`
commits its exact body at the last moment before it is sent, and only for the process that still holds the
lease. Between the two nothing has left this machine; after `seal` the outcome may be unknown.

The note of an event is kept as a code with its values, and put into words only when it is shown.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Connection, bindparam, cast, func, insert, select, update

from motion_widgets.core.messages import MESSAGES, say
from motion_widgets.core.money import Micro, format_usd
from motion_widgets.log.budgets import own_budget, reserve, spend
from motion_widgets.log.column_rules import SEQ_MOST
from motion_widgets.log.engine import now_us
from motion_widgets.log.leases import LEASE, free_for, lease_columns
from motion_widgets.log.names import current_person
from motion_widgets.log.schema import events, jobs
from motion_widgets.log.states import ENDS, State, sources
from motion_widgets.log.sweep_cells import require_free

if TYPE_CHECKING:
    from sqlalchemy import Row, Select

    from motion_widgets.log.engine import Database

__all__ = ["NO_ERROR", "Transitions", "append_event", "event_note", "event_words", "last_seq", "next_seq"]


def event_note(code: str, /, **values: str | float | None) -> str:
    """Return a note as the log keeps it: the code of a sentence, and its values as JSON (money in USD).

    Examples
    --------
    >>> event_note("event_accepted", task="task-1")
    'event_accepted {"task": "task-1"}'
    """
    return f"{code} {json.dumps(values, ensure_ascii=False)}" if values else code


def event_words(note: str | None) -> str:
    """Return a note in words. What no code begins is text already: an error's, or an older log's.

    Examples
    --------
    >>> event_words('event_accepted {"task": "task-1"}')
    'accepted as task-1'
    >>> event_words("refunded by phone")
    'refunded by phone'
    """
    code, _, values = (note or "").partition(" ")
    if code.startswith("event_") and code in MESSAGES:
        try:
            return say(code, **json.loads(values or "{}", parse_float=_usd, parse_int=_usd))
        except (KeyError, TypeError, ValueError, RecursionError):  # a row from elsewhere may hold anything
            pass
    return note or ""


def _usd(number: str) -> str:
    """Return a number in words; every number in a note is an amount."""
    return format_usd(float(number), digits=5)


NO_ERROR: dict[str, Any] = dict.fromkeys(("error_kind", "error_code", "error_message"))
"""The columns that say what went wrong, where nothing does."""
_LAST_SEQ = select(func.coalesce(cast(func.max(jobs.c.seq), BigInteger), 0)).where(jobs.c.seq < SEQ_MOST)
"""Only numbers are smaller than a number; one that leaves no room to count on from is none of ours."""

# Statements are put together once: that takes SQLAlchemy several times as long as running them.
_CHANGE = update(jobs).where(jobs.c.id == bindparam("of_job")).values(seq=_LAST_SEQ.scalar_subquery() + 1)
"""Changes the columns that it is run with, and moves the change counter in the same statement."""
_CHANGE_FROM = _CHANGE.where(jobs.c.state == bindparam("from_state"))
_INTEND = _CHANGE_FROM.where(free_for(bindparam("taker"), bindparam("now")))
_SEAL = _CHANGE_FROM.where(
    jobs.c.lease_owner == bindparam("sealer"),
    func.coalesce(jobs.c.body, bindparam("same")) == bindparam("same"),
)
_FIND: Select[Any] = select(
    *(jobs.c[name] for name in ("state", "reserved", "cost", "budget_id", "person_budget_id", "created_by")),
    jobs.c.lease_owner,
    own_budget(bindparam("person")).label("own"),
).where(jobs.c.id == bindparam("of_job"))
_APPEND = insert(events)


class Transitions:
    """What changes where a job stands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(
        self,
        job_id: str,
        to: State,
        *,
        note: str = "",
        settle: Micro | None = None,
        owner: str | None = None,
        **values: Any,
    ) -> bool:
        """Move a job to a state, if the table of transitions allows it from where it stands.

        An end needs no driver any more, so the lease ends with it.

        Parameters
        ----------
        note
            For the event.
        settle
            Micro-dollars that this job cost in the end; its reservation is given back for it. None: the
            reservation stays.
        owner
            Only if this owner still holds the job's lease. None: whoever holds it.
        values
            Further columns to write.

        Returns
        -------
        bool
            False: it stands where that is not allowed, or is another's; nothing was changed.
        """
        if settle is not None:
            values["reserved"] = 0
        if to in ENDS:
            values |= {"lease_owner": None, "lease_until": None}
        with self._database.write() as connection:
            before = _find(connection, job_id)  # writers take turns, so it stays so
            if before is None or before.state not in sources(to) or owner not in (None, before.lease_owner):
                return False
            change = {"of_job": job_id, "from_state": before.state, "state": to.value, **values}
            if connection.execute(_CHANGE_FROM, change).rowcount != 1:
                return False
            if settle is not None:
                more = Micro(settle - before.reserved - (before.cost or 0))
                spend(connection, more, before.budget_id, before.person_budget_id)
            append_event(connection, job_id, before.state, to, note)
            return True

    def intend(
        self, job_id: str, amount: Micro, *, owner: str, seconds: float = LEASE, resend: bool = False
    ) -> bool:
        """Commit the intent to send: the state, the reserved budget, the lease and the event, all or nothing.

        The job is this person's from then on: who has it sent pays for it.

        Parameters
        ----------
        amount
            What to reserve: the estimate's upper end.
        owner, seconds
            Who drives the job, and for how many s from now; someone else's living lease forbids it.
        resend
            A person said that an unknown outcome is to be sent again; its reservation stands already.

        Returns
        -------
        bool
            False: the job is in another state by now, or another process drives it; nothing was changed.

        Raises
        ------
        BudgetError
            The sweep's budget or this person's does not hold the reservation; nothing was changed.
        HeldError
            The job's sweep is paused, or one of its values keeps failing; nothing was changed.
        """
        source, person = State.UNKNOWN if resend else State.PLANNED, current_person()
        change: dict[str, Any] = {"of_job": job_id, "from_state": source.value, **NO_ERROR}
        change |= {"state": State.SUBMITTING.value, **lease_columns(owner, seconds)}
        change |= {"taker": owner, "now": now_us()}
        note = "resend"
        with self._database.write() as connection:
            before = _find(connection, job_id, person)
            if before is None:
                return False
            if not resend:
                change |= {"reserved": amount, "sent": None, "body": None, "created_by": person}
                change["person_budget_id"] = before.own
                other = person != before.created_by
                note = event_note("event_submitted_by", person=person) if other else ""
            if connection.execute(_INTEND, change).rowcount != 1:
                return False
            if not resend:
                require_free(connection, job_id)
                reserve(connection, amount, sweep=before.budget_id, own=before.own, person=person)
            append_event(connection, job_id, source, State.SUBMITTING, note)
            return True

    def seal(
        self, job_id: str, body: str, *, owner: str, seconds: float = LEASE, anyway: bool = False
    ) -> bool:
        """Commit the exact body, as the last thing before it is sent.

        Parameters
        ----------
        anyway
            It may have been sent before, so that holding it back now would prove nothing.

        Returns
        -------
        bool
            False: this owner was slow and somebody took the job over, or it had another body; nothing may be
            sent.

        Raises
        ------
        HeldError
            Its sweep was paused since the intent, or one of its values keeps failing; nothing was changed.
        """
        mine = {"of_job": job_id, "from_state": State.SUBMITTING.value, "sealer": owner, "same": body}
        seal = {**mine, "body": body, "sent": now_us(), **lease_columns(owner, seconds)}
        with self._database.write() as connection:
            if not anyway:
                require_free(connection, job_id)
            return connection.execute(_SEAL, seal).rowcount == 1

    def settle(self, job_id: str, cost: Micro, note: str) -> bool:
        """Write down a bill that came late; what was reserved for it is given back.

        Returns
        -------
        bool
            False: there is one already; nothing was changed.
        """
        with self._database.write() as connection:
            before = _find(connection, job_id)
            if before is None or before.cost is not None:
                return False
            connection.execute(_CHANGE, {"of_job": job_id, "cost": cost, "reserved": 0})
            # A budget counts what is reserved until it is settled; one that was settled holds nothing of it.
            more = Micro(cost - (before.reserved or 0))
            spend(connection, more, before.budget_id, before.person_budget_id)
            append_event(connection, job_id, before.state, State(before.state), note)
            return True

    def record(self, job_id: str, **values: Any) -> None:
        """Write down facts about a job that do not move it."""
        with self._database.write() as connection:
            connection.execute(_CHANGE, {"of_job": job_id, **values})

    def remark(self, job_id: str, note: str) -> None:
        """Leave an event that says something about a job without moving it."""
        with self._database.write() as connection:
            row = _find(connection, job_id)
            if row is not None:
                append_event(connection, job_id, row.state, State(row.state), note)


def next_seq(connection: Connection) -> int:
    """Return the next number of the change counter; writers take turns, so it is this one's alone."""
    return last_seq(connection) + 1


def last_seq(connection: Connection) -> int:
    """Return the change counter as it stands."""
    return int(connection.execute(_LAST_SEQ).scalar_one())


def append_event(connection: Connection, job_id: str, before: str | None, after: State, note: str) -> None:
    """Append an event."""
    event = {"job_id": job_id, "at": now_us(), "from_state": before, "to_state": after.value, "note": note}
    connection.execute(_APPEND, event)


def _find(connection: Connection, job_id: str, person: str | None = None) -> Row[Any] | None:
    """Return what a move has to know about a job, and which budget of a person's pays for it."""
    return connection.execute(_FIND, {"of_job": job_id, "person": person}).one_or_none()
