"""Playing a fault plan: stands in front of the application, and lets every call through that meets no fault.

Without a plan it costs one look. With one, the calls that a rule is about are answered by the application
first (unless the rule says that they were not accepted), and what goes out is another answer, a broken one,
or none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from motion_widgets.sandbox.faults.answer import Answer, Scene
from motion_widgets.sandbox.faults.kinds import KINDS
from motion_widgets.sandbox.faults.plan import About
from motion_widgets.sandbox.faults.wrong_answers import spoil
from motion_widgets.sandbox.responses import UNITS, usd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping

    from motion_widgets.sandbox.connection import Connection
    from motion_widgets.sandbox.faults.plan import FaultPlan, InForce, Rule
    from motion_widgets.sandbox.store import Store

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Leave = Callable[[Callable[[], bool]], Coroutine[Any, Any, None]]
    App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

__all__ = ["Chaos"]

_PATHS = {
    ("POST", "/v1/videos/generations"): "submit",
    ("POST", "/v1/uploads/images"): "upload",
    ("GET", "/v1/balance"): "balance",
    ("GET", "/v1/user/balance"): "balance",
    ("POST", "/sandbox/media"): "host",
}
_MATCHED = ("model", "mode", "character_orientation", "prompt")
_TASK, _RESULT = "/v1/tasks/", "/results/"
_BODY_LIMIT = 1_000_000  # bytes of a submit that `match` looks into
_LOOK = 0.1  # s between looks whether the server stops
_WHOLE = ("wrong_range", "etag_changed")
"""Kinds that are made of the whole file, whatever part was asked for."""


class Chaos:
    """The application behind a fault plan.

    Parameters
    ----------
    app : ASGI application
        What answers when all goes well.
    faults : InForce
        Which plan is in force.
    store : Store
        The sandbox's memory.
    speed : float
        The clock factor.
    leave : callable
        Stops listening; given what says whether it is time to be back.
    """

    def __init__(self, app: App, faults: InForce, store: Store, speed: float, leave: Leave) -> None:
        self._app = app
        self._faults = faults
        self._store = store
        self._speed = speed
        self._leave = leave
        self._away: set[asyncio.Task[None]] = set()
        self._down: tuple[FaultPlan, Rule, float] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve a call."""
        plan = self._faults.plan
        if plan is None or scope["type"] != "http" or scope["path"].startswith(("/sandbox/f", "/sandbox/c")):
            await self._app(scope, receive, send)
            return
        call = _Call(scope, receive, send)
        if self._down is not None:
            if self._lasts():
                await self._absent(call, self._down[1])
                return
            self._down = None
        on = _call_of(scope)
        if not on:
            await self._app(scope, receive, send)
            return
        plan.count(on)
        if plan.concerns(on):
            await self._meet(plan, on, call)
        else:
            await self._app(scope, receive, send)

    async def _meet(self, plan: FaultPlan, on: str, call: _Call) -> None:
        """Find the rule for a call, and play it."""
        real: Answer | None = None
        about, state = About(), ""
        if on == "submit":
            about = _about(await call.read(_BODY_LIMIT), call.headers)
        elif on in ("status", "result"):
            about = await run_in_threadpool(self._store.ledger.about, call.task_id)
        if on == "status":
            real = await call.ask(self._app)
            if real.status != 200:
                await call.answer(real)
                return
            state = _state_of(real)
        rule = plan.pick(on, about, state)
        if rule is None:
            await (self._app(call.scope, call.receive, call.send) if real is None else call.answer(real))
        elif rule.kind == "down":
            self._down = plan, rule, time.monotonic() + rule["seconds"] / self._speed
            if rule["how"] == "refuse":
                task = asyncio.get_running_loop().create_task(self._leave(lambda: not self._lasts()))
                self._away.add(task)
                task.add_done_callback(self._away.discard)
            await self._absent(call, rule)
        else:
            await self._play(rule, call, real)

    def _lasts(self) -> bool:
        """Return whether nothing is served; another plan ends that."""
        if self._down is None or self._faults.stopping:
            return False
        plan, _, until = self._down
        return plan is self._faults.plan and time.monotonic() < until

    async def _absent(self, call: _Call, rule: Rule) -> None:
        await call.drain()
        if rule["how"] == "503":
            await call.answer(spoil(Scene(rule, Answer(), call.headers, self._speed)))
        else:
            call.connection.reset()
            await call.left()

    async def _play(self, rule: Rule, call: _Call, real: Answer | None) -> None:
        if rule.accepted and real is None:
            real = await call.ask(self._app, whole=rule.kind in _WHOLE)
        elif real is None:
            await call.drain()
        if rule.accepted and real is not None and real.status >= 300 and KINDS[rule.kind].spoils:
            await call.answer(real)  # refused for a reason of its own: there is nothing to spoil
            return
        charge = await self._settle(rule, call) if rule.on == "status" else None
        scene = Scene(rule, real or Answer(), call.headers, self._speed, charge)
        await self._deliver(rule, call, spoil(scene), scene.real)

    async def _settle(self, rule: Rule, call: _Call) -> float | None:
        """Move the money that a rule says is moved; give what the task costs, in USD."""
        ledger, task_id = self._store.ledger, call.task_id
        if rule.kind == "cost":
            await run_in_threadpool(ledger.bill, task_id, round(rule["usd"] * UNITS))
        if rule.kind in ("failed", "cancelled") and rule["refunded"]:
            await run_in_threadpool(ledger.refund, task_id)
        task = await run_in_threadpool(self._store.task, task_id)
        return None if task is None else usd(task.charge)

    async def _deliver(self, rule: Rule, call: _Call, answer: Answer, real: Answer) -> None:
        """Bring an answer out, in the way that the rule says."""
        connection, size = call.connection, len(answer.body)
        raw = connection.raw
        match rule.kind:
            case "reset":
                connection.reset()
            case "hang":
                await call.left(rule["hold"] / self._speed, self._faults)
            case "half":
                await connection.write(
                    raw(answer, length=max(size, 2))[: -max(size - int(size * rule["part"]), 1)]
                )
            case "drip":
                await connection.write(
                    raw(answer, length=size), piece=1, pause=rule["interval"] / self._speed
                )
            case "slow":
                piece = max(1, min(int(rule["bytes_per_second"] / 10), 65_536))
                await connection.write(raw(answer, length=size, body=False))
                await connection.write(answer.body, piece=piece, pause=piece / rule["bytes_per_second"])
            case "truncated" if rule["length"] != "wrong":
                known = rule["length"] == "known"
                await connection.write(raw(answer, length=len(real.body) if known else None))
            case _:
                if rule.kind == "delay":
                    await asyncio.sleep(rule["seconds"] / self._speed)
                if "date" not in answer.headers and rule.kind != "close":
                    await call.answer(answer)
                    connection.doomed = rule.kind == "close_on_reuse"
                    return
                # The server's own Date would stand beside this one.
                if rule.kind != "close":
                    await connection.write(raw(answer, length=size))
        connection.close()
        await call.left()


