"""What is said of results that die while this machine sleeps: beforehand, once, and when it wakes."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import pytest

from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.sleep_guard import KeepAwake, SleepGuard, may_sleep
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.widgets import JobMonitor
from tests.jobs.endpoint import until

MAX = 0.50
HOUR = 3600.0


@dataclass
class Held:
    """What became of keeping the machine awake, which no test can decide for it."""

    works: bool
    installed: bool


def supply(folder, name, kind, scope=None):
    (folder / name).mkdir(parents=True)
    (folder / name / "type").write_text(f"{kind}\n")
    if scope is not None:
        (folder / name / "scope").write_text(f"{scope}\n")


@pytest.fixture
def battery(mains):
    supply(mains, "BAT0", "Battery")


@pytest.fixture
def bare(monkeypatch):
    """The extra is not installed."""
    monkeypatch.setitem(sys.modules, "wakepy", None)


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    yield log
    log.close()


def done(log, key, expires, *, endpoint="e", to=State.COMPLETED):
    """Write down a job whose result dies at a moment (unix s)."""
    row, _ = log.jobs.add(
        {"endpoint": endpoint, "account": "a", "sandbox": endpoint == "sandbox", "key": key}
    )
    assert log.transitions.intend(row.id, 1, owner="me")
    assert log.transitions.move(row.id, State.SUBMITTED, task_id=key)
    assert log.transitions.move(row.id, State.COMPLETED, expires_at=int(expires * 1e6))
    if to != State.COMPLETED:
        assert log.transitions.move(row.id, to)
    return row.id


def guard(log, *, kept=False, installed=True, endpoint="e"):
    return SleepGuard(log, endpoint=endpoint, account="a", awake=Held(kept, installed))


@pytest.mark.parametrize(
    ("supplies", "may"),
    [
        ([], False),
        ([("AC", "Mains")], False),
        ([("AC", "Mains"), ("BAT0", "Battery")], True),
        ([("BAT1", "Battery", "System")], True),
        ([("hid-mouse", "Battery", "Device")], False),
    ],
    ids=["nothing", "mains", "battery", "battery that says so", "of a mouse"],
)
def test_a_machine_with_a_battery_of_its_own_may_sleep(mains, supplies, may):
    for one in supplies:
        supply(mains, *one)
    assert may_sleep() is may


def test_elsewhere_it_may_for_all_that_is_known(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert may_sleep()


@pytest.mark.usefixtures("battery", "bare")
def test_a_paid_job_on_a_battery_is_warned_of_once(ws, req):
    with pytest.warns(UserWarning, match="may fall asleep") as warned:
        first = ws.submit(req, max_cost=MAX)
    ws.submit(req.replace(prompt="another"), max_cost=MAX)  # a second warning would be an error
    said = str(warned[0].message)
    assert first.id in said
    assert "lasts about 24 h" in said
    assert 'pip install "motion-widgets[awake]"' in said


@pytest.mark.usefixtures("bare")
def test_without_a_battery_nothing_is_said(ws, req):
    ws.submit(req, max_cost=MAX).wait(30)
    assert ws.connection.risks() == []


@pytest.mark.usefixtures("battery")
def test_where_the_extra_is_there_nothing_is_said_beforehand(ws, req, monkeypatch):
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
    ws.submit(req, max_cost=MAX).wait(30)
    assert ws.connection.risks() == []


@pytest.mark.usefixtures("battery")
def test_the_risk_names_the_jobs_and_the_first_link_to_die(log):
    soon, late = time.time() + HOUR, time.time() + 9 * HOUR
    ids = [done(log, "late", late), done(log, "soon", soon)]
    said = guard(log).risk()
    assert said.startswith("2 paid jobs")
    assert all(one in said for one in ids)
    assert time.strftime("%Y-%m-%d %H:%M", time.localtime(soon)) in said
    assert "only you can do that" in said
    assert "[awake]" in guard(log, installed=False).risk()
    for one in ids:
        assert log.transitions.move(one, State.COLLECTED)
    assert guard(log).risk() == "", "all of it is here"


@pytest.mark.usefixtures("battery")
def test_many_are_counted_and_few_are_named(log):
    ids = [done(log, str(number), time.time() + HOUR) for number in range(10)]
    said = guard(log).risk()
    assert sum(one in said for one in ids) == 3
    assert "and 7 more" in said


@pytest.mark.usefixtures("battery")
@pytest.mark.parametrize(("kept", "endpoint"), [(True, "e"), (False, "sandbox")], ids=["awake", "sandbox"])
def test_nothing_is_at_risk_awake_or_on_the_sandbox(log, kept, endpoint):
    done(log, "k", time.time() + HOUR, endpoint=endpoint)
    assert guard(log, kept=kept, endpoint=endpoint).risk() == ""


def test_after_a_gap_it_is_said_what_died_and_what_is_about_to(log, monkeypatch):
    now = time.time()
    before = done(log, "before", now - 9.5 * HOUR, to=State.EXPIRED)
    dead = [done(log, "dead", now - HOUR, to=State.EXPIRED), done(log, "dying out", now - 2 * HOUR)]
    soon, safe = done(log, "soon", now + HOUR / 2), done(log, "safe", now + 9 * HOUR)
    own = guard(log, kept=True)
    assert own.missed() == "", "there was no gap"
    own.note_gap(now - 9 * HOUR, now)
    (said,) = own.messages()
    died, _, rest = said.partition("requested once more.")
    assert all(one in died for one in dead)
    assert soon in rest
    assert before not in said
    assert safe not in said
    monkeypatch.setattr(timing, "now", lambda: now + 2 * HOUR)
    assert own.messages() == [], "nobody is told of it for ever"


def test_a_gap_in_which_nothing_was_at_risk_is_not_spoken_of(log):
    own = guard(log)
    done(log, "safe", time.time() + 9 * HOUR)
    own.note_gap(time.time() - 9 * HOUR, time.time())
    assert own.messages() == []


def test_a_night_asleep_is_told_in_the_job_view(ws, req, endpoint, monkeypatch):
    ahead = [0.0]
    monkeypatch.setattr(timing, "now", lambda: time.time() + ahead[0])
    endpoint.next_download.extend(["hang"] * 100)
    job = ws.submit(req, max_cost=MAX)
    until(lambda: job.state == "completed" and endpoint.downloads)
    expires = job.row.expires_at / 1e6
    ahead[0] = expires - time.time() - HOUR / 2
    until(ws.connection.risks)
    monitor = JobMonitor(ws, watch=False)
    shown = monitor._risks.value
    assert "This machine was asleep from" in shown
    assert job.id in shown
    assert "downloaded first" in shown
    monitor.close()


def test_held_says_what_the_system_granted(monkeypatch):
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "1")
    awake = KeepAwake()
    assert (awake.installed, awake.works) == (True, True)
    awake.hold(True)
    awake.hold(False)
    assert awake.works


@pytest.mark.usefixtures("bare")
def test_without_the_extra_it_is_not_kept_awake():
    awake = KeepAwake()
    awake.hold(True)
    awake.hold(False)
    assert (awake.installed, awake.works) == (False, False)
