"""Charges outlive the process and know about refunds."""

from __future__ import annotations

import contextlib
import sqlite3


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
