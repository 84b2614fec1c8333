"""Keys in files: found in every wrapping a notebook may have, named by their place, and never shown."""

from __future__ import annotations

import base64
import html
import json
import random
import sqlite3
import string
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.audit.key_patterns import KeyFinder, known_keys, masked
from motion_widgets.audit.key_scan import scan
from motion_widgets.cli import main
from motion_widgets.core.errors import RequestError
from motion_widgets.endpoint.api_key import Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-Ab3dEf9hIjKlMn0pQrSt7vWxYz12345"
ODD = 'k/9"Qw%41&x<7>+\\zT0pYr5e'
"""A key that every escaping changes."""
ALIKE = "sk-q8Zk2LmP0sXv7TnB4rYwJd61"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRAPPINGS = {
    "plain": lambda key: f"key = {key!s};",
    "json": lambda key: json.dumps({"key": key}),
    "json in json": lambda key: json.dumps(json.dumps({"key": key})),
    "slashes": lambda key: json.dumps(key).replace("/", "\\/"),
    "code points": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "url": lambda key: f"https://h/?k={quote(key, safe='')}&x=1",
    "html": lambda key: f"<b title='{html.escape(key)}'>",
    "numeric entities": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "base64": b64,
    "base64 inside": lambda key: b64(f"abcdefg {key} and more"),
    "base64, cut out": lambda key: b64(f"1234567 {key} and more")[5:],
    "base64 for links": lambda key: base64.urlsafe_b64encode(f"??{key}??".encode()).decode(),
    "base64 in lines": lambda key: base64.encodebytes(f"{'x' * 50}{key}{'y' * 50}".encode()).decode(),
    "base64 of json": lambda key: b64(json.dumps({"state": {"value": key}})),
    "base64 of base64": lambda key: b64(b64(f"{key} twice")),
    "data link": lambda key: f"data:text/html;base64,{b64(f'<p>{html.escape(key)}</p>')}",
    "html of json": lambda key: html.escape(json.dumps({"key": key})),
    "hex": lambda key: key.encode().hex(),
}


@pytest.mark.parametrize("key", [KEY, ODD], ids=["usual", "odd"])
@pytest.mark.parametrize("way", WRAPPINGS)
def test_every_wrapping_of_a_known_key_is_seen(key: str, way: str) -> None:
    text = f"before\n{WRAPPINGS[way](key)}\nafter"
    found = KeyFinder([Secret(key)]).find(text)
    assert [one.known for one in found if one.known], way
    assert {one.masked for one in found if one.known} == {"…" + key[-4:]}
    assert text.count("\n", 0, found[0].position) == 1


def is_usable(key: str) -> bool:
    """Return whether a text is taken for a key at all, not for what stands for one in documentation."""
    try:
        Secret(key)
    except RequestError:
        return False
    return True


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60).filter(is_usable),
    st.text(max_size=20), st.text(max_size=20), st.sampled_from(sorted(WRAPPINGS)),
)  # fmt: skip
def test_any_key_in_any_wrapping(key: str, before: str, after: str, way: str) -> None:
    if way in ("hex", "plain"):
        before, after = before + " ", " " + after
    found = KeyFinder([Secret(key)]).find(f"{before}\n{WRAPPINGS[way](key)}\n{after}")
    assert any(one.known for one in found)


@pytest.mark.parametrize(
    "text",
    [
        ALIKE,
        f'"{ALIKE}"',
        f"Authorization: Bearer {ALIKE[3:]}",
        f"export K={ALIKE} # mine",
        b64(f"..{ALIKE}.."),
    ],
)
def test_what_looks_like_a_key(text: str) -> None:
    assert [(one.known, one.masked) for one in KeyFinder().find(text)] == [(False, "…Jd61")]


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-is-not-a-key-but-scikit", "sk-your-key-goes-here-0123456789",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxx1", "sk-aaaaaaaaaaaaaaaaaaaaaaaa1",
        "Bearer YOUR_TOKEN_GOES_HERE_PLEASE", "Bearer sandbox-0a1b2c3d4e5f60718293",
        "Bearer {token}", "task-1234567890abcdefghij", "risk-1a2b3c4d5e6f7g8h9i0j1k2l", "sk-short1",
    ],
)  # fmt: skip
def test_what_only_seems_so(text: str) -> None:
    assert KeyFinder().find(text) == []


def test_noise_holds_no_key() -> None:
    chance = random.Random(7)
    letters = string.ascii_letters + string.digits + "-_"
    text = "\n".join("".join(chance.choices(letters, k=76)) for _ in range(4000))
    assert KeyFinder([Secret(KEY)]).find(text) == []


def test_a_short_key_is_a_word() -> None:
    assert len(KeyFinder([Secret("data")])) == 0
    assert masked("planted-key") == "…"


