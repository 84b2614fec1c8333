"""A planted key is looked for, in any wrapping, wherever a run could have left it."""

from __future__ import annotations

import io
import json
import logging
import os
import traceback
from http.server import BaseHTTPRequestHandler
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import ipywidgets
import pytest
from IPython.core.ultratb import VerboseTB
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.audit.first_contact import first_contact
from motion_widgets.audit.key_patterns import KeyFinder, known_keys
from motion_widgets.audit.key_scan import scan
from motion_widgets.audit.reconcile import reconcile
from motion_widgets.core.background import spawn
from motion_widgets.core.http import open_transport
from motion_widgets.endpoint.api_key import Secret
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.schema import jobs
from tests.jobs.conftest import HURRY
from tests.jobs.endpoint import Endpoint, Say, make_clip, make_png, until
from tests.loopback import LoopbackServer
from tests.notebooks._counter import counting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PARTS = ("sk-Pl4nted", "Q7xZ2vN9", "mK5tR8wB", "3cY6h")


def the_key() -> str:
    """Return the key; no frame and no module of this test holds it as a whole."""
    return "".join(_PARTS)


def hits(text: str) -> list[object]:
    """Return the places of the key in a text, in any wrapping."""
    return [one for one in KeyFinder([Secret(the_key())]).find(text) if one.known]


def hits_in(folder: Path) -> list[str]:
    report = scan([folder], secrets=[Secret(the_key())])
    return [line for line in report.lines if "API key of this machine" in line]


class Elsewhere(LoopbackServer):
    """Another host: serves media and results, and keeps all that it was sent."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.sent: list[str] = []
        super().__init__(_Elsewhere)


class _Elsewhere(BaseHTTPRequestHandler):
    own: Elsewhere

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self.own.sent.append(f"{self.requestline}\n{self.headers}")
        content = self.own.files.get(self.path.partition("?")[0], self.own.files["/clip.mp4"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Ran:
    """All that a run left behind."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.objects: list[object] = []
        self.errors: list[BaseException] = []
        self.states: list[str] = []
        self.logged = ""
        self.elsewhere: list[str] = []
        self.counted: list[str] = []
        self.authorized = 0


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        for name, value in HURRY.items():
            made.setattr(timing, name, value)
        for name in [one for one in os.environ if one.startswith(("APIMART_", "MOTION_WIDGETS_"))]:
            made.delenv(name)
        made.setattr("motion_widgets.endpoint.api_key._keyring_get", lambda _: None)
        made.setattr("motion_widgets.endpoint.account_usage.PAUSE", 0.01)
        yield made


