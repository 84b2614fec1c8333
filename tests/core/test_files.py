"""Files are there complete or not at all, and nothing is replaced that must stay."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core import files
from motion_widgets.core.files import (
    PRIVATE,
    alone,
    copy_whole,
    move_if_free,
    partial_file,
    size_of,
    whole_file,
    write_whole,
)


class StoppedError(Exception):
    """What stands for anything that goes wrong half-way."""


def write_half(partial: Path, half: bytes = b"half", error: type[BaseException] = StoppedError) -> None:
    partial.write_bytes(half)
    raise error


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)


class TestWriteWhole:
    @given(content=st.binary(max_size=200) | st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
    def test_what_was_written_can_be_read(
        self, tmp_path_factory: pytest.TempPathFactory, content: str | bytes
    ) -> None:
        path = tmp_path_factory.mktemp("written") / "file"
        assert write_whole(path, content) == path
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
        assert names(path.parent) == ["file"]

    def test_replaces_what_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")
        write_whole(path, "new")
        assert path.read_text() == "new"

    def test_a_name_as_long_as_the_disk_takes(self, tmp_path: Path) -> None:
        assert write_whole(tmp_path / ("n" * 255), b"x").read_bytes() == b"x"

    def test_text_that_is_no_unicode_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")
        with pytest.raises(UnicodeEncodeError):
            write_whole(path, "\ud800")
        assert (path.read_text(), names(tmp_path)) == ("old", ["file"])

    @pytest.mark.usefixtures("umask")
    def test_an_ordinary_file_has_the_usual_permissions(self, tmp_path: Path) -> None:
        assert stat.S_IMODE(write_whole(tmp_path / "file", "x").stat().st_mode) == 0o644

    @pytest.mark.usefixtures("umask")
    def test_a_private_file_is_private_from_its_first_moment(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("for everybody")
        with whole_file(path, mode=PRIVATE) as partial:
            assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_link_of_that_name_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        elsewhere, path = tmp_path / "elsewhere", tmp_path / "file"
        elsewhere.write_text("mine")
        path.symlink_to(elsewhere)
        write_whole(path, "new")
        assert not path.is_symlink()
        assert (path.read_text(), elsewhere.read_text()) == ("new", "mine")

    def test_a_folder_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            write_whole(tmp_path / "none" / "file", "x")

    def test_a_folder_in_the_way_of_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").mkdir()
        with pytest.raises(OSError, match="file"):
            write_whole(tmp_path / "file", "x")
        assert names(tmp_path) == ["file"]

    def test_writers_at_once_leave_one_complete_file(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        contents = [bytes([number]) * 100_000 for number in range(8)]
        threads = [threading.Thread(target=write_whole, args=(path, content)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert path.read_bytes() in contents
        assert names(tmp_path) == ["file"]


class TestWholeFile:
    def test_nobody_sees_it_before_it_is_complete(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")
        with whole_file(path) as partial:
            partial.write_text("half")
            assert path.read_text() == "old"
            partial.write_text("all of it")
        assert (path.read_text(), names(tmp_path)) == ("all of it", ["file"])

    @given(before=st.none() | st.binary(max_size=20), half=st.binary(max_size=20))
    def test_an_error_half_way_changes_nothing(
        self, tmp_path_factory: pytest.TempPathFactory, before: bytes | None, half: bytes
    ) -> None:
        path = tmp_path_factory.mktemp("stopped") / "file"
        if before is not None:
            path.write_bytes(before)
        with pytest.raises(StoppedError), whole_file(path) as partial:
            write_half(partial, half)
        assert names(path.parent) == ([] if before is None else ["file"])
        assert before is None or path.read_bytes() == before

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_neither_does_an_interrupt(self, tmp_path: Path, stop: type[BaseException]) -> None:
        with pytest.raises(stop), whole_file(tmp_path / "file") as partial:
            write_half(partial, error=stop)
        assert names(tmp_path) == []

    def test_a_rename_that_fails_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(self: Path, target: Path) -> Path:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="full"):
            write_whole(tmp_path / "file", "x")
        assert names(tmp_path) == []

    def test_the_error_that_came_first_is_the_one_raised(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Path, *, missing_ok: bool = False) -> None:
            raise OSError(errno.EROFS, "read-only by now")

        monkeypatch.setattr(Path, "unlink", refuse)
        with pytest.raises(StoppedError), whole_file(tmp_path / "file"):
            raise StoppedError

    def test_a_link_in_the_way_of_the_partial_file_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_text("mine")
        monkeypatch.setattr(files.secrets, "token_hex", lambda _: "guessed")
        (tmp_path / ".guessed.part").symlink_to(victim)
        with pytest.raises(FileExistsError):
            write_whole(tmp_path / "file", "theirs", mode=PRIVATE)
        assert victim.read_text() == "mine"
        assert names(tmp_path) == [".guessed.part", "victim"]

    def test_it_is_written_in_another_folder(self, tmp_path: Path) -> None:
        results = tmp_path / "results"
        results.mkdir()
        with whole_file(results / "file", folder=tmp_path) as partial:
            assert (partial.parent, names(results)) == (tmp_path, [])
        assert (names(tmp_path), names(results)) == (["results"], ["file"])

    def test_two_names_are_never_the_same(self, tmp_path: Path) -> None:
        with whole_file(tmp_path / "file") as one, whole_file(tmp_path / "file") as other:
            assert one != other
            one.write_text("one")
            other.write_text("other")
        assert (tmp_path / "file").read_text() == "one"


class TestPartialFile:
    def test_is_empty_hidden_and_gone_afterwards(self, tmp_path: Path) -> None:
        with partial_file(tmp_path) as partial:
            assert partial.read_bytes() == b""
            assert partial.name.startswith(".")
            assert partial.suffix == ".part"
        assert names(tmp_path) == []

    def test_what_was_renamed_stays(self, tmp_path: Path) -> None:
        with partial_file(tmp_path) as partial:
            partial.rename(tmp_path / "kept")
        assert names(tmp_path) == ["kept"]


class TestCopyWhole:
    @pytest.mark.usefixtures("umask")
    def test_copies_the_content_and_not_the_permissions(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        source.chmod(0o400)
        copy = copy_whole(source, tmp_path / "copy")
        assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (b"content", 0o644)

    def test_a_disk_that_is_full_half_way_keeps_what_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def half(source: Path, target: Path) -> None:
            Path(target).write_bytes(b"hal")
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(shutil, "copyfile", half)
        target = tmp_path / "target"
        target.write_bytes(b"old")
        with pytest.raises(OSError, match="full"):
            copy_whole(tmp_path / "source", target)
        assert (target.read_bytes(), names(tmp_path)) == (b"old", ["target"])

    def test_a_source_that_is_missing_keeps_what_is_there(self, tmp_path: Path) -> None:
        target = write_whole(tmp_path / "target", "old")
        with pytest.raises(FileNotFoundError):
            copy_whole(tmp_path / "source", target)
        assert (target.read_text(), names(tmp_path)) == ("old", ["target"])


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
class TestMoveIfFree:
    @pytest.fixture(autouse=True)
    def _disk(self, links: bool, request: pytest.FixtureRequest) -> None:
        if not links:
            request.getfixturevalue("no_links")

    def test_moves_to_a_free_name(self, tmp_path: Path) -> None:
        source = write_whole(tmp_path / "source", "new")
        assert move_if_free(source, tmp_path / "target")
        assert ((tmp_path / "target").read_text(), names(tmp_path)) == ("new", ["target"])

    def test_leaves_both_where_the_name_is_taken(self, tmp_path: Path) -> None:
        source, target = write_whole(tmp_path / "source", "new"), write_whole(tmp_path / "target", "old")
        assert not move_if_free(source, target)
        assert (source.read_text(), target.read_text()) == ("new", "old")

    def test_a_link_that_leads_nowhere_takes_a_name_too(self, tmp_path: Path) -> None:
        source, target = write_whole(tmp_path / "source", "new"), tmp_path / "target"
        target.symlink_to(tmp_path / "nowhere")
        assert not move_if_free(source, target)
        assert names(tmp_path) == ["source", "target"]

    def test_a_source_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            move_if_free(tmp_path / "source", tmp_path / "target")


def test_a_size_is_none_where_another_process_removes_the_file_at_any_moment(tmp_path):
    path, stop = tmp_path / "log.sqlite-wal", threading.Event()

    def come_and_go():
        while not stop.is_set():
            path.write_bytes(b"half")
            path.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        assert {size_of(path) for _ in range(3000)} <= {0, 4}
    finally:
        stop.set()
        other.join()
    assert size_of(path) == 0


def test_a_lock_that_is_a_link_makes_nothing_elsewhere(tmp_path: Path) -> None:
    """A folder of somebody else's could make an empty file wherever its link led."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with alone(tmp_path / "lock"):
        pass
    assert names(tmp_path) == ["lock"]


def test_a_block_runs_where_there_can_be_no_lock(tmp_path: Path) -> None:
    done = []
    with alone(tmp_path / "missing" / "lock"):
        done.append(1)
    assert done