def test_the_seeker_shows_no_key() -> None:
    seeker = KeyFinder([Secret(KEY)])
    assert KEY not in f"{seeker!r}{vars(seeker)!r}"
    assert seeker.conceal(f"{KEY} and {ALIKE}") == "<secret> and …Jd61"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """Write a notebook that holds the key in every part."""
    state = {
        "abcdef0123": {
            "model_name": "TextModel",
            "state": {"value": "clean"},
            "buffers": [{"encoding": "base64", "path": ["x"], "data": b64(f"state {KEY}")}],
        }
    }
    picture = base64.encodebytes(b"\x89PNG" + bytes(80) + KEY.encode()).decode()
    body = {
        "cells": [
            {"cell_type": "markdown", "source": ["# clean\n", "text"], "metadata": {}},
            {
                "cell_type": "code",
                "source": ["import os\n", f"os.environ['APIMART_API_KEY'] = '{KEY}'\n"],
                "outputs": [
                    {"output_type": "stream", "text": ["one\n", "two\n", f"key {KEY}\n"]},
                    {"output_type": "display_data", "data": {"text/html": [f"<i>{html.escape(KEY)}</i>"]}},
                    {"output_type": "display_data", "data": {"image/png": picture}},
                ],
                "metadata": {"tags": [KEY]},
            },
        ],
        "metadata": {
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}},
            "title": f"Bearer {ALIKE}",
        },
        "nbformat": 4,
    }  # fmt: skip
    path = tmp_path / "study.ipynb"
    path.write_text(json.dumps(body), "utf-8")
    return path


def test_places_in_a_notebook(notebook: Path) -> None:
    report = scan([notebook], secrets=[Secret(KEY)])
    assert report.code == 1
    text = "\n".join(report.lines)
    for place in (
        "cell 2, source, line 2: the API key of this machine (…2345)",
        "cell 2, output 1, line 3: the API key",
        "cell 2, output 2, line 1: the API key",
        "cell 2, output 3",
        "cell 2, metadata",
        "widget state, TextModel abcdef01, line 1: the API key of this machine (…2345), written as base64",
        "notebook metadata, line 1: what looks like an API key (…Jd61)",
        "revoke the key",
    ):
        assert place in text
    assert "cell 1" not in text
    assert KEY not in text
    assert ALIKE not in text


def test_the_terminal_ends_with_1_and_never_shows_it(
    notebook: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("APIMART_API_KEY", KEY)
    assert main.main(["scan", str(notebook.parent)]) == 1
    shown = capsys.readouterr()
    assert "…2345" in shown.out
    assert KEY not in shown.out + shown.err + caplog.text
    notebook.write_text('{"cells": []}', "utf-8")
    assert main.main(["scan", str(notebook)]) == 0
    assert "No key was found in 1 file" in capsys.readouterr().out


def test_a_database_its_deleted_rows_and_its_wal(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute("CREATE TABLE jobs (id TEXT, body TEXT)")
    db.execute("INSERT INTO jobs VALUES ('job-1', ?)", ("z" * 9000 + KEY,))
    db.commit()
    assert "log.sqlite-wal" in "\n".join(scan([path], secrets=[Secret(KEY)]).lines)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = "\n".join(scan([path], secrets=[Secret(KEY)]).lines)
    assert "table jobs, column body, row 1: the API key" in found
    db.execute("PRAGMA secure_delete=0")
    db.execute("UPDATE jobs SET body = ?", (f"short {KEY}",))
    db.execute("DELETE FROM jobs")
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert "raw bytes" in "\n".join(scan([path], secrets=[Secret(KEY)]).lines)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log.sqlite"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"id,key\r\n1,{KEY}\r\n".encode()),
        ("a.json", json.dumps({"x": [1, {"deep": KEY}]}, indent=1).encode()),
        ("a.txt", f"x\n{KEY}".encode("utf-16")),
        ("a.parquet", b"PAR1\x00\x01" + KEY.encode() + b"\xff\xfe"),
        ("broken.ipynb", f'{{"cells": [{{"source": "{KEY}"'.encode()),
        ("not.ipynb", json.dumps([KEY]).encode()),
        ("odd.ipynb", json.dumps({"cells": ["x", 5, None], "extra": {KEY: 1}}).encode()),
        (f"{KEY}.txt", b"clean"),
    ],
)
def test_other_files(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    report = scan([tmp_path], secrets=[Secret(KEY)])
    assert report.code == 1, report.lines
    assert "the API key of this machine (…2345)" in report.lines[0]
    assert KEY not in "\n".join(report.lines)


def test_what_cannot_be_read_is_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = scan([tmp_path / "none.ipynb"], secrets=[])
    assert report.code == 1
    assert "so it was not checked" in report.lines[0]
    (tmp_path / "large.txt").write_text("x" * 100)
    monkeypatch.setattr("motion_widgets.audit.key_scan.LARGEST", 10)
    assert "larger than" in scan([tmp_path], secrets=[]).lines[0]


def test_known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIMART_API_KEY", KEY)
    monkeypatch.setattr("motion_widgets.endpoint.api_key._keyring_get", lambda _: ALIKE)
    assert [one.reveal() for one in known_keys()] == [KEY, ALIKE]
    monkeypatch.setenv("APIMART_API_KEY", "two words")
    assert [one.reveal() for one in known_keys()] == [ALIKE]
