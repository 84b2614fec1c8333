# ruff: noqa: E501, PD010
"""Filters, what is kept between frames, summaries, and how they look."""

from __future__ import annotations

import contextlib
import csv
import html.parser
import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from motion_widgets.core.errors import LogError
from motion_widgets.log import exports
from motion_widgets.log.columns import COLUMNS, KINDS, markdown
from motion_widgets.log.filters import between
from motion_widgets.log.intervals import mean_interval, rate_interval
from motion_widgets.log.paging import PageQuery, facets, page
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES
from tests.log.document import DOCUMENT

NOW = 1_763_088_289_123_457  # unix µs


@pytest.fixture
def view(log):
    return LogView(log)


@pytest.fixture
def four(log, add, view):
    """Jobs a, b (std, 0.40 and 0.50 USD), c (pro, 0.80 USD), d (pro, nothing billed)."""
    for key, mode, cost in (
        ("a", "std", 400_000),
        ("b", "std", 500_000),
        ("c", "pro", 800_000),
        ("d", "pro", None),
    ):
        row = add(key, mode=mode, model="m", clip_width=540, clip_length=6.5)
        if cost is not None:
            log.transitions.record(row.id, cost=cost, submitted=NOW)
    return view


def ids(log):
    return {row.key: row.id for row in log.jobs.rows()}


