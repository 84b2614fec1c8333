"""Fault plans: reading them, counting calls, and setting them over HTTP."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import httpx
import pytest

from motion_widgets.sandbox import FaultPlan, PlanError, Sandbox
from motion_widgets.sandbox.faults.rule import CALLS, CallFacts


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "A fault plan is a table with fault, idempotency, max_in_flight"),
        ({"faults": []}, "does not accept 'faults'; it accepts fault, idempotency"),
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
            r"\(reset\) does not accept 'code'; it accepts on, kind",
        ),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": 0}]}, "nth is 0"),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": [1, 2], "times": 2}]}, "leave times out"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": -1}]}, "times is -1"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": True}]}, "times is True"),
        ({"fault": [{"on": "submit", "kind": "reset", "match": 3}]}, "match is 3"),
        ({"fault": [{"on": "submit", "kind": "reset", "per_second": 0.5}]}, "per_second is 0.5"),
        ({"fault": [{"on": "status", "kind": "head", "headers": {"a": "b\r\nc"}}]}, "printable texts"),
        ({"fault": [{"on": "submit", "kind": "reset", "accepted": "yes"}]}, "accepted is 'yes'"),
        ({"fault": [{"on": "submit", "kind": "no_task_id", "accepted": False}]}, "changes a real response"),
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


def test_counting():
    def rule(**more):
        return FaultPlan.of({"fault": [{"on": "submit", "kind": "reset", **more}]})

    def turns(plan, count=6, text="pro"):
        return [plan.pick("submit", CallFacts(text), "") is not None for _ in range(count)]

    assert turns(rule()) == [True] + [False] * 5
    assert turns(rule(times=2)) == [True] * 2 + [False] * 4
    assert turns(rule(times=0)) == [True] * 6
    assert turns(rule(nth=3)) == [False, False, True, False, False, False]
    assert turns(rule(nth=3, times=2)) == [False, False, True, True, False, False]
    assert turns(rule(nth=5, times=0)) == [False] * 4 + [True] * 2
    assert turns(rule(nth=[2, 5])) == [False, True, False, False, True, False]
    assert turns(rule(match="std", times=0)) == [False] * 6
    named = rule(match="mw-1p3x", times=0)
    assert named.pick("submit", CallFacts("wave", ("mw-1p3x",)), "") is not None
    assert rule(match="p3").pick("submit", CallFacts("p4", ("mw-1p3x", "task_p3")), "") is None, (
        "a chance in an id"
    )
    two = FaultPlan.of(
        {"fault": [{"on": "any", "kind": "reset"}, {"on": "submit", "kind": "close", "times": 2}]}
    )
    assert [rule and rule.kind for rule in (two.pick("submit", CallFacts(), "") for _ in range(4))] == [
        "reset",
        "close",
        "close",
        None,
    ]
    shown = two.as_dict(counted=True)
    assert [(one["seen"], one["played"]) for one in shown["fault"]] == [(4, 1), (4, 2)]


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


def test_max_in_flight_of_the_plan(fresh, body):
    wire = fresh(speed=1, faults={"max_in_flight": 1})
    assert wire.submit(body).status_code == 200
    full = wire.submit(body)
    assert (full.status_code, full.headers["retry-after"]) == (429, "20")
    assert "1 are allowed at once (1303)" in full.json()["error"]["message"]


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


def test_when_waits_for_how_the_task_really_stands(wire, play, done):
    play(
        {"on": "status", "kind": "failed", "when": "completed", "nth": 2},
        {"on": "status", "kind": "word", "when": "working"},
    )
    assert [wire.poll(done)["status"] for _ in range(3)] == ["completed", "failed", "completed"]


def test_a_limit_of_the_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("motion_widgets.sandbox.faults.rule.time.monotonic", lambda: now[0])
    plan = FaultPlan.of({"fault": [{"on": "status", "kind": "rate_limit", "per_second": 3, "times": 0}]})

    def passed(count):
        return [plan.pick("status", CallFacts(), "") for _ in range(count)].count(None)

    assert passed(10) == 3
    now[0] += 0.5
    assert passed(10) == 0
    now[0] += 0.5
    assert passed(10) == 3
    assert plan.as_dict()["fault"][0]["per_second"] == 3
    assert FaultPlan.of(plan.as_dict()).as_dict() == plan.as_dict()
