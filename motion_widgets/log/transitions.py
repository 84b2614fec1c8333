"""Moving a job between states, each time with its event and its money in one transaction.

The moves that money hangs on: `intend` commits that a request is to be sent, with its budget; `seal`
commits its exact body at the last moment before it is sent, and only for the process that still holds the
lease. Between the two nothing has left this machine; after `seal` the outcome may be unknown. Where nothing
is to be done between them `intend` seals as well.
"""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note
from motion_widgets.log.ids import whoami
from motion_widgets.log.leases import FREE, LEASE, asking, leased, until
from motion_widgets.log.personal_budgets import People, give_back, own_budget, take_out
from motion_widgets.log.prepared import Prepared
from motion_widgets.log.schema import events, jobs
from motion_widgets.log.states import ENDS, State, sources
from motion_widgets.log.stop_rules import require_free

__all__ = ["Moves", "next_seq", "put_event"]

_ID = jobs.c.id == bindparam("b_id")
_OWNER = jobs.c.lease_owner == bindparam("b_owner")
_STANDING = select(
    jobs.c.state, jobs.c.reserved, jobs.c.cost, jobs.c.budget_id, jobs.c.person_budget_id, jobs.c.created_by
).where(_ID)
_STANDS = Prepared(_STANDING)
_STANDS_FOR = Prepared(_STANDING.add_columns(own_budget(bindparam("b_person")).label("own")))
_LAST = select(func.coalesce(func.max(jobs.c.seq), 0).label("seq"))
_LAST_SEQ = Prepared(_LAST)
_CHANGING = update(jobs).values(seq=_LAST.scalar_subquery() + 1).where(_ID)
"""Changes a job, and moves the change counter in the same statement."""
_CHANGE = Prepared(_CHANGING)
_SAME_BODY = func.coalesce(jobs.c.body, bindparam("b_body")) == bindparam("b_body")
_SEAL = Prepared(_CHANGING.where(_OWNER, jobs.c.state == State.SUBMITTING.value, _SAME_BODY))
_EVENT = Prepared(insert(events))


