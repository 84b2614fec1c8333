"""The endpoint's routes: a Starlette application over the store, the judge and the media room.

Handlers only translate: request in, call, answer out. What blocks runs on threads. A webhook is accepted and
its form is checked, but it is never called: the sandbox makes no request of its own to the outside.
"""

from __future__ import annotations

import hmac
import json
import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from motion_widgets.sandbox import account
from motion_widgets.sandbox.faults.plan import FaultPlan, PlanError
from motion_widgets.sandbox.ledger import statement
from motion_widgets.sandbox.responses import Refusal, Task, accepted, new_task_id, status
from motion_widgets.sandbox.rules import PRICES, Order, judge, read_order
from motion_widgets.sandbox.store import Kept, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from motion_widgets.sandbox.faults.plan import InForce
    from motion_widgets.sandbox.fetch import Fetcher
    from motion_widgets.sandbox.media import Media
    from motion_widgets.sandbox.rendering.worker import Worker

__all__ = ["Context", "build"]

# Seconds a generation takes at the provider, before the clock factor: 2-11 minutes are usual, pro and v3
# take longer.
_NOMINAL = {"std": 120.0, "pro": 150.0}
_V3_LONGER = 1.25
_BODY_LIMIT = 1_000_000  # bytes of a submit's JSON
_RETRY_AFTER = 20.0  # s before the clock factor


@dataclass(slots=True)
class Context:
    """What the handlers share. `speed` divides every length of time on the wire."""

    store: Store
    media: Media
    fetcher: Fetcher
    worker: Worker
    speed: float
    max_in_flight: int
    result_life: float
    upload_life: float
    base: Callable[[], str]
    faults: InForce


def build(context: Context) -> Starlette:
    """Make the application."""
    endpoint = _Endpoint(context)
    media = context.media
    routes = [
        Route("/", _front, methods=["GET"]),
        Route("/v1/videos/generations", endpoint.guarded(endpoint.submit), methods=["POST"]),
        Route("/v1/tasks/{task_id}", endpoint.guarded(endpoint.poll), methods=["GET"]),
        Route("/v1/uploads/images", endpoint.guarded(endpoint.upload), methods=["POST"]),
        Route("/v1/balance", endpoint.guarded(endpoint.balance), methods=["GET"]),
        Route("/v1/user/balance", endpoint.guarded(endpoint.balance), methods=["GET"]),
        Route("/v1/models", endpoint.guarded(endpoint.models), methods=["GET"]),
        Route("/v1/usage", endpoint.guarded(endpoint.usage), methods=["GET"]),
        Route("/sandbox/media", endpoint.guarded(endpoint.host), methods=["POST"]),
        Route("/sandbox/faults", endpoint.guarded(endpoint.faults), methods=["GET"]),
        Route("/sandbox/faults", endpoint.guarded(endpoint.set_faults), methods=["POST"]),
        Route("/sandbox/charges", endpoint.guarded(endpoint.charges), methods=["GET"]),
        Route("/media/sample/{name}", media.sample, methods=["GET"]),
        Route("/media/{name}", media.file, methods=["GET"]),
        Route("/results/{name}", endpoint.result, methods=["GET"]),
    ]
    handlers = {HTTPException: _unknown, Refusal: _refused, Exception: _broken}
    return Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]


