# ruff: noqa: E501, PD010
"""What a log may hold is judged by its columns; what does not fit is as good as not set."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from motion_widgets.log import column_rules
from motion_widgets.log.column_rules import rule_of
from motion_widgets.log.names import is_safe_id
from motion_widgets.log.paging import SORTS, PageQuery, facets, page
from motion_widgets.log.rows import JobRow
from motion_widgets.log.schema import metadata, rule_in
from motion_widgets.log.store import Log
from motion_widgets.log.view import COLUMNS, LogView
from tests import hostile

JOB_COLUMNS = tuple(hostile.TABLES["jobs"].c.keys())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.binary(max_size=6)
    | st.sampled_from(hostile.VALUES)
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A log with every kind of bad row."""
    path = tmp_path_factory.mktemp("hostile") / "log.sqlite"
    count = hostile.fill(path)
    log = Log(path)
    yield log, count
    log.close()


def put(path, row: dict[str, Any]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert hostile.insert(db, "jobs", row)


@pytest.mark.parametrize(
    ("name", "kind", "good", "bad"),
    [
        ("cost", "Micro | None", [0, 10**12], [-1, 10**12 + 1, "1", 1.5, b"1", True]),
        ("created", "int", [0, 253_370_764_800_000_000], [-1, 2**63 - 1, "now"]),
        ("clip_fps", "float | None", [0, 29.97], [float("inf"), float("nan"), -1.0, "30", 10**10]),
        ("progress", "int | None", [0, 100], [101, "<b>"]),
        ("sandbox", "bool", [0, 1, True], [2, "true", 1.0]),
        ("state", "str", ["planned"], ["odd", 1]),
        ("id", "str", ["job-1"], ["../x", "", "a/b", 7, None]),
        ("result_path", "str | None", ["results/a.mp4", "inputs/a b.png", ""], ["a.mp4", "results/../x", "/results/x", "results//x", "results/", "workspace.json", "results/./x", "results/a\\..\\b", "C:results/x"]),
        ("links", "str | None", ["[]", '["a"]'], ["{}", "[1]", "x", "[" * 9999, "1" * 9999]),
        ("axes", "str", ["{}", '{"mode": ["std"]}'], ["[]", '{"mode": 1}']),
        ("cells", "str", ['[{"values": {"mode": "std"}, "job_id": "job-1", "order": 0}]'], ["{}", "[1]", '[{"values": {}, "job_id": "../x"}]', '[{"values": {}, "job_id": "job-1", "number": 1e99}]']),
        ("stop_after", "str | None", ["[3, 0.5]"], ["[3]", "3", "[1e999, 1]", "[true, 1]"]),
        ("watermark_info", "str | None", ['{"enabled": true}'], ["true", "{"]),
        ("prompt", "str | None", ["", "<b>"], [1, b"x"]),
        ("seq", "int", [0, 2**62], [2**62 + 1, "z"]),
    ],
)  # fmt: skip
def test_the_limits_of_each_kind(name, kind, good, bad):
    rule = rule_of(name, kind)
    assert [one for one in good if not rule.fits(one)] == []
    assert [one for one in bad if rule.fits(one)] == []
    assert all(rule.fits(rule.clean(one)) or name == "id" for one in bad if one is not None)


def test_an_unsafe_id_has_a_name_of_its_own_that_no_file_and_no_row_can_have():
    rule = rule_of("id", "str")
    names = [rule.clean(one) for one in hostile.IDS if one is not None]
    assert len(set(names)) == len(names)
    assert not any(map(is_safe_id, names))
    assert [rule.clean(one) for one in names] == names
    assert not any(set("/\\.") & set(one) for one in names)


def test_every_column_of_the_log_has_a_rule():
    for table in metadata.sorted_tables:
        for column in table.c:
            assert table.name == "meta" or rule_in(column).read is not None


def test_whatever_is_read_of_a_log_has_its_columns_type(filled):
    log, _ = filled
    rows = log.jobs.rows()
    rules = column_rules.rules_of(JobRow)
    for row in rows:
        assert [
            name for name, rule in rules.items() if name != "id" and not rule.fits(getattr(row, name))
        ] == []
    with log.database.read() as connection:
        for name, table in hostile.TABLES.items():
            for row in connection.execute(select(table)).mappings():
                for column in table.c:
                    value = row[column.name]
                    assert rule_in(column).fits(value) or str(value).startswith("?"), (
                        name,
                        column.name,
                        value,
                    )


def test_a_bad_row_says_so_and_harms_no_other(filled):
    log, count = filled
    rows = log.jobs.rows()
    assert len(rows) == log.jobs.count() == count
    good = next(row for row in rows if row.id == "job-good")
    assert (good.error_message, good.cost) == (None, 342_720)
    bad = [row for row in rows if row.error_kind == "unreadable"]
    assert len(bad) > 500
    assert all(row.error_message.startswith("This row of the log is damaged:") for row in bad)


def test_a_row_is_logged_once(tmp_path, caplog):
    log = Log(tmp_path / "log.sqlite")
    row = hostile.good_row("jobs", cost="free")
    put(log.database.path, row)
    with caplog.at_level(logging.INFO, "motion_widgets"):
        for _ in range(3):
            assert log.jobs.get(row["id"]).cost is None
    assert [one.getMessage() for one in caplog.records].count(
        f"The log\u2019s row {row['id']} is damaged: cost held no value of the right kind and counts as not set."
    ) == 1
    log.close()


def test_totals_and_budgets_add_up_the_good_rows_alone(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    for cost in (1, 2**63 - 1, 2**63 - 1, -5, "seven", 9e999, None):
        put(log.database.path, hostile.good_row("jobs", cost=cost, reserved=cost or 0, created_by="ana"))
    totals = log.jobs.totals("sandbox", "sandbox")
    assert (totals.counts, totals.billed, totals.spent) == ({"collected": 7}, 1, 1)
    assert log.budgets.set_person("ana", "sandbox", "sandbox", 100).used == 2
    log.close()


def test_a_sum_may_be_larger_than_any_one_bill(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    for _ in range(3):
        put(log.database.path, hostile.good_row("jobs", cost=10**12, created_by="ana"))
    assert log.jobs.totals("sandbox", "sandbox").spent == 3 * 10**12
    assert log.budgets.set_person("ana", "sandbox", "sandbox", 100).used == 3 * 10**12
    log.close()


def test_a_limit_that_is_no_number_lets_nothing_through(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    log.budgets.set("b", 500)
    job = log.jobs.add({"endpoint": "e", "account": "a", "sandbox": True, "key": "k", "budget_id": "b"})[0]
    with contextlib.closing(sqlite3.connect(log.database.path)) as db, db:
        db.execute("UPDATE budgets SET limit_micro = 'lots'")
    from motion_widgets.core.errors import BudgetError

    with pytest.raises(BudgetError):
        log.transitions.intend(job.id, 1, owner="me")
    log.close()


@pytest.mark.parametrize("seq", [2**63 - 1, 2**62, "z", b"z", 1.5, -(2**63)])
def test_views_notice_changes_whatever_a_counter_held(tmp_path, seq):
    log = Log(tmp_path / "log.sqlite")
    put(log.database.path, hostile.good_row("jobs", seq=seq))
    log.close()
    log = Log(log.database.path)
    seen = [log.jobs.version()]
    for number in range(2):
        log.annotations.note(log.jobs.rows()[0].id, str(number))
        seen.append(log.jobs.version())
    assert seen[0] < seen[1] < seen[2]
    log.close()


def test_pages_show_every_row_with_an_id_by_every_sort(filled):
    log, count = filled
    assert len(facets(log)["state"]) <= 13
    for sort in SORTS:
        for down in (True, False):
            shown = page(log, PageQuery(sort=sort, down=down), size=2 * count)
            assert len(shown.rows) >= shown.total - 20, "all but those whose id is not even text"
            assert shown.annotations.keys() == {row.id for row in shown.rows} | shown.annotations.keys()
    assert page(log, PageQuery(search="dropped")).rows


def test_frames_and_exports_take_every_row(filled, tmp_path):
    log, count = filled
    view = LogView(log)
    frame = view.frame(hidden=True)
    assert len(frame) == count
    damaged = frame["error_message"].fillna("").str.startswith("This row of the log is damaged")
    assert damaged.sum() > 300
    assert (frame["cost"].dropna() >= 0).all()
    assert set(frame["state"]) <= {state.value for state in column_rules.State}
    assert len(pd.read_csv(view.to_csv(tmp_path / "a.csv"))) == count
    assert len(pd.read_parquet(view.to_parquet(tmp_path / "a.parquet"))) == count
    assert view.to_json(tmp_path / "a.jsonl").read_text().count("\n") == count
    view.to_excel(tmp_path / "a.xlsx")
    view.pivot(index="mode", columns="state", aggfunc=["sum", "count", "usable"])
    for one in (view.events, view.ratings, view.tags, view.notes, view.budgets, view.outside):
        one()
    assert "<script" not in view.show()._repr_html_()
    assert "<script" not in view.describe()._repr_html_()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(JOB_COLUMNS), SCALARS, max_size=8))
@example({"progress": hostile.SCRIPT, "cost": "1", "submitted": "x", "clip_fps": "y"})
@example({"seq": -1})
def test_the_frame_says_what_the_records_say(tmp_path_factory, values):
    log = _shared(tmp_path_factory)
    with contextlib.closing(sqlite3.connect(log.database.path)) as db, db:
        db.execute("DELETE FROM jobs")
        hostile.insert(db, "jobs", hostile.good_row("jobs", **values))
    rows, told = log.jobs.rows(), LogView(log).frame(hidden=True)
    assert len(rows) == len(told)
    for row, (_, line) in zip(rows, told.iterrows(), strict=True):
        for name, kind in COLUMNS.items():
            mine, theirs = getattr(row, name), line[name]
            if mine is None:
                assert pd.isna(theirs), name
            elif name in ("id", "state") and row.id.startswith("?"):
                pass  # a record has a name all the same, and nobody knows what becomes of it
            elif kind == "usd":
                assert theirs == mine / 1e6
            elif kind.startswith("datetime"):
                assert int(theirs.asm8.astype("datetime64[us]").astype("int64")) == mine
            elif name not in ("error_kind", "error_message"):
                assert theirs == mine, name


_LOGS: dict[str, Log] = {}


def _shared(tmp_path_factory) -> Log:
    if "log" not in _LOGS:
        _LOGS["log"] = Log(tmp_path_factory.mktemp("property") / "log.sqlite")
    return _LOGS["log"]
