"""Frames hold whatever a column holds, and filters are answered by an index."""

from __future__ import annotations

import contextlib
import sqlite3

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert

from motion_widgets.log import frame_reader
from motion_widgets.log.columns import AXIS, COLUMNS, MONEY, TRUTH, WHOLE
from motion_widgets.log.filters import between, conditions
from motion_widgets.log.schema import jobs, rule_in
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView

TEXTS = (
    st.none() | st.text(max_size=4) | st.sampled_from(["", '"', "\\", "\x00a", "\x1f", "null", "é😀", "[1"])
)
WHOLES = st.none() | st.sampled_from([0, -1, 2**31 - 1])
BIG = st.none() | st.integers(-(2**63), 2**63 - 1)
VALUES = {AXIS: TEXTS, TRUTH: st.none() | st.booleans(), WHOLE: WHOLES, MONEY: st.none() | WHOLES}
NEEDED = {"state": "planned", "endpoint": "e", "account": "a", "sandbox": True, "repeat": 1, "attempt": 1}
ODD = {name: VALUES[kind] for name, kind in COLUMNS.items() if kind in VALUES and name not in NEEDED}
ODD |= {"clip_size": BIG, "image_size": BIG, "clip_length": st.none() | st.floats(allow_nan=False)}


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    log = Log(tmp_path_factory.mktemp("reading") / "log.sqlite")
    yield log
    log.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.fixed_dictionaries({}, optional=ODD), max_size=8), fetched=st.integers(1, 4))
def test_whatever_fits_a_column_comes_back(sqlite, monkeypatch, rows, fetched):
    monkeypatch.setattr(frame_reader, "_BATCH", fetched)
    with sqlite.database.write() as connection:
        connection.execute(delete(jobs))
        for number, row in enumerate(rows):
            own = {"id": f"job-{number}", "key": f"{number}", "idempotency_key": f"{number}", "seq": number}
            connection.execute(insert(jobs), {**NEEDED, **own, "created": 0, **row})
    frame = LogView(sqlite).frame()
    assert list(frame["id"]) == [f"job-{number}" for number in range(len(rows))]
    for name in ODD:
        money = COLUMNS[name] == MONEY
        wanted = [rule_in(jobs.c[name]).clean(row.get(name)) for row in rows]
        found = [None if pd.isna(one) else one for one in frame[name]]
        assert found == [one / 1e6 if money and one is not None else one for one in wanted], name
    for name in ("mode", "clip_width"):
        pd.testing.assert_series_equal(LogView(sqlite).frame(columns=[name])[name], frame[name])


USUAL = [
    {"model": "m", "mode": "pro", "character_orientation": "image"},
    {"clip_name": ["a.mp4", "b.mp4"]}, {"cost": between(0.4)}, {"mode": None}, {"image_name": "a.png"},
    {"created_by": "ann", "sandbox": False}, {"error_kind": ["failed"], "keep_original_sound": "yes"},
]  # fmt: skip


def plans_of(log, call):
    """Return what SQLite says of how it finds the rows of a call."""
    said = []

    def seen(_c, _cursor, text, given, _x, _many):
        if text.startswith("BEGIN") or "FROM meta" in text:  # every write asks which schema the log has
            return
        with contextlib.closing(sqlite3.connect(log.database.path)) as db:
            said.extend(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {text}", given))

    for engine in (log.database._reader, log.database._writer):
        event.listen(engine, "before_cursor_execute", seen)
    call()
    for engine in (log.database._reader, log.database._writer):
        event.remove(engine, "before_cursor_execute", seen)
    return said


def plan_of(log, where):
    return plans_of(log, lambda: LogView(log).frame(where))


@pytest.mark.parametrize("where", USUAL)
def test_the_usual_filters_walk_no_whole_rows(sqlite, where):
    said = plan_of(sqlite, where)
    assert [one for one in said if "SCAN" in one] == ["SCAN jobs USING COVERING INDEX jobs_filters"]


@pytest.mark.parametrize(
    ("where", "index"),
    [({"sweep_id": "s", "mode": "pro"}, "jobs_sweep"), ({"state": "failed"}, "jobs_state")],
)
def test_an_index_that_leads_to_few_jobs_is_preferred(sqlite, where, index):
    said = plan_of(sqlite, where)
    assert any(index in one for one in said)
    assert not any("SCAN" in one for one in said)


def test_what_tells_most_jobs_apart_is_asked_for_first():
    asked = conditions({"mode": "pro", "model": "m", "clip_name": ["a.mp4"], "image_name": "a.png"})
    assert [one.left.name for one in asked] == ["clip_name", "image_name", "mode", "model"]


def test_leases_are_renewed_without_a_walk(sqlite):
    assert plans_of(sqlite, lambda: sqlite.leases.renew("me")) == [
        "SEARCH jobs USING INDEX jobs_lease (lease_owner=?)"
    ]


@pytest.mark.parametrize("fetched", [1, 500], ids=["of several parts", "of one part"])
@pytest.mark.parametrize("where", [None, {"mode": "std"}], ids=["whole", "filtered"])
def test_a_frame_can_be_written_to_and_the_next_one_is_as_the_log_is(log, add, monkeypatch, where, fetched):
    monkeypatch.setattr(frame_reader, "_BATCH", fetched)
    for number in range(3):
        times = dict.fromkeys(("submitted", "completed", "collected"), number)
        add(f"k{number}", mode="std", clip_length=number + 0.5, clip_fps=30.0, cost=number, **times)
    view = LogView(log)
    frame = view.frame(where)
    before = frame.copy(deep=True)
    for name in frame.columns:
        frame.loc[0, name] = frame.loc[1, name]
    pd.testing.assert_series_equal(frame.loc[0], frame.loc[1], check_names=False)
    pd.testing.assert_frame_equal(view.frame(where), before)
