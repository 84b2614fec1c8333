"""Fault plans: their grammar, and every kind as it looks on the wire. Raw HTTP and raw sockets only."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import pytest

from motion_widgets.sandbox import FaultPlan, PlanError, Sandbox
from motion_widgets.sandbox.faults.kinds import CALLS, KINDS, PARAMETERS
from motion_widgets.sandbox.faults.plan import About
from tests.sandbox.conftest import Wire, until


@pytest.fixture
def play(wire: Wire):
    """Put rules in force; a rule is a kind's name or a table."""

    def put(*rules, **head):
        wire.sandbox.faults = {"fault": list(rules), **head}
        return wire.sandbox.faults

    yield put
    wire.sandbox.faults = None


@pytest.fixture
def paid(wire: Wire, monkeypatch):
    """How many charges came since the test began."""
    before = len(wire.sandbox.charges)
    return lambda: len(wire.sandbox.charges) - before


@pytest.fixture
def done(wire: Wire, body):
    """A completed task."""
    task_id = wire.submit(body).json()["data"][0]["task_id"]
    wire.end(task_id)
    return task_id


@pytest.fixture
def link(wire: Wire, done):
    return wire.poll(done)["result"]["videos"][0]["url"][0]


def raw(wire: Wire, method, path, content=b"") -> bytes:
    """What comes over one connection until it ends; ConnectionResetError when it is reset."""
    parts = urlsplit(wire.sandbox.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as own:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wire.sandbox.token}\r\n"
        own.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        got = b""
        while chunk := own.recv(65536):
            got += chunk
        return got


def post(wire, body):
    return raw(wire, "POST", "/v1/videos/generations", json.dumps(body).encode())


# The grammar.


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "A fault plan is a table with fault, idempotency, max_in_flight"),
        ({"faults": []}, "knows no 'faults'; it knows fault, idempotency"),
        ({"idempotency": "no"}, "true or false"),
        ({"max_in_flight": 0}, "whole number from 1"),
        ({"fault": {}}, r"write \[\[fault\]\]"),
        ({"fault": ["reset"]}, "Fault 1 must be a table"),
        ({"fault": [{"kind": "reset"}]}, "on is missing; it must be one of submit, status, upload"),
        ({"fault": [{"on": "post", "kind": "reset"}]}, "on is 'post'; it must be one of submit"),
        (
            {"fault": [{"on": "submit", "kind": "explode"}]},
            "kind is 'explode'; it must be one of status, build",
        ),
        ({"fault": [{"on": "submit", "kind": "slow"}]}, "plays on result"),
        ({"fault": [{"on": "any", "kind": "no_link"}]}, "cannot play on 'any'; it plays on status"),
        ({"fault": [{"on": "submit", "kind": "status"}]}, "needs code, an HTTP status from 200 to 599"),
        ({"fault": [{"on": "submit", "kind": "status", "code": 99}]}, "code is 99"),
        (
            {"fault": [{"on": "submit", "kind": "reset", "code": 500}]},
            r"\(reset\) knows no 'code'; it knows on, kind",
        ),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": 0}]}, "nth is 0"),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": [1, 2], "times": 2}]}, "leave times out"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": -1}]}, "times is -1"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": True}]}, "times is True"),
        ({"fault": [{"on": "submit", "kind": "reset", "match": 3}]}, "match is 3"),
        ({"fault": [{"on": "submit", "kind": "reset", "accepted": "yes"}]}, "accepted is 'yes'"),
        ({"fault": [{"on": "submit", "kind": "no_task_id", "accepted": False}]}, "changes a real answer"),
        ({"fault": [{"on": "submit", "kind": "reset", "when": "completed"}]}, "about status calls"),
        ({"fault": [{"on": "status", "kind": "word", "when": "soon"}]}, "one of working, completed, failed"),
        (
            {"fault": [{"on": "result", "kind": "truncated", "length": "short"}]},
            "one of known, unknown, wrong",
        ),
    ],
)
def test_what_is_not_understood_is_one_sentence(plan, words):
    with pytest.raises(PlanError, match=words) as error:
        FaultPlan.of(plan)
    assert "\n" not in str(error.value)


