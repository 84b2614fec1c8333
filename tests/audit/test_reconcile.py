"""The log against the bill: every kind of difference is named, and only free calls are made."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

import motion_widgets as mw
from motion_widgets.audit.reconcile import reconcile
from motion_widgets.cli import main
from motion_widgets.core.money import to_micro
from motion_widgets.endpoint.account_usage import split_period
from motion_widgets.log.budgets import spend
from motion_widgets.log.states import State
from tests.audit.conftest import KEY
from tests.jobs.endpoint import make_clip, make_png
from tests.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
S = State


class Account(LoopbackServer):
    """An endpoint with free calls only: `usage` is answered from `billed`, tasks from `costs`."""

    def __init__(self) -> None:
        self.billed: list[tuple[datetime, float]] = []
        self.costs: dict[str, float | None] = {}
        self.used: float | None = 50.0
        self.refusals: list[tuple[int, dict]] = []
        self.forms = ("unix", "iso", "date")
        self.group_by = True
        self.spans: list[tuple[datetime, datetime]] = []
        self.asked: list[str] = []
        super().__init__(_Handler)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict]:
        if path.endswith("/balance"):
            return 200, {"success": True, "remain_balance": 10.5, "used_balance": self.used}
        if path.startswith("/v1/tasks/"):
            task_id = path.rpartition("/")[2]
            if task_id not in self.costs:
                return 404, {"error": {"message": "no such task"}}
            found = {"status": "completed", "cost": self.costs[task_id]}
            return 200, {"data": {name: value for name, value in found.items() if value is not None}}
        if self.refusals:
            return self.refusals.pop(0)
        form = "unix" if query["start"].isdecimal() else "iso" if "T" in query["start"] else "date"
        if form not in self.forms or ("group_by" in query and not self.group_by):
            return 400, {"error": {"message": "what is that?"}}
        start, end = (_moment(query[name]) for name in ("start", "end"))
        assert end - start <= timedelta(days=31)
        self.spans.append((start, end))
        amount = sum(usd for moment, usd in self.billed if start <= moment < end)
        items = [{"model": "kling", "amount_usd": amount}]
        return 200, {"success": True, "data": {"total": {"amount_usd": amount}, "items": items}}


def _moment(text: str) -> datetime:
    moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Handler(BaseHTTPRequestHandler):
    own: Account

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.own.asked.append(f"GET {path}")
        status, body = self.own.answer(path, dict(parse_qsl(query)))
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_POST(self) -> None:
        self.own.asked.append(f"POST {self.path}")
        self.send_error(500)


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    yield made
    made.stop()


@pytest.fixture
def ws(account: Account, tmp_path: Path) -> Iterator[mw.Workspace]:
    with mw.Workspace(tmp_path, account.url, key=KEY) as opened:
        yield opened


STEPS = {
    S.UNKNOWN: (S.SUBMITTING, S.UNKNOWN),
    S.WRITTEN_OFF: (S.SUBMITTING, S.UNKNOWN, S.WRITTEN_OFF),
    S.COLLECTED: (S.SUBMITTING, S.SUBMITTED, S.COMPLETED, S.COLLECTED),
    S.VANISHED: (S.SUBMITTING, S.SUBMITTED, S.VANISHED),
    S.FAILED: (S.SUBMITTING, S.SUBMITTED, S.FAILED),
    S.REJECTED: (S.SUBMITTING, S.REJECTED),
}


def put(
    ws: mw.Workspace,
    state: State,
    cost: float | None = None,
    *,
    days: float = 5,
    estimate=(0.17, 0.23),
    **more: object,
) -> str:
    """Write a job straight into a state, as it would stand some days before NOW."""
    at = int((NOW - days * DAY).timestamp() * 1e6)
    low, high = (round(one * 1e6) for one in estimate)
    values = {
        "endpoint": ws.endpoint, "account": ws.account, "sandbox": False, "key": os.urandom(8).hex(),
        "estimate_low": low, "estimate_high": high, "created": at, "submitted": at, "completed": at,
        "sent": at,
        "cost": None if cost is None else round(cost * 1e6), **more,
    }  # fmt: skip
    row, _ = ws.log_store.jobs.add(values)
    for step in STEPS[state]:
        assert ws.log_store.transitions.move(row.id, step)
    ws.log_store.transitions.record(row.id, created=at)
    return str(row.id)


def bill(account: Account, usd: float, days: float = 5) -> None:
    account.billed.append((NOW - days * DAY, usd))


def said(ws: mw.Workspace, **options: object) -> tuple[int, str]:
    report = reconcile(ws, now=NOW, **options)
    return report.code, "\n".join(report.lines)


def test_log_and_account_agree(ws: mw.Workspace, account: Account) -> None:
    put(ws, S.COLLECTED, 0.17136)
    put(ws, S.COLLECTED, 0.22848, days=3)
    put(ws, S.FAILED)
    put(ws, S.REJECTED)
    bill(account, 0.17136)
    bill(account, 0.22848, days=3)
    bill(account, 9.0, days=400)  # before the log began
    code, text = said(ws)
    assert code == 0, text
    assert "Log and account agree" in text
    assert "0.39984" in text
    assert "10.50000" in text
    assert all(one.startswith("GET ") for one in account.asked)


def test_an_unknown_job_explains_what_the_account_has_more(ws: mw.Workspace, account: Account) -> None:
    put(ws, S.COLLECTED, 0.17136)
    lost = put(ws, S.UNKNOWN)
    dear = put(ws, S.WRITTEN_OFF, estimate=(4.0, 5.0))
    bill(account, 0.17136)
    bill(account, 0.22848)
    code, text = said(ws)
    assert code == 1
    assert "$0.22848 more" in text
    assert f"{lost} would explain it: together $0.17000 to $0.23000" in text
    assert dear not in text


def test_which_of_several_it_was_is_left_open(ws: mw.Workspace, account: Account) -> None:
    lost = [put(ws, S.UNKNOWN) for _ in range(3)]
    bill(account, 0.4)
    _, text = said(ws)
    assert "3 ways in all" in text
    assert f"{lost[0]}, {lost[1]}" in text


def test_unknown_jobs_that_were_not_billed_are_said(ws: mw.Workspace, account: Account) -> None:
    lost = put(ws, S.UNKNOWN)
    assert f"Outcome unknown: {lost}. The account adds up without them" in said(ws)[1]


def test_nothing_explains_it(ws: mw.Workspace, account: Account) -> None:
    put(ws, S.COLLECTED, 0.17136)
    bill(account, 3.0)
    assert "No job in this log explains that" in said(ws)[1]
    put(ws, S.UNKNOWN)
    assert "do not explain it" in said(ws)[1]


def test_failed_yet_billed_and_outside_the_estimate(ws: mw.Workspace, account: Account) -> None:
    failed = put(ws, S.FAILED, 0.2)
    odd = put(ws, S.COLLECTED, 0.9)
    bill(account, 1.1)
    _, text = said(ws)
    assert f"{failed} is failed but was billed $0.20000" in text
    assert f"{odd} was billed $0.90000, outside its estimate of $0.17000 to $0.23000" in text
    assert f"{failed} would explain it" in text


def test_a_refund_that_was_not_confirmed_is_settled_once_the_account_fits_without_it(
    ws: mw.Workspace, account: Account
) -> None:
    ws.log_store.budgets.set("run-1", 5_000_000)
    put(ws, S.COLLECTED, 0.17136)
    bill(account, 0.17136)
    failed = put(ws, S.FAILED, reserved=230_000, budget_id="run-1")
    _, text = said(ws)
    assert f"{failed} is failed, and the account adds up without it: it was refunded. --fix releases" in text
    assert ws.log_store.jobs.get(failed).reserved == 230_000, "nothing is written without --fix"
    assert "has been released" in said(ws, fix=True)[1]
    assert (ws.log_store.jobs.get(failed).cost, ws.log_store.jobs.get(failed).reserved) == (0, 0)
    assert said(ws)[0] == 0


@pytest.mark.parametrize(("billed", "days"), [(0.19, 5), (0.0, 0.0005)], ids=["charged", "too fresh"])
def test_a_refund_that_the_account_does_not_show_stays_reserved(
    ws: mw.Workspace, account: Account, billed: float, days: float
) -> None:
    failed = put(ws, S.FAILED, reserved=230_000, days=days)
    bill(account, billed)
    _, text = said(ws, fix=True)
    assert f"{failed} is failed and its refund is not confirmed: its money stays reserved" in text
    assert ws.log_store.jobs.get(failed).reserved == 230_000
    assert (f"{failed} would explain it" in text) is (billed > 0)


def test_a_bill_that_the_account_does_not_show_yet_proves_no_refund(
    ws: mw.Workspace, account: Account
) -> None:
    """It shows that of the failed job instead, which cost the same."""
    failed, lost = put(ws, S.FAILED, reserved=230_000), put(ws, S.UNKNOWN)
    fresh = put(ws, S.COLLECTED, 0.19, days=0.0005)
    bill(account, 0.19)
    _, text = said(ws, fix=True)
    assert f"{failed} is failed and its refund is not confirmed: its money stays reserved" in text
    assert ws.log_store.jobs.get(failed).reserved == 230_000
    assert f"these are recent: {fresh}" in text
    assert f"Outcome unknown: {lost}. The account adds up without them" not in text


def test_the_account_has_less(ws: mw.Workspace, account: Account) -> None:
    refunded = put(ws, S.COLLECTED, 0.19)
    put(ws, S.COLLECTED, 0.17136)
    bill(account, 0.17136)
    _, text = said(ws)
    assert "$0.19000 less" in text
    assert f"exactly the bill of {refunded}" in text
    fresh = put(ws, S.COLLECTED, 0.2, days=0.0005)
    assert f"these are recent: {fresh}" in said(ws)[1]
    account.used = 0.1
    assert "used $0.10000 in total, less than" in said(ws)[1]


def test_a_cost_that_is_not_known_is_asked_for_and_written_with_fix(
    ws: mw.Workspace, account: Account
) -> None:
    ws.log_store.budgets.set("run-1", 5_000_000)
    with ws.log_store.database.write() as connection:
        spend(connection, to_micro(0.23), "run-1")  # as the intent to send reserves it
    late = put(ws, S.VANISHED, task_id="task_late", reserved=230_000, budget_id="run-1")
    lost = put(ws, S.VANISHED, task_id="task_lost")
    account.costs["task_late"] = 0.17136
    bill(account, 0.17136)
    code, text = said(ws)
    assert code == 1
    assert f"{late}: the endpoint reports $0.17136, but the log has no cost" in text
    assert f"{lost}: its cost is unknown" in text
    assert "more than the log shows" not in text
    assert ws.log_store.jobs.get(late).cost is None
    assert "has been recorded" in said(ws, fix=True)[1]
    row = ws.log_store.jobs.get(late)
    assert (row.cost, row.reserved, row.state) == (171_360, 0, "vanished")
    assert ws.log_store.budgets.get("run-1") == (5_000_000, 171_360)
    assert ws.log_store.jobs.events(late)[-1].note == "event_cost_requested"
    assert "task_late" not in said(ws, fix=True)[1]
    assert ws.log_store.budgets.get("run-1")[1] == 171_360


def test_a_long_time_is_asked_for_in_pieces_that_miss_nothing(ws: mw.Workspace, account: Account) -> None:
    for days in (100, 69.0, 38.0, 7, 1):
        put(ws, S.COLLECTED, 0.2, days=days)
        bill(account, 0.2, days=days)
    code, text = said(ws)
    assert code == 0, text
    assert len(account.spans) == 4
    assert all(one[1] == other[0] for one, other in zip(account.spans, account.spans[1:], strict=False))
    assert said(ws, since="2026-11-10")[0] == 0
    assert len(account.spans) == 5


def test_pieces_do_not_end_at_a_job() -> None:
    start = NOW - 50 * DAY
    (first, second) = split_period(start, NOW, [start + 31 * DAY])
    assert first[1] == second[0] < start + 31 * DAY - timedelta(minutes=1)


def test_a_503_is_not_zero(ws: mw.Workspace, account: Account) -> None:
    put(ws, S.COLLECTED, 0.2)
    bill(account, 0.2)
    busy = (503, {"error": {"message": "statistics are busy"}})
    account.refusals = [busy] * 2
    assert said(ws)[0] == 0
    account.refusals = [busy] * 40
    code, text = said(ws)
    assert code == 1
    assert "is unknown, which does not mean nothing" in text
    assert "less" not in text
    account.refusals = [(200, {"success": True, "data": {"items": []}})] * 9
    assert "which does not mean nothing" in said(ws)[1]


@pytest.mark.parametrize("form", ["unix", "iso"])
def test_moments_in_any_form_and_no_grouping(ws: mw.Workspace, account: Account, form: str) -> None:
    put(ws, S.COLLECTED, 0.2)
    bill(account, 0.2)
    account.forms, account.group_by = (form,), False
    assert said(ws)[0] == 0


def test_a_day_is_one_where_the_person_is(ws: mw.Workspace, account: Account, zone: ZoneInfo) -> None:
    shown = datetime(2026, 11, 10, tzinfo=zone).astimezone(UTC)
    assert f", {shown:%Y-%m-%d %H:%M} to 2026-11-20 12:00 UTC" in said(ws, since="2026-11-10")[1]
    assert ", 2026-11-09 15:00 to" in said(ws, since="2026-11-10T00:00+09:00")[1]


@pytest.mark.parametrize("since", ["yesterday", "2999-01-01", ""])
def test_a_date_that_is_none(ws: mw.Workspace, since: str) -> None:
    with pytest.raises(mw.RequestError, match="not a past date"):
        reconcile(ws, since=since, now=NOW)


def test_on_the_sandbox_from_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, image = tmp_path / "clip.mp4", tmp_path / "image.png"
    make_clip(clip)
    image.write_bytes(make_png())
    with mw.Workspace(tmp_path, "sandbox", speed=300) as ws:
        req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=image, video_url=clip)
        assert ws.submit(req).wait(60).state == "collected"
    assert main.main(["reconcile", "--folder", str(tmp_path), "--endpoint", "sandbox"]) == 0
    out = capsys.readouterr().out
    assert "0.17136" in out
    assert "Log and account agree" in out
