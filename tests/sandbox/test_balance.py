"""Charges: never below zero, kept across processes, refunded once."""

from __future__ import annotations

import contextlib
import sqlite3
import threading

from tests.sandbox.conftest import V3, V26, Wire, refused


def test_balance_too_low_names_both_sums(wire: Wire, body):
    wire.sandbox.set_balance(0.45695)
    refused(wire.submit(body), "0.45696", "0.45695", http=402, kind="payment_required")
    assert wire.balance == 0.45695
    wire.sandbox.set_balance(0.45696)
    assert wire.submit(body).status_code == 200
    assert wire.balance == 0


def test_money_never_goes_below_zero_when_many_submit(fresh, body):
    wire = fresh()
    wire.sandbox.set_balance(3 * 0.45696)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(wire.submit(body).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 3 + [402] * 5
    assert wire.balance == 0


def test_charges_survive_a_restart_and_know_refunds(fresh, body):
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


def test_a_folder_older_than_the_charges_gets_them(fresh, body):
    wire = fresh()
    task = wire.submit(body).json()["data"][0]["task_id"]
    wire.sandbox.stop()
    with contextlib.closing(sqlite3.connect(wire.sandbox.folder / "sandbox.sqlite3")) as db:
        db.execute("DROP TABLE charges")
    (charge,) = fresh().sandbox.charges
    assert (charge.task, charge.key, charge.usd) == (task, None, 0.45696)


def test_account_endpoints(fresh, body):
    wire = fresh()
    wire.submit(body)
    expected = {
        "success": True,
        "remain_balance": 49.54304,
        "used_balance": 0.45696,
        "unlimited_quota": False,
    }
    assert wire.http.get("/v1/balance").json() == expected
    assert wire.http.get("/v1/user/balance").json() == expected
    assert {model["id"] for model in wire.http.get("/v1/models").json()["data"]} == {V26, V3}
    usage = wire.http.get("/v1/usage", params={"group_by": "day"}).json()["data"]
    assert usage["total"]["amount_usd"] == 0.45696
    assert len(usage["items"]) == 1
    span = {"start": "2026-01-01", "end": "2026-03-01"}
    refused(wire.http.get("/v1/usage", params=span), "31 days")
    refused(wire.http.get("/v1/usage", params={"start": "soon"}))
    first = {"end": "0001-01-01"}  # before which there is no date
    assert wire.http.get("/v1/usage", params=first).json()["data"]["items"] == []
