"""Balance, models and usage, as the account endpoints state them."""

from __future__ import annotations

from tests.sandbox.conftest import V3, V26, refused


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
