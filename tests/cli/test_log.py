# ruff: noqa: E501
"""``motion-widgets log …``, ``pack`` and ``unpack``: what each prints, leaves behind and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import motion_widgets as mw
from motion_widgets.log.migrations import SCHEMA
from motion_widgets.log.store import Log
from motion_widgets.log.view import LogView
from tests.cli.test_main import KEYLESS, run, said
from tests.log.conftest import VALUES
from tests.log.test_merge import put
from tests.log.test_open_file import of_shape


@pytest.fixture(autouse=True)
def _keyless(monkeypatch):
    for name in ("APIMART_API_KEY", "APIMART_BASE_URL", "MOTION_WIDGETS_FOLDER", "MOTION_WIDGETS_LOG"):
        monkeypatch.delenv(name, raising=False)
    assert KEYLESS


@pytest.fixture
def folder(tmp_path):
    """A workspace of two jobs, one with a result."""
    place = tmp_path / "ws"
    (place / "results").mkdir(parents=True)
    (place / "results/a.mp4").write_bytes(b"\0\0\0\x18ftypisom, a video")
    log = Log(place / "log.sqlite")
    put(log, "collected", "a", result_path="results/a.mp4")
    put(log, "failed", "b")
    log.close()
    return place


def ids(folder):
    log = Log(folder / "log.sqlite")
    found = [row.id for row in log.jobs.rows()]
    log.close()
    return found


def test_check_of_a_sound_log(folder):
    ended = run("log", "check", "--folder", folder)
    assert (ended.code, ended.err) == (0, "")
    assert f"no damage found. Schema version {SCHEMA}, 2 jobs" in ended.out


def test_the_folder_may_stand_before_the_action(folder):
    assert run("log", "--folder", folder, "check").out == run("log", "check", "--folder", folder).out


@pytest.mark.parametrize("shape", [1, SCHEMA])
def test_check_writes_nothing(tmp_path, shape):
    path = tmp_path / "log.sqlite"
    of_shape(path, shape)
    before = path.read_bytes()
    ended = run("log", "check", "--folder", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert f"Schema version {shape}, 1 job" in ended.out
    assert [one.name for one in tmp_path.iterdir()] == ["log.sqlite"]
    assert path.read_bytes() == before


def test_check_of_a_log_in_use_leaves_its_journal_alone(folder):
    log = Log(folder / "log.sqlite")
    put(log, "failed", "c")
    names = sorted(one.name for one in folder.iterdir())
    assert "3 jobs" in run("log", "check", "--folder", folder).out
    assert sorted(one.name for one in folder.iterdir()) == names
    log.close()


def test_check_names_files_that_are_gone_or_changed(folder):
    log = Log(folder / "log.sqlite")
    job_id = log.jobs.rows()[0].id
    log.transitions.record(job_id, result_sha="0" * 64)
    log.close()
    assert run("log", "check", "--folder", folder).code == 0
    ended = run("log", "check", "--files", "--folder", folder)
    assert ended.code == 1
    assert f"{job_id}: its file results/a.mp4 differs from what was downloaded" in ended.out
    (folder / "results/a.mp4").unlink()
    assert f"{job_id}: its file results/a.mp4 is missing" in run("log", "check", "--folder", folder).out


def spoil(folder):
    path = folder / "log.sqlite"
    log = Log(path)
    assert log.back_up() is not None
    log.close()
    data = path.read_bytes()
    path.write_bytes(b"\xa5" * 100 + data[100:])


def test_check_and_rescue_of_a_damaged_log(folder):
    before = ids(folder)
    spoil(folder)
    ended = run("log", "check", "--folder", folder)
    assert (ended.code, "log rescue" in ended.out) == (1, True)
    ended = run("log", "rescue", "--folder", folder)
    assert ended.code == 0
    lines = (folder / "log.sqlite.rescued.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == before
    assert "damaged" in run("log", "check", "--folder", folder).out
    ended = run("log", "rescue", "--replace", "--folder", folder)
    assert "are now in" in ended.out
    assert ids(folder) == before
    assert len(list(folder.glob("log.sqlite.damaged-*"))) == 1
    assert "nothing to rescue" in run("log", "rescue", "--folder", folder).out


def test_damaged_log_is_shown_with_a_warning_and_takes_no_job(folder):
    spoil(folder)
    ended = run("log", "--folder", folder)
    assert ended.code == 0
    assert ended.out.count("collected") == 1
    assert ended.err.startswith("motion-widgets: The log ")
    assert "is damaged" in ended.err
    assert len(ended.err.splitlines()) == 1
    with pytest.warns(UserWarning, match="is damaged"):
        ws = mw.Workspace(folder)
    with pytest.raises(mw.LogError, match="nothing is sent"):
        ws.log_store.jobs.add({**VALUES, "key": "new"})
    assert ws.connection.running is None, (
        "its jobs are not followed: what becomes of them could not be written down"
    )
    ws.close()


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "json"])
def test_export_and_import(folder, tmp_path, kind):
    target = tmp_path / f"log.{kind}"
    assert run("log", "export", target, "--folder", folder).out.strip() == str(target)
    ended = run("log", "import", target, "--folder", tmp_path / "new")
    assert ended.out == "2 of 2 jobs are new here.\n"
    assert ids(tmp_path / "new") == ids(folder)
    assert run("log", "import", target, "--folder", tmp_path / "new").out == "0 of 2 jobs are new here.\n"


HARD = {
    "prompt": "=1+1",
    "image_name": "NA",
    "clip_name": "007",
    "error_code": "404",
    "webhook": " \t'@x",
    "watermark_info": "a\r\n-b",
}


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_what_was_exported_comes_back_exactly(folder, tmp_path, kind):
    log = Log(folder / "log.sqlite")
    log.jobs.add(
        {
            **VALUES,
            "key": "00" * 32,
            "cost": 123457,
            "clip_fps": 30000 / 1001,
            "clip_has_audio": False,
            **HARD,
        }
    )
    before = LogView(log).frame()
    log.close()
    target = tmp_path / f"log.{kind}"
    run("log", "export", target, *["--excel"] * (kind == "csv"), "--folder", folder)
    assert target.read_bytes().startswith(b"\xef\xbb\xbf") == (kind == "csv")
    run("log", "import", target, "--folder", tmp_path / "new")
    log = Log(tmp_path / "new/log.sqlite")
    pd.testing.assert_frame_equal(LogView(log).frame(), before)
    log.close()


def test_excel_from_the_terminal(folder, tmp_path):
    run("log", "export", tmp_path / "log.xlsx", "--folder", folder)
    assert list(pd.read_excel(tmp_path / "log.xlsx")["id"]) == ids(folder)


@pytest.mark.parametrize("words", [["log", "export"], ["pack"]], ids=" ".join)
def test_nothing_is_written_over_a_log(folder, words):
    before = ids(folder)
    said(run(*words, folder / "log.sqlite", "--folder", folder), "log.sqlite", "Choose a new name")
    said(run("log", "--csv", folder / "log.sqlite", "--folder", folder), "Choose a new name")
    assert ids(folder) == before
    assert not [one.name for one in folder.iterdir() if one.suffix in (".part", ".zip")]


def test_export_to_sqlite_is_a_log(folder, tmp_path):
    run("log", "export", tmp_path / "copy.sqlite", "--folder", folder)
    copy, own = Log(tmp_path / "copy.sqlite"), Log(folder / "log.sqlite")
    pd.testing.assert_frame_equal(LogView(copy).frame(), LogView(own).frame())
    copy.close()
    own.close()


@pytest.mark.parametrize("action", ["export", "import"])
def test_kinds_that_are_none(folder, tmp_path, action):
    said(run("log", action, tmp_path / "log.xml", "--folder", folder), "log.xml", ".csv, .parquet")


@pytest.mark.parametrize("name", ["none.csv", "broken.parquet", "broken.jsonl"])
def test_import_of_what_cannot_be_read(folder, tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"\x00broken")
    said(run("log", "import", tmp_path / name, "--folder", folder), name, "log export")


def test_merge_of_two_folders(folder, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    log = Log(mine / "log.sqlite")
    put(log, "collected", "a")
    log.close()
    ended = run("log", "merge", folder, "--folder", mine)
    assert ended.out.count("independently") == 1
    assert "2 jobs added, 0 updated, 0 already known. 1 file" in ended.out
    assert (mine / "results/a.mp4").read_bytes() == (folder / "results/a.mp4").read_bytes()
    assert "0 jobs added, 0 updated, 2 already known" in run("log", "merge", folder, "--folder", mine).out


def test_merge_of_what_is_no_log_or_a_damaged_one(folder, tmp_path):
    before = ids(folder)
    (tmp_path / "log.txt").write_text("no log")
    said(run("log", "merge", tmp_path / "log.txt", "--folder", tmp_path / "mine"), str(tmp_path / "log.txt"))
    spoil(folder)
    ended = run("log", "merge", folder, "--folder", tmp_path / "mine")
    assert f"{folder} is damaged (" in ended.out
    assert "merged: 2 jobs" in ended.out
    assert ids(tmp_path / "mine") == before
    assert not list(folder.glob("*.rescued*")), "nothing there changes"


def test_pack_says_what_is_not_there(folder, tmp_path):
    (folder / "results/a.mp4").unlink()
    ended = run("pack", tmp_path / "ws.zip", "--folder", folder)
    assert ended.code == 0
    assert "1 file that a job names is missing here" in ended.out
    assert run("unpack", tmp_path / "ws.zip", tmp_path / "new").code == 0


def test_pack_and_unpack(folder, tmp_path):
    ended = run("pack", tmp_path / "ws.zip", "--folder", folder)
    assert "but no key" in ended.out
    ended = run("unpack", tmp_path / "ws.zip", tmp_path / "new")
    assert "2 jobs" in ended.out
    assert ids(tmp_path / "new") == ids(folder)
    said(run("unpack", tmp_path / "ws.zip", tmp_path / "new"), "is not empty")
    said(run("unpack", tmp_path / "none.zip", tmp_path / "newer"), "none.zip")


@pytest.mark.parametrize(
    "words",
    [["log", "check"], ["log", "rescue"], ["log", "export", "x.csv"], ["pack", "x.zip"]],
    ids=" ".join,
)
def test_where_there_is_no_log(tmp_path, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said(run(*words, "--folder", tmp_path), "There is no log in", "--folder")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["log"], ["log", "check"], ["log", "rescue"], ["log", "export"], ["log", "import"], ["log", "merge"], ["pack"], ["unpack"]], ids=" ".join)  # fmt: skip
def test_help_says_what_each_does(words):
    ended = run(*words, "--help")
    assert ended.code == 0
    assert "cli_" not in ended.out
    assert Path(__file__).name not in ended.err
