"""Every row of the fault table that a server can play, from a plan, through the real client.

What is no server's to play (a full disk, a locked or broken log, a machine that slept, an interrupt, a closed
tab) is tested where it arises: `tests/jobs`, `tests/log`, `tests/widgets`.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest
from PIL import Image

from motion_widgets import Sweep
from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.transitions import event_words
from tests.faults.conftest import SPEED
from tests.jobs.endpoint import results_in, until

MAX = 2.0
COST = 0.17136  # 3 s of v2.6 std


@dataclass
class Row:
    """Rules of a plan, and what the table says comes of one job."""

    name: str
    rules: list
    state: str
    posts: int = 1
    charges: int = 1
    kind: str | None = None
    head: dict = field(default_factory=dict)
    short: str = ""
    """Which calls have a short deadline, a word of `IMPATIENT`."""
    late: bool = False
    """A result would have expired by now, so that the endpoint's word on a missing one counts."""


DIED = {"result.videos.0.expires_at": 1_600_000_000}
"""A result whose link is long dead, in a task's own words."""


def row(name, *rules, state="collected", **expected):
    return Row(name, list(rules), state, **expected)


def on(call, kind, **more):
    return {"on": call, "kind": kind, **more}


def unclear(name, kind, **more):
    """Both sides of one lost answer: after the task was charged, and before anything was stored."""
    spoilt = kind in ("no_task_id", "truncated_json")
    sides = (True,) if spoilt else (True, False)
    return [
        row(
            f"{name}, {'charged' if accepted else 'not charged'}",
            on("submit", kind, **more, **({} if spoilt else {"accepted": accepted})),
            state="unknown",
            kind="unknown",
            charges=int(accepted),
            short="submit" if kind in ("hang", "drip") else "",
        )
        for accepted in sides
    ]


def status(code, **more):
    return {"kind": "status", "code": code, **more}


