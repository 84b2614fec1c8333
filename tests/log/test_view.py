# ruff: noqa: E501, PD010
"""Filters, what is kept between frames, summaries, and how they look."""

from __future__ import annotations

import csv
import html.parser
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

import motion_widgets
from motion_widgets.core.errors import LogError
from motion_widgets.log.columns import COLUMNS, markdown
from motion_widgets.log.schema import jobs
from motion_widgets.log.states import State
from motion_widgets.log.summaries import mean_interval, rate_interval
from motion_widgets.log.view import LogView

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
            ({"cost": 0.5}, "b"), ({"cost": (0.4, 0.5)}, "ab"), ({"cost": (0.41, None)}, "bc"), ({"cost": (None, 0.41)}, "a"),
            ({"cost": None}, "d"), ({"cost": [None, 0.8]}, "cd"), ({"cost": (None, None)}, "abc"), ({"mode": []}, ""),
            ({"state": State.PLANNED}, "abcd"), ({"sandbox": False}, ""), ({"sandbox": True}, "abcd"), ({"sandbox": np.True_}, "abcd"), ({"clip_width": (540, 541)}, "abcd"),
            ({"clip_length": 6.5}, "abcd"), ({"clip_length": (6.6, None)}, ""), ({"prompt": None}, "abcd"),
            ({"submitted": ("2025-11-14", "2025-11-15")}, "abc"), ({"submitted": pd.Timestamp("2025-11-14 11:44:49.123457", tz="Asia/Tokyo")}, "abc"),
            (jobs.c.mode == "pro", "cd"), ([{"mode": "pro"}, jobs.c.cost.is_(None)], "d"),
        ],
    )  # fmt: skip
    def test_gives_the_jobs_that_fit(self, four, where, keys):
        assert "".join(sorted(four.frame(where)["key"])) == keys
        assert list(four.frame(where).columns) == list(COLUMNS)

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            ({"mood": "pro"}, "no column mood"), ({"cost": "dear"}, "cost.*USD"), ({"cost": (1, 2, 3)}, "3 bounds"),
            ({"clip_width": 1.5}, "whole"), ({"clip_width": math.nan}, "whole"), ({"cost": True}, "USD"), ({"mode": 1}, "text"), ({"sandbox": 1}, "True or False"),
            ({"created": "yesterday evening"}, "times"), ("mode = 'pro'", "SQLAlchemy"), (7, "SQLAlchemy"), ({"clip_size": 10**30}, "whole"),
            ({"state": "colected"}, "colected.*collected"), (pd.DataFrame({"a": [1] * 99}), "SQLAlchemy"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_said(self, four, where, words):
        with pytest.raises(LogError, match=words):
            four.frame(where)

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
    assert sorted(view.frame(deleted=True)["key"]) == ["gone", "here"]
    assert gone in set(view.events(deleted=True)["job_id"])
    assert list(view.ratings(deleted=True)["job_id"]) == [gone]
    assert len(pd.read_csv(view.to_csv(tmp_path / "a.csv"))) == 1
    assert len(pd.read_csv(view.to_csv(tmp_path / "b.csv", deleted=True))) == 2


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
            ("her%", ""), (pd.Series(["dark"]), "bc"),
        ],
        ids=str,
    )  # fmt: skip
    def test_jobs_are_found_by_their_tags(self, tagged, asked, keys):
        assert list(tagged.frame({"tags": asked})["key"]) == list(keys)

    def test_tags_go_with_other_filters(self, tagged):
        assert list(tagged.frame({"tags": "hero", "key": ["b", "c"]})["key"]) == ["b"]
        assert list(tagged.events({"tags": "dark", "key": "c"})["to_state"]) == ["planned"]

    @pytest.mark.parametrize("odd", [3, ["hero", None], ("a", "b")], ids=str)
    def test_what_is_no_tag_is_said(self, tagged, odd):
        with pytest.raises(LogError, match="is not a tag"):
            tagged.frame({"tags": odd})

    def test_they_are_no_column(self, tagged):
        with pytest.raises(LogError, match="no column"):
            tagged.frame(columns=["tags"])

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
        assert list(zip(frame["job_id"], frame["text"], strict=True)) == [(names["a"], "better")]
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
        assert ["nowrap" in attrs["style"] for attrs in cells] == [True, True, False]
        assert "min-width:24ch" in cells[2]["style"]
        assert cells[1]["title"] == row.key
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
        assert "The same for all 4 job(s)" in "".join(page.words)
        assert page.words.count("540") == 1

    def test_many_are_cut_and_it_is_said(self, four, monkeypatch):
        monkeypatch.setattr("motion_widgets.log.html_table.ROWS", 2)
        page = Page(four.show(columns=["key"])._repr_html_())
        assert "2 of 4 jobs" in "".join(page.words)
        assert sum(tag == "tr" for tag, _ in page.tags) == 3

    def test_of_an_empty_log(self, view):
        assert "0 job(s)" in view.show()._repr_html_()
        assert "0 job(s)" in view.describe()._repr_html_()


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
        assert list(place) == list(COLUMNS)
        cells = [row[place["prompt"]] for row in rows[1:]]
        assert [cell.value for cell in cells] == ["=1+1", "手を振る", "#N/A", "ab", "+1"]
        assert {cell.data_type for cell in cells} == {"s"}
        assert rows[1][place["cost"]].value == 0.45696
        assert str(rows[1][place["submitted"]].value).startswith("2025-11-14 02:44:49")
        assert rows[2][place["cost"]].value is None
        assert book["columns"].max_row == len(COLUMNS) + 1

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
        assert list(frame["column"]) == list(COLUMNS)
        assert list(frame["dtype"]) == [str(kind) for kind in view.frame().dtypes]
        for name in ("source", "meaning"):
            assert not frame[name].str.startswith(("meaning_", "from_")).any(), "each has a sentence"
        assert set(frame.set_index("column").loc[["cost", "estimate_low", "estimate_high"], "unit"]) == {
            "USD"
        }

    def test_is_in_the_docs_as_it_is(self):
        path = Path(motion_widgets.__file__).parent / "log" / "COLUMNS.md"
        assert path.read_text("utf-8") == markdown()
