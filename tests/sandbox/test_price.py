"""Prices of all models and modes, and the seconds billed."""

from __future__ import annotations

import pytest

from motion_widgets.sandbox.price import billed_seconds
from tests.sandbox.conftest import V3, V26, Wire


@pytest.mark.parametrize(
    ("model", "mode", "price"),
    [(V26, "std", 0.05712), (V26, "pro", 0.09144), (V3, "std", 0.10288), (V3, "pro", 0.13712)],
)
def test_prices_of_all_cells(wire: Wire, body, model, mode, price):
    answer = wire.submit(body | {"model": model, "mode": mode})
    assert answer.status_code == 200
    assert wire.balance == pytest.approx(50 - 8 * price, abs=1e-9)
    assert wire.end(answer.json()["data"][0]["task_id"])["cost"] == pytest.approx(8 * price, abs=1e-9)


def test_seconds_are_rounded_half_up(wire: Wire, body, clip):
    assert [billed_seconds(x) for x in (3.0, 9.066, 9.499, 9.5, 10.05)] == [3, 9, 9, 10, 10]
    wire.submit(body | {"video_url": wire.host(clip(9.066, fps="137000/9066"))})
    assert wire.balance == pytest.approx(50 - 9 * 0.05712, abs=1e-9)
