# ruff: noqa: PD010
"""Filters of the log: each keeps what pandas would of the whole frame, and odd ones are refused in words."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import LogError
from motion_widgets.log.filters import between, known, mentions
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES

MODES, COSTS, WIDTHS = ("std", "pro", None), (0.10, 0.25, 0.40, None), (540, 720, None)


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    """Return a view of a log with a job of each mode, cost (USD) and width."""
    log = Log(tmp_path_factory.mktemp("filters") / "log.sqlite")
    for mode in MODES:
        for cost in COSTS:
            for width in WIDTHS:
                row = log.jobs.add(
                    {**VALUES, "key": f"{mode} {cost} {width}", "mode": mode, "clip_width": width}
                )[0]
                if cost is not None:
                    log.transitions.record(row.id, cost=round(cost * 1_000_000))
    yield LogView(log)
    log.close()


def several(values):
    return st.lists(st.sampled_from(values), max_size=4)


def ranges(values):
    end = st.none() | st.sampled_from([one for one in values if one is not None])
    return st.builds(between, end, end)


def kept(column, wanted):
    """Return which rows of a frame's column pandas keeps."""
    column = column.astype("string") if isinstance(column.dtype, pd.CategoricalDtype) else column
    if isinstance(wanted, list):
        return column.isin([one for one in wanted if one is not None]) | (column.isna() & (None in wanted))
    if wanted is None or not hasattr(wanted, "low"):
        return column.isna() if wanted is None else column.eq(wanted).fillna(value=False)
    low, high = (None if one is None else one for one in (wanted.low, wanted.high))
    fits = column.notna()
    fits &= column.ge(low).fillna(value=False) if low is not None else True
    return fits & (column.le(high).fillna(value=False) if high is not None else True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(MODES) | several(MODES) | ranges(MODES),
            "cost": st.sampled_from(COSTS) | several(COSTS) | ranges(COSTS),
            "clip_width": st.sampled_from(WIDTHS) | several(WIDTHS) | ranges(WIDTHS),
        },
    )
)
def test_a_filter_keeps_what_pandas_would(view, where):
    whole = view.frame()
    expected = pd.Series([True] * len(whole), index=whole.index)
    for name, wanted in where.items():
        expected &= kept(whole[name], wanted)
    assert set(view.frame(where)["key"]) == set(whole["key"][expected])


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"cost": 10**400}, "cost.*USD"),
        ({"cost": between(0.1, 10**400)}, "cost.*USD"),
        ({"clip_width": -(10**400)}, "whole numbers"),
        ({"cost": float("inf")}, "inf.*USD"),
        ({"mode": "half \ud800"}, "text"),
        ({"mode": between("a", "half \udfff")}, "text"),
        ({"tags": ["dance", "half \ud800"]}, "is not a tag"),
        ({"mode": [["pro"]]}, re.escape("['pro'] cannot be compared with mode")),
        ({"state": [["failed"]]}, "state.*planned, submitting"),
        ({"created": 10**30}, "times"),
        ({5: "pro"}, "no column 5"),
        ({("mode",): "pro"}, "no column"),
        ([{"mode": "pro"}, "mode"], "SQLAlchemy"),
    ],
)
def test_what_no_column_can_hold_is_said(view, where, words):
    with pytest.raises(LogError, match=words) as caught:
        view.frame(where)
    str(caught.value).encode()  # and a terminal can print it


class TestColumns:
    """Columns are named by texts; anything else is refused by name, before anything is read."""

    @pytest.mark.parametrize("columns", [5, object, [["id"]], [("id",)], ["id", None], {"id", 5}, [np.nan]])
    def test_what_is_no_column(self, view, columns):
        with pytest.raises(LogError, match="has no column"):
            view.frame(columns=columns)

    @pytest.mark.parametrize("columns", [[], (), set(), iter(())])
    def test_none_at_all(self, view, columns):
        with pytest.raises(LogError, match="No column was named"):
            view.frame(columns=columns)

    @pytest.mark.parametrize(
        "columns", ["mode", ["mode"], ("mode", "mode"), {"mode"}, iter(["mode"]), np.array(["mode"])]
    )
    def test_any_collection_of_texts(self, view, columns):
        assert list(view.frame(columns=columns)) == ["mode"]

    def test_those_of_a_set_are_sorted_and_others_keep_their_order(self):
        assert known({"mode", "cost", "id"}) == ["cost", "id", "mode"]
        assert known(["mode", "cost", "mode"]) == ["mode", "cost"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"values": ["cost"]}, "no column"), ({"values": None}, "no column"),
            ({"index": None}, "No column was named"), ({"index": 5}, "no column 5"),
            ({"columns": 5}, "no column 5"),
            ({"columns": [["mode"]]}, "no column"), ({"aggfunc": [["mean"]]}, "is not an aggregation"),
            ({"aggfunc": len}, "is not an aggregation"), ({"aggfunc": []}, "is not an aggregation"),
            ({"aggfunc": None}, "is not an aggregation"),
        ],
    )  # fmt: skip
    def test_a_pivot_says_the_same(self, view, options, words):
        with pytest.raises(LogError, match=words):
            view.pivot(**{"index": "mode", "values": "cost", **options})

    def test_a_figure_asked_for_twice_is_there_once(self, view):
        twice = view.pivot(index="mode", values="cost", aggfunc=["max", "max", "min"])
        assert list(twice)[:2] == ["max", "min"]


def test_what_a_filter_mentions():
    assert mentions({"mode": "pro"}, ["mode", "state"])
    assert not mentions({"mode": "pro"}, ["state"])
    assert mentions([{"cost": 1}, jobs.c.state == "failed"], ["state"])
    assert mentions((jobs.c.cost > 1) & (jobs.c.state == "failed"), ["state"])
    assert not mentions(jobs.c.cost > 1, ["state"])
    assert not mentions(None, ["state"])