class TestWhere:
    @pytest.mark.parametrize(
        ("where", "keys"),
        [
            ({"mode": "pro"}, "cd"), ({"mode": ["std", "pro"], "key": ["a", "d"]}, "ad"), ({}, "abcd"), (None, "abcd"),
            ({"cost": 0.5}, "b"), ({"cost": between(0.4, 0.5)}, "ab"), ({"cost": between(0.41)}, "bc"), ({"cost": between(high=0.41)}, "a"),
            ({"cost": None}, "d"), ({"cost": [None, 0.8]}, "cd"), ({"cost": between()}, "abc"), ({"mode": []}, ""),
            ({"state": State.PLANNED}, "abcd"), ({"sandbox": False}, ""), ({"sandbox": True}, "abcd"), ({"sandbox": np.True_}, "abcd"), ({"clip_width": between(540, 541)}, "abcd"),
            ({"clip_length": 6.5}, "abcd"), ({"clip_length": between(6.6)}, ""), ({"prompt": None}, "abcd"),
            ({"submitted": between("2025-11-14", "2025-11-15")}, "abc"), ({"submitted": pd.Timestamp("2025-11-14 11:44:49.123457", tz="Asia/Tokyo")}, "abc"),
            (jobs.c.mode == "pro", "cd"), ([{"mode": "pro"}, jobs.c.cost.is_(None)], "d"),
        ],
    )  # fmt: skip
    def test_gives_the_jobs_that_fit(self, four, where, keys):
        assert "".join(sorted(four.frame(where)["key"])) == keys
        assert list(four.frame(where).columns) == list(COLUMNS)

    @pytest.mark.parametrize(
        ("stored", "asked"), [("cafe\u0301.mp4", "caf\u00e9.mp4"), ("caf\u00e9.mp4", "cafe\u0301.mp4")]
    )
    def test_a_text_is_found_however_its_accents_are_written(self, log, add, view, stored, asked):
        one = add("a", clip_name=stored, prompt=f"as in {stored}", created_by=stored)
        log.annotations.note(add("b", clip_name="other").id, f"like {stored}")
        assert view.frame({"clip_name": ["x", asked], "prompt": f"as in {asked}"})["id"].tolist() == [one.id]
        assert page(log, PageQuery(search=asked)).total == 2
        assert page(log, PageQuery(search=asked, values={"created_by": asked})).total == 1
        offered = facets(log)["clip_name"]
        assert offered == [("source:caf\u00e9.mp4", "caf\u00e9.mp4"), ("source:other", "other")]
        assert [page(log, PageQuery(values={"clip_name": value})).total for value, _ in offered] == [1, 1]
        assert list(view.pivot(index="clip_name").index) == ["caf\u00e9.mp4", "other"]

    def test_days_of_python_are_those_of_this_machine(self, four, zone):
        at = pd.Timestamp("2025-11-14 11:44:49.123457", tz="Asia/Tokyo").to_pydatetime().astimezone(zone)
        day = at.date()
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        for asked in (
            day,
            [before, day],
            between(day, day),
            between(at.replace(tzinfo=None), at),
            between(at),
        ):
            assert set(four.frame({"submitted": asked})["key"]) == set("abc")
        for asked in (before, after, [before, after], between(high=before), between(after)):
            assert four.frame({"submitted": asked}).empty

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            ({"mood": "pro"}, "no column mood"), ({"cost": "dear"}, "cost.*USD"), ({"cost": (0.1, 0.5)}, "between.*list"), ({"submitted": (None, "2025-11-14")}, "between"), ({"sandbox": (True, False)}, "list"),
            ({"clip_width": 1.5}, "whole"), ({"cost": True}, "USD"), ({"mode": 1}, "text"), ({"sandbox": 1}, "True or False"),
            ({"created": "yesterday evening"}, "times"), ("mode = 'pro'", "SQLAlchemy"), (7, "SQLAlchemy"), ({"clip_size": 10**30}, "whole"),
            ({"state": "colected"}, "colected.*collected"), (pd.DataFrame({"a": [1] * 99}), "SQLAlchemy"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_said(self, four, where, words):
        with pytest.raises(LogError, match=words):
            four.frame(where)

    def test_several_texts_may_come_as_any_collection(self, add, view):
        for mode in ("std", "pro", "quick"):  # "quick" lies between the two
            add(mode, mode=mode)
        for kind in (tuple, list, set, np.array, pd.Series, pd.Categorical, iter):
            assert set(view.frame({"mode": kind(["std", "pro"])})["mode"]) == {"std", "pro"}
        assert set(view.frame({"mode": between("pro", "std")})["mode"]) == {"std", "pro", "quick"}

    @pytest.mark.parametrize("unset", [None, math.nan, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")], ids=str)
    def test_what_pandas_says_for_unset_is_unset(self, four, unset):
        for name, value in (("cost", 0.8), ("submitted", "2025-11-14"), ("prompt", "x"), ("image_width", 7)):
            assert set(four.frame({name: unset})["key"]) >= {"d"}
            assert "d" in set(four.frame({name: [value, unset]})["key"])
        assert set(four.frame({"cost": between(unset, 0.5)})["key"]) == set("ab")

    @pytest.mark.parametrize("asked", ["2025-11-14", " 20251114 "])
    def test_a_date_in_text_is_its_day_in_utc(self, four, asked):
        frame = four.frame()
        plain = frame[frame["submitted"].dt.strftime("%Y%m%d") == "20251114"]
        assert list(four.frame({"submitted": asked})["id"]) == list(plain["id"]) != []
        assert list(four.frame({"submitted": between(asked, asked)})["id"]) == list(plain["id"])
        assert four.frame({"submitted": "2025-11-15"}).empty

    def test_a_text_is_a_value_and_never_sql(self, four):
        assert four.frame({"mode": "x' OR 1=1 --"}).empty

    def test_columns_are_those_asked_for_in_their_order(self, four):
        frame = four.frame(columns=["cost", "key", "cost"])
        assert list(frame.columns) == ["cost", "key"]
        pd.testing.assert_frame_equal(frame, four.frame()[["cost", "key"]])
        with pytest.raises(LogError, match="mood"):
            four.frame(columns=["mood"])
        with pytest.raises(LogError, match="No column was named"):
            four.frame(columns=[])


class TestCache:
    def fresh(self, log):
        return LogView(log).frame()

    def test_sees_what_changed_came_and_went(self, log, put, four):
        put(State.FAILED, key="e")
        for number in range(60):
            put(State.REJECTED, key=f"more {number}", prompt=f"text {number % 7}", clip_fps=29.97)
        four.frame()
        names = ids(log)
        for change in (
            lambda: log.transitions.record(names["a"], cost=410_000),
            lambda: put(State.COLLECTED, key="new", prompt="a text before all others", mode="odd"),
            lambda: log.annotations.hide([names["e"]]),
            lambda: log.annotations.unhide([names["e"]]),
            lambda: log.annotations.rate([names["b"]], usable=True),
        ):
            change()
            pd.testing.assert_frame_equal(four.frame(), self.fresh(log))

    def test_of_few_jobs_and_of_none(self, log, add, view):
        assert view.frame().empty
        for key in "abc":
            add(key)
            pd.testing.assert_frame_equal(view.frame(), self.fresh(log))

    def test_is_read_again_only_after_a_change(self, log, add, view):
        row = add("a")
        view.frame()
        with log.database.write() as connection:  # behind the counter's back
            connection.execute(update(jobs).where(jobs.c.id == row.id).values(prompt="unseen"))
        assert view.frame()["prompt"].isna().all()
        log.transitions.record(row.id, cost=1)
        assert list(view.frame()["prompt"]) == ["unseen"]

    def test_what_is_done_to_a_frame_stays_with_it(self, four):
        frame = four.frame()
        before = frame.copy(deep=True)
        frame.loc[0, "cost"] = 7.0
        frame["key"] = "x"
        pd.testing.assert_frame_equal(four.frame(), before)

    @pytest.mark.parametrize("hidden", [False, True])
    def test_no_write_reaches_what_is_kept(self, four, hidden):
        before = four.frame(hidden=hidden).copy(deep=True)
        frame = four.frame(hidden=hidden)
        for name in frame:
            value = frame[name].dropna().iloc[-1] if frame[name].notna().any() else None
            for written in (frame[name].array, frame[name].to_numpy(), frame[name].values):  # noqa: PD011
                with contextlib.suppress(ValueError, TypeError):  # some say that they are read-only
                    written[0] = value
                with contextlib.suppress(ValueError, TypeError, AttributeError):
                    written._ndarray[0] = 0
                # The warning is of pandas 2, whose texts have no such part to write to.
                with contextlib.suppress(ValueError, TypeError, AttributeError, FutureWarning):
                    written._data[0], written._mask[0] = 7, False
            if isinstance(frame[name].dtype, pd.CategoricalDtype):
                with contextlib.suppress(ValueError, TypeError, IndexError):
                    frame[name].cat.categories.array[0] = "written"
        assert not frame.equals(before), "something was written"
        pd.testing.assert_frame_equal(four.frame(hidden=hidden), before)
        assert four.pivot(index="mode").loc["std", "mean"] == pytest.approx(0.45)

    def test_imported_jobs_that_are_older_stand_where_they_belong(self, log, add, view):
        for number in range(20):
            add(f"{number:02}")
        frame = view.frame().iloc[:1].copy()
        frame["id"], frame["key"] = "job-0000000000000000", "old"
        assert view.import_frame(frame) == 1
        assert view.frame()["key"].iloc[0] == "old"
        pd.testing.assert_frame_equal(view.frame(), self.fresh(log))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["add", "cost", "hide", "unhide", "note"]), st.integers(0, 60)), max_size=12))  # fmt: skip
