"""Two people on one log, in two processes and two folders: who pays, who follows, who sees what."""

from __future__ import annotations

import contextlib

import pytest

from motion_widgets import BudgetError, LogError, Sweep, Workspace
from motion_widgets.log.store import Log
from tests.jobs.endpoint import COST, Process, refusal, until

HIGH = 0.22848  # the estimate's upper end; the bill is COST
MAX = 0.50


@pytest.fixture
def colleague(tmp_path, endpoint, local_req, place, request):
    """A person at a kernel of their own: colleague(name, log) -> a Process."""

    def make(person, address):
        environ = {
            "MOTION_WIDGETS_USER": person, "FSSPEC_S3_ENDPOINT_URL": request.getfixturevalue("s3"),
            "AWS_ACCESS_KEY_ID": "testing-id", "AWS_SECRET_ACCESS_KEY": "testing-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        told = {"log": address, "shared": place, "environ": environ, "do": "team", "lease": 10.0}
        return Process(tmp_path / person, endpoint, local_req, **told)

    return make


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_two_people_on_postgresql_and_s3(tmp_path, colleague, endpoint, postgres):
    """A submits, B has the result and runs it again on the same account; each pays from an own budget."""
    address = postgres()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(contextlib.closing(Log(address)))
        ana, bo = (stack.enter_context(colleague(person, address)) for person in ("ana", "bo"))
        assert [ana.hear(), bo.hear()] == ["ready"] * 2
        assert ana.tell("set_budget", 0.30) == ana.tell("budget")
        assert bo.tell("set_budget", 0.45)["used"] == 0.0
        job_id, state = ana.tell("submit", "wave")
        assert state == "collected"
        assert bo.tell("look", job_id) == [True, "bo"], "the same bytes, in his own folder"
        until(lambda: not log.files.unshared())  # her image goes there by itself, whenever the job ends
        assert bo.tell("rerun", job_id, False)[0] == job_id, "the same account attaches"
        again, state = bo.tell("rerun", job_id, True)
        assert (again != job_id, state) == (True, "collected")
        assert log.jobs.get(again).created_by == "bo"
        assert [round(one.tell("budget")["used"], 5) for one in (ana, bo)] == [COST, COST]
        said = ana.tell("submit", "bow")
        assert said.startswith("refused: ")
        assert "budget of ana has only" in said
        assert bo.tell("submit", "bow")[1] == "collected"
        assert ana.tell("look", log.jobs.rows(newest=True, limit=1)[0].id) == [True, "ana"]
        assert bo.tell("submit", "nod").startswith("refused: "), "his is used up as well"
        assert len(endpoint.charges) == len(endpoint.posts) == 3
        assert {row.created_by for row in log.jobs.rows()} == {"ana", "bo"}
        assert len({row.account for row in log.jobs.rows()}) == 1


def test_a_sweep_stops_before_its_persons_budget_and_says_which(at, req, endpoint):
    ana = at("ana")
    ana.set_budget(0.50)  # two of them, however they are billed
    run = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ana).run(budget=100.0).wait(60)
    assert run.counts() == {"collected": 2, "planned": 2}
    assert len(endpoint.posts) == 2
    assert "budget of ana has only" in str(run.summary())
    held = [row.error_message for row in run.rows() if row.state == "planned"]
    assert all("ws.set_budget(" in one for one in held)
    ana.set_budget(10)
    run.drive()
    assert run.wait(60).counts() == {"collected": 4}
    small = Sweep(req, prompt=["e", "f"]).plan(ana).run(budget=1.5 * HIGH).wait(60)
    assert small.counts() == {"collected": 1, "planned": 1}
    assert f"the budget of {small.id} has only" in str(small.summary())


def test_who_lets_a_colleagues_sweep_go_on_pays_for_it(at, req, monkeypatch):
    ana = at("ana")
    ana.set_budget(1.5 * HIGH)
    run = Sweep(req, prompt=["a", "b"]).plan(ana).run(budget=1.0).wait(60)
    bo = at("bo")
    bo.set_budget(5)
    monkeypatch.setenv("MOTION_WIDGETS_USER", "bo")
    same = bo.attach(run.id)
    same.drive()
    assert same.wait(60).counts() == {"collected": 2}
    assert round(ana.budget("ana").used, 5) == round(bo.budget().used, 5) == COST


def test_refusal_comes_before_anything_is_written(at, req, endpoint):
    ana = at("ana")
    ana.set_budget(0.10)
    with pytest.raises(BudgetError, match=r"the budget of ana has only \$0\.10 of \$0\.10 left.*set_budget"):
        ana.submit(req, max_cost=MAX)
    assert (ana.log_store.jobs.count(), endpoint.posts) == (0, [])
    assert ana.budget("bo") is None


def test_what_was_surely_not_accepted_is_given_back(at, req, endpoint):
    ana = at("ana")
    ana.set_budget(1)
    endpoint.next_post.append(refusal(400))
    assert ana.submit(req, max_cost=MAX).wait(30).state == "rejected"
    assert ana.budget().used == 0


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01", "", "2026-13-01"])
def test_a_day_that_is_none_is_said(at, since):
    with pytest.raises(BudgetError, match="not a valid start date"):
        at("ana").set_budget(5, since=since)


@pytest.mark.parametrize("limit", [-1, float("nan"), "5", True])
def test_a_limit_that_is_none_is_said(at, limit):
    with pytest.raises(BudgetError, match="not an amount in USD"):
        at("ana").set_budget(limit)


def test_a_name_that_is_none_is_said_when_the_workspace_is_opened(at):
    with pytest.raises(LogError, match="cannot be a person's name"):
        at("a" * 81)


def test_each_folders_sandbox_is_an_account_of_its_own_on_a_shared_log(tmp_path, postgres, endpoint):
    """Another folder's sandbox knows nothing of a task: asking there would say that it vanished."""
    address = postgres()
    with (
        Workspace(tmp_path / "ana", endpoint="sandbox", log=address) as ana,
        Workspace(tmp_path / "bo", endpoint="sandbox", log=address) as bo,
        Workspace(tmp_path / "ana", endpoint="sandbox", log=address) as second,
    ):
        assert ana.account == second.account != bo.account
        values = {"endpoint": "sandbox", "account": ana.account, "sandbox": True, "key": "k"}
        row, _ = ana.log_store.jobs.add(values)
        assert bo.runner_for(row) is None
        assert ana.runner_for(row) is not None
    with Workspace(tmp_path / "own", endpoint="sandbox") as own:
        assert own.account == "sandbox"


def test_budgets_from_the_terminal(tmp_path, capsys, monkeypatch):
    from motion_widgets.cli.main import main

    monkeypatch.setenv("MOTION_WIDGETS_USER", "ana")
    here = ["--folder", str(tmp_path / "ws")]
    assert main(["budget", *here]) == 0
    assert "Nobody has a budget here" in capsys.readouterr().out
    assert main(["budget", "bo", "50", "--since", "2026-01-31", *here]) == 0
    assert capsys.readouterr().out == "bo: $0.00 used of $50.00 at sandbox, counted since 2026-01-31\n"
    assert main(["budget", "ana", "none", *here]) == 0
    assert main(["budget", *here]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["ana", "bo"]
    assert main(["budget", "bo", "lots", *here]) == 1
    assert "not an amount in USD" in capsys.readouterr().err
