"""Idempotency keys: replayed, refused, released."""

from __future__ import annotations

import threading

import pytest

from tests.sandbox.conftest import Wire, refused, task_of


def test_same_key_same_body_gets_the_original_answer(fresh, body):
    wire = fresh()
    first = wire.submit(body, {"Idempotency-Key": "k1", "X-Sandbox-Answer": "202"})
    again = wire.submit(body, {"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert wire.balance == 49.54304
    later = fresh()  # another process on the folder
    assert later.submit(body, {"Idempotency-Key": "k1"}).json() == first.json()
    assert later.balance == 49.54304


def test_same_key_other_body(wire: Wire, body):
    key = {"Idempotency-Key": "reused"}
    task_of(wire.submit(body, key))
    error = refused(wire.submit(body | {"mode": "pro"}, key), http=409)
    assert error["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "x" * 192, "a b", "ключ", "tab\t."])
def test_bad_keys(wire: Wire, body, key):
    refused(wire.submit(body, [("Idempotency-Key", key.encode())]), "1-191")


def test_longest_key(wire: Wire, body):
    task_of(wire.submit(body, {"Idempotency-Key": "~" * 191}))


def test_a_refused_key_may_try_again(wire: Wire, body):
    key = {"Idempotency-Key": "poor"}
    wire.sandbox.set_balance(0.1)
    refused(wire.submit(body, key), http=402, kind="payment_required")
    wire.sandbox.set_balance(50)
    answer = wire.submit(body, key)
    task_of(answer)
    assert "idempotency-replayed" not in answer.headers


def test_many_at_once_with_one_key_charge_once(fresh, body):
    wires = [fresh(), fresh()]
    answers = []

    def send(wire):
        answers.append(wire.submit(body, {"Idempotency-Key": "together"}))

    threads = [threading.Thread(target=send, args=(wires[n % 2],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert {answer.json()["error"]["code"] for answer in waiting} <= {"idempotency_in_progress"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in waiting)
    assert len({task_of(answer) for answer in answers if answer.status_code == 200}) == 1
    assert wires[0].balance == wires[1].balance == 49.54304


def test_a_first_try_under_way_answers_409_and_then_replays(fresh, body, clip, elsewhere, monkeypatch):
    wire = fresh()
    entered, go_on = threading.Event(), threading.Event()
    from motion_widgets.sandbox import app

    real = app.check_media

    def slow(*args):
        entered.set()
        assert go_on.wait(30)
        return real(*args)

    monkeypatch.setattr(app, "check_media", slow)
    key, answers = {"Idempotency-Key": "slow"}, []
    thread = threading.Thread(target=lambda: answers.append(wire.submit(body, key)))
    thread.start()
    assert entered.wait(30)
    other = Wire(wire.sandbox)
    error = refused(other.submit(body, key), http=409)
    assert error["code"] == "idempotency_in_progress"
    go_on.set()
    thread.join()
    assert task_of(other.submit(body, key)) == task_of(answers[0])


def test_without_a_key_each_submit_is_a_task_of_its_own(wire: Wire, body):
    assert task_of(wire.submit(body)) != task_of(wire.submit(body))