def test_a_plan_is_read_from_toml_json_and_mappings(tmp_path):
    head = "idempotency = false\nmax_in_flight = 2\n"
    text = head + '[[fault]]\non = "status"\nkind = "progress"\nvalue = nan\nnth = [1, 3]\n'
    (tmp_path / "plan.toml").write_text(text)
    plan = FaultPlan.read(tmp_path / "plan.toml")
    assert (plan.idempotency, plan.max_in_flight, plan.rules[0].nth) == (False, 2, (1, 3))
    assert math.isnan(plan.rules[0]["value"])
    (tmp_path / "plan.json").write_text(json.dumps(plan.as_dict()))
    assert (
        FaultPlan.read(str(tmp_path / "plan.json")).rules[0].as_dict().keys()
        == plan.rules[0].as_dict().keys()
    )
    assert FaultPlan.read(plan) is plan
    for name, content in (("bad.toml", "[[fault]"), ("bad.json", "[1"), ("bad2.toml", "a = 1")):
        (tmp_path / name).write_text(content)
        with pytest.raises(PlanError, match=name):
            FaultPlan.read(tmp_path / name)
    with pytest.raises(OSError, match="No such file"):
        FaultPlan.read(tmp_path / "none.toml")
    with pytest.raises(PlanError):
        Sandbox(tmp_path, faults={"x": 1})


def test_every_default_is_allowed_and_every_parameter_used():
    used = {name for kind in KINDS.values() for name in kind.parameters}
    assert used == set(PARAMETERS)
    for name, kind in KINDS.items():
        for parameter, default in kind.parameters.items():
            assert default in (None, ..., [], {}) or PARAMETERS[parameter].fits(default), (name, parameter)
        assert set(kind.on) <= set(CALLS)


def test_counting():
    def rule(**more):
        return FaultPlan.of({"fault": [{"on": "submit", "kind": "reset", **more}]})

    def turns(plan, count=6, text="pro"):
        return [plan.pick("submit", About(text), "") is not None for _ in range(count)]

    assert turns(rule()) == [True] + [False] * 5
    assert turns(rule(times=2)) == [True] * 2 + [False] * 4
    assert turns(rule(times=0)) == [True] * 6
    assert turns(rule(nth=3)) == [False, False, True, False, False, False]
    assert turns(rule(nth=3, times=2)) == [False, False, True, True, False, False]
    assert turns(rule(nth=5, times=0)) == [False] * 4 + [True] * 2
    assert turns(rule(nth=[2, 5])) == [False, True, False, False, True, False]
    assert turns(rule(match="std", times=0)) == [False] * 6
    named = rule(match="mw-1p3x", times=0)
    assert named.pick("submit", About("wave", ("mw-1p3x",)), "") is not None
    assert rule(match="p3").pick("submit", About("p4", ("mw-1p3x", "task_p3")), "") is None, (
        "a chance in an id"
    )
    two = FaultPlan.of(
        {"fault": [{"on": "any", "kind": "reset"}, {"on": "submit", "kind": "close", "times": 2}]}
    )
    assert [rule and rule.kind for rule in (two.pick("submit", About(), "") for _ in range(4))] == [
        "reset",
        "close",
        "close",
        None,
    ]
    shown = two.as_dict(counted=True)
    assert [(one["seen"], one["played"]) for one in shown["fault"]] == [(4, 1), (4, 2)]


# Over HTTP.


def test_a_plan_is_set_shown_and_taken_away_over_http(wire, play, body):
    assert wire.http.get("/sandbox/faults").json() is None
    given = {
        "fault": [
            {"on": "balance", "kind": "status", "code": 500},
            {"on": "submit", "kind": "rate_limit", "match": "pro"},
        ]
    }
    shown = wire.http.post("/sandbox/faults", json=given).json()
    assert shown["fault"][0] | {"code": 500, "seen": 0, "played": 0} == shown["fault"][0]
    assert wire.http.get("/v1/balance").status_code == 500
    assert wire.submit(body).status_code == 200
    assert wire.submit(body | {"mode": "pro"}).status_code == 429
    assert wire.submit(body | {"mode": "pro"}).status_code == 200
    shown = wire.http.get("/sandbox/faults").json()
    assert shown["calls"] == dict.fromkeys(CALLS, 0) | {"balance": 1, "submit": 3}
    assert [(one["seen"], one["played"]) for one in shown["fault"]] == [(1, 1), (2, 1)]
    wrong = wire.http.post("/sandbox/faults", json={"fault": [{"on": "x"}]})
    assert (wrong.status_code, "one of submit" in wrong.json()["error"]["message"]) == (400, True)
    assert wire.http.post("/sandbox/faults", content=b"{").status_code == 400
    assert wire.http.post("/sandbox/faults", json="/etc/passwd").status_code == 400
    assert wire.sandbox.faults.calls["submit"] == 3, "a wrong plan leaves the one in force"
    assert wire.http.post("/sandbox/faults", json=None, content=b"null").json() is None
    for method, path in (("GET", "faults"), ("POST", "faults"), ("GET", "charges")):
        answer = wire.http.request(method, f"/sandbox/{path}", headers={"Authorization": "Bearer no"})
        assert answer.status_code == 401