@pytest.fixture(scope="module")
def ran(patch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run everything once, with all loggers at DEBUG: live with the key, and sandboxed beside it."""
    found, text, place = Ran(), io.StringIO(), tmp_path_factory.mktemp("secrets")
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root = logging.getLogger()
    levels = {one: one.level for one in (root, *map(logging.getLogger, ("httpx", "httpcore", "asyncio")))}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    clip = make_clip(place / "clip.mp4")
    endpoint, elsewhere = Endpoint(clip), Elsewhere({"/clip.mp4": clip})
    elsewhere.files["/image.png"] = endpoint.files["/media/image.png"]
    try:
        with counting() as counter:
            opened = [_live(found, place / "live", endpoint, elsewhere)]
            _wrong(found, opened[0], endpoint, elsewhere, place)
            patch.setenv("APIMART_API_KEY", the_key())
            patch.setenv("APIMART_BASE_URL", counter.url)
            opened.append(_sandboxed(found, place / "box"))
            _wrong_offline(found, place)
            found.counted = counter.asked
        found.folders = [place]
        found.elsewhere = elsewhere.sent
        found.authorized = sum(post.authorization == f"Bearer {the_key()}" for post in endpoint.posts)
        found.logged = text.getvalue()
        yield found
        for ws in opened:
            ws.close()
    finally:
        root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)
        endpoint.stop()
        elsewhere.stop()


def _live(found: Ran, folder: Path, endpoint: Endpoint, elsewhere: Elsewhere) -> mw.Workspace:
    """Submit, sweep, fail, show and export at an endpoint that sends the key back in its words."""
    echo = {"message": f"key {the_key()} is fine", "note": the_key()}

    def refused(_: object) -> Say:
        return Say(400, {"error": {"message": f"Bearer {the_key()} sent 1301", "type": the_key()}})

    def lost(_: object) -> Say:
        return Say(500, f"<html>{the_key()}</html>".encode())

    ws = mw.Workspace(folder, endpoint.url, key=the_key())
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=f"{elsewhere.url}/image.png?sig=1",
        video_url=f"{elsewhere.url}/clip.mp4?sig=1", prompt="first",
    )  # fmt: skip
    result = {"videos": [{"url": [f"{elsewhere.url}/result.mp4?sig=2"]}]}
    endpoint.next_poll.append(endpoint.working(**echo))
    endpoint.next_poll.append(lambda task_id: endpoint.completed(task_id, result=result, **echo))
    job = ws.submit(req, max_cost=1).wait(30)
    assert job.state == "collected"
    endpoint.next_post += [refused, lost]
    for word, state in (("second", "rejected"), ("third", "unknown")):
        assert ws.submit(req.replace(prompt=word), max_cost=1).wait(30).state == state
    plan = mw.Sweep(req, mode=["std", "pro"]).plan(ws)
    run = plan.run(budget=2)
    run.wait(30)
    ws.log.to_csv(folder / "log.csv")
    ws.log.to_parquet(folder / "log.parquet")
    ws.log.to_json(folder / "log.json")
    studio = mw.Studio(ws)
    studio.golive.key.value = the_key()
    assert studio.golive.key.value == ""
    until(lambda: len(studio.history.strip.items) >= 4)
    found.states += _states()
    found.objects += [
        ws,
        ws.log,
        ws.log_store,
        job,
        plan,
        run,
        studio,
        req,
        ws.connection.runner,
        ws.connection.target,
        ws.connection.secret,
    ]
    found.objects += [*ws.jobs(), *_instances.values(), KeyFinder([Secret(the_key())]), known_keys()]
    return ws


def _states() -> list[str]:
    """Return the state of every widget that this run made."""
    return [repr(widget.get_state()) for widget in list(_instances.values())]


def _wrong(found: Ran, ws: mw.Workspace, endpoint: Endpoint, elsewhere: Elsewhere, place: Path) -> None:
    """Raise errors in calls that know the key."""
    endpoint.files["/v1/user/balance"] = json.dumps({"success": False, "message": f"no {the_key()}"}).encode()
    endpoint.files["/v1/models"] = json.dumps({"error": {"code": 401, "message": the_key()}}).encode()

    async def polled() -> object:
        endpoint.next_poll.append(Say(200, b"\x1f\x8bno json " + the_key().encode()))
        async with ws.connection.target.client() as client:
            return await client.task("task_1")

    async def astray() -> object:
        async with ws.connection.target.client() as client:
            request = httpx.Request("GET", elsewhere.url)
            return await client._transport.send(open_transport(request.url), request, lambda: None)

    media = {"image_url": f"{elsewhere.url}/image.png", "video_url": f"{elsewhere.url}/clip.mp4"}
    for act in (
        ws.balance,
        lambda: spawn(polled()).result(),
        lambda: spawn(astray()).result(),
        lambda: ws.attach("job-none"),
        lambda: reconcile(ws, since="never"),
        lambda: first_contact(place / "contact", endpoint.url, max_cost=1, key=the_key(), **media),
        lambda: mw.Workspace("/proc/nowhere", endpoint.url, key=the_key()),
        lambda: mw.Workspace(place / "x", "http://203.0.113.1", key=the_key()),
        lambda: Secret(f"{the_key()} with a blank"),
    ):
        _caught(found, act)


def _wrong_offline(found: Ran, place: Path) -> None:
    """Raise errors while the key is only in the environment."""
    for act in (
        lambda: mw.Workspace(place / "y", "nonsense"),
        lambda: first_contact("/proc/nowhere", "apimart", max_cost=1),
        lambda: mw.Workspace(place / "z", "apimart").balance(),
    ):
        _caught(found, act)


def _caught(found: Ran, act: Any) -> None:
    try:
        act()
    except mw.MotionError as error:
        found.errors.append(error)
    else:
        pytest.fail("no error was raised")


def _sandboxed(found: Ran, folder: Path) -> mw.Workspace:
    """Run on the sandbox while the environment holds the key and a live address."""
    image, clip = folder.parent / "own.png", folder.parent / "clip.mp4"
    image.write_bytes(make_png())
    ws = mw.Workspace(folder, speed=300)
    req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=image, video_url=clip)
    job = ws.submit(req).wait(60)
    assert job.state == "collected"
    assert reconcile(ws).code == 0
    studio = mw.Studio(ws)
    widgets = list(_instances.values())  # of the live one too; the background goes on making some
    found.states.append(json.dumps(ipywidgets.Widget.get_manager_state(widgets=widgets), default=str))
    ws.log.to_csv(folder / "log.csv")
    found.objects += [ws, job, studio, ws.connection.sandbox]
    return ws


def test_the_run_was_real(ran: Ran) -> None:
    assert ran.authorized == 4
    assert len(ran.errors) == 12
    assert len(ran.states) > 40
    assert "httpcore" in ran.logged
    assert len(ran.elsewhere) > 4
    assert hits(f"a {the_key()} b")


def test_files_database_and_exports(ran: Ran) -> None:
    (folder,) = ran.folders
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds >= {".sqlite", ".sqlite-wal", ".csv", ".parquet", ".json", ".mp4"}
    assert hits_in(folder) == []


def test_the_log_kept_the_words_without_the_key(ran: Ran) -> None:
    store = next(one for one in ran.objects if isinstance(one, mw.Workspace)).log_store
    rejected = next(iter(store.jobs.rows(jobs.c.state == "rejected")))
    assert "1301" in rejected.error_message
    assert hits(repr(store.jobs.rows())) == []


def test_reprs_and_vars_of_everything_that_is_held(ran: Ran) -> None:
    seen: set[int] = set()
    waiting: list[object] = list(ran.objects)
    shown = io.StringIO()
    while waiting and len(seen) < 60_000:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, ModuleType | type | FunctionType | MethodType):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes | int | float | None):
            shown.write(f"{one!r}\n")
            continue
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += [*one]
        elif type(one).__module__.startswith(("motion_widgets", "httpx", "httpcore", "ipywidgets")):
            shown.write(f"{one!r}\n{one}\n")
            waiting += list(vars(one).values()) if hasattr(one, "__dict__") else []
            slots = getattr(type(one), "__slots__", ())
            waiting += [getattr(one, name, None) for name in ([slots] if isinstance(slots, str) else slots)]
    assert len(seen) > 1000
    assert hits(shown.getvalue()) == []


def test_debug_logs(ran: Ran) -> None:
    assert hits(ran.logged) == []


@pytest.mark.parametrize("number", range(12))
def test_tracebacks_with_the_locals_of_every_frame(ran: Ran, number: int) -> None:
    error = ran.errors[number]
    frames = error.__traceback__
    while frames is not None and "motion_widgets" not in frames.tb_frame.f_globals.get("__name__", ""):
        frames = frames.tb_next  # a person's own cell is their own
    assert frames is not None
    shown = VerboseTB(theme_name="nocolor").text(type(error), error, frames)
    assert type(error).__name__ in shown
    assert hits(shown) == []
    assert hits("".join(traceback.format_exception(error)) + f"{error!r}{error}{vars(error)}") == []
    while frames is not None:  # the whole of what a debugger would show, not only the lines near the error
        assert hits("\n".join(map(shown_as, frames.tb_frame.f_locals.values()))) == []
        frames = frames.tb_next


def shown_as(value: object) -> str:
    try:
        return f"{value!r}{vars(value) if hasattr(value, '__dict__') else ''}"
    except Exception as error:
        return f"{type(value)} cannot be shown: {error!r}"


def test_widget_states(ran: Ran) -> None:
    assert hits("\n".join(ran.states)) == []


def test_nothing_went_to_another_host(ran: Ran) -> None:
    assert [one for one in ran.elsewhere if hits(one) or "authorization" in one.lower()] == []
    assert ran.counted == [
        one for one in ran.counted if one.startswith("GET /v1/user/balance")
    ]  # asked for by name, live, at the very end
    assert len(ran.counted) <= 1
