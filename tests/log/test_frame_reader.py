# ruff: noqa: ARG002, E501, PD010, PLW0108
"""The log as frames and files."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import LogError
from motion_widgets.log import exports
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.log.view import COLUMNS, LogView
from tests.log.conftest import VALUES

NOW = 1_763_088_289_123_457  # unix µs; odd on purpose
FULL = {
    "prompt": "wave, then bow", "model": "kling-v2-6-motion-control", "mode": "std",
    "character_orientation": "image", "clip_length": 8.066666666666666, "clip_fps": 29.97, "clip_width": 540,
    "clip_size": 5_000_000_000, "clip_has_audio": True, "estimate_low": 456_960, "estimate_high": 514_080,
    "watermark_info": '{"enabled": false}', "result_path": "results/job-1.mp4",
}  # fmt: skip


@pytest.fixture
def view(log):
    return LogView(log)


@pytest.fixture
def full(log, add, view):
    """Two jobs with everything set, one with hardly anything."""
    for mode, cost in (("std", 456_960), ("pro", 731_520)):
        row = add(mode, **{**FULL, "mode": mode})
        log.transitions.record(row.id, cost=cost, submitted=NOW, completed=NOW + 1, collected=None)
    log.jobs.add({**VALUES, "key": "bare"})
    return view


def kinds(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def test_dtypes_are_the_same_empty_and_full(view, full):
    expected = {name: "float64" if kind == "usd" else kind for name, kind in COLUMNS.items()}
    assert kinds(full.frame()) == expected
    with tempfile.TemporaryDirectory() as folder:
        empty = Log(Path(folder) / "log.sqlite")
        assert kinds(LogView(empty).frame()) == expected
        empty.close()


def test_columns_are_those_of_the_design():
    named = (
        "id state task_id sweep_id endpoint account sandbox created_by model image_url video_url prompt webhook "
        "character_orientation mode keep_original_sound watermark_info key repeat attempt image_name image_sha "
        "clip_name clip_sha clip_length estimate_low estimate_high cost created submitted completed collected "
        "result_path error_kind error_code error_message"
    )
    assert set(named.split()) <= set(COLUMNS)


def test_values_are_exact(full):
    frame = full.frame().set_index("key")
    assert frame.loc["std", "cost"] == 0.45696
    assert frame.loc["std", "submitted"] == pd.Timestamp("2025-11-14 02:44:49.123457", tz="UTC")
    assert frame.loc["std", "clip_size"] == 5_000_000_000
    assert pd.isna(frame.loc["std", "collected"])
    assert pd.isna(frame.loc["bare", "cost"])


class TestPivot:
    def test_crosses_two_axes(self, full):
        table = full.pivot(index="mode", columns="character_orientation")
        assert table.loc["pro", ("mean", "image")] == 0.73152
        assert list(table.index) == ["", "pro", "std"]

    def test_counts_texts_and_keeps_what_is_not_set(self, full):
        table = full.pivot(index="prompt", columns="mode", values="state", aggfunc="count")
        assert table.loc["", ("count", "")] == 1

    def test_of_an_empty_log(self, view):
        assert view.pivot(index="mode", columns="model").empty

    @pytest.mark.parametrize(
        "wrong",
        [
            {"index": "mood", "columns": "mode"},
            {"index": "mode", "columns": "model", "values": "state"},
            {"index": "mode", "columns": "model", "aggfunc": "eval"},
        ],
    )
    def test_what_cannot_be_is_said(self, full, wrong):
        with pytest.raises(LogError):
            full.pivot(**wrong)


DANGEROUS = re.compile(r"(?:^|[\n\r])[\s\ufeff]*[=+\-@]")


class TestCsv:
    def test_round_trip(self, full, tmp_path):
        path = full.to_csv(tmp_path / "log.csv")
        back = pd.read_csv(path)
        frame = full.frame()
        assert list(back.columns) == [*COLUMNS, "hidden"]
        for name in ("cost", "clip_length", "estimate_high"):
            pd.testing.assert_series_equal(back[name], frame[name])
        assert list(back["id"]) == list(frame["id"])
        assert list(pd.to_datetime(back["submitted"])) == list(frame["submitted"])

    @pytest.mark.parametrize(
        "text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "a\n=1", "a\r\n @x", "a\r-2", "\ufeff=1", "\u3000=1", "＝1", "\n\n=1"]
    )  # fmt: skip
    def test_formulas_are_made_harmless(self, log, add, view, tmp_path, text):
        add(prompt=text)
        with view.to_csv(tmp_path / "log.csv").open(newline="", encoding="utf-8") as file:
            cell = next(csv.DictReader(file))["prompt"]
        assert not DANGEROUS.search(cell)
        assert cell.replace("'", "") == text

    @settings(max_examples=150, deadline=None)
    @given(st.text(alphabet=st.sampled_from("=+-@ \t\n\rab1'\u2028\u3000"), max_size=12))
    @example("")
    def test_no_text_gets_through_and_nothing_is_lost(self, text):
        safe = exports._harmless(text)
        assert not DANGEROUS.search(safe)
        assert len(safe) - len(text) == safe.count("'") - text.count("'")
        assert safe.replace("'", "") == text.replace("'", "")
        assert exports._as_it_was(safe) == text

    @pytest.mark.parametrize("text", ["a=1", "1-2", "me@host", "wave - then bow", ""])
    def test_ordinary_text_stays(self, text):
        assert exports._harmless(text) == text

    def test_numbers_stay_numbers(self, add, view, tmp_path):
        add()
        path = exports.to_csv(view.frame().assign(cost=-5.0), tmp_path / "log.csv")
        with path.open(newline="") as file:
            assert next(csv.DictReader(file))["cost"] == "-5.0"


def test_parquet_round_trip_keeps_dtypes(full, tmp_path):
    with pd.option_context("mode.string_storage", "pyarrow"):  # pandas 2 would read texts as Python's
        back = pd.read_parquet(full.to_parquet(tmp_path / "log.parquet"))
    assert kinds(back) == kinds(full.frame(hidden=True))
    # What pandas itself makes of a category in which nothing is differs by a hair.
    pd.testing.assert_frame_equal(back, full.frame(hidden=True), check_categorical=False)


def test_json_round_trip(full, tmp_path):
    lines = full.to_json(tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    first = json.loads(lines[0])
    assert len(lines) == 3
    assert (first["cost"], first["clip_length"], first["clip_has_audio"]) == (
        0.45696,
        FULL["clip_length"],
        True,
    )
    assert pd.Timestamp(first["submitted"]) == full.frame()["submitted"].iloc[0]
    assert json.loads(lines[2])["cost"] is None


def test_empty_log_exports(view, tmp_path):
    assert pd.read_csv(view.to_csv(tmp_path / "a.csv")).empty
    assert pd.read_parquet(view.to_parquet(tmp_path / "a.parquet")).shape == (0, len(COLUMNS) + 1)
    view.to_json(tmp_path / "a.jsonl")


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_export_is_whole_or_not_there(full, tmp_path, monkeypatch, kind):
    path = tmp_path / f"log.{kind}"
    getattr(full, f"to_{kind}")(path)
    before = path.read_bytes()

    def half(_self, to, **_):
        Path(to).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    def lines(frame):
        yield json.dumps(frame.columns.tolist())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "_as_json", lines)
    monkeypatch.setattr(pd.DataFrame, f"to_{kind}", half)
    with pytest.raises(LogError, match="No space left"):
        getattr(full, f"to_{kind}")(path)
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.glob("*.part")) == []


def test_export_into_a_place_that_is_not(full):
    with pytest.raises(LogError, match="Choose another place"):
        full.to_csv("/dev/null/log.csv")


class TestImport:
    @pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "json"])
    def test_into_another_log(self, full, tmp_path, kind):
        read = {
            "frame": lambda: full.frame(),
            "csv": lambda: pd.read_csv(full.to_csv(tmp_path / "x")),
            "parquet": lambda: pd.read_parquet(full.to_parquet(tmp_path / "x")),
            "json": lambda: pd.read_json(full.to_json(tmp_path / "x"), lines=True, dtype=False),
        }[kind]
        other = Log(tmp_path / "other.sqlite")
        view = LogView(other)
        assert (view.import_frame(read()), view.import_frame(read())) == (3, 0)
        pd.testing.assert_frame_equal(view.frame(), full.frame())
        other.close()

    def test_what_was_under_way_is_unknown_here(self, log, put, view, tmp_path):
        put(State.RUNNING, key="a")
        put(State.COLLECTED, key="b")
        other = Log(tmp_path / "other.sqlite")
        LogView(other).import_frame(view.frame())
        assert [row.state for row in other.jobs.rows()] == ["unknown", "collected"]
        other.close()

    def test_frame_of_something_else(self, view):
        with pytest.raises(LogError, match="lacks"):
            view.import_frame(pd.DataFrame({"a": [1]}))

    def test_nothing_is_imported_when_one_row_is_wrong(self, full, view, tmp_path):
        frame = full.frame()
        frame["state"] = frame["state"].astype("string")
        frame.loc[2, "state"] = "odd"
        other = Log(tmp_path / "other.sqlite")
        with pytest.raises(LogError, match="odd"):
            LogView(other).import_frame(frame)
        assert other.jobs.count() == 0
        other.close()