ROWS = [
    # reset, timeout, 500, 502, 504, plain 503 after the POST was sent: U
    *unclear("reset after the POST was sent", "reset"),
    *unclear("closed after the POST was sent", "close"),
    *unclear("half an answer to the POST", "half"),
    *unclear("timeout of the POST", "hang"),
    *unclear("one byte every second to the POST", "drip", interval=0.5 * SPEED),
    *[one for code in (500, 502, 503, 504) for one in unclear(f"{code} to the POST", **status(code))],
    row(
        "500 build_request_failed",
        on("submit", "build_request_failed"),
        state="rejected",
        charges=0,
        kind="parameters",
    ),
    # The answer arrived, whatever frames it.
    *[
        row(
            f"{encoding} in the head of plain answers",
            on("any", "head", headers={"content-encoding": encoding}, times=0),
        )
        for encoding in ("UTF-8", "gzip")
    ],
    *[
        row(
            f"answers without their end, {framing}",
            on("submit", "unended", framing=framing),
            on("status", "unended", framing=framing, times=0),
        )
        for framing in ("length", "chunks")
    ],
    row(
        "a byte order mark before answers",
        on("submit", "encoded", encoding="bom"),
        on("status", "encoded", encoding="bom", times=0),
    ),
    # A wrong address or body, and who says so.
    *[
        row(f"{code} of the endpoint to the POST", on("submit", **status(code)), state="rejected", charges=0)
        for code in (404, 422)
    ],
    row(
        "404 of somebody else to the POST",
        on("submit", **status(404, shape="detail")),
        state="unknown",
        kind="unknown",
        charges=0,
    ),
    # idempotency
    row("503 idempotency_unavailable", on("submit", "idempotency_unavailable", times=2), posts=3),
    row("409 idempotency_in_progress", on("submit", "idempotency_in_progress", times=2), posts=3),
    row(
        "409 idempotency_in_progress, nothing stored",
        on("submit", "idempotency_in_progress", accepted=False),
        posts=2,
    ),
    *unclear("409 idempotency_result_indeterminate", "idempotency_result_indeterminate"),
    *unclear("409 idempotency_key_reused", "idempotency_key_reused"),
    # kept-alive connection closed on reuse
    row(
        "kept-alive connection closed on reuse, polls",
        on("status", "close_on_reuse", times=3),
        on("result", "expired", times=4),
    ),
    row("kept-alive connection closed on reuse, POST", on("any", "close_on_reuse", times=0)),
    # 429
    row("429 with Retry-After in seconds", on("submit", "rate_limit", retry_after=SPEED), posts=2),
    row(
        "429 with Retry-After as a date of a wrong clock",
        on("submit", "rate_limit", retry_after=SPEED, http_date=True, clock_skew=7200),
        posts=2,
    ),
    row("429 without Retry-After", on("submit", "rate_limit", times=3), posts=4),
    row("too many tasks at once", on("submit", "too_many_tasks", times=2), posts=3),
    # 400, content policy
    row(
        "400 parameters",
        on("submit", **status(400, message="parameter mode is invalid (1201)")),
        state="rejected",
        charges=0,
        kind="parameters",
    ),
    row(
        "400 content policy",
        on("submit", **status(400, message="content policy (1301)")),
        state="rejected",
        charges=0,
        kind="moderation",
    ),
    row(
        "400 media",
        on("submit", **status(400, message="the video could not be decoded")),
        state="rejected",
        charges=0,
        kind="media",
    ),
    row(
        "400 inside a 200",
        on("submit", **status(400, shape="inside", message="parameter mode is invalid")),
        state="rejected",
        charges=0,
        kind="parameters",
    ),
    row(
        "failed by content policy, refunded",
        on("status", "failed", reason="moderation"),
        state="failed",
        kind="moderation",
    ),
    row(
        "failed by a parameter, refunded",
        on("status", "failed", reason="parameters"),
        state="failed",
        kind="parameters",
    ),
    row(
        "failed by the media, refunded", on("status", "failed", reason="media"), state="failed", kind="media"
    ),
    row("cancelled", on("status", "cancelled"), state="cancelled"),
    # 402, 401, 403
    row("402", on("submit", **status(402)), state="rejected", charges=0, kind="account"),
    row("401", on("submit", **status(401)), state="rejected", charges=0, kind="auth"),
    row("403", on("submit", **status(403)), state="rejected", charges=0, kind="auth"),
    row(
        "429 for want of money",
        on("submit", **status(429, error_code="insufficient_quota", message="You exceeded your quota.")),
        state="rejected",
        charges=0,
        kind="account",
    ),
    # polls
    *[row(f"stray {code} on polls", on("status", **status(code), times=4)) for code in (401, 403)],
    row("stray 307 on polls", on("status", "redirect", times=4)),
    row("403 and 404 of a page on polls", on("status", "html", code=403), on("status", "html", code=404)),
    row("a cache before the polls", on("status", "cached")),
    row("a cache that does not obey", on("status", "cached", obeys=False, times=5)),
    row("500s on polls", on("status", **status(500), times=12)),
    row("429 on polls", on("status", "rate_limit", times=2)),
    row("connections broken on polls", on("status", "reset"), on("status", "close"), on("status", "half")),
    # HTML, truncated JSON
    *unclear("502 with HTML to the POST", "html"),
    *unclear("200 with HTML to the POST", "html", code=200),
    *unclear("truncated JSON to the POST", "truncated_json"),
    row(
        "502 and 200 with HTML, truncated JSON to a GET",
        on("status", "html", times=2),
        on("status", "html", code=200),
        on("status", "truncated_json"),
    ),
    *unclear("answer over 4 MiB to the POST", "large"),
    *unclear("gzip bomb to the POST", "gzip_bomb"),
    row("answer over 4 MiB and gzip bomb to a GET", on("status", "large"), on("status", "gzip_bomb")),
    row("one byte every second to a GET", on("status", "drip", interval=0.1 * SPEED), short="call"),
    row("no answer to a GET", on("status", "hang"), short="call"),
    # states of a task
    row("status goes backwards", on("status", "backwards")),
    row(
        "status goes backwards after many words",
        on("status", "backwards", words=["running", "pending", "running", "queued"], times=8),
    ),
    row("completed, then failed", on("result", "expired"), on("status", "failed", when="completed", nth=2)),
    row("unknown status word", on("status", "word", word="polishing", times=5)),
    *[
        row(f"the word {word}", on("status", "fields", set={"status": word}, when="completed"), state=state)
        for word, state in (
            ("done", "collected"),
            ("delivered", "collected"),
            ("aborted", "cancelled"),
            ("expired", "failed"),
        )
    ],
    *unclear("200 without a task id", "no_task_id"),
    row(
        "data as an object",
        on("submit", "data_shape", data="object"),
        on("status", "data_shape", data="list", times=0),
    ),
    row(
        "data bare", on("submit", "data_shape", data="bare"), on("status", "data_shape", data="bare", times=0)
    ),
    row(
        "fields missing",
        on("submit", "fields", drop=["status"]),
        on(
            "status",
            "fields",
            drop=["id", "created", "progress", "estimated_time", "cost", "completed"],
            times=0,
        ),
    ),
    row(
        "fields wrongly typed",
        on(
            "status",
            "fields",
            set={
                "created": "yesterday",
                "cost": [],
                "actual_time": {},
                "progress": None,
                "extra": {"a": [1]},
            },
            times=0,
        ),
    ),
    *[
        row(f"url as {shape}", on("status", "url_shape", url=shape, times=0))
        for shape in ("string", "list", "duplicate")
    ],
    *[
        row(
            f"estimated_time {value!r}",
            on("submit", "estimated_time", value=value),
            on("status", "estimated_time", value=value, times=0),
        )
        for value in (-5, "soon", math.nan, 10**30)
    ],
    *[
        row(
            f"progress {value!r}",
            on("status", "fields", set={"status": "processing", "progress": value}, times=3),
        )
        for value in ("45%", 0.45, 150, -20)
    ],
    row("completed without a result link, at first", on("status", "no_link", times=3)),
    row(
        "completed without a result link, for ever",
        on("status", "no_link", times=0),
        state="vanished",
        kind="vanished",
        late=True,
    ),
    row("task 404 just after submit", on("status", "not_found", times=5)),
    row("task 404 for ever", on("status", "not_found", times=0), state="vanished", kind="gone", late=True),
    row("billed outside the estimate", on("status", "cost", usd=1.5)),
    # results
    row("result link 403, then another", on("result", "expired")),
    row(
        "result link expired",
        on("result", "expired", times=0),
        on("status", "fields", set=DIED, when="completed", times=0),
        state="expired",
        kind="expired",
    ),
    row(
        "403 of a firewall on the result, by a clock that is behind",
        on("result", "html", code=403, times=3),
        on("status", "clock", clock_skew=-1e6, times=0),
    ),
    row(
        "expires_at as a lifetime",
        on("result", "expired", times=3),
        on("status", "fields", set={"result.videos.0.expires_at": 86_400}, when="completed", times=0),
    ),
    *[
        row(f"url with {shape}", on("status", "url_shape", url=shape, times=0))
        for shape in ("no_scheme", "relative")
    ],
    row("206 for the whole file", on("result", "head", code=206)),
    row("result compressed", on("result", "encoded")),
    row("result truncated, length known", on("result", "truncated", times=2)),
    row("result truncated, length unknown", on("result", "truncated", length="unknown", times=2)),
    row("result truncated, length wrong", on("result", "truncated", length="wrong")),
    row("HTML named mp4", on("result", "html_result", times=2)),
    row("flipped bits", on("result", "flipped", times=2)),
    row("206 for another range", on("result", "truncated"), on("result", "wrong_range", nth=2)),
    row("ETag changed, the whole comes", on("result", "truncated"), on("result", "etag_changed", nth=2)),
    row(
        "ETag changed, a part comes",
        on("result", "truncated"),
        on("result", "etag_changed", if_range="ignored", nth=2),
    ),
    row("result connection broken", on("result", "reset"), on("result", "half"), on("result", "close")),
    row("result host 500 and busy", on("result", **status(503)), on("result", "rate_limit")),
    # redirects
    row(
        "redirect of a submit",
        on("submit", "redirect", to="https://other.example/v1"),
        state="rejected",
        charges=0,
    ),
    # the endpoint is away for a while
    row("endpoint down between polls, 503", on("status", "down", seconds=0.4 * SPEED)),
    row("endpoint down between polls, closed", on("status", "down", seconds=0.4 * SPEED, how="close")),
    row("endpoint down between polls, refused", on("status", "down", seconds=0.4 * SPEED, how="refuse")),
]


