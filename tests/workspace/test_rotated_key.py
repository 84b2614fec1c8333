# ruff: noqa: F811
"""A key that was replaced between submit and result: said, followed when a person says so, not paid again."""

from __future__ import annotations

import warnings

import pytest

from motion_widgets import RequestError, Studio, Sweep
from motion_widgets.log.transitions import event_words
from tests.jobs.conftest import clip_bytes, endpoint, hurry, opening, req, spaces  # noqa: F401
from tests.jobs.endpoint import until


@pytest.fixture
def sent(spaces, req, endpoint):
    """A job that is under way, and its workspace's key no longer at hand."""
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    old = spaces()
    job = old.submit(req, max_cost=1)
    until(lambda: job.task_id)
    old.close()
    return job.id


def test_it_is_said_on_opening_at_attach_and_in_the_studio(spaces, sent):
    with pytest.warns(UserWarning, match=sent):
        ws = spaces(key="new-key")
    with pytest.warns(UserWarning, match="same_account=True"):
        job = ws.attach(sent)
    assert ws.runner_for(job.row) is None, "nobody said that it is the same account"
    studio = Studio(ws)
    assert sent in studio.notice.value
    studio.close()


def test_the_new_key_follows_it_when_a_person_says_so(spaces, sent, req, endpoint):
    with pytest.warns(UserWarning, match=sent):
        ws = spaces(key="new-key")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = ws.attach(sent, same_account=True)
    assert job.row.account == ws.account
    notes = [event_words(event.note) for event in ws.log_store.jobs.events(sent)]
    assert sum("another key of the same account" in note for note in notes) == 1
    endpoint.next_poll.clear()
    assert job.wait(30).state == "collected"
    assert ws.submit(req, max_cost=1).id == sent, "it answers for its content again"
    assert len(endpoint.posts) == 1


def test_the_same_content_asks_before_it_is_paid_again(spaces, sent, req, endpoint):
    with pytest.warns(UserWarning, match=sent):
        ws = spaces(key="new-key")
    with pytest.raises(RequestError, match=sent):
        ws.submit(req, max_cost=1)
    with pytest.raises(RequestError, match=sent):
        Sweep(req, mode=["std", "pro"]).plan(ws).run(budget=5)
    assert ws.find(req).id == sent
    assert len(endpoint.posts) == 1
    again = ws.submit(req, max_cost=1, new=True)
    until(lambda: again.task_id)
    assert len(endpoint.posts) == 2


def test_both_paid_for_the_same_content_and_both_are_kept(spaces, sent, req, endpoint):
    with pytest.warns(UserWarning, match=sent):
        ws = spaces(key="new-key")
    again = ws.submit(req, max_cost=1, new=True)
    ws.attach(sent, same_account=True)
    endpoint.next_poll.clear()
    assert {ws.attach(one).wait(30).state for one in (sent, again.id)} == {"collected"}
    assert sorted(row.repeat for row in ws.log_store.jobs.rows()) == [1, 2]


def test_a_run_is_taken_over_as_a_whole(spaces, req, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    old = spaces()
    run = Sweep(req, mode=["std", "pro"]).plan(old).run(budget=5)
    until(lambda: all(row.task_id for row in run.rows()))
    old.close()
    with pytest.warns(UserWarning, match="2 job"):
        ws = spaces(key="new-key")
    endpoint.next_poll.clear()
    assert ws.attach(run.id, same_account=True).wait(30).counts() == {"collected": 2}
    assert len(endpoint.posts) == 2


def test_another_endpoint_s_job_is_not_taken_over(spaces, sent, req):
    sandbox = spaces(endpoint="sandbox", key=None)
    assert sandbox.notices == ()
    with pytest.raises(RequestError, match="Open the workspace there"):
        sandbox.attach(sent, same_account=True)