def test_a_frame_again_is_what_a_fresh_reading_gives(log, put, view, moves):
    for kind, number in moves:
        if kind == "add":
            put(State.REJECTED, key=f"key {log.jobs.count()}", prompt=f"text {number}")
        elif (count := log.jobs.count()) > 0:
            one = log.jobs.rows()[number % count].id
            {
                "cost": lambda one=one, number=number: log.transitions.record(one, cost=number),
                "hide": lambda one=one: log.annotations.hide([one]),
                "unhide": lambda one=one: log.annotations.unhide([one]),
                "note": lambda one=one: log.annotations.note(one, "seen"),
            }[kind]()
        pd.testing.assert_frame_equal(view.frame(), LogView(log).frame())


def test_hidden_jobs_are_left_out_unless_asked_for(log, put, view, tmp_path):
    gone = put(State.FAILED, key="gone").id
    put(State.FAILED, key="here")
    log.annotations.rate([gone], stars=1)
    log.annotations.hide([gone])
    assert list(view.frame()["key"]) == list(view.frame({"state": "failed"})["key"]) == ["here"]
    assert len(view) == 1
    assert gone not in set(view.events()["job_id"])
    assert view.ratings().empty
    assert sorted(view.frame(hidden=True)["key"]) == ["gone", "here"]
    assert gone in set(view.events(hidden=True)["job_id"])
    assert list(view.ratings(hidden=True)["job_id"]) == [gone]
    assert len(pd.read_csv(view.to_csv(tmp_path / "a.csv", hidden=False))) == 1
    assert len(pd.read_csv(view.to_csv(tmp_path / "b.csv"))) == 2


