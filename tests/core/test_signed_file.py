"""Files that count only where this user wrote them: any change, copy or move makes them nobody's."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core import signed_file
from motion_widgets.core.signed_file import read_signed, write_signed

HELD = {"endpoint": "apimart", "consent": {"a": "b"}, "size": 1.5}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws" / "workspace.json"


@given(content=st.dictionaries(st.text().filter(lambda name: name != "signature"), VALUES, max_size=5))
def test_what_this_user_wrote_comes_back(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "signed.json"
    write_signed(file, content)
    assert read_signed(file) == content


def test_only_its_owner_may_read_it_and_the_secret(file, data_folder):
    write_signed(file, HELD)
    secret = data_folder / "motion-widgets" / "secret"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, secret)] == [0o600, 0o600]
    assert secret.read_bytes().hex() not in file.read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held | {"endpoint": "sandbox"},
        lambda held: held | {"publish_to": "touch ran {path}"},
        lambda held: {name: value for name, value in held.items() if name != "signature"},
        lambda held: held | {"signature": "0" * 64},
        lambda held: held | {"signature": "\u00e9"},
        lambda held: held | {"signature": 5},
        lambda held: [held],
    ],
)
def test_a_changed_file_is_nobodys(file, change):
    write_signed(file, HELD)
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    assert read_signed(file) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_an_odd_file_is_nobodys(file, content):
    file.write_bytes(content)
    assert read_signed(file) is None


def test_it_counts_at_its_own_place_alone(file, tmp_path):
    write_signed(file, HELD)
    copy, other = tmp_path / "copy", file.with_name("published.json")
    shutil.copytree(file.parent, copy)
    shutil.copyfile(file, other)
    assert read_signed(copy / file.name) is None
    assert read_signed(other) is None
    (tmp_path / "link").symlink_to(file.parent)
    assert read_signed(tmp_path / "link" / file.name) == HELD, "the same place by another way"
    file.parent.rename(tmp_path / "moved")
    assert read_signed(tmp_path / "moved" / file.name) is None


def test_another_users_file_is_nobodys(file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "theirs"))
    write_signed(file, HELD)
    assert read_signed(file) == HELD
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "mine"))
    assert read_signed(file) is None


SCRIPT = """
import sys; from pathlib import Path; from motion_widgets.core.signed_file import *
if sys.argv[2] == "write": write_signed(Path(sys.argv[1]), {"a": 1})
print(read_signed(Path(sys.argv[1])))
"""


def say(file, what):
    command = [sys.executable, "-c", SCRIPT, str(file), what]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_other_processes_of_the_user_believe_it(file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new"))
    command = [sys.executable, "-c", SCRIPT]
    files = [file.with_name(f"{number}.json") for number in range(4)]
    runs = [subprocess.Popen([*command, str(one), "write"], stdout=-1, text=True) for one in files]
    assert [one.communicate()[0].strip() for one in runs] == ["{'a': 1}"] * 4
    assert [say(one, "read") for one in files] == ["{'a': 1}"] * 4, "the first secret is everybody's"


def test_where_no_secret_is_kept_it_counts_for_this_process(file, tmp_path, monkeypatch):
    (tmp_path / "full").write_text("no folder")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "full"))
    write_signed(file, HELD)
    assert read_signed(file) == HELD
    assert say(file, "read") == "None"


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_broken_secret_signs_nothing_for_others(file, tmp_path, monkeypatch, content):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(signed_file, "_secrets", {})
    (tmp_path / "motion-widgets").mkdir()
    (tmp_path / "motion-widgets" / "secret").write_bytes(content)
    write_signed(file, HELD)
    assert read_signed(file) == HELD
    assert say(file, "read") == "None"
