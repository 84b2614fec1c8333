# ruff: noqa: ARG005
"""A workspace in one file and back, by people who trust each other and by those who do not."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import stat
import zipfile
from types import SimpleNamespace

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.log.recovery import all_rows
from motion_widgets.log.store import Log
from motion_widgets.workspace import unpack as unpacking
from motion_widgets.workspace.bundle import merge_from, pack, save_log
from motion_widgets.workspace.unpack import unpack
from tests.log.conftest import VALUES
from tests.log.test_merge import put

TOKEN = "sandbox-token-in-a-file"
VIDEO, MENDED = (b"\0\0\0\x18ftypisom" + one * 1000 for one in (b"video", b"mended"))
PICTURE = b"\x89PNG\r\n\x1a\n picture"


def rows_of(log):
    with log.database.read() as connection:
        return all_rows(connection)


def unreserved(rows):
    """The rows as they are elsewhere, where no budget holds money for them."""
    return {**rows, "jobs": [{**row, "reserved": 0, "person_budget_id": ""} for row in rows["jobs"]]}


def fill(folder, log):
    """A workspace of one collected job, with things in its folder that must not travel."""
    for name in ("results", "inputs", "mended", "sandbox", "samples"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    job_id = put(log, "collected", result_path="results/a.mp4", image_path="inputs/a.png")
    log.annotations.rate([job_id], stars=4)
    (folder / "results/a.mp4").write_bytes(VIDEO)
    (folder / "results/a.json").write_text("{}")
    (folder / "results/b.mp4.part").write_bytes(b"half")
    (folder / "inputs/a.png").write_bytes(PICTURE)
    (folder / "mended/m.mp4").write_bytes(MENDED)
    (folder / "prices.toml").write_text('date = "2026-10"\n')
    (folder / "workspace.json").write_text('{"endpoint": "apimart"}')
    (folder / "sandbox/account.json").write_text(TOKEN)
    (folder / "inputs/link").symlink_to(folder / "sandbox/account.json")
    return job_id


@pytest.fixture
def ws(tmp_path):
    folder = tmp_path / "ws"
    folder.mkdir()
    made = Log(folder / "log.sqlite")
    fill(folder, made)
    yield folder, made
    made.close()


@pytest.fixture
def bundle(ws, tmp_path):
    return pack(*ws, tmp_path / "ws.zip")


def test_there_and_back(ws, bundle, tmp_path):
    target = tmp_path / "new" / "ws"
    assert unpack(bundle, target).jobs == 1
    for name in ("results/a.mp4", "results/a.json", "inputs/a.png", "mended/m.mp4"):
        assert (target / name).read_bytes() == (ws[0] / name).read_bytes()
    assert not (target / "prices.toml").exists(), "whoever unpacks it pays by prices of their own"
    other = Log(target / "log.sqlite")
    assert rows_of(other) == unreserved(rows_of(ws[1]))
    other.close()


def test_neither_token_nor_choice_nor_links_nor_half_files_travel(bundle):
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        content = b"".join(archive.read(name) for name in names)
    assert names == {
        "manifest.json",
        "log.sqlite",
        "results/a.mp4",
        "results/a.json",
        "inputs/a.png",
        "mended/m.mp4",
    }
    assert TOKEN.encode() not in content
    assert b"apimart" not in content


def test_packing_while_the_log_is_written_takes_one_moment(ws, tmp_path):
    folder, log = ws
    with log.database.write() as connection:
        connection.exec_driver_sql("INSERT INTO budgets (id, limit_micro, used_micro) VALUES ('half', 1, 0)")
        pack(folder, log, tmp_path / "x.zip")
    unpack(tmp_path / "x.zip", tmp_path / "x")
    other = Log(tmp_path / "x/log.sqlite")
    assert other.budgets.get("half") == (None, 0)
    other.close()


def test_a_log_on_postgresql_becomes_sqlite_in_it(postgres, tmp_path):
    log = Log(postgres())
    fill(tmp_path / "ws", log)
    unpack(pack(tmp_path / "ws", log, tmp_path / "ws.zip"), tmp_path / "new")
    other = Log(tmp_path / "new/log.sqlite")
    assert rows_of(other) == unreserved(rows_of(log))
    other.close()
    log.close()


def test_pack_that_fails_leaves_nothing(ws, tmp_path):
    with pytest.raises(LogError, match="Choose another place"):
        pack(*ws, tmp_path / "no" / "ws.zip")
    with pytest.raises(LogError, match="Choose another place"):
        save_log(ws[1], tmp_path / "no" / "log.sqlite")
    assert [one.name for one in tmp_path.iterdir()] == ["ws"]


def test_unpacking_needs_a_new_folder(bundle, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/mine.txt").write_text("mine")
    with pytest.raises(LogError, match="log merge"):
        unpack(bundle, tmp_path / "taken")
    (tmp_path / "empty").mkdir()
    assert unpack(bundle, tmp_path / "empty").jobs == 1


# What a stranger may send.


def rewritten(bundle, target, change):
    """A bundle whose files (name -> bytes) and manifest were changed."""
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files.pop("manifest.json"))
    change(files, about)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(about))
    return target


def said_of(content):
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def added(name, content=b"x"):
    def change(files, about):
        files[name] = content
        about["files"][name] = said_of(content)

    return change


def with_trigger(files, about):
    db = sqlite3.connect(":memory:")
    db.deserialize(files["log.sqlite"].replace(b"\x02\x02", b"\x01\x01", 1))  # no WAL in memory
    db.execute("CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM jobs; END")
    db.commit()
    added("log.sqlite", db.serialize())(files, about)
    db.close()


WRONG = {
    "above": added("../evil.txt"),
    "above, deep": added("results/../../evil.txt"),
    "absolute": added("/evil.txt"),
    "drive": added("C:\\evil.txt"),
    "backslash": added("results\\..\\evil.txt"),
    "elsewhere": added("sandbox/account.json"),
    "program": added("ipykernel_launcher.py", b"print()"),
    "hidden": added("results/.bashrc"),
    "device": added("results/con.mp4"),
    "stream": added("results/a.mp4:x"),
    "too deep": added("results/" + "a/" * 9 + "x.mp4"),
    "two cases": added("results/A.MP4", VIDEO),
    "two spellings": lambda files, about: [
        added(f"inputs/{one}.png")(files, about) for one in ("\xe9", "e\u0301")
    ],
    "choice": added("workspace.json", b'{"endpoint": "apimart"}'),
    "not in the manifest": lambda files, about: files.update({"results/x.mp4": b"x"}),
    "not in the file": lambda files, about: files.pop("results/a.mp4"),
    "other content": lambda files, about: files.update({"results/a.mp4": VIDEO.replace(b"video", b"v1deo")}),
    "other size": lambda files, about: files.update({"results/a.mp4": b"more" * 10_000}),
    "no log": lambda files, about: (files.pop("log.sqlite"), about["files"].pop("log.sqlite")),
    "log is none": added("log.sqlite", b"SQLite format 3\0 but no more" * 50),
    "log has a trigger": with_trigger,
    "manifest is a list": lambda files, about: about.update(files=[]),
    "sizes are words": lambda files, about: about["files"]["results/a.mp4"].update(size="big"),
    "newer": lambda files, about: about.update(format=99),
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_bundles_are_refused_and_leave_nothing(bundle, tmp_path, how):
    before = set(tmp_path.rglob("*"))
    wrong = rewritten(bundle, tmp_path / "wrong.zip", WRONG[how])
    with pytest.raises(LogError):
        unpack(wrong, tmp_path / "target")
    assert set(tmp_path.rglob("*")) - before == {wrong}


def test_symlinks_in_a_bundle_are_refused(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files.pop("manifest.json"))
    about["files"]["results/link"] = said_of(b"/etc/passwd")
    with zipfile.ZipFile(tmp_path / "wrong.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        info = zipfile.ZipInfo("results/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, b"/etc/passwd")
        archive.writestr("manifest.json", json.dumps(about))
    with pytest.raises(LogError, match="results/link"):
        unpack(tmp_path / "wrong.zip", tmp_path / "target")


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 99])
def test_other_files_are_no_bundle(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(LogError, match="is not a packed workspace"):
        unpack(tmp_path / "x.zip", tmp_path / "target")


def test_bundle_cut_short(bundle, tmp_path):
    bundle.write_bytes(bundle.read_bytes()[:-30])
    with pytest.raises(LogError, match="is not a packed workspace"):
        unpack(bundle, tmp_path / "target")


def test_bundle_larger_than_the_disk(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(LogError, match="more than this disk has free"):
        unpack(bundle, tmp_path / "target")


def test_ids_that_would_lead_a_result_astray_do_not_come_in(ws, tmp_path):
    folder, log = ws
    log.jobs.add({**VALUES, "key": "fine"})
    log.close()
    with contextlib.closing(sqlite3.connect(folder / "log.sqlite")) as db, db:
        db.execute("UPDATE jobs SET id = '../../x' WHERE result_path IS NOT NULL")
    found = unpack(pack(folder, Log(folder / "log.sqlite"), tmp_path / "odd.zip"), tmp_path / "new")
    assert (found.jobs, len(found.left_out)) == (1, 1)


def test_prices_of_an_older_bundle_are_not_taken_over(bundle, tmp_path):
    old = rewritten(bundle, tmp_path / "old.zip", added("prices.toml", b'date = "2020"\n'))
    unpack(old, tmp_path / "new")
    assert not (tmp_path / "new/prices.toml").exists()


ODD = {
    "results/page.mp4": b"<html><script>alert(1)</script>",
    "inputs/evil.ipynb": b'{"cells": []}',
    "inputs/picture.svg": b"<svg onload='alert(1)'/>",
    "mended/run.py": b"import os",
    "inputs/other.png": VIDEO,
    "library/x.exe": b"MZ",
}


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_is_not_what_its_name_says_is_left_out_and_named(bundle, tmp_path, name):
    odd = rewritten(bundle, tmp_path / "odd.zip", added(name, ODD[name]))
    found = unpack(odd, tmp_path / "new")
    assert not (tmp_path / "new" / name).exists()
    assert any(name in one for one in found.left_out)
    assert (tmp_path / "new/results/a.mp4").read_bytes() == VIDEO


def test_a_bundle_that_unpacks_to_far_more_than_it_is_stops_and_leaves_nothing(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_RATIO_FREE", 1 << 20)
    content = VIDEO + bytes(4 << 20)
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files.pop("manifest.json"))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            files[f"results/{number}.mp4"] = content
            about["files"][f"results/{number}.mp4"] = said_of(content)
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr("manifest.json", json.dumps(about))
    before = set(tmp_path.iterdir())
    with pytest.raises(LogError, match="times its size"):
        unpack(tmp_path / "bomb.zip", tmp_path / "new")
    assert set(tmp_path.iterdir()) == before


def test_names_are_compared_in_linear_time_and_their_number_is_bounded(bundle, tmp_path, monkeypatch):
    def many(files, about):
        for number in range(30_000):
            added(f"results/{number}.mp4", b"")(files, about)

    wrong = rewritten(bundle, tmp_path / "many.zip", many)
    counted = []
    monkeypatch.setattr(unpacking.unicodedata, "normalize", lambda _, name: counted.append(name) or name)
    monkeypatch.setattr(
        unpacking, "_extract", lambda *_: (_ for _ in ()).throw(zipfile.BadZipFile("far enough"))
    )
    with pytest.raises(LogError, match="far enough"):
        unpack(wrong, tmp_path / "new")
    assert len(counted) == 30_000 + 5
    monkeypatch.setattr(unpacking, "_ENTRIES_MOST", 20_000)
    with pytest.raises(LogError, match="manifest"):
        unpack(wrong, tmp_path / "new")


def test_a_zip_whose_directory_is_too_large_is_not_read(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_MANIFEST_MOST", 200)
    with pytest.raises(LogError, match="is not a packed workspace"):
        unpack(bundle, tmp_path / "new")


# Merging.


@pytest.mark.parametrize("kind", ["folder", "bundle", "log"])
def test_merge_brings_rows_and_files(ws, bundle, tmp_path, kind):
    source = {"folder": ws[0], "bundle": bundle, "log": ws[0] / "log.sqlite"}[kind]
    mine = Log(tmp_path / "mine/log.sqlite")
    mine.jobs.add({**VALUES, "key": "other"})
    before = (ws[0] / "log.sqlite").read_bytes()
    done = merge_from(mine, tmp_path / "mine", source)
    assert (done.added, mine.jobs.count()) == (1, 2)
    assert (tmp_path / "mine/results/a.mp4").read_bytes() == VIDEO
    assert (tmp_path / "mine/inputs/a.png").is_file()
    assert merge_from(mine, tmp_path / "mine", source).added == 0
    assert (ws[0] / "log.sqlite").read_bytes() == before
    mine.close()


def test_merge_overwrites_no_file(ws, tmp_path):
    mine = Log(tmp_path / "mine/log.sqlite")
    (tmp_path / "mine/results").mkdir()
    (tmp_path / "mine/results/a.mp4").write_bytes(b"mine")
    merge_from(mine, tmp_path / "mine", ws[0])
    assert (tmp_path / "mine/results/a.mp4").read_bytes() == b"mine"
    mine.close()


def test_merge_of_nothing(ws, tmp_path):
    with pytest.raises(LogError, match="contains no log"):
        merge_from(ws[1], ws[0], tmp_path / "nowhere")
    with contextlib.closing(sqlite3.connect(tmp_path / "songs.sqlite")) as db, db:
        db.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(LogError, match="something else"):
        merge_from(ws[1], ws[0], tmp_path / "songs.sqlite")


def test_merge_brings_neither_programs_nor_settings_nor_prices(ws, tmp_path):
    folder, log = ws
    names = ("ipykernel_launcher.py", "workspace.json", "prices.toml", "inputs/evil.ipynb", "inputs/link")
    (folder / "ipykernel_launcher.py").write_text("import os")
    (folder / "inputs/evil.ipynb").write_text("{}")
    for name in names:
        log.files.add_input(hashlib.sha256(name.encode()).hexdigest(), name="x", size=1, path=name)
    mine = Log(tmp_path / "mine/log.sqlite")
    done = merge_from(mine, tmp_path / "mine", folder)
    assert done.files == ["inputs/a.png", "results/a.mp4"]
    files = {one.relative_to(tmp_path / "mine").as_posix() for one in (tmp_path / "mine").rglob("*")}
    assert {one for one in files if not one.startswith("log.sqlite")} == {"inputs", "results", *done.files}
    mine.close()


def test_merge_writes_through_no_link(ws, tmp_path):
    mine = Log(tmp_path / "mine/log.sqlite")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "mine/inputs").mkdir()
    (tmp_path / "mine/inputs/deep").symlink_to(elsewhere)
    (ws[0] / "inputs/deep").mkdir()
    (ws[0] / "inputs/deep/b.png").write_bytes(PICTURE)
    ws[1].files.add_input("5ha", name="b.png", size=1, path="inputs/deep/b.png")
    merge_from(mine, tmp_path / "mine", ws[0])
    assert list(elsewhere.iterdir()) == []
    mine.close()
