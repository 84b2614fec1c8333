"""What is in flight at once."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import refused, task_of


def test_too_many_tasks_at_once(fresh, body):
    wire = fresh(speed=20, max_in_flight=2)
    task_of(wire.submit(body))
    task_of(wire.submit(body))
    answer = wire.submit(body)
    refused(answer, "too many tasks", "1303", http=429, kind="rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1
    assert wire.balance == pytest.approx(50 - 2 * 0.45696)
