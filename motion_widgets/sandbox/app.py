"""The endpoint's routes: a Starlette application over the store, the rules and the hosted media.

Handlers only translate: request in, call, response out. What blocks runs on threads. A webhook's form is
checked, but it is never called: the sandbox makes no request of its own to the outside.
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

from motion_widgets.sandbox.balance import balance_response, charges_response, usage_response
from motion_widgets.sandbox.faults.plan import FaultPlan, PlanError
from motion_widgets.sandbox.idempotency import SubmitResponse
from motion_widgets.sandbox.media import serve_file
from motion_widgets.sandbox.price import MODELS, price
from motion_widgets.sandbox.responses import ApiError, accepted, status
from motion_widgets.sandbox.rules import check_media, read_body
from motion_widgets.sandbox.tasks import Task, new_task_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from motion_widgets.sandbox.faults.plan import ActivePlan
    from motion_widgets.sandbox.fetch import Fetcher
    from motion_widgets.sandbox.media import HostedMedia
    from motion_widgets.sandbox.rendering.worker import Worker
    from motion_widgets.sandbox.store import Store

    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["AppContext", "build_app"]

# Seconds that a generation takes, before the clock factor: 2-11 minutes are usual, pro and v3 take longer.
_DURATION = {"std": 120.0, "pro": 150.0}
_V3_FACTOR = 1.25
_BODY_LIMIT = 1_000_000  # bytes of JSON
_RETRY_AFTER = 20.0  # s before the clock factor


@dataclass(frozen=True, slots=True)
class AppContext:
    """What the handlers share."""

    store: Store
    media: HostedMedia
    fetcher: Fetcher
    worker: Worker
    faults: ActivePlan
    base: Callable[[], str]
    """Returns the base address of links."""
    speed: float
    """The clock factor: divides every length of time on the wire."""
    max_in_flight: int
    result_life: float
    """Seconds that a result's link is valid, before the clock factor; likewise `upload_life`."""
    upload_life: float


def build_app(context: AppContext) -> Starlette:
    """Return the application."""
    endpoint = _Endpoint(context)
    guarded: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/videos/generations", endpoint.submit),
        ("GET", "/v1/tasks/{task_id}", endpoint.poll),
        ("POST", "/v1/uploads/images", endpoint.upload),
        ("GET", "/v1/balance", endpoint.balance),
        ("GET", "/v1/user/balance", endpoint.balance),
        ("GET", "/v1/models", endpoint.models),
        ("GET", "/v1/usage", endpoint.usage),
        ("POST", "/sandbox/media", endpoint.host),
        ("GET", "/sandbox/faults", endpoint.faults),
        ("POST", "/sandbox/faults", endpoint.set_faults),
        ("GET", "/sandbox/charges", endpoint.charges),
    ]
    public: list[tuple[str, str, Handler]] = [
        ("GET", "/", _front_page),
        ("GET", "/media/sample/{name}", context.media.sample),
        ("GET", "/media/{name}", context.media.file),
        ("GET", "/results/{name}", endpoint.result),
    ]
    handlers = [(verb, path, _guarded(handler, context.store)) for verb, path, handler in guarded]
    routes = [Route(path, handler, methods=[verb]) for verb, path, handler in [*handlers, *public]]
    errors = {HTTPException: _http_error, ApiError: _api_error, Exception: _unexpected}
    return Starlette(routes=routes, exception_handlers=errors)  # type: ignore[arg-type]