class _Endpoint:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        # Judging waits for links that this same server may serve: its threads must not be those that read
        # files.
        self._judges = anyio.CapacityLimiter(8)

    def guarded(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Let only bearers of the sandbox's own token pass; any other key is neither kept nor shown."""

        async def checked(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            given, own = token.strip().encode(), self._store.token.encode()
            if scheme.lower() != "bearer" or not hmac.compare_digest(given, own):
                raise Refusal(
                    401,
                    "authentication_error",
                    "The key is missing or wrong. The sandbox takes only its own token.",
                )
            return _stamped(await handler(request))

        return checked

    async def submit(self, request: Request) -> Response:
        raw = await _body(request, _BODY_LIMIT)
        key = _idempotency_key(request)
        modern = request.headers.get("x-sandbox-answer", "").strip() == "202"
        honoured = key if self._context.faults.idempotency else None
        if honoured is not None:
            kept = await run_in_threadpool(
                self._store.open_key, honoured, raw, _RETRY_AFTER / self._context.speed
            )
            if kept is not None:
                headers = kept.headers | {"Idempotency-Replayed": "true"}
                return JSONResponse(kept.body, kept.status, headers)
        try:
            kept = await anyio.to_thread.run_sync(self._generate, raw, key, modern, limiter=self._judges)
        except BaseException:
            if honoured is not None:
                with anyio.CancelScope(shield=True):
                    await run_in_threadpool(self._store.drop_key, honoured)
            raise
        return JSONResponse(kept.body, kept.status, kept.headers)

    def _generate(self, raw: bytes, key: str | None, modern: bool) -> Kept:
        """Judge, charge and accept. Runs on a thread of its own kind."""
        context, retry_after = self._context, _RETRY_AFTER / self._context.speed
        room = context.faults.room(context.max_in_flight)
        order = read_order(raw)
        # Looked at before anything is fetched, and again, for good, inside the charging transaction.
        self._store.check_room(room, retry_after)
        verdict = judge(order, context.fetcher)
        now = time.time()
        task = Task(
            id=new_task_id(),
            model=order.model,
            mode=order.mode,
            orientation=order.orientation,
            sound=order.sound,
            watermark=order.watermark,
            image=verdict.image.name,
            clip=verdict.clip.name,
            length=verdict.facts.length,
            charge=verdict.charge,
            created=now,
            due=now + _nominal(order) / context.speed,
            life=context.result_life / context.speed,
        )
        kept = Kept(*_reordered(accepted(task.id, modern=modern)))
        self._store.accept(
            task, kept, key, body=raw, prompt=order.prompt, max_in_flight=room, retry_after=retry_after
        )
        context.worker.wake()
        return kept

    async def poll(self, request: Request) -> Response:
        task = await run_in_threadpool(self._store.task, request.path_params["task_id"])
        if task is None:
            raise Refusal(404, "invalid_request_error", "There is no task of this id.")
        return JSONResponse(
            status(
                task,
                time.time(),
                link=f"{self._context.base()}/results/{task.id}.mp4",
                language=request.query_params.get("language", "en"),
                string_url=request.headers.get("x-sandbox-answer", "").strip() == "string-url",
            )
        )

    async def result(self, request: Request) -> Response:
        """Serve a result, drawn again when its file was lost. No key is asked: the link is the key."""
        name = request.path_params["name"]
        task = await run_in_threadpool(self._store.task, name.removesuffix(".mp4"))
        now = time.time()
        if task is None or not name.endswith(".mp4") or task.completed is None or task.completed > now:
            raise Refusal(404, "not_found", "There is no such result.")
        if task.expires is None or task.expires <= now:
            raise Refusal(403, "permission_error", "This link has expired. Results cannot be renewed.")
        path = self._store.folder / "results" / f"{task.id}.mp4"
        if not path.exists() and not await anyio.to_thread.run_sync(
            self._context.worker.redraw, task, limiter=self._judges
        ):
            raise Refusal(503, "server_error", "The result's file is missing and could not be drawn again.")
        return self._context.media.serve(path, "video/mp4")

    async def upload(self, request: Request) -> Response:
        answer = await self._context.media.upload(request, self._context.upload_life / self._context.speed)
        return JSONResponse(answer)

    async def host(self, request: Request) -> Response:
        return JSONResponse(await self._context.media.host(request))

    async def balance(self, _request: Request) -> Response:
        return JSONResponse(account.balance(self._store))

    async def models(self, _request: Request) -> Response:
        names = dict.fromkeys(model for model, _ in PRICES)
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def usage(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(account.usage, self._store, dict(request.query_params)))

    async def charges(self, _request: Request) -> Response:
        """Show the books: what was charged, for which task, by whose key."""
        return JSONResponse(statement(await run_in_threadpool(self._store.ledger.charges)))

    async def faults(self, _request: Request) -> Response:
        """Show the fault plan and how often its rules were met and played; null: there is none."""
        plan = self._context.faults.plan
        return JSONResponse(None if plan is None else _shown(plan.as_dict(counted=True)))

    async def set_faults(self, request: Request) -> Response:
        """Put a fault plan in force, or with null none."""
        try:
            given = json.loads(await _body(request, _BODY_LIMIT))
            self._context.faults.plan = None if given is None else FaultPlan.of(given)
        except PlanError as error:
            raise Refusal.parameter(str(error)) from None
        except (ValueError, RecursionError):
            raise Refusal.parameter("The body is not valid JSON.") from None
        return await self.faults(request)


def _shown(value: Any) -> Any:
    """Return a plan as JSON has it: NaN and infinity, which a fault may send, become words."""
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _nominal(order: Order) -> float:
    return _NOMINAL[order.mode] * (_V3_LONGER if order.model.startswith("kling-v3") else 1.0)


def _reordered(
    answer: tuple[int, dict[str, Any], dict[str, str]],
) -> tuple[int, dict[str, str], dict[str, Any]]:
    http, body, headers = answer
    return http, headers, body


def _idempotency_key(request: Request) -> str | None:
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not 1 <= len(key) <= 191 or not all("!" <= letter <= "~" for letter in key):
        raise Refusal.parameter("Idempotency-Key must be 1-191 visible ASCII characters.")
    return key


async def _body(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise Refusal(413, "invalid_request_error", f"The body is larger than {limit} bytes.")
    return bytes(raw)


def _stamped(response: Response) -> Response:
    response.headers["X-Request-Id"] = "req_" + secrets.token_hex(12)
    return response


async def _refused(_request: Request, error: Refusal) -> Response:
    return _stamped(JSONResponse(error.body, error.http, error.headers))


async def _unknown(_request: Request, error: HTTPException) -> Response:
    refusal = Refusal(error.status_code, "invalid_request_error", str(error.detail))
    return _stamped(JSONResponse(refusal.body, refusal.http, error.headers))


async def _broken(_request: Request, error: Exception) -> Response:
    refusal = Refusal(500, "server_error", f"The sandbox failed: {type(error).__name__}.")
    return _stamped(JSONResponse(refusal.body, refusal.http))


async def _front(_request: Request) -> Response:
    text = "SANDBOX\nAn endpoint on this machine that speaks like the provider. No money is spent here.\n"
    return PlainTextResponse(text)
