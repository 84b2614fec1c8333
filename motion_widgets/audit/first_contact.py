"""First contact with a live endpoint: the free calls, one short paid job, and a report of what they answered.

The job is submitted like any other (`Workspace.submit`), so it is sent at most once. The same steps are taken
with a sandbox in a temporary folder, and the report names the differences (`contact_report`).
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.audit import Report
from motion_widgets.audit.comparison import Contact
from motion_widgets.audit.contact_report import write
from motion_widgets.audit.recorder import Recorder, impersonal
from motion_widgets.core.background import spawn
from motion_widgets.core.errors import BudgetError, ClipError, RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.hidden import hidden
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_price, to_micro
from motion_widgets.endpoint.account_usage import fetch_usage
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY
from motion_widgets.endpoint.errors import AuthError, EndpointError
from motion_widgets.log.states import State
from motion_widgets.log.transitions import event_note
from motion_widgets.request.media_source import media_kind
from motion_widgets.request.request import MotionRequest
from motion_widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.jobs.job import Job

__all__ = ["first_contact"]

MODEL, MODE, ORIENTATION = "kling-v2-6-motion-control", "std", "image"  # the cheapest
NO_SUCH_TASK = "task_00000000000000000000000000"
OTHER_LANGUAGE = "zh"
_YES = "yes"
"""What a person types to agree; `contact_question` asks for it."""
SPEED = 40.0
"""Clock factor of the sandbox: a job takes 3 s, long enough to be seen at work."""
TICK = 0.1


def first_contact(
    folder: str | Path | None = None,
    endpoint: str = "apimart",
    *,
    max_cost: float,
    image_url: str | None = None,
    video_url: str | None = None,
    yes: bool = False,
    also_replay: bool = False,
    key: str | None = None,
    ask: Callable[[str], str] = input,
) -> Report:
    """Try an endpoint for the first time, and write a report of what it answered.

    Parameters
    ----------
    folder, endpoint, key
        As `Workspace` takes them.
    max_cost
        The most that all of it may cost, in USD.
    image_url, video_url
        Public links to an image and a clip of about 3 s. None: only the free calls are made.
    yes
        Do not ask before the paid job.
    also_replay
        Send the same request once more; it may be charged twice where idempotency keys are ignored.
    ask
        Puts a question and returns the answer.

    Raises
    ------
    MotionError
        The endpoint is the sandbox, there is no key, a link or the clip is wrong, or the price exceeds
        `max_cost`; nothing was spent.
    """
    key_of = hidden(key)
    del key  # verbose tracebacks show the locals of this frame
    if endpoint == "sandbox":
        raise RequestError.of("contact_sandbox")
    with Workspace(folder, endpoint, key=key_of()) as ws:
        session = _Session(ws)
        if image_url or video_url:
            session.prepare(image_url, video_url, max_cost=max_cost, times=1 + also_replay)
        return session.carry_out(max_cost, yes=yes, also_replay=also_replay, ask=ask)


class _Session:
    """The steps with one endpoint, in order; from the first on, its responses are recorded."""

    def __init__(self, ws: Workspace) -> None:
        if ws.connection.secret is None:
            host = urlsplit(ws.connection.target.base_url).hostname
            raise AuthError(say("key_missing", host=host, variable=ENVIRONMENT_KEY), code="key_missing")
        self.ws = ws
        self.secret = ws.connection.secret
        self.recorder = Recorder(ws.connection.target.base_url)
        self.contact = Contact(self.recorder)
        self.req: MotionRequest | None = None
        ws.switch(ws.endpoint, key=self.secret, remember=False, on_answer=self.recorder.record)

    def carry_out(
        self, max_cost: float, *, yes: bool, also_replay: bool, ask: Callable[[str], str]
    ) -> Report:
        """Make the free calls, and the paid job where one is prepared and agreed to; write the report."""
        self.make_free_calls()
        job: Job | None = None
        try:
            if self.req is not None and self.confirm(yes=yes, times=1 + also_replay, ask=ask):
                job = self.pay(max_cost, also_replay=also_replay)
        finally:  # after an interrupt, too, what was learnt is kept
            sandbox = _rehearsed(paid=job is not None, also_replay=also_replay)
            url = self.ws.connection.target.base_url
            lines = write(self.ws.folder, url, self.contact, sandbox, self.secret)
        wrong = self.contact.problems or (job is not None and job.state != State.COLLECTED)
        return Report(tuple(lines), int(bool(wrong)))

    def prepare(self, image_url: str | None, video_url: str | None, *, max_cost: float, times: int) -> None:
        """Measure the media and compare the price with the bound; nothing is sent to the endpoint."""
        media = {"image_url": image_url, "video_url": video_url}
        req = MotionRequest(model=MODEL, mode=MODE, character_orientation=ORIENTATION, **media)
        if any(media_kind(one) != "link" for one in media.values()):
            raise RequestError.of("contact_links")
        clip, image = self.ws.preparation.measure(req)
        if isinstance(clip, ClipError):  # without its length there is no price to agree to
            raise clip
        assert isinstance(clip, Clip)
        findings = self.ws.preparation.judge(req, clip, image)
        errors = [one.message for one in findings if one.severity == "error"]
        if errors:
            raise RequestError.of("request_errors", count=len(errors), messages=" ".join(errors))
        req = req.replace(video_url=clip, image_url=image_url if isinstance(image, ClipError) else image)
        price = self.ws.estimate(req)
        self.ws.preparation.require_bound(price, max_cost)
        if price.length_unknown or price.high_micro * times > to_micro(max_cost):
            raise BudgetError.of(
                "contact_bound", high=format_price(price.high * times), bound=format_left(max_cost)
            )
        self.req, self.contact.estimate, self.contact.length = req, price, clip.length

    def make_free_calls(self) -> None:
        """Make the calls that cost nothing.

        Raises
        ------
        AuthError
            The key is not accepted; no further call is made.
        """
        self._with_client(self._free_calls)
        self._ask_balances("before")

    def _with_client(self, steps: Any, *arguments: Any) -> Any:
        async def run() -> Any:
            async with self.ws.connection.client() as client:
                return await steps(client, *arguments)

        return spawn(run()).result()

    async def _free_calls(self, client: EndpointClient) -> None:
        try:
            await client.models()
        except AuthError:
            raise
        except EndpointError as error:
            self._note("models", error)
        try:
            await client.task(NO_SUCH_TASK)
        except EndpointError:
            pass  # the form of the error is what was wanted
        else:
            self.contact.problems.append(say("contact_no_such_task"))
        await self._ask_usage(client, "before")

    async def _ask_usage(self, client: EndpointClient, moment: str) -> None:
        now = datetime.now(UTC)
        try:
            date_format, usage = await fetch_usage(client, now - timedelta(days=1), now + timedelta(hours=1))
            self.contact.date_format, self.contact.usage[moment] = date_format, usage.amount
        except EndpointError as error:
            self._note("usage", error)

    def _ask_balances(self, moment: str) -> None:
        async def steps(client: EndpointClient) -> None:
            for whose in ("account", "key"):
                try:
                    balance = await client.balance(account=whose == "account")
                    self.contact.balances.setdefault(moment, {})[whose] = balance.remain
                except EndpointError as error:
                    self._note(f"balance ({whose})", error)

        self._with_client(steps)

    def _note(self, call: str, error: Exception) -> None:
        self.contact.problems.append(say("contact_unanswered", call=call, reason=impersonal(str(error))))

    def confirm(self, *, yes: bool, times: int, ask: Callable[[str], str]) -> bool:
        """Return whether the person agrees to pay; for a job that was paid for before they are not asked."""
        price = self.contact.estimate
        assert self.req is not None
        assert price is not None
        if yes or self.ws.find(self.req) is not None:
            return True
        code = "contact_question" if times == 1 else "contact_question_twice"
        host = urlsplit(self.ws.connection.target.base_url).hostname
        try:
            answer = ask(
                say(code, host=host, high=format_price(price.high * times), length=self.contact.length)
            )
        except EOFError:
            return False
        return answer.strip().lower() == _YES

    def pay(self, max_cost: float, *, also_replay: bool) -> Job:
        """Submit the job, wait for its end, and make the remaining calls."""
        assert self.req is not None
        job = self.ws.submit(self.req, max_cost=max_cost)
        while job.task_id is None and not job.resting:
            time.sleep(TICK)
        submitted = bool(self.recorder.responses_to("submit"))  # now, not on an earlier day
        if job.task_id is not None and submitted:
            self._ask_balances("accepted")
        job.wait()
        self.contact.job_state = job.state
        if job.task_id is not None:
            self._with_client(self._ended, job, also_replay)
        if submitted:
            self._ask_balances("after")
        if job.error:
            self.contact.problems.append(impersonal(job.error))
        return job

    async def _ended(self, client: EndpointClient, job: Job, also_replay: bool) -> None:
        for language in ("en", OTHER_LANGUAGE):
            try:
                await client.task(str(job.task_id), language=language)
            except EndpointError as error:
                self._note(f"task ({language})", error)
        await self._ask_usage(client, "after")
        if also_replay:
            await self._replay(client, job)

    async def _replay(self, client: EndpointClient, job: Job) -> None:
        """Send the same key and body once more, as a person asked for; the log records the outcome."""
        log, row = self.ws.log_store, job.row
        if not row.body:
            return
        log.transitions.remark(job.id, event_note("event_replay_sent"))
        try:
            again = await client.submit(row.body.encode(), row.idempotency_key)
        except EndpointError as error:
            why = error.server_code or error.code
            self.contact.replay = event_note("event_replay_refused", why=why, status=str(error.status))
        else:
            same = again.task_id == row.task_id
            self.contact.replay = event_note(_REPLAYED[same, again.replayed])
            if not same:
                self.contact.problems.append(say("contact_charged_twice"))
                log.transitions.remark(job.id, event_note("event_accepted_again", task=again.task_id))
        log.transitions.remark(job.id, self.contact.replay)


_REPLAYED = {
    (True, True): "event_replay_same_marked", (True, False): "event_replay_same",
    (False, True): "event_replay_other_marked", (False, False): "event_replay_other",
}  # fmt: skip
"""The event's code by whether it is the same task, and whether the header says that it was replayed."""


def _rehearsed(*, paid: bool, also_replay: bool) -> Contact:
    """Take the same steps with a temporary sandbox, which costs nothing."""
    temporary = tempfile.TemporaryDirectory(prefix="motion-widgets-", ignore_cleanup_errors=True)
    with temporary as folder, contextlib.ExitStack() as stack:
        box = stack.enter_context(Workspace(Path(folder) / "box", "sandbox", speed=SPEED)).connection.sandbox
        session = _Session(stack.enter_context(Workspace(Path(folder) / "ws", box.url, key=box.token)))
        if paid:
            links = [f"{box.url}/media/sample/{name}" for name in ("figure.png", "clip-6s.mp4")]
            session.prepare(*links, max_cost=100, times=1)
        session.make_free_calls()
        if paid:
            session.pay(100, also_replay=also_replay)
        return session.contact
