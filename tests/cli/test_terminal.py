"""Nothing from outside reaches the terminal raw, whichever command prints it."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import motion_widgets as mw
from motion_widgets.cli.terminal import plain
from tests.cli.test_main import KEYLESS, _fast, run
from tests.jobs.endpoint import make_png

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEYLESS", "_fast"]  # a fixture, for this module too

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\rfake\nmotion-widgets: all is well\u200b"
REQUEST = {
    "model": "kling-v2-6-motion-control", "image_url": f"https://203.0.113.1/{EVIL}.png",
    "video_url": f"https://203.0.113.1/{EVIL}.mp4", "prompt": EVIL, "mode": EVIL,
    "character_orientation": "image",
}  # fmt: skip


@given(st.text())
def test_what_is_printed_is_one_line_that_json_reads(text: str) -> None:
    assert plain(text).isprintable()
    assert json.loads(plain(json.dumps(text, ensure_ascii=False))) == text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose files, rows and settings are full of sequences."""
    folder = tmp_path_factory.mktemp("evil")
    name = EVIL.replace("/", "")
    (folder / f"{name}.png").write_bytes(make_png())
    (folder / f"{name}.mp4").write_bytes(b"no clip")
    (folder / f"{name}.txt").write_text("sk-q8Zk2LmP0sXv7TnB4rYwJd61")
    (folder / f"{name}.json").write_text(json.dumps(REQUEST))
    (folder / f"{name}.toml").write_text("no = [plan")
    (folder / f"{name}.csv").write_text(f'id,state,prompt\njob-1,planned,"{EVIL}"\n', "utf-8")
    (folder / f"{name}.sqlite").write_bytes(b"SQLite format 3\0 broken")
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as packed:
        packed.writestr(f"{EVIL}.txt", "sk-q8Zk2LmP0sXv7TnB4rYwJd61")
    with mw.Workspace(folder / "ws", "sandbox") as ws:
        values = {
            "state": "rejected", "endpoint": "sandbox", "account": "sandbox", "sandbox": 1, "key": "k",
            "idempotency_key": "i", "created_by": "me", "created": 1,
        }  # fmt: skip
        row = {**values, "error_message": EVIL, "mode": EVIL, "result_path": f"results/{EVIL}.mp4"}
        ws.log_store.jobs.add(row)
        ws.set_budget(5, "ana")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["measure", "{}.png", "{}.mp4", "{}.none", "{}.json"], ["check", "{}.json"], ["check", "{}.none"],
        ["submit", "{}.json"], ["submit", "{}.txt"],
        ["sweep", "{}.json", "--axis", f"prompt={EVIL}", "--plan"],
        ["sweep", "{}.json", "--axis", f"{EVIL}=1"], ["sweep", "{}.toml"], ["attach", EVIL], ["pause", EVIL],
        ["resume", EVIL], ["log"], ["log", "--csv", "{}.out.csv"], ["log", "check", "--files"],
        ["log", "rescue"], ["log", "export", "{}.out.json"], ["log", "export", "{}.out.nothing"],
        ["log", "import", "{}.csv"], ["log", "merge", "{}.sqlite"], ["log", "merge", "{}.none"],
        ["pack", "{}.out.zip"], ["unpack", "{}.zip", "{}.unpacked"], ["unpack", "{}.txt", "{}.new"],
        ["budget"], ["budget", EVIL, "5"], ["budget", "ana", EVIL], ["budget", "ana", "5", "--since", EVIL],
        ["share"], ["scan", "."], ["scan", "{}.zip", "{}.none"], ["reconcile", "--since", EVIL],
        ["check-live", "--endpoint", EVIL], ["check", "{}.json", "--endpoint", EVIL],
        ["check", "{}.json", "--folder", "{}.txt"], ["sandbox", "--folder", "{}.txt"],
        ["sandbox", "--faults", "{}.toml"], ["measure"], ["log", EVIL], [EVIL], ["budget", f"--{EVIL}"],
        ["sandbox", "--port", EVIL],
    ],
    ids=lambda words: " ".join(words).replace(EVIL, "EVIL"),
)  # fmt: skip
def test_no_command_prints_a_sequence(place: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("MOTION_WIDGETS_FOLDER", str(place / "ws"))
    ended = run(*(word.replace("{}", EVIL) for word in words))
    told = ended.out + ended.err
    assert told
    assert [line for line in told.split("\n") if not line.isprintable()] == []
    assert [line for line in told.split("\n") if line.startswith("motion-widgets: all is well")] == []