def test_events_are_the_transitions(log, put, view):
    one = put(State.FAILED, key="a").id
    put(State.PLANNED, key="b")
    frame = view.events({"key": "a"})
    assert list(frame["to_state"]) == ["planned", "submitting", "submitted", "failed"]
    assert set(frame["job_id"]) == {one}
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert dict(view.events({"key": "none"}).dtypes.astype(str)) == dict(frame.dtypes.astype(str))


def test_ratings_are_what_each_person_said_last(log, four):
    names = ids(log)
    log.annotations.rate([names["a"], names["b"]], usable=False, stars=2)
    log.annotations.rate([names["a"]], usable=True)
    frame = four.ratings().set_index("job_id")
    assert len(frame) == 2
    assert (bool(frame.loc[names["a"], "usable"]), int(frame.loc[names["a"], "stars"])) == (True, 2)
    assert list(four.ratings({"key": "b"})["usable"]) == [False]


class TestTexts:
    def test_are_plain_strings_unless_they_are_states_or_choices(self, four):
        frame = four.frame(annotations=True)
        choices = {"state", "model", "character_orientation", "mode", "keep_original_sound"}
        assert {name for name in frame if frame[name].dtype == "category"} == choices
        for name, kind in KINDS.items():
            if kind == "string":
                filled = frame[name].fillna("") if name in frame else pd.Series(dtype="string")
                assert (filled + "!").str.endswith("!").all()
        assert (frame["image_name"].fillna("") == frame["clip_name"].fillna("")).all()
        assert frame["prompt"].isna().all(), "unset"

    def test_what_people_say_joins_the_frame(self, log, four):
        names = ids(log)
        log.annotations.rate([names["a"]], usable=True, stars=4)
        log.annotations.tag([names["a"], names["b"]], "hero")
        log.annotations.note(names["b"], "seen")
        frame = four.frame({"mode": "std"}, annotations=True).set_index("key")
        assert list(frame.columns[-4:]) == ["stars", "usable", "tags", "note"]
        assert frame.loc["a", ["stars", "usable", "tags"]].to_list() == [4.0, True, "hero"]
        assert frame.loc["b", ["tags", "note"]].to_list() == ["hero", "seen"]
        assert frame.loc["b", ["stars", "usable"]].isna().all()
        assert not {"stars", "usable", "tags", "note"} & set(four.frame())

    @pytest.mark.parametrize("other", ["ratings", "tags", "notes"])
    def test_no_column_clashes_in_a_join(self, log, four, other):
        for key, job_id in ids(log).items():
            log.annotations.rate([job_id], usable=True)
            log.annotations.tag([job_id], key)
            log.annotations.note(job_id, key)
        joined = four.frame().merge(getattr(four, other)(), left_on="id", right_on="job_id")
        assert len(joined) == 4
        assert not [name for name in joined if name.endswith(("_x", "_y"))]

    @pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
    def test_files_can_hold_what_people_say(self, log, four, tmp_path, kind):
        log.annotations.tag([ids(log)["a"]], "hero")
        path = getattr(four, f"to_{kind}")(
            tmp_path / f"log.{'jsonl' if kind == 'json' else kind}", annotations=True
        )
        back = exports.from_file(path)
        assert back["tags"].dropna().tolist() == ["hero"]
        other = Log(tmp_path / "other.sqlite")
        assert LogView(other).import_file(path) == 4
        other.close()


