"""From a planned job to a task id: the one place where money is spent.

In the order that a kill at any moment leaves a row which says what is known: the intent with its budget
(`Transitions.intend`), the media published, the exact body (`Transitions.seal`, refused to a process that
lost its lease), the POST, the answer. Where nothing has to be published, or looked at, the intent is sealed
in its own transaction. Not sealed means that nothing was sent; sealed without an answer means ``unknown``,
and nothing is sent again unless a person says so or the endpoint proves that it took nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import BudgetError, HeldError, LogError, MotionError
from motion_widgets.core.messages import say
from motion_widgets.endpoint.errors import (
    AnswerError,
    AuthError,
    EndpointError,
    IdempotencyError,
    NotSentError,
    PaymentError,
    RateLimitError,
    ServerError,
)
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Lane
from motion_widgets.log.engine import now_us
from motion_widgets.log.event_notes import event_note, event_words
from motion_widgets.log.states import State
from motion_widgets.request.price import to_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.endpoint.responses import Submitted
    from motion_widgets.jobs.context import Crew
    from motion_widgets.log.rows import JobRow

__all__ = ["recover", "submit"]

_SAYS_UNKNOWN = ("outcome_unknown", "no_task_id", "key_reused")
"""Sentences that say what an unknown outcome means; any other is put into the first."""


async def submit(
    crew: Crew,
    job_id: str,
    *,
    group: Hashable,
    resend: bool,
    stopped: Callable[[], EndpointError | None],
    stop: Callable[[EndpointError], None],
) -> JobRow | None:
    """Send a planned job (`resend`: one of unknown outcome) until it is accepted, refused, unknown or rests.

    Parameters
    ----------
    crew
        The shared means.
    job_id
        Whose lease this process holds.
    group
        With which jobs it shares how long it takes; the longest go first.
    resend
        A person said so.
    stopped
        Says why nothing may be sent now. None: go.
    stop
        Called with an error that every other submit would meet as well.

    Returns
    -------
    JobRow | None
        The job as it was accepted. None: it was not.
    """
    tries = 0
    while True:
        await crew.pace.enter(job_id, group)
        accepted: JobRow | None = None
        wait: float | None = None
        try:
            why = stopped()
            if why is not None and not resend:
                await crew.db(crew.log.transitions.record, job_id, **error_columns(why))
                return None
            if crew.closing:
                return None
            with crew.whole(job_id):
                attempt = _Attempt(crew, job_id, resend=resend, tries=tries, stop=stop)
                wait = await attempt.make()
                accepted = attempt.accepted
        finally:
            crew.pace.leave(job_id, accepted=accepted is not None)
        if wait is None or crew.closing:
            return accepted
        tries += 1
        await crew.clock.sleep(wait, job_id)


async def recover(crew: Crew, row: JobRow) -> None:
    """Return what is known of a submit whose process died; its lease is ours now."""
    job_id = row.id
    if row.sent is None:
        await crew.db(
            crew.log.transitions.move, job_id, State.PLANNED, settle=0, owner=crew.owner,
            note=event_note("event_died_unsent"),
        )  # fmt: skip
    else:
        columns = {
            "error_kind": "unknown",
            "error_code": "died_submitting",
            "error_message": say("died_submitting"),
        }
        await crew.db(
            crew.log.transitions.move,
            job_id,
            State.UNKNOWN,
            owner=crew.owner,
            note=event_note("event_died"),
            **columns,
        )


class _Attempt:
    """One intent and what comes of it. Its steps give s to wait before the next one, or None: it is over."""

    def __init__(
        self, crew: Crew, job_id: str, *, resend: bool, tries: int, stop: Callable[[EndpointError], None]
    ) -> None:
        self.crew = crew
        self.log = crew.log
        self.job_id = job_id
        self.resend = resend
        self.doubt = resend
        """An earlier try may have been accepted: no refusal of this one proves that nothing was."""
        self.tries = tries
        self.stop = stop
        self.accepted: JobRow | None = None
        """The job's row once the endpoint took it."""

    async def make(self) -> float | None:
        """Intend, publish, seal, send, write down; the intent is sealed at once where the body is known."""
        crew = self.crew
        if crew.pace.empty:
            await crew.books.open(self.job_id)
        async with crew.client() as client:
            async with crew.gate.slot(Lane.SUBMIT):
                if not self._welcome:
                    return 0.0
                row, body = await self._intend()
                if row is None:
                    return None
                key = row.idempotency_key
                done = await self._post(client, body, key) if body is not None else None
            if body is None:
                try:
                    body = _body_of(await crew.publish(client, row))
                except Exception as error:  # noqa: BLE001 - whatever it was, nothing left this machine
                    return await self._not_sent(error)
                done = await self._send(client, body, key)
            return await self._insist(client, body, key, done)

    async def _insist(
        self, client: EndpointClient, body: str, key: str, done: float | IdempotencyError | None
    ) -> float | None:
        """Send the very same again where the endpoint asks for that."""
        again = 0
        while isinstance(done, IdempotencyError):
            # The server holds this key and says to come back with the same. "unavailable" means that it did
            # nothing; "in progress" that a first try may still be charged, whatever it answers later.
            if done.server_code != "idempotency_unavailable":
                self.doubt = True
            elif not self.doubt:
                return await self._put_back(done, wait=_wait_of(done, self.tries))
            again += 1
            if again > timing.TRIES:
                return await self._unknown(done)
            await self.crew.clock.sleep(_wait_of(done, again), self.job_id)
            done = await self._send(client, body, key)
        return done

    async def _intend(self) -> tuple[JobRow | None, str | None]:
        """Commit the intent, and seal it where the body is known; give the row and that body.

        No row: budget or sweep hold it back, or it is no longer ours to send.
        """
        crew, log = self.crew, self.log
        try:
            return await crew.db(self._write_intent)
        except (BudgetError, HeldError) as error:
            await crew.db(log.transitions.record, self.job_id, **error_columns(error))
            return None, None

    def _write_intent(self) -> tuple[JobRow | None, str | None]:
        row = self.log.jobs.get(self.job_id)
        body = self._known(row)
        intended = self.log.transitions.intend(
            self.job_id, row.estimate_high or 0,
            owner=self.crew.owner, seconds=timing.LEASE, resend=self.resend, body=body,
        )  # fmt: skip
        return (row, body) if intended else (None, None)

    def _known(self, row: JobRow) -> str | None:
        """Return the exact body where nobody has to be asked for it; one that was sealed before stays."""
        wire = None if row.body else self.crew.known(row)
        return row.body if wire is None else _body_of(wire)

    @property
    def _welcome(self) -> bool:
        """Whether it may still go, now that it is its turn."""
        crew = self.crew
        return not crew.closing and (self.doubt or crew.pace.admits(self.job_id))

    async def _send(
        self, client: EndpointClient, body: str, idempotency_key: str
    ) -> float | IdempotencyError | None:
        """Seal and send, once. An IdempotencyError: the very same may be sent again."""
        crew = self.crew
        async with crew.gate.slot(Lane.SUBMIT):
            if not self._welcome:
                return await self._put_back(None, wait=0.0)
            try:
                options = {"owner": crew.owner, "seconds": timing.LEASE, "anyway": self.doubt}
                sealed = await crew.db(self.log.transitions.seal, self.job_id, body, **options)
            except (LogError, HeldError) as error:
                return await self._put_back(error)
            if not sealed:
                return None  # somebody took the job over, and says what becomes of it
            return await self._post(client, body, idempotency_key)

    async def _post(
        self, client: EndpointClient, body: str, idempotency_key: str
    ) -> float | IdempotencyError | None:
        try:
            # The last look is at the last moment: the endpoint may have said meanwhile that it is full.
            answer = await client.submit(body.encode(), idempotency_key, go=lambda: self._welcome)
        except IdempotencyError as error:
            return error
        except NotSentError as error:
            if error.code == "held_back":
                return await self._put_back(None, wait=0.0)
            return await self._refused(error)
        except RateLimitError as error:
            # Before anything is awaited: others are about to be sent.
            busy = error.kind == "busy" and not self.doubt
            return await self._refused(error, others=busy and self.crew.pace.full(self.job_id, error.limit))
        except Exception as error:  # noqa: BLE001 - it was sent, so no error may lose the job
            return await self._refused(error)
        return await self._accepted(answer)

    async def _accepted(self, answer: Submitted) -> float | None:
        crew, log, job_id = self.crew, self.log, self.job_id
        self.accepted = await crew.insist(
            crew.moved, job_id, State.SUBMITTED,
            task_id=answer.task_id, submitted=now_us(), answer=answer.raw, request_id=answer.request_id,
            server_word=answer.status, estimated_time=answer.estimated_time,
            note=event_note("event_replayed") if answer.replayed else "",
            error_kind=None, error_code=None, error_message=None,
        )  # fmt: skip
        if self.accepted.task_id != answer.task_id:
            # Somebody decided otherwise meanwhile; a paid task's id is kept all the same.
            await crew.insist(
                log.transitions.remark, job_id, event_note("event_accepted", task=answer.task_id)
            )
        return None

    async def _not_sent(self, error: Exception) -> float | None:
        """Nothing left this machine, or an upload failed, which costs nothing."""
        passing = isinstance(error, ServerError | AnswerError) and self.tries < timing.TRIES
        if passing:
            return await self._put_back(error, wait=timing.backoff(self.tries))
        if isinstance(error, EndpointError) and not isinstance(error, ServerError | AnswerError):
            return await self._refused(error)
        return await self._put_back(error)

    async def _refused(self, error: Exception, *, others: bool = False) -> float | None:
        """Judge a POST that was not accepted, or of which that is not known.

        `others`: the endpoint is full, and there are other tasks there that must end first.
        """
        crew = self.crew
        if self.doubt or not isinstance(error, EndpointError) or not error.not_accepted:
            return await self._unknown(error)
        if isinstance(error, NotSentError):
            return await self._put_back(error, wait=timing.backoff(self.tries))
        if isinstance(error, RateLimitError):
            wait = _wait_of(error, self.tries)
            if error.kind != "busy":
                crew.pace.pause(wait)
                if error.retry_after is not None:
                    crew.gate.pause(wait)
            elif others:
                wait = 0.0  # it waits until one of them ends
            return await self._put_back(error, wait=wait)
        if isinstance(error, PaymentError):
            error = await self._short(error)
        if isinstance(error, AuthError | PaymentError):
            self.stop(error)
        await self._say(State.REJECTED, str(error), settle=0, completed=now_us(), **error_columns(error))
        return None

    async def _short(self, error: PaymentError) -> PaymentError:
        """Return how much is missing: what the request may cost, minus the balance."""
        row = await self.crew.db(self.log.jobs.get, self.job_id)
        money, price = await self.crew.books.balance(), int(row.estimate_high or 0)
        if money is None:
            said = say("payment_balance_unknown", message=str(error), price=to_usd(price))
        else:
            # An account may be charged ahead at the orientation's cap, so a 402 can come although the
            # balance covers the clip (`endpoint/API.md` section 8).
            code = "payment_missing" if money < price else "payment_ahead"
            figures = {"price": to_usd(price), "balance": to_usd(money)}
            said = say(code, message=str(error), missing=to_usd(max(price - money, 0)), **figures)
        return PaymentError(
            said, code=error.code, detail=error.detail, status=error.status, kind=error.kind,
            server_code=error.server_code, request_id=error.request_id,
        )  # fmt: skip

    async def _put_back(self, error: Exception | None, *, wait: float | None = None) -> float | None:
        """Plan the job again: its money is free, and it is tried again after `wait` s (None: by a person)."""
        if self.doubt:
            return await self._unknown(error)
        columns = error_columns(error) if error is not None else {}
        note = str(error) if error is not None else event_note("event_held_back")
        await self._say(State.PLANNED, note, settle=0, **columns)
        return wait

    async def _unknown(self, error: Exception | None) -> float | None:
        if isinstance(error, MotionError):
            why = str(error)
        else:
            why = say("closed_meanwhile") if error is None else f"{type(error).__name__}: {error}"
        said = getattr(error, "code", "") in _SAYS_UNKNOWN
        message = why if said else say("outcome_unknown", message=why)
        columns = {
            "error_kind": "unknown",
            "error_code": getattr(error, "code", "") or "outcome_unknown",
            "error_message": redact(message)[:2000],
        }
        detail = redact(getattr(error, "detail", ""))
        if detail:
            columns["answer"] = detail
        await self._say(State.UNKNOWN, message, **columns)
        return None

    async def _say(self, to: State, note: str, **columns: Any) -> None:
        """Move the job, if it is still ours; what became of it elsewhere is left, and ours is remarked."""
        note = redact(note)[:300]
        options = {"owner": self.crew.owner, "note": note, **columns}
        if not await self.crew.insist(self.log.transitions.move, self.job_id, to, **options):
            late = event_note("event_too_slow", state=to, note=event_words(note))
            await self.crew.insist(self.log.transitions.remark, self.job_id, late)


def _body_of(wire: dict[str, Any]) -> str:
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":"))


def _wait_of(error: EndpointError, tries: int) -> float:
    return error.retry_after if error.retry_after is not None else timing.backoff(tries)