@pytest.fixture
def _short(request):
    case = request.getfixturevalue("case")
    if case.short:
        request.getfixturevalue("impatient")(case.short)
    if case.late:
        request.getfixturevalue("late")


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_row(case, faulty, ws, req, result_bytes):
    faulty.play(*case.rules, **case.head)
    job = ws.submit(req, max_cost=MAX).wait(40)
    state, found = job.state, job.row
    assert state == case.state, found.error_message
    # What was given up may not have come to its count, or to its charge.
    until(lambda: faulty.posts >= case.posts and len(faulty.charges) >= case.charges)
    assert (faulty.posts, len(faulty.charges)) == (case.posts, case.charges)
    assert all(rule.played for rule in faulty.sandbox.faults.rules), "each rule of the plan was met"
    if state == "collected":
        assert job.result.read_bytes() == result_bytes
        assert (found.error_kind, found.error_message) == (None, None)
        assert [one.name for one in results_in(ws.folder)] == [f"{job.id}.mp4"]
    else:
        assert job.result is None
        assert not list((ws.folder / "results").glob("*.mp4"))
    if case.kind is not None:
        assert found.error_kind == case.kind
    if state == "unknown":
        assert "nothing is sent again" in job.error.lower()
        assert ws.submit(req, max_cost=MAX).id == job.id
        time.sleep(0.1)
        assert faulty.posts == 1, "never sent again by itself"