class TestSweeps:
    CELLS = {"run-1": "bc", "run-2": "abd"}  # noqa: RUF012 - a constant

    @pytest.fixture
    def overlapping(self, log, add, put, view):
        """Two sweeps; a single job sent the cell a, and the planned b went over to the second."""
        put("submitted", "a")
        add("x")
        for run, keys in self.CELLS.items():
            head = {"id": run, "endpoint": "sandbox", "account": "sandbox", "axes": "{}"}
            cells = [({}, {**VALUES, "key": key}) for key in keys]
            log.sweeps.add(head, cells, limit=None, keep=False, new=False)
        assert {row.key: row.sweep_id for row in log.jobs.rows()} == {
            "a": None, "b": "run-2", "c": "run-1", "d": "run-2", "x": None,
        }  # fmt: skip
        return view

    @pytest.mark.parametrize(
        ("asked", "keys"),
        [
            ("run-1", "bc"), ("run-2", "abd"), (["run-1", "run-2"], "abcd"), (["run-1", None], "abcx"),
            ("run-3", ""), (None, "ax"), ([], ""),
        ],
        ids=str,
    )  # fmt: skip
    def test_is_found_with_the_cells_that_others_ran(self, overlapping, asked, keys):
        assert sorted(overlapping.frame({"sweep_id": asked})["key"]) == list(keys)
        assert sorted(overlapping.frame([{"sweep_id": asked}, {"sandbox": True}])["key"]) == list(keys)

    def test_a_later_attempt_of_another_sweep_is_one_at_its_cell(self, log, overlapping):
        row = log.jobs.rows(jobs.c.key == "b")[0]
        assert log.transitions.intend(row.id, 100, owner="me")
        assert log.transitions.move(row.id, State.REJECTED)
        log.jobs.add_attempt(row.id, sweep_id="run-9")
        for run in self.CELLS:
            table = overlapping.pivot(index="key", where={"sweep_id": run}, aggfunc="count", values="key")
            assert table["count"].to_dict() == {key: 1 + (key == "b") for key in self.CELLS[run]}


