"""When a task is asked for, whatever its endpoint says of how long it takes."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.endpoint.responses import read_task
from motion_widgets.jobs.scheduling import timing
from motion_widgets.jobs.scheduling.poll_schedule import DurationModel, TaskSchedule

BEGAN = 1e9
SHORTEST, LONGEST = 0.4, 10.0


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    monkeypatch.setattr(timing, "POLL", (SHORTEST, LONGEST))
    clock = SimpleNamespace(now=BEGAN)
    monkeypatch.setattr(timing, "now", lambda: clock.now)
    return clock


def row_of(length=10.0, mode="std", model="kling-v3-motion-control", estimated=None, completed=None):
    return SimpleNamespace(
        model=model, mode=mode, clip_length=length, character_orientation="video", estimated_time=estimated,
        submitted=int(BEGAN * 1e6), completed=completed,
    )  # fmt: skip


def task_of(clock=None, took=None, **said):
    status = "processing" if took is None else "completed"
    times = {} if took is None else {"created": int(BEGAN), "completed": int(BEGAN + took)}
    return read_task({"data": {"status": status, **times, **said}})


def polls(clock, durations, row, took, *, watched=0, eager=False, told=True, estimated=None):
    """Follow a task of so many s; give when it was polled (s after its submit).

    `estimated` is what the endpoint says only once it is asked.
    """
    clock.now = BEGAN
    schedule, when = TaskSchedule(durations, row), []
    while not when or when[-1] < took:
        clock.now = max(schedule.due(watched=watched, eager=eager), clock.now)
        when.append(clock.now - BEGAN)
        assert len(when) < 10_000
        if when[-1] < took:
            schedule.polled(task_of(estimated_time=row.estimated_time or estimated))
    schedule.polled(task_of(took=took) if told else read_task({"data": {"status": "completed"}}))
    schedule.completed(task_of(took=took) if told else read_task({"data": {"status": "completed"}}))
    return when


anything = st.one_of(
    st.none(), st.floats(), st.integers(), st.text(max_size=5), st.lists(st.none(), max_size=1)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the clock is set anew
@given(
    estimates=st.lists(anything, max_size=6),
    progress=anything,
    length=st.one_of(st.none(), st.floats(allow_nan=True)),
    took=st.lists(st.floats(), max_size=8),
    waits=st.lists(st.floats(-1e5, 1e7), max_size=6),
    watched=st.integers(0, 3),
    eager=st.booleans(),
)
def test_the_next_poll_is_always_between_the_bounds(  # noqa: PLR0917 - hypothesis gives them by name
    usual, estimates, progress, length, took, waits, watched, eager
):
    durations = DurationModel()
    row = row_of(length=10.0 if length is not None and math.isnan(length) else length)
    for one in took:
        durations.learn(durations.group(row), one, {"server": 5.0, "group": one})
    usual.now = BEGAN
    schedule = TaskSchedule(durations, row)
    last = BEGAN
    for number, wait in enumerate([0.0, *waits]):
        usual.now += wait
        if number:
            schedule.polled(
                task_of(
                    estimated_time=estimates[number % len(estimates)] if estimates else None,
                    progress=progress,
                )
            )
            last = usual.now
        due = schedule.due(watched=watched, eager=eager)
        assert last + SHORTEST - 1e-3 <= due <= last + LONGEST * (1 if watched else timing.UNWATCHED) + 1e-3


@pytest.mark.parametrize("eager", [False, True])
def test_an_exact_estimate_needs_one_poll(usual, eager):
    durations = DurationModel()
    for seconds in (5.5, 12.25, 30.0, 120.0, 400.0):
        when = polls(usual, durations, row_of(estimated=seconds), seconds, eager=eager)
        assert len(when) == 1
        assert when[0] - seconds < 0.5 + seconds / 50


def test_finished_jobs_of_the_same_kind_tell_when_to_ask(usual):
    durations = DurationModel()
    for _ in range(10):
        polls(usual, durations, row_of(), 100.0, eager=True)
    when = polls(usual, durations, row_of(), 100.0)
    assert len(when) <= 2
    assert when[-1] < 115


def test_an_estimate_that_is_always_three_times_too_long_is_seen_through(usual):
    durations = DurationModel()
    for _ in range(8):
        polls(usual, durations, row_of(estimated=60.0), 19.0)
    when = polls(usual, durations, row_of(estimated=60.0), 19.0)
    assert when[-1] < 25


def test_a_watched_job_is_asked_for_at_least_every_ten_seconds(usual):
    when = polls(usual, DurationModel(), row_of(estimated=600.0), 600.0, watched=1)
    gaps = [later - earlier for earlier, later in pairwise([0.0, *when])]
    assert max(gaps) <= LONGEST + 1e-3


def test_a_watched_job_of_a_few_seconds_is_asked_for_more_often(usual):
    assert len(polls(usual, DurationModel(), row_of(estimated=6.0), 6.0, watched=1)) >= 8


def test_jobs_that_are_watched_together_share_the_polls(usual):
    """A hundred progress bars are not a hundred times the load, and still see the end in time."""
    row = row_of(estimated=400.0)
    alone, one_of_many = (polls(usual, DurationModel(), row, 390.0, watched=count) for count in (1, 100))
    assert len(one_of_many) * 3 < len(alone)
    gaps = [later - earlier for earlier, later in pairwise([0.0, *one_of_many])]
    assert max(gaps) <= 100 * SHORTEST + 1e-3


@pytest.mark.parametrize("known", ["of it", "of others", "nothing"])
@pytest.mark.parametrize("eager", [False, True])
def test_one_job_that_took_long_keeps_no_other_waiting(usual, known, eager):
    """A single one may have lain in a machine that slept, or at an endpoint that stood still."""
    durations = DurationModel()
    row = row_of(estimated=8.0 if known == "of it" else None)
    durations.learn(
        durations.group(row), 600.0, durations.estimates(durations.group(row), row.estimated_time)
    )
    when = polls(usual, durations, row, 8.0, eager=eager, estimated=8.0 if known == "of others" else None)
    assert when[-1] < 8.0 * 1.5
    assert len(when) < 60


def test_polls_of_a_task_that_takes_longer_than_said_get_rarer(usual):
    when = polls(usual, DurationModel(), row_of(estimated=10.0), 1000.0)
    gaps = [later - earlier for earlier, later in pairwise(when)]
    assert gaps[-1] > 10 * gaps[0]
    assert len(when) < 40


def test_others_that_wait_for_its_place_make_a_task_be_asked_for_more_eagerly(usual):
    late = {}
    for eager in (False, True):
        durations = DurationModel()
        for share in (0.8, 0.9, 1.0, 1.1, 1.2) * 3:
            polls(usual, durations, row_of(estimated=100.0), 100 * share, eager=eager)
        late[eager] = [
            polls(usual, durations, row_of(estimated=100.0), took, eager=eager)[-1] - took
            for took in (82, 95, 111)
        ]
    assert max(late[True]) < 6
    assert max(late[False]) > max(late[True])


def test_longer_clips_pro_and_v3_are_expected_to_take_longer_before_anything_is_known():
    durations = DurationModel()

    def expected(**about):
        return durations.expected(DurationModel.group(row_of(**about)))

    v26 = "kling-v2-6-motion-control"
    plain = expected(length=5.0, model=v26)
    assert plain < expected(length=5.0)
    assert plain < expected(length=6.0, model=v26)
    assert plain < expected(length=5.0, mode="pro", model=v26)


def test_what_a_task_takes_whatever_its_length_is_seen_so_that_the_longest_go_first():
    durations = DurationModel()
    for mode, base in (("std", 3.0), ("pro", 7.5)):
        for length in (20.0, 24.0, 30.0):
            durations.learn(durations.group(row_of(length, mode)), base + 0.62 * length, {})
    short_pro, longer_std = (durations.group(row_of(*what)) for what in ((4.0, "pro"), (10.0, "std")))
    assert durations.expected(short_pro) == pytest.approx(7.5 + 0.62 * 4)
    assert durations.expected(short_pro) > durations.expected(longer_std)


@pytest.mark.parametrize("took", [(30.0, 20.0, 10.0), (20.0, 20.0, 20.0)])
def test_what_says_nothing_of_other_lengths_leaves_longer_clips_the_longer_ones(took):
    durations = DurationModel()
    for length, seconds in zip((10.0, 20.0, 30.0), took, strict=True):
        durations.learn(durations.group(row_of(length)), seconds, {})
    short, long = (durations.expected(durations.group(row_of(length))) for length in (5.0, 25.0))
    assert 0 < short < long


def test_the_log_is_remembered():
    durations = DurationModel()
    done = row_of(completed=int((BEGAN + 77) * 1e6))
    durations.learn_all([done] * 3)
    assert durations.expected(DurationModel.group(row_of())) == pytest.approx(77)
