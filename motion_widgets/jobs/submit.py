"""From a planned job to a task id: the one place where money is spent.

A submit waits for its turn (`SubmitLimiter`) and then, in this order:

1. commits the intent, with the budget reserved in the same transaction (`Transitions.intend`);
2. publishes local media, which gives the exact body;
3. connects;
4. commits that body, as the last look whether it may still go (`Transitions.seal`, refused to a process that
   lost its lease), and sends it, once;
5. commits the answer.

A kill at any moment leaves a row that says what is known: not sealed means that nothing was sent; sealed
without an answer means ``unknown`` (`recover`). What is unknown is never sent again, unless a person says so
or the endpoint proves that it took nothing.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar

from motion_widgets.core.errors import BudgetError, HeldError, MotionError, RequestError
from motion_widgets.core.logging import brief, report
from motion_widgets.core.messages import say
from motion_widgets.core.money import ZERO, Micro, format_left, format_price, to_usd
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
from motion_widgets.jobs.last_look import LastLook, Seen
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.call_gate import Priority
from motion_widgets.log.engine import now_us
from motion_widgets.log.states import State
from motion_widgets.log.transitions import NO_ERROR, event_note, event_words

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.endpoint.responses import Submitted
    from motion_widgets.jobs.context import Context
    from motion_widgets.log.rows import JobRow

__all__ = ["recover", "submit"]

_T = TypeVar("_T")
_SAYS_UNKNOWN = ("outcome_unknown", "no_task_id", "key_reused")
"""Codes of sentences that say what an unknown outcome means; any other is put into the first."""


async def submit(ctx: Context, job_id: str, *, group: Hashable, approval: int, resend: bool) -> JobRow | None:
    """Send a planned job, until it is accepted, refused, of unknown outcome, or left to a person.

    Parameters
    ----------
    ctx
        The collaborators.
    job_id
        The job, whose lease this process holds.
    group
        The jobs that take as long as this one (`DurationModel.group`); the longest go first.
    approval
        The number of the person's approval to send it.
    resend
        A person said that this job of unknown outcome is to be sent again.

    Returns
    -------
    JobRow | None
        The job as it was accepted. None: it was not.
    """
    tries = 0
    while True:
        await ctx.limiter.acquire(job_id, group)
        attempt = _Attempt(ctx, job_id, approval=approval, resend=resend, tries=tries)
        try:
            refusal = ctx.breaker.refusal(approval)
            if refusal is not None:
                if not resend:  # what its row says of its outcome stays
                    ctx.breaker.hold(job_id)
                    await ctx.db.first(ctx.log.transitions.record, job_id, **error_columns(refusal))
                return None
            if ctx.closing.is_set():
                return None
            wait = await _to_the_end(attempt.make())
        finally:
            ctx.limiter.release(job_id, accepted=attempt.accepted is not None)
        if wait is None or ctx.closing.is_set():
            return attempt.accepted
        tries += 1
        await ctx.clock.sleep(wait, job_id)


async def recover(ctx: Context, row: JobRow) -> None:
    """Write down what is known of a submit whose process died; its lease is ours now."""
    if row.sent is None:
        to, note = State.PLANNED, event_note("event_died_unsent")
        columns: dict[str, Any] = {"settle": ZERO}
    else:
        to, note = State.UNKNOWN, event_note("event_died")
        columns = {
            "error_kind": "unknown", "error_code": "died_submitting", "error_message": say("died_submitting"),
        }  # fmt: skip
    await ctx.db(ctx.log.transitions.move, row.id, to, owner=ctx.owner, note=note, **columns)


async def _to_the_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Await work to its end even if this is cancelled meanwhile; what is on its way is not broken off."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.result()  # its own error, if it had one, counts more
        raise


class _Attempt:
    """One intent and what comes of it.

    Its steps return the s to wait before the next attempt, or None: there is nothing more to do by itself.
    """

    def __init__(self, ctx: Context, job_id: str, *, approval: int, resend: bool, tries: int) -> None:
        self.ctx = ctx
        self.log = ctx.log
        self.job_id = job_id
        self.approval = approval
        self.resend = resend
        self.maybe_accepted = resend
        """An earlier POST may have been accepted, so that no refusal of this one proves that none was."""
        self.tries = tries
        self.accepted: JobRow | None = None
        """The job's row once the endpoint took it."""
        self.sweep_id: str | None = None
        self.look = LastLook(ctx, job_id, lambda: self._may_go)

    async def make(self) -> float | None:
        """Commit the intent, publish, and send until the outcome is clear."""
        ctx = self.ctx
        if ctx.limiter.idle:
            await ctx.refunds.read_baseline(self.job_id)
        client = await ctx.client.get()
        if not self._may_go:
            return 0.0
        try:
            row = await ctx.db.first(self._intend)
        except (BudgetError, HeldError) as error:
            await ctx.db.first(self.log.transitions.record, self.job_id, **error_columns(error))
            return None
        if row is None:
            return None
        self.sweep_id = row.sweep_id
        try:
            body = _body_of(row, await ctx.publish(client, row), resend=self.resend)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing left this machine
            return await self._not_published(error)
        return await self._send_until_clear(client, body, row.idempotency_key)

    def _intend(self) -> JobRow | None:
        """Commit the intent. None: the job is no longer ours to send."""
        row = self.log.jobs.get(self.job_id)
        intended = self.log.transitions.intend(
            self.job_id, row.estimate_high or ZERO,
            owner=self.ctx.owner, seconds=timing.LEASE, resend=self.resend,
        )  # fmt: skip
        return row if intended else None

    @property
    def _may_go(self) -> bool:
        """Whether it may still be sent, now that it is its turn."""
        ctx = self.ctx
        stopped = ctx.closing.is_set() or ctx.breaker.refusal(self.approval) is not None
        return not stopped and (self.maybe_accepted or ctx.limiter.may_send(self.job_id))

    async def _send_until_clear(self, client: EndpointClient, body: str, key: str) -> float | None:
        """Send, and send the very same again while the endpoint asks for that."""
        repeats = 0
        outcome = await self._send(client, body, key)
        while isinstance(outcome, IdempotencyError):
            # The server holds this key and says to come back with the same. "unavailable" means that it did
            # nothing; "in progress" that a first try may still be charged, whatever it answers later.
            if outcome.server_code != "idempotency_unavailable":
                self.maybe_accepted = True
            elif not self.maybe_accepted:
                return await self._plan_again(outcome, wait=_wait_of(outcome, self.tries))
            repeats += 1
            if repeats > timing.TRIES:
                return await self._unknown(outcome)
            await self.ctx.clock.sleep(_wait_of(outcome, repeats), self.job_id)
            outcome = await self._send(client, body, key)
        return outcome

    async def _send(self, client: EndpointClient, body: str, key: str) -> float | IdempotencyError | None:
        """Commit the body and send it, once. An IdempotencyError: the very same may be sent again."""
        async with self.ctx.gate.slot(Priority.SUBMIT):
            if not self._may_go:
                return await self._plan_again(None, wait=0.0)
            outcome = await self._post(client, body, key)
            while self.maybe_accepted and self.look.seen is Seen.STALE:  # a person's word still holds
                outcome = await self._post(client, body, key)
            return outcome

    async def _post(self, client: EndpointClient, body: str, key: str) -> float | IdempotencyError | None:
        """Connect, look, send, and judge the outcome."""
        self.look.seen, anyway = Seen.CLEAR, self.maybe_accepted
        try:
            answer = await client.submit(
                body.encode(), key, go=lambda: self.look.is_clear(body, anyway=anyway)
            )
        except IdempotencyError as error:
            return error
        except RateLimitError as error:
            # Before anything is awaited: others are about to be sent.
            self._learn(error)
            busy = error.kind == "busy" and not self.maybe_accepted
            others = busy and self.ctx.limiter.too_many(self.job_id, error.limit)
            return await self._refused(error, others=others)
        except Exception as error:  # noqa: BLE001 - it was sent, so no error may lose the job
            if isinstance(error, NotSentError) and error.code == "held_back":
                return await self._held_back()
            too_many = self._learn(error)
            outcome = await self._refused(error)
            if too_many and self.sweep_id is not None:  # for the other processes that drive it, too
                await self.ctx.db.persist(self.log.sweeps.hold, self.sweep_id, paused=now_us())
            return outcome
        self.ctx.breaker.outcome_known()
        return await self._accepted(answer, int((client.now() + timing.LIFE) * 1e6))

    def _learn(self, error: Exception) -> bool:
        """Count an outcome as known or unknown; return whether too many in a row are unknown."""
        ctx = self.ctx
        if isinstance(error, EndpointError) and error.not_accepted:
            if error.status is not None:  # else there was none
                ctx.breaker.outcome_known()
            return False
        ctx.limiter.doubt()
        return ctx.breaker.outcome_unknown()

    async def _held_back(self) -> float | None:
        look = self.look
        if self.maybe_accepted and look.seen in (Seen.TAKEN, Seen.STALE):
            return None  # the other process decides what becomes of it; or it is tried at once
        if look.seen is Seen.TAKEN:
            return timing.BEAT  # by then it is planned again, unless the other process was to send it, too
        return await self._plan_again(look.refusal, wait=None if look.refusal is not None else 0.0)

    async def _accepted(self, answer: Submitted, expires_at: int) -> float | None:
        persist = self.ctx.db.persist
        paid = {"task_id": answer.task_id, "submitted": now_us(), "expires_at": expires_at}
        try:
            row = await persist(
                self._record_accepted, paid, answer=answer.raw, request_id=answer.request_id,
                server_word=answer.status, estimated_time=answer.estimated_time,
                note=event_note("event_replayed") if answer.replayed else "",
                **NO_ERROR,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - whatever it was, a paid task's id is kept
            report(error, f"keep all of the answer on task {answer.task_id}")
            row = await persist(self._record_accepted, paid)
        self.accepted = row
        if row.task_id != answer.task_id:
            # Somebody decided otherwise meanwhile; a paid task's id is kept all the same.
            note = event_note("event_accepted", task=answer.task_id)
            await persist(self.log.transitions.remark, self.job_id, note)
        return None

    def _record_accepted(self, paid: dict[str, Any], **facts: Any) -> JobRow:
        """Write down what the endpoint answered; return the job as it stands then."""
        self.log.transitions.move(self.job_id, State.SUBMITTED, **paid, **facts)
        return self.log.jobs.get(self.job_id)

    async def _not_published(self, error: Exception) -> float | None:
        """Judge a failure before the POST, such as that of an upload, which costs nothing."""
        passing = isinstance(error, ServerError | AnswerError)
        if passing and self.tries < timing.TRIES:
            return await self._plan_again(error, wait=timing.backoff(self.tries))
        if isinstance(error, EndpointError) and error.not_accepted:
            return await self._refused(error)
        return await self._plan_again(error)

    async def _refused(self, error: Exception, *, others: bool = False) -> float | None:
        """Judge a POST that was not accepted, or of which that is not known.

        `others`: the endpoint is full, and other tasks of ours there must end first.
        """
        ctx = self.ctx
        if self.maybe_accepted or not isinstance(error, EndpointError) or not error.not_accepted:
            return await self._unknown(error)
        if error.lasting:
            ctx.stop_calls(error)
            return await self._plan_again(error)
        if isinstance(error, NotSentError):
            return await self._plan_again(error, wait=timing.backoff(self.tries))
        if isinstance(error, RateLimitError):
            wait = _wait_of(error, self.tries)
            if error.kind != "busy":
                ctx.limiter.pause(wait)
                if error.retry_after is not None:
                    ctx.gate.pause(wait)
            elif others:
                wait = 0.0  # the limiter holds it until one of them ends
            return await self._plan_again(error, wait=wait)
        if isinstance(error, PaymentError):
            error = await self._with_missing_amount(error)
        if isinstance(error, AuthError | PaymentError):
            ctx.breaker.stop_submits(error)
        await self._move(State.REJECTED, str(error), settle=ZERO, completed=now_us(), **error_columns(error))
        return None

    async def _with_missing_amount(self, error: PaymentError) -> PaymentError:
        """Return the error with how much is missing: what the request may cost, minus the balance."""
        row = await self.ctx.db.first(self.log.jobs.get, self.job_id)
        balance, price = await self.ctx.refunds.balance(), row.estimate_high or ZERO
        if balance is None:
            text = say("payment_balance_unknown", message=str(error), price=format_price(to_usd(price)))
        else:
            # An account may be charged ahead at the orientation's cap, so a 402 can come although the
            # balance covers the clip (`endpoint/API.md` section 8).
            text = say(
                "payment_missing" if balance < price else "payment_ahead", message=str(error),
                missing=format_price(to_usd(Micro(max(price - balance, 0)))),
                price=format_price(to_usd(price)), balance=format_left(to_usd(balance)),
            )  # fmt: skip
        return PaymentError(
            text, code=error.code, detail=error.detail, status=error.status, kind=error.kind,
            server_code=error.server_code, request_id=error.request_id,
        )  # fmt: skip

    async def _plan_again(self, error: Exception | None, *, wait: float | None = None) -> float | None:
        """Plan the job again and free its budget; return `wait`, the s until the next attempt."""
        if self.maybe_accepted:
            return await self._unknown(error or self.ctx.breaker.refusal(self.approval))
        columns = error_columns(error) if error is not None else {}
        note = str(error) if error is not None else event_note("event_held_back")
        await self._move(State.PLANNED, note, settle=ZERO, **columns)
        return wait

    async def _unknown(self, error: Exception | None) -> float | None:
        if isinstance(error, MotionError):
            why = str(error)
        else:
            if error is not None:
                report(error, "submit")
            why = say("closed_meanwhile") if error is None else brief(error)
        code = getattr(error, "code", "")
        message = why if code in _SAYS_UNKNOWN else say("outcome_unknown", message=why)
        columns = {
            "error_kind": "unknown", "error_code": code or "outcome_unknown",
            "error_message": redact(message)[:2000],
        }  # fmt: skip
        detail = redact(getattr(error, "detail", ""))
        if detail:
            columns["answer"] = detail
        await self._move(State.UNKNOWN, message, **columns)
        return None

    async def _move(self, to: State, note: str, **columns: Any) -> None:
        """Move the job if it is still ours; else leave it as it is, with a remark."""
        note = redact(note)[:300]
        options = {"owner": self.ctx.owner, "note": note, **columns}
        if not await self.ctx.db.persist(self.log.transitions.move, self.job_id, to, **options):
            late = event_note("event_too_slow", state=to, note=event_words(note))
            await self.ctx.db.persist(self.log.transitions.remark, self.job_id, late)


def _body_of(row: JobRow, wire: dict[str, Any], *, resend: bool) -> str:
    """Return the exact body of a job, made of its request and the links of its media.

    What a row says was sealed may have been sealed elsewhere: it counts only where it says the same.

    Raises
    ------
    RequestError
        It was sealed with another body, and may have been accepted: the same key goes with the same body.
    """
    body = json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
    if resend and row.body not in (None, body):
        raise RequestError.of("resend_altered", id=row.id)
    return body


def _wait_of(error: EndpointError, tries: int) -> float:
    return error.retry_after if error.retry_after is not None else timing.backoff(tries)