class TestTagsAndNotes:
    @pytest.fixture
    def tagged(self, log, four):
        names = ids(log)
        log.annotations.tag([names["a"], names["b"]], "hero")
        log.annotations.tag([names["b"], names["c"]], "dark")
        return four

    @pytest.mark.parametrize(
        ("asked", "keys"),
        [
            ("hero", "ab"), (["hero", "dark"], "abc"), ([], ""), (None, "d"), ("none has it", ""),
            ("her%", ""), (pd.Series(["dark"]), "bc"), (("hero", "dark"), "abc"), (math.nan, "d"),
        ],
        ids=str,
    )  # fmt: skip
    def test_jobs_are_found_by_their_tags(self, tagged, asked, keys):
        assert list(tagged.frame({"tags": asked})["key"]) == list(keys)

    def test_tags_go_with_other_filters(self, tagged):
        assert list(tagged.frame({"tags": "hero", "key": ["b", "c"]})["key"]) == ["b"]
        assert list(tagged.events({"tags": "dark", "key": "c"})["to_state"]) == ["planned"]

    @pytest.mark.parametrize("odd", [3, ["hero", None], {"hero": 1}], ids=str)
    def test_what_is_no_tag_is_said(self, tagged, odd):
        with pytest.raises(LogError, match="is not a tag"):
            tagged.frame({"tags": odd})

    def test_they_are_a_column_on_request(self, tagged):
        assert "tags" not in tagged.frame()
        frame = tagged.frame(columns=["tags", "key"])
        assert list(frame) == ["tags", "key"]
        assert frame["tags"].fillna("").tolist() == ["hero", "dark, hero", "dark", ""]

    def test_frame_of_tags(self, log, tagged):
        names, frame = ids(log), tagged.tags()
        assert list(zip(frame["job_id"], frame["tag"], strict=True)) == sorted(
            [(names["a"], "hero"), (names["b"], "dark"), (names["b"], "hero"), (names["c"], "dark")]
        )
        assert list(tagged.tags({"tags": "hero"})["job_id"]) == sorted([names["a"], *[names["b"]] * 2])
        assert dict(tagged.tags({"key": "none"}).dtypes.astype(str)).keys() == dict(frame.dtypes).keys()

    def test_frame_of_notes_has_the_last_word(self, log, four):
        names = ids(log)
        log.annotations.note(names["a"], "first")
        log.annotations.note(names["a"], "better")
        log.annotations.note(names["b"], "gone")
        log.annotations.note(names["b"], "")
        frame = four.notes()
        assert list(zip(frame["job_id"], frame["note"], strict=True)) == [(names["a"], "better")]
        assert four.notes({"key": "b"}).empty


