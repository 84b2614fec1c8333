"""What a person chose for a folder counts where this user chose it; all else opens as new, and says so."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from motion_widgets import Workspace
from motion_widgets.core.errors import LogError
from motion_widgets.workspace.settings import (
    choose,
    chosen,
    keep_view,
    kept_view,
    sandbox_account,
    unbelieved,
)
from tests.jobs.endpoint import until

if TYPE_CHECKING:
    from pathlib import Path

CHOICES = {"endpoint": "apimart", "publish_to": "touch x {path}", "consent": {"a": "b"}, "prices": "0"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def test_choices_are_kept_changed_and_taken_back(folder):
    choose(folder, endpoint="apimart")
    choose(folder, publish_to="s3://x/y")
    choose(folder, endpoint=None)
    assert chosen(folder) == {"publish_to": "s3://x/y"}
    assert list(unbelieved(folder)) == []


@pytest.mark.parametrize("name", CHOICES)
def test_an_unsigned_choice_does_not_count_and_is_said(folder, name):
    (folder / "workspace.json").write_text(json.dumps({name: CHOICES[name]}))
    assert chosen(folder) == {}
    assert "opens as new, on the sandbox" in "".join(unbelieved(folder))


@pytest.mark.parametrize("text", ["", "{", '{"endpoint": "sandbox"}', '{"sandbox": "sandbox 01234567"}'])
def test_where_nothing_was_chosen_nothing_is_said(folder, text):
    (folder / "workspace.json").write_text(text)
    assert list(unbelieved(folder)) == []


def test_what_somebody_else_chose_is_set_aside_and_not_taken_over(folder):
    (folder / "workspace.json").write_text(json.dumps(CHOICES))
    choose(folder, endpoint="apimart")
    assert chosen(folder) == {"endpoint": "apimart"}
    assert json.loads((folder / "workspace.untrusted.json").read_text()) == CHOICES
    assert list(unbelieved(folder)) == []


def test_a_moved_or_copied_folder_opens_as_new_until_one_chooses_again(folder, tmp_path):
    with Workspace(folder) as ws:
        ws.switch("apimart", key="sk-0123456789")
    shutil.copytree(folder, tmp_path / "copy")
    with pytest.warns(UserWarning, match="Choose again"):
        ws = Workspace(tmp_path / "copy")
    with ws:
        assert not ws.live
        assert "Choose again" in ws.notices[0]
        ws.switch("sandbox")
    with Workspace(tmp_path / "copy") as ws:
        assert ws.notices == ()
    with Workspace(folder) as ws:
        assert ws.live


def test_a_received_folder_keeps_its_sandbox_account(folder):
    (folder / "workspace.json").write_text('{"sandbox": "sandbox 01234567"}')
    assert sandbox_account(folder) == "sandbox 01234567"
    (folder / "workspace.json").write_text('{"sandbox": "acct-of-somebody"}')
    assert sandbox_account(folder).startswith("sandbox ")
    assert sandbox_account(folder) == sandbox_account(folder)


SLOW = """
import sys, time
from pathlib import Path
from motion_widgets.workspace import settings
folder, write = Path(sys.argv[1]), settings.write_signed
def slowly(*args):
    (folder / "writing").touch()
    until = time.monotonic() + 2
    while not (folder / "go on").exists() and time.monotonic() < until:
        time.sleep(0.01)
    write(*args)
settings.write_signed = slowly
print(eval(sys.argv[2]), end="")
"""


@pytest.fixture
def in_between(folder):
    """in_between(theirs, act) -> what another process said, and what came of `act` while it was writing."""

    def make(theirs, act):
        command = [sys.executable, "-c", SLOW, str(folder), f"settings.{theirs}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            until((folder / "writing").exists)
            mine = act()
            (folder / "go on").touch()
            return other.communicate()[0], mine

    return make


def test_two_processes_that_open_a_fresh_folder_keep_one_sandbox_account(folder, in_between):
    """Each kept another: the jobs of one were nobody's once it was opened again."""
    theirs, mine = in_between("sandbox_account(folder)", lambda: sandbox_account(folder))
    assert theirs == mine == sandbox_account(folder)


def test_what_two_processes_choose_at_once_is_all_kept(folder, in_between):
    in_between("choose(folder, publish_to='s3://x/y')", lambda: choose(folder, consent={"a": "b"}))
    assert chosen(folder) == {"publish_to": "s3://x/y", "consent": {"a": "b"}}


VIEW = {"tab": 2, "request": {"prompt": "\ud83d\ude00 <b> \u202e", "image_url": None}}


def file_of(folder: Path) -> Path:
    [found] = folder.glob("workspace.view.*.json")
    return found


def test_a_view_comes_back_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    assert kept_view(tmp_path) == {}
    keep_view(tmp_path, VIEW)
    assert kept_view(tmp_path) == VIEW
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600
    assert chosen(tmp_path) == {}, "to look at a folder is not to trust it"


def test_each_person_has_a_view_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_view(tmp_path, VIEW)
    monkeypatch.setenv("MOTION_WIDGETS_USER", "bo/../ña")
    assert kept_view(tmp_path) == {}
    keep_view(tmp_path, {"tab": 1})
    monkeypatch.delenv("MOTION_WIDGETS_USER")
    assert kept_view(tmp_path) == VIEW


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tab": 1}', '{"tab": 1, "signature": "00"}', "\0"])
def test_a_damaged_or_unsigned_view_is_said_and_replaced_by_the_next(tmp_path: Path, text: str) -> None:
    keep_view(tmp_path, VIEW)
    file_of(tmp_path).write_text(text)
    with pytest.raises(LogError, match=rf"not restored: {file_of(tmp_path).name} is damaged"):
        kept_view(tmp_path)
    keep_view(tmp_path, VIEW)
    assert kept_view(tmp_path) == VIEW


def test_a_view_that_was_changed_or_came_with_a_folder_does_not_count(tmp_path: Path) -> None:
    own, sent = tmp_path / "own", tmp_path / "sent"
    own.mkdir()
    keep_view(own, VIEW)
    shutil.copytree(own, sent)
    with pytest.raises(LogError):
        kept_view(sent)
    held = json.loads(file_of(own).read_text("utf-8", "surrogatepass"))
    file_of(own).write_text(json.dumps({**held, "tab": 1}))
    with pytest.raises(LogError):
        kept_view(own)


def test_a_link_in_place_of_the_file_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    keep_view(tmp_path, VIEW)
    file, other = file_of(tmp_path), tmp_path / "other"
    file.unlink()
    other.write_text("mine")
    file.symlink_to(other)
    keep_view(tmp_path, VIEW)
    assert (other.read_text(), file.is_symlink()) == ("mine", False)


def test_a_folder_that_takes_no_file_forgets(tmp_path: Path) -> None:
    keep_view(tmp_path / "none", VIEW)
    assert kept_view(tmp_path / "none") == {}
