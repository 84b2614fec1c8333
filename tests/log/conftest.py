# ruff: noqa: E501
from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from motion_widgets.log.states import State
from motion_widgets.log.store import Log

VALUES = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "k", "estimate_high": 100}


@pytest.fixture
def log(address):
    log = Log(address)
    yield log
    log.close()


@pytest.fixture
def add(log):
    """Write a planned job: add(key="k", **columns) -> its row."""

    def make(key="k", *, new=False, **columns):
        return log.jobs.add({**VALUES, "key": key, **columns}, new=new)[0]

    return make


@pytest.fixture
def put(log, add):
    """Bring a job into a state by allowed moves: put("failed", key=…) -> its row."""

    def make(state, key="k", **columns):
        row = add(key, **columns)
        for step in PATHS[state]:
            if step == "submitting":
                assert log.transitions.intend(row.id, 100, owner="me")
            else:
                assert log.transitions.move(row.id, step)
        log.leases.release(row.id, "me")
        return log.jobs.get(row.id)

    return make


@pytest.fixture
def public():
    """A folder that everybody may read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


def _paths():
    s = State
    sent = ["submitting", s.SUBMITTED]
    ways = {
        s.PLANNED: [], s.SUBMITTING: ["submitting"], s.SUBMITTED: sent, s.RUNNING: [*sent, s.RUNNING],
        s.COMPLETED: [*sent, s.COMPLETED], s.COLLECTED: [*sent, s.COMPLETED, s.COLLECTED],
        s.REJECTED: ["submitting", s.REJECTED], s.FAILED: [*sent, s.FAILED], s.CANCELLED: [*sent, s.CANCELLED],
        s.VANISHED: [*sent, s.VANISHED], s.EXPIRED: [*sent, s.COMPLETED, s.EXPIRED],
        s.UNKNOWN: ["submitting", s.UNKNOWN], s.WRITTEN_OFF: ["submitting", s.UNKNOWN, s.WRITTEN_OFF],
    }  # fmt: skip
    assert set(ways) == set(s)
    return ways


PATHS = _paths()
