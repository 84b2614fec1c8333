"""Moving a job between states, each time with its event and its money in one transaction.

The moves that money hangs on: `intend` commits that a request is to be sent, with its budget; `seal`
commits its exact body at the last moment before it is sent, and only for the process that still holds the
lease. Between the two nothing has left this machine; after `seal` the outcome may be unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Update, func, insert, select, update

from motion_widgets.core.money import Micro
from motion_widgets.log.budgets import own_budget, reserve, spend
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.ids import current_person
from motion_widgets.log.leases import LEASE, free_for, lease_columns
from motion_widgets.log.schema import events, jobs
from motion_widgets.log.states import ENDS, State, sources
from motion_widgets.log.stop_rules import require_free

if TYPE_CHECKING:
    from sqlalchemy import Row

    from motion_widgets.log.engine import Database

__all__ = ["Transitions", "append_event", "next_seq"]

_NO_ERROR = dict.fromkeys(("error_kind", "error_code", "error_message"))
_LAST_SEQ = select(func.coalesce(func.max(jobs.c.seq), 0))


class Transitions:
    """What changes where a job stands.

    Parameters
    ----------
    database
        The log's database.
    """

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
        change = _change(job_id).where(jobs.c.state.in_(sources(to))).values(state=to.value, **values)
        if owner is not None:
            change = change.where(jobs.c.lease_owner == owner)
        with self._database.write() as connection:
            before = _find(connection, job_id)
            if before is None or connection.execute(change).rowcount != 1:
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
        intent, note = _change(job_id).where(jobs.c.state == source.value, free_for(owner)), "resend"
        intent = intent.values(state=State.SUBMITTING.value, **_NO_ERROR, **lease_columns(owner, seconds))
        with self._database.write() as connection:
            before = _find(connection, job_id, own_budget(person).label("own"))
            if before is None:
                return False
            if not resend:
                intent = intent.values(
                    reserved=amount, sent=None, created_by=person, person_budget_id=before.own
                )
                other = person != before.created_by
                note = event_note("event_submitted_by", person=person) if other else ""
            if connection.execute(intent).rowcount != 1:
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
        mine = _change(job_id).where(jobs.c.lease_owner == owner, jobs.c.state == State.SUBMITTING.value)
        same = func.coalesce(jobs.c.body, body) == body
        seal = mine.where(same).values(body=body, sent=now_us(), **lease_columns(owner, seconds))
        with self._database.write() as connection:
            if not anyway:
                require_free(connection, job_id)
            return connection.execute(seal).rowcount == 1

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
            connection.execute(_change(job_id).values(cost=cost, reserved=0))
            # A budget counts what is reserved until it is settled; one that was settled holds nothing of it.
            more = Micro(cost - (before.reserved or 0))
            spend(connection, more, before.budget_id, before.person_budget_id)
            append_event(connection, job_id, before.state, State(before.state), note)
            return True

    def record(self, job_id: str, **values: Any) -> None:
        """Write down facts about a job that do not move it."""
        with self._database.write() as connection:
            connection.execute(_change(job_id).values(**values))

    def remark(self, job_id: str, note: str) -> None:
        """Leave an event that says something about a job without moving it."""
        with self._database.write() as connection:
            row = _find(connection, job_id)
            if row is not None:
                append_event(connection, job_id, row.state, State(row.state), note)


def next_seq(connection: Connection) -> int:
    """Return the next number of the change counter; writers take turns, so it is this one's alone."""
    return int(connection.execute(_LAST_SEQ).scalar_one()) + 1


def append_event(connection: Connection, job_id: str, before: str | None, after: State, note: str) -> None:
    """Append an event."""
    event = {"job_id": job_id, "at": now_us(), "from_state": before, "to_state": after.value, "note": note}
    connection.execute(insert(events).values(event))


def _change(job_id: str) -> Update:
    """Return the start of an update of a job, which moves the change counter in the same statement."""
    return update(jobs).where(jobs.c.id == job_id).values(seq=_LAST_SEQ.scalar_subquery() + 1)


def _find(connection: Connection, job_id: str, *more: Any) -> Row[Any] | None:
    """Return what a move has to know about a job, and whatever `more`."""
    names = ("state", "reserved", "cost", "budget_id", "person_budget_id", "created_by")
    query = select(*(jobs.c[name] for name in names), *more).where(jobs.c.id == job_id)
    return connection.execute(query).one_or_none()
