# ruff: noqa: E501
"""What people say of jobs, on SQLite and PostgreSQL."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert, select, update

from motion_widgets.core.errors import LogError
from motion_widgets.log.annotations import Annotation, split_tags, visible
from motion_widgets.log.paging import PageQuery, page
from motion_widgets.log.schema import jobs, notes, ratings, tags
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.view import LogView

MEND = {
    "kind": "clip", "operation": "trim", "parameters": {"start": 0.5, "end": 4}, "source_sha": "a",
    "source_name": "dance.mov", "source_path": "inputs/a.mov", "result_sha": "b",
    "result_name": "dance.mp4", "result_path": "inputs/b.mp4",
}  # fmt: skip
NOTHING = Annotation()


def said_by(log, person, job_id, **marks):
    with log.database.write() as connection:
        connection.execute(insert(ratings).values(job_id=job_id, created=1, created_by=person, **marks))


def test_a_job_without_marks_has_empty_ones(log, add):
    row = add()
    assert log.annotations.of([row.id]) == {row.id: NOTHING}
    assert log.annotations.of() == {}


def test_what_is_not_given_stays_and_none_takes_it_back(log, add):
    one = add().id
    log.annotations.rate([one], stars=4)
    log.annotations.rate([one], usable=True)
    assert log.annotations.of([one])[one] == Annotation(usable=True, stars=4.0)
    log.annotations.rate([one], stars=None)
    assert log.annotations.of([one])[one] == Annotation(usable=True)


def test_ratings_and_notes_are_only_ever_added(log, add):
    one = add().id
    for stars in (1, 2, 3):
        log.annotations.rate([one], stars=stars)
        log.annotations.note(one, f"seen {stars}")
    with log.database.read() as connection:
        assert connection.execute(select(ratings.c.stars).order_by(ratings.c.id)).scalars().all() == [1, 2, 3]
        assert len(connection.execute(select(notes.c.id)).all()) == 3
    assert log.annotations.of()[one] == Annotation(stars=3.0, note="seen 3")
    log.annotations.note(one, "")
    assert log.annotations.of()[one].note == ""


def test_of_each_person_the_last_rating_counts(log, add):
    one = add().id
    said_by(log, "ann", one, usable=False, stars=1)
    said_by(log, "ann", one, usable=True, stars=5)
    said_by(log, "bob", one, usable=False, stars=2)
    assert log.annotations.of([one])[one] == Annotation(stars=3.5), "one each way decides nothing"
    said_by(log, "cleo", one, usable=True)
    assert log.annotations.of([one])[one].usable is True
    assert log.annotations.of([one], by="bob")[one] == Annotation(usable=False, stars=2.0)


@pytest.mark.parametrize("stars", [0, 6, -1, True, 2.5, "3"])
def test_other_stars_are_refused(log, add, stars):
    one = add().id
    with pytest.raises(LogError, match="1 to 5"):
        log.annotations.rate([one], stars=stars)
    assert log.annotations.of() == {}


def test_tags_are_a_set(log, add):
    one, two = add("a").id, add("b").id
    log.annotations.tag([one, two], " keep ")
    log.annotations.tag([one], "hero")
    log.annotations.tag([one], "keep")
    assert log.annotations.of([two, one]) == {
        two: Annotation(tags=("keep",)),
        one: Annotation(tags=("hero", "keep")),
    }
    log.annotations.untag([one, two], "keep")
    assert log.annotations.tags_used() == ["hero"]


@pytest.mark.parametrize("tag", ["", "  ", "a\nb", "x" * 61, "a,b", "手、足", ","])
def test_other_tags_are_refused(log, add, tag):
    with pytest.raises(LogError, match="is not a valid tag"):
        log.annotations.tag([add().id], tag)


def test_only_what_has_ended_is_hidden(log, put):
    made = {state: put(state, key=state.value).id for state in State}
    for state, job_id in made.items():
        if state in ENDS:
            log.annotations.hide([job_id])
        else:
            with pytest.raises(LogError, match="has ended"):
                log.annotations.hide([job_id, made[State.COLLECTED]])
    assert {row.state for row in log.jobs.rows(visible)} == set(State) - ENDS
    assert log.jobs.count() == len(State), "nothing is deleted"
    log.annotations.unhide(list(made.values()))
    assert log.jobs.count(jobs.c.deleted.is_not(None)) == 0


def test_one_that_runs_keeps_all_from_being_hidden(log, put):
    ended, runs = put(State.FAILED, key="a").id, put(State.RUNNING, key="b").id
    with pytest.raises(LogError, match=runs):
        log.annotations.hide([ended, runs])
    assert log.jobs.get(ended).deleted is None


def test_every_mark_moves_the_change_counter(log, put):
    one = put(State.COLLECTED).id
    seen = [log.jobs.get(one).seq]
    for mark in (
        lambda: log.annotations.rate([one], usable=True),
        lambda: log.annotations.note(one, "n"),
        lambda: log.annotations.tag([one], "t"),
        lambda: log.annotations.untag([one], "t"),
        lambda: log.annotations.hide([one]),
        lambda: log.annotations.unhide([one]),
    ):
        mark()
        seen.append(log.jobs.get(one).seq)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    "mark",
    [
        lambda log, ids: log.annotations.rate(ids, stars=1),
        lambda log, ids: log.annotations.note(ids[1], "n"),
        lambda log, ids: log.annotations.tag(ids, "t"),
        lambda log, ids: log.annotations.hide(ids),
    ],
)
def test_marks_of_a_job_that_is_not_there(log, put, mark):
    one = put(State.COLLECTED).id
    with pytest.raises(LogError, match="There is no job-x"):
        mark(log, [one, "job-x"])
    assert log.annotations.of() == {}
    assert log.jobs.get(one).deleted is None


def test_more_jobs_than_one_statement_takes(log):
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True}
    cells = [({}, {**values, "key": str(number)}) for number in range(1203)]
    rows = log.sweeps.add(
        {"id": "run-1", "endpoint": "sandbox", "account": "sandbox", "axes": "{}"},
        cells, limit=None, keep=False, new=False,
    )  # fmt: skip
    ids = [row.id for row in rows]
    log.annotations.tag(ids, "all")
    log.annotations.rate(ids, stars=2)
    assert {(one.tags, one.stars) for one in log.annotations.of(ids).values()} == {(("all",), 2.0)}


class TestMends:
    def test_are_found_by_source_and_result(self, log):
        one = log.mends.add(**MEND)
        two = log.mends.add(**{**MEND, "source_sha": "b", "result_sha": "c"})
        assert [mend.id for mend in log.mends.find()] == [one, two]
        assert [mend.id for mend in log.mends.find(result_sha="b")] == [one]
        (found,) = log.mends.find(source_sha="b")
        assert {name: getattr(found, name) for name in MEND} == {
            **MEND,
            "source_sha": "b",
            "result_sha": "c",
        }

    def test_are_undone_once(self, log):
        one = log.mends.add(**MEND)
        assert (log.mends.undo(one), log.mends.undo(one), log.mends.undo("mend-x")) == (True, False, False)
        assert log.mends.find()[0].undone is not None

    def test_a_job_made_of_the_result_is_seen_to_change(self, log, add):
        row = add(clip_sha="b")
        log.mends.add(**MEND)
        assert log.jobs.get(row.id).seq > row.seq


def test_a_single_job_and_numbers_of_numpy_are_taken(log, put):
    one, two = put(State.FAILED, key="a").id, put(State.FAILED, key="b").id
    log.annotations.rate(one, usable=np.True_, stars=np.int64(4))
    log.annotations.rate(pd.Series([one, two, one]), stars=np.float64(5.0))
    log.annotations.tag(one, "hero")
    log.annotations.tag((each for each in (one, two)), "dark")
    log.annotations.untag(two, "dark")
    log.annotations.hide(np.array([two]))
    assert log.annotations.of([one, two]) == {
        one: Annotation(usable=True, stars=5.0, tags=("dark", "hero")), two: Annotation(stars=5.0),
    }  # fmt: skip
    assert log.jobs.count(visible) == 1
    log.annotations.unhide(two)
    assert log.jobs.count(visible) == 2


@pytest.mark.parametrize(
    "odd",
    [{"stars": 4.5}, {"stars": np.float64("nan")}, {"stars": True}, {"stars": "4"}, {"usable": "no"}, {"usable": 1}],
    ids=str,
)  # fmt: skip
def test_other_marks_are_refused_by_name(log, add, odd):
    one = add().id
    with pytest.raises(LogError, match=re.escape(repr(next(iter(odd.values()))))):
        log.annotations.rate(one, **odd)
    assert log.annotations.of() == {}


def test_they_stand_on_the_view_as_well(log, put):
    one, two = put("collected", "a").id, put("failed", "b").id
    view = LogView(log)
    view.rate(view.frame()["id"], usable=False)
    view.rate(one, usable=True, stars=4)
    view.tag([one, two], "hero")
    view.untag(two, "hero")
    view.note(one, "hands melt")
    view.hide(two)
    told = view.frame(hidden=True, annotations=True)
    assert told[["id", "usable", "stars", "hidden"]].astype(object).to_numpy().tolist()[0] == [
        one,
        True,
        4.0,
        False,
    ]
    assert told["tags"].fillna("").tolist() == ["hero", ""]
    assert told["note"].fillna("").tolist() == ["hands melt", ""]
    assert view.frame()["id"].tolist() == [one]
    view.unhide(two)
    assert view.frame()["id"].tolist() == [one, two]


APART, TOGETHER = "ba\u0301ile", "b\u00e1ile"


@pytest.mark.parametrize(("first", "second"), [(APART, TOGETHER), (TOGETHER, APART)])
def test_a_tag_is_one_however_its_accents_are_written(log, add, first, second):
    one = add().id
    log.annotations.tag(one, first)
    log.annotations.tag(one, second)
    assert log.annotations.tags_used() == [TOGETHER]
    assert split_tags(f"{APART}, x") == [TOGETHER, "x"]
    for asked in (first, second):
        assert len(LogView(log).frame({"tags": asked})) == 1
        assert page(log, PageQuery(tag=asked)).total == 1
    with log.database.write() as connection:  # as an older version wrote it
        connection.execute(update(tags).values(tag=APART))
    log.annotations.tag(one, TOGETHER)
    assert log.annotations.tags_used() == [APART]
    log.annotations.untag(one, second)
    assert log.annotations.tags_used() == []