def test_match_finds_tasks_by_their_words(wire, play, body):
    ids = [wire.submit(body | {"prompt": word}).json()["data"][0]["task_id"] for word in ("alpha", "beta")]
    play(
        {"on": "status", "kind": "not_found", "match": "beta", "times": 0},
        {"on": "status", "kind": "word", "match": ids[0]},
    )
    assert wire.http.get(f"/v1/tasks/{ids[1]}").status_code == 404
    assert wire.poll(ids[0])["status"] == "polishing"
    assert wire.poll(ids[0])["status"] != "polishing"


STATUS = [
    (
        {"kind": "status", "code": 418, "type": "teapot", "message": "no", "error_code": "T1"},
        418,
        {"code": "T1", "message": "no", "type": "teapot"},
        0,
    ),
    ({"kind": "status", "code": 500}, 500, {"type": "server_error"}, 1),
    ({"kind": "status", "code": 500, "accepted": False}, 500, {"type": "server_error"}, 0),
    ({"kind": "status", "code": 504}, 504, {"type": "gateway_timeout"}, 1),
    ({"kind": "status", "code": 402}, 402, {"type": "payment_required"}, 0),
    ({"kind": "status", "code": 400, "shape": "inside"}, 200, {"code": 400}, 0),
    ({"kind": "build_request_failed"}, 500, {"type": "server_error"}, 0),
    ({"kind": "idempotency_in_progress", "retry_after": 20_000}, 409, {"code": "idempotency_in_progress"}, 1),
    ({"kind": "idempotency_unavailable"}, 503, {"code": "idempotency_unavailable"}, 0),
    ({"kind": "idempotency_result_indeterminate"}, 409, {"code": "idempotency_result_indeterminate"}, 1),
    ({"kind": "idempotency_key_reused"}, 409, {"code": "idempotency_key_reused"}, 0),
    ({"kind": "rate_limit", "retry_after": 12_000}, 429, {"type": "rate_limit_error"}, 0),
    ({"kind": "too_many_tasks"}, 429, {"message": "too many tasks at once (1303)"}, 0),
    ({"kind": "not_found"}, 404, {"code": 404}, 0),
]