def _guarded(handler: Handler, store: Store) -> Handler:
    """Let only bearers of the sandbox's own token pass; any other key is neither kept nor shown."""

    async def checked(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(token.strip().encode(), store.token.encode())
        if scheme.lower() != "bearer" or not same:
            message = "The key is missing or wrong. The sandbox takes only its own token."
            raise ApiError(401, "authentication_error", message)
        return _stamped(await handler(request))

    return checked


class _Endpoint:
    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._store = context.store
        self._retry_after = _RETRY_AFTER / context.speed
        # Checking media waits for links that this same server may serve, so its threads must not be those
        # that read files.
        self._checking = anyio.CapacityLimiter(8)

    async def submit(self, request: Request) -> Response:
        raw = await _read_body(request)
        key = _idempotency_key(request)
        modern = request.headers.get("x-sandbox-answer", "").strip() == "202"
        honoured = key if self._context.faults.idempotency else None
        keys = self._store.keys
        if honoured is not None:
            kept = await run_in_threadpool(keys.claim, honoured, raw, self._retry_after)
            if kept is not None:
                headers = kept.headers | {"Idempotency-Replayed": "true"}
                return JSONResponse(kept.body, kept.status, headers)
        try:
            kept = await anyio.to_thread.run_sync(self._accept, raw, key, modern, limiter=self._checking)
        except BaseException:  # it is raised again
            if honoured is not None:
                with anyio.CancelScope(shield=True):
                    await run_in_threadpool(keys.release, honoured)
            raise
        return JSONResponse(kept.body, kept.status, kept.headers)

    def _accept(self, raw: bytes, key: str | None, modern: bool) -> SubmitResponse:
        """Check a submit and charge for it. Runs on a thread of its own kind."""
        context = self._context
        most, retry_after = context.faults.max_in_flight(context.max_in_flight), self._retry_after
        body = read_body(raw)
        # Looked at before anything is fetched, and again, for good, inside the charging transaction.
        self._store.check_capacity(most, retry_after)
        media = check_media(body, context.fetcher)
        now = time.time()
        duration = _DURATION[body.mode] * (_V3_FACTOR if body.model.startswith("kling-v3") else 1.0)
        task = Task(
            id=new_task_id(),
            model=body.model,
            mode=body.mode,
            orientation=body.character_orientation,
            sound=body.keep_original_sound == "yes",
            watermark=body.watermark_info,
            image=media.image.name,
            clip=media.clip.name,
            length=media.facts.length,
            charge=price(body.model, body.mode, media.facts.length),
            created=now,
            due=now + duration / context.speed,
            life=context.result_life / context.speed,
        )
        response = SubmitResponse(*accepted(task.id, modern=modern))
        self._store.accept(
            task, response, key, body=raw, prompt=body.prompt, max_in_flight=most, retry_after=retry_after
        )
        context.worker.wake()
        return response

    async def poll(self, request: Request) -> Response:
        task = await run_in_threadpool(self._store.tasks.get, request.path_params["task_id"])
        if task is None:
            raise ApiError(404, "invalid_request_error", "There is no task of this id.")
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
        """Send a result, drawn again when its file was lost. No token is needed: the link is the key."""
        name = request.path_params["name"]
        task = await run_in_threadpool(self._store.tasks.get, name.removesuffix(".mp4"))
        now = time.time()
        if task is None or not name.endswith(".mp4") or task.completed is None or task.completed > now:
            raise ApiError(404, "not_found", "There is no such result.")
        if task.expires is None or task.expires <= now:
            raise ApiError(403, "permission_error", "This link has expired. Results cannot be renewed.")
        path = self._store.result(task)
        if not path.exists() and not await anyio.to_thread.run_sync(
            self._context.worker.redraw, task, limiter=self._checking
        ):
            raise ApiError(503, "server_error", "The result's file is missing and could not be drawn again.")
        return serve_file(path, "video/mp4")

    async def upload(self, request: Request) -> Response:
        context = self._context
        return JSONResponse(await context.media.upload(request, context.upload_life / context.speed))

    async def host(self, request: Request) -> Response:
        return JSONResponse(await self._context.media.host(request))

    async def balance(self, _request: Request) -> Response:
        return JSONResponse(balance_response(self._store.balance))

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})

    async def usage(self, request: Request) -> Response:
        query = dict(request.query_params)
        return JSONResponse(await run_in_threadpool(usage_response, self._store.tasks, query))

    async def charges(self, _request: Request) -> Response:
        """Return what was charged, for which task, under which key."""
        return JSONResponse(charges_response(await run_in_threadpool(self._store.balance.charges)))

    async def faults(self, _request: Request) -> Response:
        """Return the fault plan and how often its rules were met and played; null when there is none."""
        plan = self._context.faults.plan
        return JSONResponse(None if plan is None else _jsonable(plan.as_dict(counted=True)))

    async def set_faults(self, request: Request) -> Response:
        """Activate a fault plan, or none with null."""
        try:
            given = json.loads(await _read_body(request))
            self._context.faults.plan = None if given is None else FaultPlan.of(given)
        except PlanError as error:
            raise ApiError.invalid(str(error)) from None
        except (ValueError, RecursionError):
            raise ApiError.invalid("The body is not valid JSON.") from None
        return await self.faults(request)


def _jsonable(value: Any) -> Any:
    """Return a plan as strict JSON has it: NaN and infinity, which a fault may send, become words."""
    if isinstance(value, dict):
        return {name: _jsonable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_jsonable(member) for member in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _idempotency_key(request: Request) -> str | None:
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not 1 <= len(key) <= 191 or not all("!" <= letter <= "~" for letter in key):
        raise ApiError.invalid("Idempotency-Key must be 1-191 visible ASCII characters.")
    return key


async def _read_body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _BODY_LIMIT:
            raise ApiError(413, "invalid_request_error", f"The body is larger than {_BODY_LIMIT} bytes.")
    return bytes(raw)


def _stamped(response: Response) -> Response:
    response.headers["X-Request-Id"] = "req_" + secrets.token_hex(12)
    return response


async def _api_error(_request: Request, error: ApiError) -> Response:
    return _stamped(JSONResponse(error.body, error.http, error.headers))


async def _http_error(_request: Request, error: HTTPException) -> Response:
    body = ApiError(error.status_code, "invalid_request_error", str(error.detail)).body
    return _stamped(JSONResponse(body, error.status_code, error.headers))


async def _unexpected(_request: Request, error: Exception) -> Response:
    body = ApiError(500, "server_error", f"The sandbox failed: {type(error).__name__}.").body
    return _stamped(JSONResponse(body, 500))


async def _front_page(_request: Request) -> Response:
    text = "SANDBOX\nAn endpoint on this machine that speaks like the provider. No money is spent here.\n"
    return PlainTextResponse(text)