class _Call:
    """One request: its body may be read before the application asks for it, its answer kept back."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.send = send
        self.connection: Connection = scope["state"]["connection"]
        self.headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
        self._receive = receive
        self._kept: list[Message] = []
        self._over = False

    @property
    def task_id(self) -> str:
        """Which task the path names."""
        return str(self.scope["path"]).rsplit("/", 1)[1].removesuffix(".mp4")

    async def read(self, limit: int) -> bytes:
        """Return the body, up to about `limit` bytes; the application gets it all the same."""
        size = 0
        while not self._over and size <= limit:
            message = await self._receive()
            self._kept.append(message)
            size += len(message.get("body", b""))
            self._over = not message.get("more_body", False)
        return b"".join(message.get("body", b"") for message in self._kept)

    async def drain(self) -> None:
        """Read the body to its end and forget it: bytes unread would turn a close into a reset."""
        self._kept.clear()
        while not self._over:
            message = await self._receive()
            self._over = not message.get("more_body", False)

    async def receive(self) -> Message:
        """Return the application what was read, then what comes."""
        return self._kept.pop(0) if self._kept else await self._receive()

    async def ask(self, app: App, *, whole: bool = False) -> Answer:
        """Let the application answer, and keep the answer back."""
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            body.extend(message.get("body", b""))

        async def given() -> Message:
            message = await self.receive()
            self._over = self._over or not message.get("more_body", False)
            return message

        scope = self.scope
        if whole:
            scope = dict(scope)
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in (b"range", b"if-range")]
        await app(scope, given, keep)
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in start["headers"]}
        headers.pop("content-length", None)
        return Answer(start["status"], headers, bytes(body))

    async def answer(self, answer: Answer) -> None:
        """Send an answer as HTTP has it."""
        headers = answer.headers | {"content-length": str(len(answer.body))}
        pairs = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
        await self.send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        await self.send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def left(self, seconds: float = 60.0, faults: InForce | None = None) -> None:
        """Wait until the connection is gone, at most so long (s), or until the server stops."""
        ends = time.monotonic() + seconds
        waiting = asyncio.ensure_future(self._gone())
        try:
            while not waiting.done() and time.monotonic() < ends and not (faults and faults.stopping):
                await asyncio.wait({waiting}, timeout=min(_LOOK, max(ends - time.monotonic(), 0)))
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _call_of(scope: MutableMapping[str, Any]) -> str:
    """Return which call it is; ``""``: none that a plan is about."""
    method, path = scope["method"], scope["path"]
    if method == "GET" and path.startswith(_TASK):
        return "status"
    if method == "GET" and path.startswith(_RESULT):
        return "result"
    return _PATHS.get((method, path), "")


def _about(raw: bytes, headers: dict[str, str]) -> About:
    """Return what `match` looks into: the words of a submit, and its idempotency key."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    words = [str(body.get(name, "")) for name in _MATCHED] if isinstance(body, dict) else []
    return About("\n".join(words), (headers.get("idempotency-key", ""),))


def _state_of(real: Answer) -> str:
    data = real.data
    word = data["data"]["status"] if isinstance(data, dict) and isinstance(data.get("data"), dict) else ""
    return word if word in ("completed", "failed") else "working"