class TestSummaries:
    def test_what_all_share_is_no_column(self, four):
        same, frame = four.describe()
        assert (same["model"], same["clip_width"], same["state"]) == ("m", 540, "planned")
        assert {"id", "key", "mode", "cost"} <= set(frame.columns)
        assert not {"model", "state", "prompt", "watermark_info"} & {*frame.columns, "model", "state"} - {
            "model",
            "state",
        }
        assert not set(same) & set(frame.columns)
        assert "prompt" not in {*same, *frame.columns}, "nobody set it"

    def test_what_varies_comes_first_and_ids_come_last(self, log, four):
        log.transitions.record(ids(log)["a"], task_id="task-1", sweep_id="sweep-1")
        names = list(four.describe().frame.columns)
        assert names[0] == "mode"
        assert names[-4:] == ["id", "task_id", "sweep_id", "key"]
        assert names.index("mode") < names.index("cost") < names.index("submitted") < names.index("id")

    def test_it_is_printed_within_100_columns(self, four, add):
        for number in range(3):
            add(
                f"{number}" * 64,
                prompt="wave, then bow " * 9,
                model="m",
                clip_width=540,
                result_path="results/" + "x" * 80,
            )
        text = str(four.describe({"model": "m"}))
        lines = text.splitlines()
        assert max(map(len, lines)) <= 100
        assert lines[0].startswith("The same for all 7 jobs: state planned; endpoint sandbox")
        assert lines[1] == ""
        assert "submitted (UTC)" in text
        assert "2025-11-14 02:44:49" in text
        assert "submitted (UTC)" in four.describe()._repr_html_()
        assert "created (UTC)" in four.show()._repr_html_()

    def test_of_one_job_and_of_none(self, view, add):
        assert view.describe().same == {}
        add(mode="std")
        assert list(view.describe().frame.columns) == ["id"]
        assert view.describe().same["mode"] == "std"

    def test_rates_and_costs_count_what_people_kept(self, log, four):
        names = ids(log)
        log.annotations.rate([names["a"]], usable=True)
        log.annotations.rate([names["b"]], usable=False)
        table = four.pivot(
            index="mode", columns="model", aggfunc=["count", "mean", "usable", "usable_low", "cost_per_kept"]
        )
        assert table.loc["std", ("count", "m")] == 2
        assert table.loc["std", ("mean", "m")] == pytest.approx(0.45)
        assert table.loc["std", ("usable", "m")] == 0.5
        assert table.loc["std", ("usable_low", "m")] == pytest.approx(rate_interval(1, 2)[0])
        assert table.loc["std", ("cost_per_kept", "m")] == pytest.approx(0.9), (
            "the one that was thrown away was paid for too"
        )
        assert math.isnan(table.loc["pro", ("usable", "m")])
        assert math.isnan(table.loc["pro", ("cost_per_kept", "m")])

    def test_a_pivot_can_be_filtered(self, four):
        assert list(four.pivot(index="mode", columns="model", where={"mode": "pro"}).index) == ["pro"]

    def test_an_axis_is_named_once(self, four):
        with pytest.raises(LogError, match="mode is used as an axis twice"):
            four.pivot(index="mode", columns="mode")

    @pytest.mark.parametrize(
        ("count", "factor"), [(2, 12.706), (11, 2.228), (21, 2.086), (22, 2.07961), (31, 2.04227), (101, 1.98397), (1001, 1.96234)]
    )  # fmt: skip
    def test_means_have_students_interval(self, count, factor):
        values = pd.Series([0.0, 1.0] * (count // 2) + [0.5] * (count % 2))
        low, high = mean_interval(values)
        assert (high - low) / 2 == pytest.approx(factor * values.std() / math.sqrt(count), rel=1e-4)
        assert (low + high) / 2 == pytest.approx(0.5)

    def test_one_value_has_no_interval(self):
        assert all(math.isnan(one) for one in (*mean_interval(pd.Series([1.0])), *rate_interval(0, 0)))

    @pytest.mark.parametrize(
        ("yes", "count", "low", "high"),
        [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)],
    )
    def test_rates_have_wilsons_interval(self, yes, count, low, high):
        assert rate_interval(yes, count) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


class TestDisplay:
    def test_money_and_states_stand_there_as_text(self, four):
        page = Page(four.show()._repr_html_())
        assert {"$0.40", "$0.50", "$0.80", "○ planned"} <= set(page.words)
        page = Page(four.show(columns=["cost"])._repr_html_())
        bars = [attrs["style"].split("width:")[1] for _, attrs in page.tags if attrs.get("aria-hidden")]
        assert bars == ["50%", "62%", "100%"]
        heads = [attrs for tag, attrs in Page(four.show()._repr_html_()).tags if tag == "th"]
        assert len(heads) == len(COLUMNS)
        assert all(attrs["scope"] == "col" for attrs in heads)

    def test_prices_and_prompts_are_no_formulas(self, view, add):
        add(prompt="$5 or $6")
        for text in (view.show()._repr_html_(), view.describe()._repr_html_()):
            assert "mathjax_ignore" in Page(text).tags[0][1]["class"].split()

    def test_ids_and_hashes_stay_on_one_line_and_long_texts_have_room(self, view, add):
        row = add(prompt="wave " * 40, key="ab" * 32)
        page = Page(view.show(columns=["id", "key", "prompt"])._repr_html_())
        cells = [attrs for tag, attrs in page.tags if tag == "td"]
        assert ["nowrap" in attrs["style"] for attrs in cells] == [True, True, True, False]
        assert "min-width:24ch" in cells[3]["style"]
        assert cells[2]["title"] == row.key
        assert "abababababab\u2026" in page.words

    def test_no_colour_is_fixed(self, four):
        text = four.show()._repr_html_()
        assert "#" not in text.replace("&#x27;", "")
        assert "rgb" not in text

    def test_what_people_wrote_is_only_text(self, view, add):
        add(prompt="<img src=x onerror=alert(1)>", webhook='"><script>', key="other")
        add(prompt="b", key="k2")
        for text in (view.show()._repr_html_(), view.describe()._repr_html_()):
            page = Page(text)
            assert not {"img", "script"} & {tag for tag, _ in page.tags}
            assert "<img src=x onerror=alert(1)>" in page.words

    def test_what_all_share_is_said_once_above(self, four):
        page = Page(four.describe()._repr_html_())
        assert "The same for all 4 jobs" in "".join(page.words)
        assert page.words.count("540") == 1

    def test_many_are_cut_and_it_is_said(self, four, monkeypatch):
        monkeypatch.setattr("motion_widgets.log.description.ROWS", 2)
        page = Page(four.show(columns=["key"])._repr_html_())
        assert "2 of 4 jobs" in "".join(page.words)
        assert sum(tag == "tr" for tag, _ in page.tags) == 3

    def test_of_an_empty_log(self, view):
        assert "0 jobs" in view.show()._repr_html_()
        assert "0 jobs" in view.describe()._repr_html_()


class TestSpreadsheets:
    TEXTS = ("=1+1", "手を振る", "#N/A", "a\x01b", "+1")

    @pytest.fixture
    def odd(self, view, add):
        for number, text in enumerate(self.TEXTS):
            add(str(number), prompt=text, clip_length=6.5)
        return view

    def test_excel_holds_texts_as_texts(self, log, odd, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        log.transitions.record(ids(log)["0"], cost=456_960, submitted=NOW)
        book = openpyxl.load_workbook(odd.to_excel(tmp_path / "log.xlsx"))
        rows = list(book["jobs"].iter_rows())
        place = {cell.value: number for number, cell in enumerate(rows[0])}
        assert list(place) == [*COLUMNS, "hidden"]
        cells = [row[place["prompt"]] for row in rows[1:]]
        assert [cell.value for cell in cells] == ["=1+1", "手を振る", "#N/A", "ab", "+1"]
        assert {cell.data_type for cell in cells} == {"s"}
        assert rows[1][place["cost"]].value == 0.45696
        assert str(rows[1][place["submitted"]].value).startswith("2025-11-14 02:44:49")
        assert rows[2][place["cost"]].value is None
        assert book["columns"].max_row == len(KINDS) + 1

    def test_a_sheet_takes_only_so_many_jobs(self, odd, tmp_path, monkeypatch):
        pytest.importorskip("openpyxl")
        monkeypatch.setattr("motion_widgets.log.exports._SHEET_ROWS", 5)
        with pytest.raises(LogError, match="holds 4"):
            odd.to_excel(tmp_path / "log.xlsx")
        assert list(tmp_path.glob("*.xlsx")) == []

    def test_csv_for_excel_says_that_it_is_utf8(self, odd, tmp_path):
        path = odd.to_csv(tmp_path / "log.csv", excel=True)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        with path.open(newline="", encoding="utf-8-sig") as file:
            prompts = [row["prompt"] for row in csv.DictReader(file)]
        assert {"'=1+1", "手を振る"} <= set(prompts)
        assert not odd.to_csv(tmp_path / "plain.csv").read_bytes().startswith(b"\xef")

    def test_exports_can_be_filtered(self, odd, tmp_path):
        where = {"prompt": "手を振る"}
        assert len(pd.read_parquet(odd.to_parquet(tmp_path / "a", where=where))) == 1
        assert len(odd.to_json(tmp_path / "b", where=where).read_text("utf-8").splitlines()) == 1


class TestDictionary:
    def test_covers_every_column(self, view):
        frame = view.dictionary()
        assert list(frame["column"]) == list(KINDS)
        full = view.frame(hidden=True, annotations=True)
        assert list(frame["dtype"]) == [str(kind) for kind in full.dtypes]
        for name in ("source", "meaning"):
            assert not frame[name].str.startswith(("meaning_", "from_")).any(), "each has a sentence"
        assert set(frame.set_index("column").loc[["cost", "estimate_low", "estimate_high"], "unit"]) == {
            "USD"
        }

    def test_is_in_the_docs_as_it_is(self):
        assert DOCUMENT.read_text("utf-8") == markdown(), "python -m tests.log.document"
