# ruff: noqa: E501
"""Frames into a log: many at once, exactly, on SQLite and PostgreSQL."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import LogError
from motion_widgets.log import frame_reader
from motion_widgets.log.schema import budgets, events, jobs
from motion_widgets.log.states import ENDS, State
from motion_widgets.log.store import Log
from motion_widgets.log.view import COLUMNS, LogView

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = {
    "string": TEXT,
    "category": TEXT,
    "Int64": st.integers(0, 2**31 - 1),
    "float64": st.floats(0, 1e9),
    "boolean": st.booleans(),
    "usd": st.integers(0, 10**12),
    "datetime64[us, UTC]": st.integers(0, 4 * 10**15),
}
NEEDED = ("endpoint", "account", "sandbox", "key", "created")


@st.composite
def frames(draw):
    """Frames as `frame()` gives them, of ended and planned jobs."""
    count = draw(st.integers(0, 6))
    columns = []
    for name, kind in COLUMNS.items():
        values = VALUES[kind] if name in NEEDED else st.none() | VALUES[kind]
        if name == "id":
            columns.append([f"job-{number}" for number in range(count)])
        elif name in ("repeat", "attempt"):
            columns.append(list(range(1, count + 1)))
        elif name == "state":
            states = sorted(state.value for state in (*ENDS, State.PLANNED))
            columns.append(draw(st.lists(st.sampled_from(states), min_size=count, max_size=count)))
        elif name == "result_path":
            columns.append([None] * count)
        elif name == "sweep_id" or name.endswith("_sha"):
            names = st.none() | st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)
            columns.append(draw(st.lists(names, min_size=count, max_size=count)))
        elif name == "watermark_info":
            columns.append(
                draw(st.lists(st.sampled_from([None, '{"enabled": true}']), min_size=count, max_size=count))
            )
        else:
            columns.append(draw(st.lists(values, min_size=count, max_size=count)))
    made = {
        name: frame_reader._array(pa.chunked_array([frame_reader._part(values, kind)]), kind)
        for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)
    }
    return pd.DataFrame(made)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=frames())
def test_a_frame_comes_back_as_it_was(log, frame):
    with log.database.write() as connection:
        for table in (jobs, events, budgets):
            connection.execute(table.delete())
    view = LogView(log)
    assert view.import_frame(frame) == len(frame)
    pd.testing.assert_frame_equal(view.frame(), frame, check_exact=True)
    assert view.import_frame(frame) == 0


def many(count):
    """A frame of many jobs, made of one."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "log.sqlite")
        log.jobs.add(
            {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "k", "clip_length": 6.5}
        )
        frame = LogView(log).frame()
        log.close()
    frame = pd.concat([frame] * count, ignore_index=True)
    frame["id"] = pd.Series([f"job-{number:08}" for number in range(count)], dtype="string")
    frame["key"] = frame["id"]
    return frame


def test_batches_lose_and_double_nothing(log):
    frame = many(5003)
    frame = pd.concat([frame, frame.iloc[:7]], ignore_index=True)
    view = LogView(log)
    assert view.import_frame(frame) == 5003
    assert len(view) == 5003
    seqs = {row.seq for row in log.jobs.rows()}
    assert len(seqs) == 5003, "each is a change of its own"
    assert log.jobs.events("job-00005002")[0].note == "event_imported"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("clip_width", "wide", "clip_width contains 'wide'"), ("cost", "dear", "cost contains 'dear'"),
        ("cost", float("inf"), "cost contains inf"), ("created", "yesterday", "created contains 'yesterday'"),
        ("result_path", "/etc/passwd", "outside the workspace"), ("result_path", "results/../../x", "outside the workspace"),
        ("result_path", "C:\\x", "outside the workspace"), ("key", None, "lacks key"),
        ("sandbox", "perhaps", "sandbox contains 'perhaps'. Use True or False"), ("sandbox", 2, "sandbox contains 2"),
        ("repeat", 0, "repeat contains 0"), ("attempt", 1.5, "attempt contains 1.5"), ("repeat", 2**70, "repeat contains 1180591620717411303424"),
        ("clip_size", 10**30, "clip_size contains"), ("cost", 1e20, "cost contains 1e[+]20. Use USD"), ("prompt", "\ud800", "prompt contains"),
        ("id", "../../x", "id ../../x"), ("id", "results/a", "id results/a"), ("id", "", "id "),
    ],
)  # fmt: skip
def test_values_that_no_log_holds_are_named_and_nothing_is_imported(log, column, value, words):
    frame = many(3).astype(object)
    frame.loc[2, column] = value
    if column == "created":
        frame["created"] = value
    with pytest.raises(LogError, match=words.replace("\\", "\\\\")):
        LogView(log).import_frame(frame)
    assert log.jobs.count() == 0


@pytest.mark.parametrize(
    "odd", [[1, 2], {"id": ["a"]}, many(2)["id"], pd.concat([many(2), many(2)[["key"]]], axis=1)]
)
def test_what_is_no_frame_is_said(log, odd):
    with pytest.raises(LogError, match="is not a frame"):
        LogView(log).import_frame(odd)


@pytest.mark.parametrize(("told", "means"), [("False", False), ("true", True), (0, False), (1.0, True)])
def test_a_truth_in_words_is_what_it_says(log, told, means):
    frame = many(1).astype(object)
    frame["sandbox"] = frame["clip_has_audio"] = told
    LogView(log).import_frame(frame)
    (row,) = log.jobs.rows()
    assert (row.sandbox, row.clip_has_audio) == (means, means)


def test_what_only_the_log_itself_may_say_is_not_taken_over(log):
    frame = many(1)
    for name in ("deleted", "reserved", "lease_until", "sent", "budget_id", "quality_of_a_later_version"):
        frame[name] = 7
    LogView(log).import_frame(frame)
    (row,) = log.jobs.rows()
    assert [getattr(row, name) for name in ("deleted", "reserved", "lease_until", "sent", "budget_id")] == [
        None,
        0,
        None,
        None,
        None,
    ]


def test_times_of_any_kind_come_in_exactly(log):
    frame = many(3).astype(object)
    moment = datetime(2026, 10, 1, 12, 30, 0, 123457, tzinfo=UTC)
    frame["created"] = ["2026-10-01T12:30:00.123457Z", "2026-10-01 14:30:00.123457+02:00", moment.isoformat()]
    LogView(log).import_frame(frame)
    assert {row.created for row in log.jobs.rows()} == {int(moment.timestamp()) * 10**6 + 123457}