class Moves(People):
    """The part of the log that changes where a job stands."""

    def move(
        self,
        job_id: str,
        to: State,
        *,
        note: str = "",
        settle: int | None = None,
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

        Returns
        -------
        bool
            False: it stands where that is not allowed, or is another's; nothing was changed.
        """
        with self.write() as connection:
            before = _STANDS.row(connection, {"b_id": job_id})
            if before is None:
                return False
            if settle is not None:
                values = {**values, "reserved": 0}
            if to in ENDS:
                values = {**values, "lease_owner": None, "lease_until": None}
            asked = {"b_id": job_id} if owner is None else {"b_id": job_id, "b_owner": owner}
            change = {"state": to.value, **values}
            if _moving(to, owned=owner is not None).run(connection, {**asked, **change}) != 1:
                return False
            if settle is not None:
                give_back(connection, before, settle - before["reserved"] - (before["cost"] or 0))
            put_event(connection, job_id, before["state"], to, note)
            return True

    def intend(
        self,
        job_id: str,
        micro: int,
        *,
        owner: str,
        seconds: float = LEASE,
        resend: bool = False,
        body: str | None = None,
    ) -> bool:
        """Commit the intent to send: the state, the reserved budget, the lease and the event, all or nothing.

        The job is this person's from then on (`whoami`): who has it sent pays for it.

        Parameters
        ----------
        micro
            Micro-dollars to reserve: the estimate's upper end.
        owner
            Who drives the job; someone else's living lease forbids it.
        seconds
            How long the lease runs from now.
        resend
            A person said that an unknown outcome is to be sent again; its reservation stands already.
        body
            Its exact body, sealed with the intent, so that it is sent next. None: `seal` follows.

        Returns
        -------
        bool
            False: the job is elsewhere by now, another process drives it, or it had another body.

        Raises
        ------
        BudgetError
            The sweep's budget or this person's does not hold the reservation; nothing was changed.
        HeldError
            The job's sweep is paused, or one of its values keeps failing; nothing was changed.
        """
        came_from = State.UNKNOWN if resend else State.PLANNED
        person, note = whoami(), "resend" if resend else ""
        with self.write() as connection:
            before = _STANDS_FOR.row(connection, {"b_id": job_id, "b_person": person})
            if before is None:
                return False
            fresh: dict[str, Any] = {}
            if not resend:
                fresh = {"reserved": micro, "sent": None, "created_by": person}
                fresh["person_budget_id"] = before["own"]
                other = person != before["created_by"]
                note = event_note("event_submitted_by", person=person) if other else ""
            change = {
                "state": State.SUBMITTING.value, **leased(owner, seconds), **fresh,
                "error_kind": None, "error_code": None, "error_message": None,
            }  # fmt: skip
            asked = {"b_id": job_id, **asking(owner)}
            if body is not None:
                asked, change = {**asked, "b_body": body}, {**change, **_sealed(body)}
            if _intending(came_from, sealed=body is not None).run(connection, {**asked, **change}) != 1:
                return False
            if not resend:
                require_free(connection, job_id)
                take_out(connection, before, person, micro)
            put_event(connection, job_id, came_from, State.SUBMITTING, note)
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
            False: this owner was slow and somebody took the job over; nothing may be sent.

        Raises
        ------
        HeldError
            Its sweep was paused since the intent, or one of its values keeps failing; nothing was changed.
        """
        with self.write() as connection:
            if not anyway:
                require_free(connection, job_id)
            change = {**_sealed(body), "lease_until": until(seconds)}
            asked = {"b_id": job_id, "b_owner": owner, "b_body": body}
            return _SEAL.run(connection, {**asked, **change}) == 1

    def settle(self, job_id: str, cost: int, note: str) -> bool:
        """Write down a bill (micro-dollars) that came late; what was reserved for it is given back.

        Returns
        -------
        bool
            False: there is one already; nothing was changed.
        """
        with self.write() as connection:
            before = _STANDS.row(connection, {"b_id": job_id})
            if before is None or before["cost"] is not None:
                return False
            _CHANGE.run(connection, {"b_id": job_id, "cost": cost, "reserved": 0})
            # A budget counts what is reserved until it is settled; one that was settled holds nothing of it.
            give_back(connection, before, cost - (before["reserved"] or 0))
            put_event(connection, job_id, before["state"], State(before["state"]), note)
            return True

    def record(self, job_id: str, **values: Any) -> None:
        """Write down facts about a job that do not move it."""
        with self.write() as connection:
            _CHANGE.run(connection, {"b_id": job_id, **values})

    def remark(self, job_id: str, note: str) -> None:
        """Leave an event that says something of a job without moving it."""
        with self.write() as connection:
            row = _STANDS.row(connection, {"b_id": job_id})
            if row is not None:
                put_event(connection, job_id, row["state"], State(row["state"]), note)


@functools.cache
def _moving(to: State, *, owned: bool) -> Prepared:
    move = _CHANGING.where(or_(*(jobs.c.state == one for one in sources(to))))
    return Prepared(move.where(_OWNER) if owned else move)


@functools.cache
def _intending(came_from: State, *, sealed: bool) -> Prepared:
    intent = _CHANGING.where(jobs.c.state == came_from.value, FREE)
    return Prepared(intent.where(_SAME_BODY) if sealed else intent)


def _sealed(body: str) -> dict[str, Any]:
    return {"body": body, "sent": now_us()}


def next_seq(connection: Connection) -> int:
    """Return the next number of the change counter; writers take turns, so it is this one's alone."""
    return int(_LAST_SEQ.rows(connection, {})[0]["seq"]) + 1


def put_event(connection: Connection, job_id: str, before: str | None, after: State, note: str) -> None:
    """Append an event."""
    event = {"job_id": job_id, "at": now_us(), "from_state": before, "to_state": after.value, "note": note}
    _EVENT.run(connection, event)
