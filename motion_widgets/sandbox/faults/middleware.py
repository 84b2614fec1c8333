"""Playing a fault plan: stands in front of the application and lets every call through that meets no fault.

Calls that a rule plays on are first executed by the application (unless the rule says that they were not
accepted); then another response goes out, a broken one, or none.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from motion_widgets.sandbox.faults.call import Call
from motion_widgets.sandbox.faults.kinds import KINDS
from motion_widgets.sandbox.faults.response import FaultContext, WireResponse
from motion_widgets.sandbox.faults.rule import CallFacts
from motion_widgets.sandbox.price import UNITS, usd

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, MutableMapping

    from motion_widgets.sandbox.faults.call import App, Receive, Send
    from motion_widgets.sandbox.faults.plan import ActivePlan, FaultPlan
    from motion_widgets.sandbox.faults.rule import Rule
    from motion_widgets.sandbox.store import Store

    StopListening = Callable[[Callable[[], bool]], Coroutine[Any, Any, None]]

__all__ = ["FaultMiddleware"]

_MATCHED = ("model", "mode", "character_orientation", "prompt")
_BODY_LIMIT = 1_000_000  # bytes of a submit that `match` looks into


class FaultMiddleware:
    """The application `app` behind the active fault plan.

    `speed` is the clock factor; `stop_listening` stops listening until what it is given returns True.
    """

    def __init__(
        self, app: App, active: ActivePlan, store: Store, speed: float, stop_listening: StopListening
    ) -> None:
        self._app = app
        self._active = active
        self._store = store
        self._speed = speed
        self._stop_listening = stop_listening
        self._outages: set[asyncio.Task[None]] = set()
        self._down: tuple[FaultPlan, Rule, float] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve a call."""
        plan = self._active.plan
        if plan is None or scope["type"] != "http" or scope["path"].startswith(("/sandbox/f", "/sandbox/c")):
            await self._app(scope, receive, send)
            return
        call = Call(scope, receive, send, lambda: self._active.stopping)
        if self._down is not None and self._is_down():
            await self._refuse(call, self._down[1])
        elif call.name:
            self._down = None
            plan.count(call.name)
            await (self._meet(plan, call) if plan.concerns(call.name) else call.forward(self._app))
        else:
            await call.forward(self._app)

    async def _meet(self, plan: FaultPlan, call: Call) -> None:
        """Find the rule that plays on a call, and play it."""
        real: WireResponse | None = None
        facts, state = CallFacts(), ""
        if call.name == "submit":
            facts = _facts(await call.read(_BODY_LIMIT), call.headers)
        elif call.name in ("status", "result"):
            facts = await run_in_threadpool(self._store.balance.facts, call.task_id)
        if call.name == "status":
            real = await call.respond_with(self._app)
            if real.status != 200:
                await call.answer(real)
                return
            state = _state_of(real)
        rule = plan.pick(call.name, facts, state)
        if rule is None:
            await (call.forward(self._app) if real is None else call.answer(real))
        elif rule.kind == "down":
            self._go_down(plan, rule)
            await self._refuse(call, rule)
        else:
            await self._play(rule, call, real)

    def _go_down(self, plan: FaultPlan, rule: Rule) -> None:
        self._down = plan, rule, time.monotonic() + rule["seconds"] / self._speed
        if rule["how"] == "refuse":
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._stop_listening(lambda: not self._is_down()))
            self._outages.add(task)
            task.add_done_callback(self._outages.discard)

    def _is_down(self) -> bool:
        """Return whether an outage lasts; another plan ends it."""
        if self._down is None or self._active.stopping:
            return False
        plan, _, until = self._down
        return plan is self._active.plan and time.monotonic() < until

    async def _refuse(self, call: Call, rule: Rule) -> None:
        await call.drain()
        context = FaultContext(rule, WireResponse(), call.headers, self._speed)
        respond = KINDS[rule.kind].respond
        if rule["how"] == "503" and respond is not None:
            await call.answer(respond(context))
        else:
            call.connection.reset()
            await call.wait_for_disconnect()

    async def _play(self, rule: Rule, call: Call, real: WireResponse | None) -> None:
        kind = KINDS[rule.kind]
        if rule.accepted and real is None:
            real = await call.respond_with(self._app, whole=kind.whole)
        elif real is None:
            await call.drain()
        if rule.accepted and real is not None and real.status >= 300 and kind.changes:
            await call.answer(real)  # refused for a reason of its own: there is nothing to change
            return
        cost = await run_in_threadpool(self._settle, rule, call.task_id) if rule.on == "status" else None
        context = FaultContext(rule, real or WireResponse(), call.headers, self._speed, cost)
        await kind.deliver(context, call, context.real if kind.respond is None else kind.respond(context))

    def _settle(self, rule: Rule, task_id: str) -> float | None:
        """Change and refund the charge as the rule says. Return the task's cost in USD, None if unknown."""
        if "usd" in rule.parameters:
            self._store.balance.change(task_id, round(rule["usd"] * UNITS))
        if rule.parameters.get("refunded"):
            self._store.balance.refund(task_id)
        task = self._store.tasks.get(task_id)
        return None if task is None else usd(task.charge)


def _facts(raw: bytes, headers: dict[str, str]) -> CallFacts:
    """Return what `match` looks into for a submit."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    words = [str(body.get(name, "")) for name in _MATCHED] if isinstance(body, dict) else []
    return CallFacts("\n".join(words), (headers.get("idempotency-key", ""),))


def _state_of(real: WireResponse) -> str:
    data = real.data
    word = data["data"]["status"] if isinstance(data, dict) and isinstance(data.get("data"), dict) else ""
    return word if word in ("completed", "failed") else "working"