@pytest.mark.parametrize(
    ("rule", "code", "error", "charged"),
    STATUS,
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
def test_error_answers(wire, play, body, paid, *, rule, code, error, charged):
    play({"on": "submit", **rule})
    answer = wire.submit(body)
    assert answer.status_code == code
    got = answer.json()["error"]
    assert got | error == got
    assert paid() == charged
    if "retry_after" in rule:
        assert answer.headers["retry-after"] == str(math.ceil(rule["retry_after"] / wire.sandbox.speed))
    assert wire.submit(body).status_code == 200


def test_shapes_of_errors(wire, play):
    play(
        *[
            {"on": "balance", "kind": "status", "code": 503, "message": "m", "shape": shape}
            for shape in ("flat", "text", "inside")
        ]
    )
    assert wire.http.get("/v1/balance").json() == {"success": False, "message": "m"}
    assert wire.http.get("/v1/balance").text == "m"
    inside = wire.http.get("/v1/balance")
    assert (inside.status_code, inside.json()["code"]) == (200, 503)


def test_retry_after_as_a_date_of_a_clock_that_is_wrong(wire, play, body):
    play(
        {"on": "submit", "kind": "rate_limit", "retry_after": 40_000, "http_date": True, "clock_skew": -7200}
    )
    answer = wire.submit(body)
    assert answer.headers.get_list("date") == [answer.headers["date"]], "one Date alone"
    date, due = (parsedate_to_datetime(answer.headers[name]) for name in ("date", "retry-after"))
    assert (due - date).total_seconds() == pytest.approx(10, abs=1)
    assert date.timestamp() == pytest.approx(time.time() - 7200, abs=60)


def test_pages_and_broken_json(wire, play, body, paid):
    play(
        {"on": "submit", "kind": "html"},
        {"on": "submit", "kind": "html", "code": 200, "body": "<p>hi"},
        {"on": "submit", "kind": "truncated_json"},
        {"on": "submit", "kind": "large"},
        {"on": "submit", "kind": "gzip_bomb"},
    )
    page = wire.submit(body)
    assert (page.status_code, page.headers["content-type"], page.text[:6]) == (502, "text/html", "<html>")
    page = wire.submit(body)
    assert (page.status_code, page.text) == (200, "<p>hi")
    cut = wire.submit(body)
    assert (cut.status_code, cut.content[:7]) == (200, b'{"code"')
    with pytest.raises(ValueError):
        cut.json()
    assert len(wire.submit(body).content) > 4 * 1024 * 1024
    with wire.http.stream("POST", "/v1/videos/generations", json=body) as answer:
        packed = b"".join(answer.iter_raw())
    assert (answer.headers["content-encoding"], len(packed) < 200_000) == ("gzip", True)
    assert len(zlib.decompress(packed, 31)) > 60_000_000
    assert paid() == 5


def test_redirect(wire, play, body, paid):
    play({"on": "submit", "kind": "redirect", "to": "https://other.example/x", "code": 302})
    answer = wire.submit(body)
    assert (answer.status_code, answer.headers["location"], paid()) == (302, "https://other.example/x", 0)


# Connections.


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("kind", ["reset", "close"])
def test_lost_answers(wire, play, body, paid, *, kind, accepted):
    play({"on": "submit", "kind": kind, "accepted": accepted})
    if kind == "reset":
        with pytest.raises(ConnectionResetError):
            post(wire, body)
    else:
        assert post(wire, body) == b""
    assert paid() == accepted


def test_half_an_answer(wire, play, body, paid):
    play({"on": "submit", "kind": "half"})
    head, _, content = post(wire, body).partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert (head[:12], len(content)) == (b"HTTP/1.1 200", promised // 2)
    assert paid() == 1


def test_one_byte_at_a_time(wire, play):
    play({"on": "balance", "kind": "drip", "interval": 4.0})  # 1 ms here
    began = time.monotonic()
    got = raw(wire, "GET", "/v1/balance")
    assert json.loads(got.partition(b"\r\n\r\n")[2])["success"] is True
    assert time.monotonic() - began >= 0.001 * len(got) * 0.9


def test_never_an_answer_until_the_client_leaves_or_it_is_over(wire, play, body, paid):
    play({"on": "submit", "kind": "hang"}, {"on": "submit", "kind": "hang", "hold": 800, "accepted": False})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{wire.sandbox.url}/v1/videos/generations", json=body, timeout=1, headers=dict(wire.http.headers)
        )
    began = time.monotonic()
    assert post(wire, body) == b""
    assert 0.15 < time.monotonic() - began < 5
    assert paid() == 1


def test_a_server_that_stops_lets_go(fresh, body):
    wire = fresh(faults={"fault": [{"on": "balance", "kind": "hang"}]})
    got = []
    thread = threading.Thread(target=lambda: got.append(raw(wire, "GET", "/v1/balance")))
    thread.start()
    until(lambda: wire.sandbox.faults.rules[0].played)
    wire.sandbox.stop()
    thread.join(10)
    assert got == [b""]


def test_delay(wire, play):
    play({"on": "balance", "kind": "delay", "seconds": 1200})
    began = time.monotonic()
    assert wire.balance == 50
    assert 0.25 < time.monotonic() - began < 5


def test_close_on_reuse(wire, play):
    play({"on": "balance", "kind": "close_on_reuse"})
    with httpx.Client(base_url=wire.sandbox.url, headers=wire.http.headers, trust_env=False) as http:
        assert http.get("/v1/balance").status_code == 200
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            http.get("/v1/balance")
        assert http.get("/v1/balance").status_code == 200


@pytest.mark.parametrize("how", ["503", "close", "refuse"])
def test_down_and_back(wire, play, body, how):
    play({"on": "any", "kind": "down", "seconds": 2400, "how": how})
    url, headers = f"{wire.sandbox.url}/v1/balance", dict(wire.http.headers)
    began = time.monotonic()

    def ask():
        try:
            return httpx.get(url, headers=headers, trust_env=False).status_code
        except httpx.ConnectError:
            return "refused"
        except httpx.HTTPError:
            return "closed"

    seen = [ask()]
    until(lambda: seen.append(ask()) or seen[-1] == 200)
    assert time.monotonic() - began >= 0.55
    word = {"503": 503, "close": "closed", "refuse": "refused"}[how]
    assert word in seen
    assert set(seen) <= {word, "closed", 200}
    assert wire.balance == 50


def test_nobody_else_gets_the_port_during_an_absence(wire, play):
    play({"on": "any", "kind": "down", "seconds": 1e6, "how": "refuse"})
    with pytest.raises(httpx.HTTPError):
        wire.http.get("/v1/balance")
    place = httpx.URL(wire.sandbox.url)
    with pytest.raises(httpx.ConnectError):
        wire.http.get("/v1/balance")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((place.host, place.port))
    wire.sandbox.faults = None
    until(lambda: _answers(wire))


def test_another_plan_ends_an_absence(wire, play):
    play({"on": "any", "kind": "down", "seconds": 1e6, "how": "refuse"})
    with pytest.raises(httpx.HTTPError):
        wire.http.get("/v1/balance")
    wire.sandbox.faults = None
    until(lambda: _answers(wire))


def _answers(wire):
    try:
        return wire.balance == 50
    except httpx.HTTPError:
        return False


# Accepted or not, keys or not, and the books.


def test_a_resend_replays_or_charges_twice(wire, play, body, paid):
    key = {"Idempotency-Key": f"k-{time.time_ns()}"}
    play({"on": "submit", "kind": "half"})
    with pytest.raises(httpx.HTTPError):
        wire.submit(body, key)
    again = wire.submit(body, key)
    assert (again.headers["idempotency-replayed"], paid()) == ("true", 1)
    other = {"Idempotency-Key": f"other-{time.time_ns()}"}
    play({"on": "submit", "kind": "half"}, idempotency=False)
    with pytest.raises(httpx.HTTPError):
        wire.submit(body, other)
    assert "idempotency-replayed" not in wire.submit(body, other).headers
    assert paid() == 3
    books = wire.http.get("/sandbox/charges").json()
    assert books["twice"] == list(other.values())
    assert books["count"] == len(books["data"]) == len(wire.sandbox.charges)


def test_books_survive_a_restart_and_know_refunds(fresh, body):
    wire = fresh()
    task = wire.submit(body, {"Idempotency-Key": "k"}).json()["data"][0]["task_id"]
    wire.end(task)
    later = fresh()
    (charge,) = later.sandbox.charges
    assert (charge.task, charge.key, charge.usd, charge.refunded) == (task, "k", 0.45696, None)
    later.sandbox.faults = {"fault": [{"on": "status", "kind": "failed"}]}
    assert later.poll(task)["status"] == "failed"
    assert later.balance == 50
    assert wire.sandbox.charges[0].refunded is not None
    assert wire.http.get("/sandbox/charges").json()["amount_usd"] == 0


def test_max_in_flight_of_the_plan(fresh, body):
    wire = fresh(speed=1, faults={"max_in_flight": 1})
    assert wire.submit(body).status_code == 200
    full = wire.submit(body)
    assert (full.status_code, full.headers["retry-after"]) == (429, "20")
    assert "1 are allowed at once (1303)" in full.json()["error"]["message"]


# A task's story.


def test_shapes_of_a_submit(wire, play, body, paid):
    play(
        {"on": "submit", "kind": "no_task_id"},
        *[{"on": "submit", "kind": "data_shape", "data": shape} for shape in ("object", "bare", "list")],
        {"on": "submit", "kind": "fields", "set": {"task_id": 7, "more.deep": [1]}, "drop": ["status"]},
    )
    assert wire.submit(body).json() == {"code": 200, "data": [{"status": "submitted"}]}
    assert "task_id" in wire.submit(body).json()["data"]
    assert "task_id" in wire.submit(body).json()
    assert "task_id" in wire.submit(body).json()["data"][0]
    assert wire.submit(body).json()["data"] == [{"task_id": 7, "more": {"deep": [1]}}]
    assert paid() == 5


def test_what_is_refused_anyway_is_not_spoiled(wire, play, body):
    play({"on": "submit", "kind": "no_task_id"}, {"on": "status", "kind": "failed"})
    assert wire.submit(body | {"mode": "fast"}).status_code == 400
    assert wire.http.get("/v1/tasks/nothing").status_code == 404
    assert wire.sandbox.faults.rules[1].played == 0


@pytest.mark.parametrize("value", ["45%", 0.45, 150, -3, None])
def test_odd_progress(fresh, body, value):
    wire = fresh(speed=1)
    task = wire.submit(body).json()["data"][0]["task_id"]
    wire.sandbox.faults = {"fault": [{"on": "status", "kind": "progress", "value": value}]}
    assert wire.poll(task)["progress"] == value


@pytest.mark.parametrize("value", [-5, "soon", math.nan, 1e308, 10**30])
def test_odd_estimated_time(wire, play, done, value):
    play({"on": "status", "kind": "estimated_time", "value": value})
    got = wire.poll(done)["estimated_time"]
    assert got == value or (math.isnan(got) and math.isnan(value))
    assert wire.http.get("/sandbox/faults").status_code == 200


def test_links_in_other_shapes(wire, play, done, link):
    play(
        *[
            {"on": "status", "kind": "url_shape", "url": shape}
            for shape in ("string", "list", "duplicate", "objects")
        ]
    )
    urls = [wire.poll(done)["result"]["videos"][0]["url"] for _ in range(4)]
    assert urls == [link, [link], [link, link], [{"url": link}, link]]


def test_words_backwards_and_ends(wire, play, done):
    play(
        {"on": "status", "kind": "word", "word": "polishing"},
        {"on": "status", "kind": "backwards"},
        {"on": "status", "kind": "no_link", "times": 2},
        {"on": "status", "kind": "failed", "reason": "moderation"},
        {"on": "status", "kind": "cancelled", "billed": "said"},
        {"on": "status", "kind": "cost", "usd": 9.99},
    )
    told = [wire.poll(done) for _ in range(9)]
    assert [one["status"] for one in told] == [
        "polishing",
        "processing",
        "queued",
        "submitted",
        "completed",
        "completed",
        "failed",
        "cancelled",
        "completed",
    ]
    assert [one["progress"] for one in told[1:4]] == [80, 50, 20]
    assert not any("result" in one for one in told[:4])
    assert told[4]["result"] == {"videos": []}
    assert (told[6]["error"]["code"], told[6]["cost"]) == (1301, 0.0)
    assert told[7]["cost"] == 0.45696
    assert (told[8]["cost"], told[8]["credits_cost"]) == (9.99, 99.9)
    assert told[8]["result"]["videos"][0]["url"]


def test_money_follows_the_story(wire, play, body):
    tasks = [wire.submit(body).json()["data"][0]["task_id"] for _ in range(2)]
    for task in tasks:
        wire.end(task)
    before = wire.balance
    play({"on": "status", "kind": "cost", "usd": 1.0})
    assert wire.poll(tasks[0])["cost"] == 1.0
    assert wire.balance == pytest.approx(before + 0.45696 - 1.0, abs=1e-9)
    wire.sandbox.faults = None
    assert wire.poll(tasks[0])["cost"] == 1.0, "the bill stays"
    play(
        {"on": "status", "kind": "failed", "refunded": False, "message": "why"},
        {"on": "status", "kind": "failed"},
    )
    told = wire.poll(tasks[1])
    assert (told["cost"], told["error"]["message"]) == (0.45696, "why")
    assert wire.balance == pytest.approx(before + 0.45696 - 1.0, abs=1e-9)
    wire.poll(tasks[1])
    assert wire.balance == pytest.approx(before + 2 * 0.45696 - 1.0, abs=1e-9)


def test_when_waits_for_how_the_task_really_stands(wire, play, done):
    play(
        {"on": "status", "kind": "failed", "when": "completed", "nth": 2},
        {"on": "status", "kind": "word", "when": "working"},
    )
    assert [wire.poll(done)["status"] for _ in range(3)] == ["completed", "failed", "completed"]


# Results, uploads, hosting.


@pytest.fixture
def film(monkeypatch, wire, body):
    """The bytes of a longer result, and its link."""
    content = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40
    monkeypatch.setattr(
        "motion_widgets.sandbox.rendering.worker.draw",
        lambda _i, _c, target, **_: target.write_bytes(content),
    )
    task = wire.submit(body).json()["data"][0]["task_id"]
    return content, wire.end(task)["result"]["videos"][0]["url"][0]


def test_dead_and_wrong_results(wire, play, film):
    content, url = film
    play(
        {"on": "result", "kind": "expired"},
        {"on": "result", "kind": "html_result"},
        {"on": "result", "kind": "flipped", "at": 0.5},
        {"on": "result", "kind": "truncated", "length": "wrong"},
        {"on": "result", "kind": "redirect", "to": "file:///etc/passwd"},
    )
    assert wire.http.get(url).status_code == 403
    page = wire.http.get(url)
    assert (page.headers["content-type"], page.text[:6]) == ("video/mp4", "<html>")
    flipped = wire.http.get(url).content
    assert (len(flipped), sum(a != b for a, b in zip(flipped, content, strict=True))) == (len(content), 64)
    assert wire.http.get(url).content == content[: len(content) // 2]
    assert wire.http.get(url).headers["location"] == "file:///etc/passwd"
    assert wire.http.get(url).content == content


@pytest.mark.parametrize("length", ["known", "unknown"])
def test_truncated_results(wire, play, film, length):
    content, url = film
    play({"on": "result", "kind": "truncated", "part": 0.25, "length": length})
    head, _, got = raw(wire, "GET", urlsplit(url).path).partition(b"\r\n\r\n")
    assert got == content[: len(content) // 4]
    assert (f"content-length: {len(content)}".encode() in head) is (length == "known")
    assert (b"content-length" in head) is (length == "known")
    assert b"etag" in head


def test_ranges_that_lie(wire, play, film):
    content, url = film
    etag = wire.http.get(url).headers["etag"]
    part = {"Range": "bytes=100-", "If-Range": etag}
    play(
        {"on": "result", "kind": "wrong_range"},
        {"on": "result", "kind": "etag_changed"},
        {"on": "result", "kind": "etag_changed", "if_range": "ignored"},
    )
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.headers["content-range"].startswith("bytes 100-")) == (206, False)
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, content, '"changed"')
    answer = wire.http.get(url, headers=part)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (206, content[100:], '"changed"')
    assert wire.http.get(url, headers=part).content == content[100:]


def test_slow_results(wire, play, film):
    content, url = film
    play({"on": "result", "kind": "slow", "bytes_per_second": 20_000})
    began = time.monotonic()
    assert wire.http.get(url).content == content
    assert 0.3 < time.monotonic() - began < 10


def test_uploads_and_hosting(wire, play):
    from tests.sandbox.conftest import png

    play(
        {"on": "upload", "kind": "status", "code": 413},
        {"on": "host", "kind": "reset"},
        {"on": "upload", "kind": "fields", "drop": ["url"]},
    )
    files = {"file": ("a.png", png(), "image/png")}
    assert wire.http.post("/v1/uploads/images", files=files).status_code == 413
    assert "url" not in wire.http.post("/v1/uploads/images", files=files).json()
    with pytest.raises(httpx.HTTPError):
        wire.http.post("/sandbox/media", content=b"x" * 500_000)
    assert wire.host(b"y" * 500_000)


def test_without_a_plan_nothing_is_looked_at(wire, body):
    assert wire.sandbox.faults is None
    assert wire.submit(body).status_code == 200


def test_a_folder_older_than_its_books_gets_them(fresh, body):
    wire = fresh()
    task = wire.submit(body).json()["data"][0]["task_id"]
    wire.sandbox.stop()
    with contextlib.closing(sqlite3.connect(wire.sandbox.folder / "sandbox.sqlite3")) as db:
        db.execute("DROP TABLE charges")
    (charge,) = fresh().sandbox.charges
    assert (charge.task, charge.key, charge.usd) == (task, None, 0.45696)


def test_the_command_takes_a_plan(tmp_path):
    (tmp_path / "plan.toml").write_text('[[fault]]\non = "balance"\nkind = "html"\n')
    code = "import sys; from motion_widgets.sandbox import serve; serve(sys.argv[1], faults=sys.argv[2])"
    command = [sys.executable, "-c", code, str(tmp_path / "sandbox"), str(tmp_path / "plan.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            shown = dict(line.split(maxsplit=1) for line in [process.stdout.readline() for _ in range(5)][1:])
            answer = httpx.get(f"{shown['url'].strip()}/v1/balance", trust_env=False)
            assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
            assert shown["faults"].strip() == str(tmp_path / "plan.toml")
        finally:
            process.kill()
