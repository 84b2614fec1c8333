"""First contact with a live endpoint: the free calls, one short paid job, and what they answer.

The job goes the ordinary way (`Workspace.submit`), so it is sent at most once. The same steps are gone
through with a sandbox in a temporary folder, and what differs is named (`transcript`).
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.audit import Report
from motion_widgets.audit.account_usage import ask_usage
from motion_widgets.audit.findings import Contact
from motion_widgets.audit.recorder import HeardWorkspace, Hearing
from motion_widgets.audit.report import write
from motion_widgets.audit.response_shape import impersonal
from motion_widgets.core.background import spawn
from motion_widgets.core.errors import BudgetError, ClipError, RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY
from motion_widgets.endpoint.errors import AuthError, EndpointError
from motion_widgets.log.states import State
from motion_widgets.request.price import to_micro
from motion_widgets.request.request import MotionRequest, media_kind
from motion_widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.endpoint.api_key import Secret
    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.jobs.job import Job

__all__ = ["first_contact"]

MODEL, MODE, ORIENTATION = "kling-v2-6-motion-control", "std", "image"  # the cheapest
NO_SUCH_TASK = "task_00000000000000000000000000"
OTHER_LANGUAGE = "zh"
SPEED = 40.0
"""Clock factor of the sandbox that is compared with: a job takes 3 s, enough to be seen working."""
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
    """Try an endpoint for the first time, and write down what was learnt.

    Parameters
    ----------
    folder, endpoint, key
        As `Workspace` takes them.
    max_cost
        USD that all of it may cost at most.
    image_url, video_url
        Public links of an image and a clip of some 3 s. None: only the free calls are made.
    yes
        Do not ask before the paid job.
    also_replay
        Send the very same request once more; it may be charged twice where keys are ignored.
    ask
        Puts a question and gives the answer.

    Raises
    ------
    MotionError
        The endpoint is the sandbox, there is no key, a link or the clip is wrong, or the price does not fit;
        nothing was spent.
    """
    if endpoint == "sandbox":
        raise RequestError.of("contact_sandbox")
    hearing = Hearing()
    given = [key]
    del key  # verbose tracebacks show the locals of this frame
    with HeardWorkspace(folder, endpoint, hearing, key=given.pop()) as ws:
        secret = ws.secret
        if secret is None:
            host = urlsplit(ws.base_url).hostname
            raise AuthError(say("key_missing", host=host, variable=ENVIRONMENT_KEY), code="key_missing")
        visit = _Visit(ws, hearing, secret)
        if image_url or video_url:
            visit.prepare(image_url, video_url, max_cost=max_cost, times=1 + also_replay)
        visit.free()
        job: Job | None = None
        try:
            if visit.req is not None and visit.agreed(yes=yes, times=1 + also_replay, ask=ask):
                job = visit.pay(max_cost, also_replay=also_replay)
        finally:  # an interrupt, too, leaves what was learnt
            known = _rehearsed(paid=job is not None, also_replay=also_replay)
            lines = write(ws.folder, ws.base_url, visit.contact, known, secret)
        wrong = visit.contact.wrong or (job is not None and job.state != State.COLLECTED)
        return Report(tuple(lines), int(bool(wrong)))


class _Visit:
    """One endpoint's steps, in order."""

    def __init__(self, ws: Workspace, hearing: Hearing, secret: Secret) -> None:
        self.ws = ws
        self.hearing = hearing
        self.secret = secret
        self.contact = Contact(hearing)
        self.req: MotionRequest | None = None

    def prepare(self, image_url: str | None, video_url: str | None, *, max_cost: float, times: int) -> None:
        """Measure the media and hold the price against the bound; nothing is sent to the endpoint."""
        req = MotionRequest(
            model=MODEL,
            mode=MODE,
            character_orientation=ORIENTATION,
            image_url=image_url,
            video_url=video_url,
        )
        if any(media_kind(one) != "link" for one in (image_url, video_url)):
            raise RequestError.of("contact_links")
        clip, image = self.ws.measure(req)
        if isinstance(clip, ClipError):  # without its length there is no price to agree to
            raise clip
        assert isinstance(clip, Clip)
        findings = self.ws.judge(req, clip, image)
        errors = [one.message for one in findings if one.severity == "error"]
        if errors:
            raise RequestError.of("request_errors", count=len(errors), messages=" ".join(errors))
        req = req.replace(video_url=clip, image_url=image_url if isinstance(image, ClipError) else image)
        price = self.ws.estimate(req)
        self.ws.require_bound(price, max_cost)
        if price.length_unknown or price.high_micro * times > to_micro(max_cost):
            raise BudgetError.of("contact_bound", high=price.high * times, bound=max_cost)
        self.req, self.contact.estimate, self.contact.length = req, price, clip.length

    def free(self) -> None:
        """Make the calls that cost nothing.

        Raises
        ------
        AuthError
            The key is not accepted; nothing more is asked.
        """
        self._talk(self._free)
        self._balances("before")

    def _talk(self, steps: Any, *arguments: Any) -> Any:
        async def talking() -> Any:
            async with self.hearing.client(self.ws.base_url, self.secret) as client:
                return await steps(client, *arguments)

        return spawn(talking()).result()

    async def _free(self, client: EndpointClient) -> None:
        try:
            await client.models()
        except AuthError:
            raise
        except EndpointError as error:
            self._note("models", error)
        try:
            await client.task(NO_SUCH_TASK)
        except EndpointError:
            pass  # its form is what was asked for
        else:
            self.contact.wrong.append(say("contact_no_such_task"))
        await self._usage(client, "before")

    async def _usage(self, client: EndpointClient, moment: str) -> None:
        now = datetime.now(UTC)
        try:
            form, usage = await ask_usage(client, now - timedelta(days=1), now + timedelta(hours=1))
            self.contact.usage_form, self.contact.usage[moment] = form, usage.amount
        except EndpointError as error:
            self._note("usage", error)

    def _balances(self, moment: str) -> None:
        async def asking(client: EndpointClient) -> None:
            for whose in ("account", "key"):
                try:
                    balance = await client.balance(account=whose == "account")
                    self.contact.balances.setdefault(moment, {})[whose] = balance.remain
                except EndpointError as error:
                    self._note(f"balance ({whose})", error)

        self._talk(asking)

    def _note(self, call: str, error: Exception) -> None:
        self.contact.wrong.append(say("contact_unanswered", call=call, reason=impersonal(str(error))))

    def agreed(self, *, yes: bool, times: int, ask: Callable[[str], str]) -> bool:
        """Ask whether the job may be paid for; one that was paid for already is only looked at."""
        price = self.contact.estimate
        assert self.req is not None
        assert price is not None
        if yes or self.ws.find(self.req) is not None:
            return True
        code = "contact_question" if times == 1 else "contact_question_twice"
        host = urlsplit(self.ws.base_url).hostname
        try:
            answer = ask(say(code, host=host, high=price.high * times, length=self.contact.length))
        except EOFError:
            return False
        return answer.strip().lower() == say("yes")

    def pay(self, max_cost: float, *, also_replay: bool) -> Job:
        """Submit the job, follow it to its end, and ask what is left to ask."""
        assert self.req is not None
        job = self.ws.submit(self.req, max_cost=max_cost)
        while job.task_id is None and not job.resting:
            time.sleep(TICK)
        heard = bool(self.hearing.heard("submit"))  # not one of an earlier day
        if job.task_id is not None and heard:
            self._balances("accepted")
        job.wait()
        self.contact.job_state = job.state
        if job.task_id is not None:
            self._talk(self._ended, job, also_replay)
        if heard:
            self._balances("after")
        if job.error:
            self.contact.wrong.append(impersonal(job.error))
        return job

    async def _ended(self, client: EndpointClient, job: Job, also_replay: bool) -> None:
        for language in ("en", OTHER_LANGUAGE):
            try:
                await client.task(str(job.task_id), language=language)
            except EndpointError as error:
                self._note(f"task ({language})", error)
        await self._usage(client, "after")
        if also_replay:
            await self._replay(client, job)

    async def _replay(self, client: EndpointClient, job: Job) -> None:
        """Send the same key and body once more, because a person said so; the log keeps what came of it."""
        log, row = self.ws.log_store, job.row
        if not row["body"]:
            return
        log.remark(job.id, say("contact_replay_sent"))
        try:
            again = await client.submit(row["body"].encode(), row["idempotency_key"])
        except EndpointError as error:
            self.contact.replay = f"refused: {error.server_code or error.code} (HTTP {error.status})"
        else:
            same = again.task_id == row["task_id"]
            header = "with" if again.replayed else "without"
            self.contact.replay = f"{'the same task' if same else 'ANOTHER TASK'}, {header} the header"
            if not same:
                self.contact.wrong.append(say("contact_charged_twice"))
                log.remark(job.id, f"the same key was accepted again as {again.task_id}")
        log.remark(job.id, self.contact.replay)


def _rehearsed(*, paid: bool, also_replay: bool) -> Contact:
    """Go through the same steps with a sandbox of its own, which costs nothing."""
    with tempfile.TemporaryDirectory(prefix="motion-widgets-", ignore_cleanup_errors=True) as place:
        hearing = Hearing()
        with Workspace(Path(place) / "box", "sandbox", speed=SPEED) as box:
            sandbox = box.sandbox
            with HeardWorkspace(Path(place) / "ws", sandbox.url, hearing, key=sandbox.token) as ws:
                assert ws.secret is not None
                visit = _Visit(ws, hearing, ws.secret)
                if paid:
                    links = [f"{sandbox.url}/media/sample/{name}" for name in ("figure.png", "clip-6s.mp4")]
                    visit.prepare(*links, max_cost=100, times=1)
                visit.free()
                if paid:
                    visit.pay(100, also_replay=also_replay)
                return visit.contact
