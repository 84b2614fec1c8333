"""The same key at the same endpoint pays once, whichever log its jobs came from; the endpoint counts."""

from __future__ import annotations

import functools

import pytest
from sqlalchemy import insert, update

from motion_widgets.endpoint.api_key import Secret, salted_fingerprint
from motion_widgets.log.schema import jobs, salts
from motion_widgets.workspace.bundle import merge_from, pack, unpack
from tests.jobs.conftest import clip_bytes, endpoint, hurry, opening, req  # noqa: F401
from tests.jobs.endpoint import KEY, until


@pytest.fixture
def spaces(tmp_path, endpoint):  # noqa: F811
    """Workspaces in folders of their own: spaces("ana") -> one with the same key at the same endpoint."""
    with opening(endpoint=endpoint.url, key=KEY) as make:
        yield lambda name, **options: make(tmp_path / name, **options)
        endpoint.let_go.set()


def collected(job):
    assert job.wait(30).state == "collected"
    return job


def test_the_account_has_one_name_in_all_logs(spaces):
    ana, bo, other = spaces("ana"), spaces("bo"), spaces("other", key="another-key")
    assert ana.account == bo.account != other.account
    assert KEY not in ana.account


def test_what_was_merged_either_way_is_not_paid_again(spaces, endpoint, req):  # noqa: F811
    ana, bo = spaces("ana"), spaces("bo")
    hers = collected(ana.submit(req, max_cost=1))
    merge_from(bo.log_store, bo.folder, ana.folder)
    assert bo.submit(req, max_cost=1).id == hers.id
    his = collected(bo.submit(req.replace(prompt="bow"), max_cost=1))
    merge_from(ana.log_store, ana.folder, bo.folder)
    assert ana.submit(req.replace(prompt="bow"), max_cost=1).id == his.id
    assert len(endpoint.charges) == 2


@pytest.mark.parametrize("way", ["import", "unpack"])
def test_what_was_imported_or_unpacked_is_not_paid_again(spaces, endpoint, req, tmp_path, way):  # noqa: F811
    ana = spaces("ana")
    job = collected(ana.submit(req, max_cost=1))
    if way == "unpack":
        unpack(pack(ana.folder, ana.log_store, tmp_path / "ana.zip"), tmp_path / "bo")
    bo = spaces("bo")
    if way == "import":
        assert bo.log.import_frame(ana.log.frame()) == 1
    assert bo.submit(req, max_cost=1).id == job.id
    assert len(endpoint.charges) == 1


@pytest.mark.parametrize("at_work", [False, True])
def test_a_job_merged_while_submitted_is_followed_here(spaces, endpoint, req, at_work):  # noqa: F811
    endpoint.next_poll.extend([endpoint.working] * 10_000)
    ana, bo = spaces("ana"), spaces("bo")
    job = ana.submit(req, max_cost=1)
    until(lambda: job.row.state in ("submitted", "running"))
    ana.close()
    _ = bo.connection.runner if at_work else None
    merge_from(bo.log_store, bo.folder, ana.folder)
    if not at_work:
        bo.close()
        bo = spaces("bo")
    endpoint.next_poll.clear()
    until(lambda: bo.log_store.jobs.get(job.id).state == "collected")
    assert (bo.folder / bo.log_store.jobs.get(job.id).result_path).is_file()
    assert len(endpoint.charges) == 1


def test_a_job_that_was_only_planned_here_and_sent_there_is_not_sent_again(spaces, endpoint, req):  # noqa: F811
    ana, bo = spaces("ana"), spaces("bo")
    row, _ = ana.log_store.jobs.add(ana.preparation.plan_job(req))
    merge_from(bo.log_store, bo.folder, ana.folder)
    assert collected(bo.submit(req, max_cost=1)).id == row.id
    merge_from(ana.log_store, ana.folder, bo.folder)
    assert ana.submit(req, max_cost=1).id == row.id
    assert len(endpoint.charges) == 1


def make_older(ws, salt):
    """Leave a log as an older version had it: the account named with the log's salt."""
    old = salted_fingerprint(Secret(KEY), salt)
    with ws.log_store.database.write() as connection:
        connection.execute(insert(salts).values(salt=salt))
        connection.execute(update(jobs).values(account=old))
    ws.close()


def test_jobs_of_older_logs_are_found_again(spaces, endpoint, req):  # noqa: F811
    ana, bo = spaces("ana"), spaces("bo")
    jobs_of = {
        one: collected(space.submit(req.replace(prompt=one), max_cost=1)).id
        for one, space in (("ana", ana), ("bo", bo))
    }
    make_older(ana, "salt-a")
    make_older(bo, "salt-b")
    find = functools.partial(spaces, "ana")
    assert find().submit(req.replace(prompt="ana"), max_cost=1).id == jobs_of["ana"]
    ana = find(endpoint="sandbox", key=None)  # the key is not at hand while it is merged
    merge_from(ana.log_store, ana.folder, bo.folder)
    assert find().submit(req.replace(prompt="bo"), max_cost=1).id == jobs_of["bo"]
    assert len(endpoint.charges) == 2


def test_an_older_log_merged_into_an_open_workspace_is_carried_forward_at_once(spaces, endpoint, req):  # noqa: F811
    ana, bo = spaces("ana"), spaces("bo")
    job = collected(bo.submit(req, max_cost=1))
    make_older(bo, "salt-b")
    assert ana.account
    merge_from(ana.log_store, ana.folder, bo.folder)
    assert ana.submit(req, max_cost=1).id == job.id
    assert len(endpoint.charges) == 1
