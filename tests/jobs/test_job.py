"""What a person says of a job, on the job itself."""

from __future__ import annotations

import pytest

from motion_widgets import Workspace
from motion_widgets.core.errors import LogError
from motion_widgets.log.columns import ANNOTATIONS
from motion_widgets.log.states import State
from tests.log.conftest import VALUES


@pytest.fixture
def job(tmp_path):
    with Workspace(tmp_path, endpoint="sandbox") as ws:
        row, _ = ws.log_store.jobs.add({**VALUES, "account": ws.account})
        yield ws.attach(row.id)


def test_rate_tag_and_note_are_said_of_this_job(job):
    assert job.rate(stars=4).rate(usable=True).tag("hero").tag("dark").note("hands melt") is job
    log = job._host.log
    [told] = log.frame(annotations=True).to_dict("records")
    assert [told[name] for name in ANNOTATIONS] == [4.0, True, "dark, hero", "hands melt"]
    job.rate(stars=None).note("")
    assert log.frame({"id": job.id}, columns=["stars", "note"]).isna().all(axis=None)
    with pytest.raises(LogError, match="9"):
        job.rate(stars=9)


def test_hide_puts_it_out_of_sight_once_it_has_ended(job):
    log = job._host.log
    with pytest.raises(LogError, match="planned"):
        job.hide()
    transitions = job._host.log_store.transitions
    assert transitions.intend(job.id, 100, owner="me")
    assert transitions.move(job.id, State.REJECTED)
    assert job.hide() is job
    assert (len(log.frame()), len(log.frame(hidden=True))) == (0, 1)
    log.unhide(job.id)
    assert log.frame()["id"].tolist() == [job.id]