def notes(ws, job):
    return " | ".join(event_words(event.note) for event in ws.log_store.jobs.events(job.id))


def states(ws, job):
    return [event.to_state for event in ws.log_store.jobs.events(job.id)]


# Nothing sent yet.


@pytest.mark.parametrize("tries", [1, 4])
def test_refused_goes_back_to_planned_and_is_tried_again(faulty, ws, req, tries):
    faulty.play(on("balance", "down", seconds=1e6, how="refuse"))
    with pytest.raises(Exception, match=r"."):
        ws.balance()
    job = ws.submit(req, max_cost=MAX)

    def moves():
        """Leave out that before each try it is remarked that its links, on the same host, are not there."""
        return [state for state, _ in itertools.groupby(states(ws, job))]

    until(lambda: moves().count("planned") > tries)
    faulty.play()  # another plan ends the absence
    assert (job.wait(30).state, faulty.posts, len(faulty.charges)) == ("collected", 1, 1)
    assert moves()[:3] == ["planned", "submitting", "planned"]


def test_tls_failure_is_final_at_once(faulty, spaces, req):
    """The sandbox speaks no TLS, so no certificate of it can be verified."""
    ws = spaces(endpoint=faulty.sandbox.url.replace("http:", "https:"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.row.error_kind, faulty.posts, len(faulty.charges)) == (
        "rejected",
        "network",
        0,
        0,
    )


# Unknown, and a person's word.


@pytest.mark.parametrize(("honoured", "charges"), [(True, 1), (False, 2)])
def test_resend_replays_where_keys_are_honoured(faulty, ws, req, honoured, charges):
    faulty.play(on("submit", "reset"), idempotency=honoured)
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert job.state == "unknown"
    assert job.resend().wait(20).state == "collected"
    assert (faulty.posts, len(faulty.charges)) == (2, charges)
    assert len({charge.key for charge in faulty.charges}) == 1
    assert len({charge.body for charge in faulty.charges}) == 1
    assert ("replayed" in notes(ws, job)) is honoured


def test_resend_of_what_was_never_stored_charges_once(faulty, ws, req):
    faulty.play(on("submit", "close", accepted=False))
    assert ws.submit(req, max_cost=MAX).wait(20).resend().wait(20).state == "collected"
    assert (faulty.posts, len(faulty.charges)) == (2, 1)


def test_write_off_counts_the_money_as_spent(faulty, ws, req):
    faulty.play(on("submit", "reset"))
    job = ws.submit(req, max_cost=MAX).wait(20).write_off()
    assert (job.state, faulty.posts, len(faulty.charges)) == ("written_off", 1, 1)


# Pauses.


def test_429_pauses_all_submits(faulty, ws, req, monkeypatch):
    monkeypatch.setattr(timing, "SLICE", 0.1)
    faulty.play(on("submit", "rate_limit", retry_after=30 * SPEED))
    first = ws.submit(req, max_cost=MAX)
    until(lambda: first.row.error_kind == "rate")
    others = [ws.submit(req.replace(prompt=f"p{n}"), max_cost=MAX) for n in range(3)]
    time.sleep(0.3)
    assert faulty.posts == 1
    assert {job.state for job in (first, *others)} == {"planned"}
    monkeypatch.setattr(timing, "now", lambda: time.time() + 31)  # the pause is over
    assert {job.wait(30).state for job in (first, *others)} == {"collected"}
    assert (faulty.posts, len(faulty.charges)) == (5, 4)


def test_retry_after_is_clamped_to_five_minutes(faulty, ws, req):
    faulty.play(on("submit", "rate_limit", retry_after=1e6 * SPEED / 1e3))
    job = ws.submit(req, max_cost=MAX)
    until(lambda: job.row.error_kind == "rate")
    assert 0 < ws.connection.runner.context.limiter._resume_at - time.time() <= 300


def test_too_many_tasks_with_an_announced_limit(faulty, ws, req):
    faulty.play(max_in_flight=1)
    jobs = [ws.submit(req.replace(prompt=f"p{n}"), max_cost=MAX) for n in range(4)]
    assert {job.wait(40).state for job in jobs} == {"collected"}
    assert len(faulty.charges) == 4
    assert len({charge.key for charge in faulty.charges}) == 4


@pytest.mark.parametrize(("code", "kind"), [(402, "account"), (401, "auth"), (403, "account")])
def test_402_401_403_pause_the_sweep(faulty, ws, req, code, kind):
    faulty.play(on("submit", nth=2, times=0, **status(code, message="Balance too low: $0.17 is missing.")))
    run = Sweep(req, prompt=[f"p{n}" for n in range(18)]).plan(ws).run(budget=5.0)
    run.wait(30)
    found = run.rows()
    ends = [one.state for one in found]
    assert ends.count("collected") == 1
    assert ends.count("planned") >= 1
    assert set(ends) <= {"collected", "rejected", "planned"}
    assert faulty.posts <= 1 + timing.CALLS, "those that were on their way, and no loop"
    assert faulty.posts == ends.count("collected") + ends.count("rejected")
    assert len(faulty.charges) == 1
    # A refusal that speaks of money is one of money, whatever its status.
    assert {one.error_kind for one in found if one.state != "collected"} == {kind}
    assert all("missing" in one.error_message for one in found if one.state == "rejected")


def test_a_refused_job_leaves_the_rest_of_a_sweep(faulty, ws, req):
    faulty.play(
        on("submit", match="p1", **status(400, message="content policy (1301)")),
        on("status", "failed", match="p3", reason="media", times=0),
    )
    run = Sweep(req, prompt=[f"p{n}" for n in range(5)]).plan(ws).run(budget=5.0)
    run.wait(30)
    ends = {one.prompt: (one.state, one.error_kind) for one in run.rows()}
    fine = ("collected", None)
    assert ends == {
        "p0": fine,
        "p1": ("rejected", "moderation"),
        "p2": fine,
        "p3": ("failed", "media"),
        "p4": fine,
    }
    assert (faulty.posts, len(faulty.charges)) == (5, 4)
    assert len([charge for charge in faulty.charges if charge.refunded is None]) == 3


# Money of failures.


def settled(ws, job):
    found = job.row
    return found.cost, found.reserved


def test_failed_and_refunded_costs_nothing(faulty, ws, req):
    faulty.play(on("status", "failed", reason="moderation"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert settled(ws, job) == (0, 0)
    assert faulty.charges[0].refunded is not None
    assert "1301" in job.error


def test_failed_and_wrongly_billed_is_counted_as_spent(faulty, ws, req):
    faulty.play(on("status", "failed", refunded=False))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.cost) == ("failed", COST)
    assert faulty.charges[0].refunded is None


def test_failed_and_silently_refunded_costs_nothing_once_the_balance_shows_it(faulty, ws, req):
    faulty.play(on("status", "failed", billed="silent"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert settled(ws, job) == (0, 0)
    assert "the balance shows that it was refunded" in notes(ws, job)


def test_failed_and_silently_not_refunded_is_not_believed_to_be_free(faulty, ws, req):
    faulty.play(on("status", "failed", refunded=False, billed="silent"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert faulty.charges[0].refunded is None
    assert settled(ws, job) == (None, 228_480)
    assert "refund not confirmed" in notes(ws, job)


def test_cancelled_without_a_bill_keeps_its_money_reserved(faulty, ws, req):
    faulty.play(on("status", "cancelled"))
    assert ws.submit(req, max_cost=MAX).wait(20).row.reserved > 0


def test_billed_cost_is_the_truth(faulty, ws, req):
    faulty.play(on("status", "cost", usd=1.5))
    assert ws.submit(req, max_cost=MAX).wait(20).cost == 1.5


# States of a task.


def test_completed_then_failed_is_recorded(faulty, ws, req):
    faulty.play(on("result", "expired"), on("status", "failed", when="completed", nth=2))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert job.state == "collected"
    assert "first end is kept" in notes(ws, job)


def test_unknown_word_gives_one_warning(faulty, ws, req):
    faulty.play(on("status", "word", word="polishing", times=6))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert notes(ws, job).count("polishing") == 1


@pytest.mark.parametrize(("value", "shown"), [("45%", 45), (0.45, 45), (150, 100), (-20, 0)])
def test_progress_is_clamped_and_monotone(faulty, ws, req, value, shown):
    faulty.play(
        on("status", "fields", set={"status": "processing", "progress": value}),
        on("status", "fields", set={"status": "processing", "progress": 1}, times=0),
    )
    job = ws.submit(req, max_cost=MAX)
    until(lambda: faulty.calls("status") >= 4)
    assert job.row.progress == max(shown, 1)


@pytest.mark.usefixtures("late")
def test_vanished_is_kept_with_its_money(faulty, ws, req):
    faulty.play(on("status", "not_found", times=0))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, faulty.calls("status")) == ("vanished", timing.GONE)
    assert job.row.reserved > 0
    assert job.task_id


@pytest.mark.usefixtures("late")
def test_a_task_without_a_link_keeps_its_bill(faulty, ws, req):
    faulty.play(on("status", "no_link", when="completed", times=0))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, job.cost) == ("vanished", COST)


def test_200_without_a_task_id_keeps_the_raw_answer(faulty, ws, req):
    faulty.play(on("submit", "no_task_id"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert json.loads(job.row.answer)["data"] == [{"status": "submitted"}]


def test_html_is_kept_as_its_first_characters(faulty, ws, req):
    page = "<html>" + "sorry " * 2000
    faulty.play(on("submit", "html", body=page))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert "sorry" in job.error
    assert len(job.error) < 1000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(401, message="no such key"), "no such key"),
        (status(403, message="not yours"), "not yours"),
        ({"kind": "redirect", "to": "https://other.example/v1"}, "other.example"),
    ],
)
def test_401_403_and_redirect_of_a_poll_pause_everything_until_a_person_acts(faulty, ws, req, answer, said):
    faulty.play(on("status", times=0, **answer))
    jobs = [ws.submit(req.replace(prompt=f"p{n}"), max_cost=MAX) for n in range(3)]
    assert {job.wait(30).state for job in jobs} <= {"submitted", "running", "planned"}
    until(lambda: all(job.resting for job in jobs))
    asked = faulty.calls("status")
    assert asked >= timing.REFUSED, "a single refusal may be a stray one"
    assert len({job.error for job in jobs}) == 1
    assert said in jobs[0].error
    assert "attach" in jobs[0].error
    time.sleep(timing.BEAT * 4)
    assert faulty.calls("status") == asked
    assert len(ws.log_store.jobs.events(jobs[0].id)) < 8
    faulty.play()
    assert {
        ws.submit(job_req, max_cost=MAX).wait(30).state
        for job_req in [req.replace(prompt=f"p{n}") for n in range(3)]
    } == {"collected"}
    assert {job.error for job in jobs} == {None}


def test_another_tasks_answer_is_nobodys(faulty, ws, req):
    faulty.play(on("status", "cached", obeys=False, times=12))
    jobs = [ws.submit(req.replace(prompt=f"p{n}"), max_cost=MAX) for n in range(3)]
    assert {job.wait(30).state for job in jobs} == {"collected"}
    assert len({job.row.links for job in jobs}) == 3


def test_polls_keep_to_the_rate_that_is_allowed(faulty, ws, req):
    limited = on("status", "rate_limit", retry_after=SPEED, per_second=1, times=0)
    faulty.play(limited, on("status", "word"))
    assert ws.submit(req, max_cost=MAX).wait(60).state == "collected"
    limit, _ = faulty.sandbox.faults.rules
    assert 0 < limit.played <= limit.seen - 2, "one still worked and one was its end"
    assert limit.played <= 3, "no more than the rate has to be found out"


def test_an_upload_that_is_too_large_for_the_endpoint_is_final(faulty, ws, req, tmp_path):
    faulty.play(on("upload", times=0, **status(413)))
    local = tmp_path / "local.png"
    Image.new("RGB", (400, 400), "navy").save(local)
    job = ws.submit(req.replace(image_url=str(local)), max_cost=MAX).wait(30)
    assert (job.state, faulty.calls("upload"), faulty.posts) == ("rejected", 1, 0)


def test_redirect_names_both_hosts(faulty, ws, req):
    faulty.play(on("submit", "redirect", to="https://other.example/v1"))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert "other.example" in job.error
    assert "127.0.0.1" in job.error


# Results.


@pytest.mark.parametrize(
    "rule",
    [
        on("result", "html_result", times=0),
        on("result", "flipped", times=0),
        on("result", "truncated", length="wrong", times=0),
    ],
    ids=lambda rule: rule["kind"],
)
def test_what_is_no_whole_video_is_never_stored(faulty, ws, req, rule):
    faulty.play(rule)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: faulty.calls("result") > 4)
    assert (job.state, job.result) == ("completed", None)
    assert job.row.error_kind == "download"
    assert not list((ws.folder / "results").glob("*.mp4"))
    faulty.play()
    assert job.wait(20).state == "collected"


@pytest.mark.parametrize(
    "to",
    [
        "http://10.0.0.1/x.mp4",
        "http://192.168.1.1/x.mp4",
        "file:///etc/passwd",
        "http://example.com/x.mp4",
        "https://169.254.169.254/latest",
    ],
)
def test_download_redirected_to_where_it_must_not_go_is_refused(faulty, ws, req, to):
    faulty.play(on("result", "redirect", to=to, code=302, times=0))
    job = ws.submit(req, max_cost=MAX)
    until(lambda: job.row.error_code == "download_refused")
    assert job.state == "completed"
    faulty.play()
    assert job.wait(20).state == "collected"


def test_truncated_result_is_resumed_not_begun_anew(faulty, ws, req, monkeypatch):
    from motion_widgets.jobs.download.download import Download

    starts, real = [], Download._accept

    def accept(self, response, identity, start):
        starts.append(start)
        return real(self, response, identity, start)

    monkeypatch.setattr(Download, "_accept", accept)
    faulty.play(on("result", "truncated", part=0.5))
    assert ws.submit(req, max_cost=MAX).wait(20).state == "collected"
    assert (starts[0], len(starts)) == (0, 2)
    assert starts[1] > 0


def test_slow_result_is_given_up_and_resumed(faulty, ws, req, result_bytes, monkeypatch):
    monkeypatch.setattr("motion_widgets.jobs.download.download.WINDOW", 0.5)
    monkeypatch.setattr("motion_widgets.jobs.download.download.RATE", len(result_bytes) / 4)
    faulty.play(on("result", "slow", bytes_per_second=len(result_bytes) / 20))
    job = ws.submit(req, max_cost=MAX).wait(20)
    assert (job.state, faulty.calls("result")) == ("collected", 2)


# Kills, and the same content again.


DRIVER = """
import json, sys
from motion_widgets import MotionRequest, Workspace
from motion_widgets.jobs.scheduling import timing
timing.BEAT, timing.POLL, timing.LEASE = 0.1, (0.01, 0.03), 1.5
told = json.loads(sys.argv[1])
ws = Workspace(told["folder"], endpoint=told["url"], key=told["key"])
job = ws.submit(MotionRequest(**told["req"]), max_cost=2.0)
print("ready", job.id, flush=True)
job.wait()
"""


@pytest.fixture
def driver(faulty, tmp_path, req):
    """A process of its own that submits, to be killed."""
    wire = {
        "model": req.model,
        "image_url": req.image_url.source,
        "video_url": req.video_url.source,
        "mode": "std",
    }
    told = {
        "folder": str(tmp_path / "ws"),
        "url": faulty.sandbox.url,
        "key": faulty.sandbox.token,
        "req": wire,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(told)], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait(10)
    process.stdout.close()


def killed(process):
    word, job_id = process.stdout.readline().split()
    assert word == "ready"
    return job_id


@pytest.fixture
def plan(faulty, request):
    faulty.play(*request.param)
    return faulty


@pytest.mark.parametrize(
    ("plan", "charges"),
    [
        ([on("submit", "hang", hold=30 * SPEED)], 1),
        ([on("submit", "hang", hold=30 * SPEED, accepted=False)], 0),
    ],
    indirect=["plan"],
    ids=["charged", "not charged"],
)
def test_kill_while_the_post_is_on_its_way_is_unknown(plan, driver, spaces, charges):
    job_id = killed(driver)
    until(lambda: plan.sandbox.faults.rules[0].played and len(plan.charges) == charges)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait(10)
    job = spaces().attach(job_id)
    until(lambda: job.state == "unknown")
    assert (plan.posts, len(plan.charges)) == (1, charges)
    assert job.resend().wait(30).state == "collected"
    assert len(plan.charges) == 1, "the same key, so charged once"


@pytest.mark.parametrize("plan", [[on("result", "hang", hold=60 * SPEED)]], indirect=True)
def test_kill_during_the_download_is_resumed(plan, driver, spaces):
    job_id = killed(driver)
    until(lambda: plan.sandbox.faults.rules[0].played)
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait(10)
    assert spaces().attach(job_id).wait(60).state == "collected"
    assert (plan.posts, len(plan.charges)) == (1, 1)


def test_the_same_content_again_attaches(faulty, spaces, req):
    one, two = spaces(), spaces()
    jobs = [ws.submit(req, max_cost=MAX) for ws in (one, two, one)]
    assert len({job.id for job in jobs}) == 1
    assert {job.wait(30).state for job in jobs} == {"collected"}
    assert (faulty.posts, len(faulty.charges)) == (1, 1)
