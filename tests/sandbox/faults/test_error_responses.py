"""Errors, pages and redirects in place of the real response."""

from __future__ import annotations

import math
import time
import zlib
from email.utils import parsedate_to_datetime

import pytest

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
            for shape in ("flat", "detail", "text", "inside")
        ]
    )
    assert wire.http.get("/v1/balance").json() == {"success": False, "message": "m"}
    assert wire.http.get("/v1/balance").json() == {"detail": "m"}
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
