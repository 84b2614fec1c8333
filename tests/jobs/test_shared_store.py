"""A shared path by itself, on a real store: what is put there, what is fetched, and what is left alone."""

from __future__ import annotations

import hashlib

import pytest
from fsspec.core import url_to_fs

from motion_widgets import LogError
from motion_widgets.jobs.shared_store import Shared
from tests.jobs.endpoint import make_png

NAME = "inputs/hero.png"
RED, BLUE = make_png("red"), make_png("blue")


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path):
    """A folder, where a file may be seen half-written, and a store in which it never is."""
    if request.param == "file":
        yield (tmp_path / "team").as_uri()
        return
    from fsspec.implementations.memory import MemoryFileSystem

    yield f"memory://team-{tmp_path.name}"
    MemoryFileSystem.store.clear()


@pytest.fixture
def member(url, tmp_path):
    """Open the shared path from a folder of its own: member("ana") -> Shared."""
    opened = []

    def make(who):
        folder = tmp_path / who
        for name in ("inputs", "results"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        opened.append(Shared(url, folder))
        return opened[-1]

    yield make
    for one in opened:
        one.pool.shutdown()


@pytest.fixture
def ana(member):
    """A member whose folder has the file."""
    made = member("ana")
    (made.folder / NAME).write_bytes(RED)
    return made


def test_what_one_puts_there_another_gets(ana, member):
    assert not ana.has(NAME)
    ana.put(NAME, sha(RED))
    bo = member("bo")
    assert bo.has(NAME)
    path = bo.get(NAME, sha(RED))
    assert (path, path.read_bytes()) == (bo.folder / NAME, RED)
    assert bo.get(NAME, None) == path, "and it is not fetched again"


def test_the_same_again_is_no_second_file(ana, member):
    for _ in range(2):
        ana.put(NAME, sha(RED))
    other = member("bo")
    (other.folder / NAME).write_bytes(RED)
    other.put(NAME, sha(RED))
    assert other.has(NAME)


def test_another_file_of_the_name_stays_as_it_is(ana, member):
    ana.put(NAME, sha(RED))
    bo = member("bo")
    (bo.folder / NAME).write_bytes(BLUE)
    with pytest.raises(LogError, match="has a different file named inputs/hero"):
        bo.put(NAME, sha(BLUE))
    assert member("cy").get(NAME, None).read_bytes() == RED


@pytest.mark.parametrize("content", [BLUE, None], ids=["changed", "gone"])
def test_a_file_that_is_not_the_logs_is_not_shared(ana, content):
    path = ana.folder / NAME
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LogError, match="does not match the log, so it was not put"):
        ana.put(NAME, sha(RED))
    assert not ana.has(NAME)


def test_what_is_neither_here_nor_there_is_said(member):
    with pytest.raises(LogError, match="is neither here nor at"):
        member("bo").get(NAME, sha(RED))


@pytest.mark.parametrize(
    ("name", "wanted"), [(NAME, BLUE), ("inputs/hero.mp4", RED)], ids=["content", "kind"]
)
def test_what_is_there_and_is_not_what_the_log_says_is_not_taken(url, member, name, wanted):
    """Whoever can write there could otherwise have anything opened as a picture of ours."""
    files, root = url_to_fs(url)
    files.makedirs(f"{root}/inputs", exist_ok=True)
    files.pipe_file(f"{root}/{name}", RED)
    bo = member("bo")
    with pytest.raises(LogError, match=r"does not match the log, so it was not used.*ws\.share"):
        bo.get(name, sha(wanted))
    assert [one for one in bo.folder.rglob("*") if one.is_file()] == [], "and nothing of it is left"


def test_a_folder_in_a_files_place_is_left_alone(ana, member):
    ana.put(NAME, sha(RED))
    bo = member("bo")
    (bo.folder / NAME).mkdir()
    with pytest.raises(LogError, match="does not match the log"):
        bo.get(NAME, sha(RED))
    assert (bo.folder / NAME).is_dir()
    assert not list(bo.folder.glob("*.part"))


@pytest.mark.parametrize(
    "name",
    [
        "../inputs/hero.png",
        "inputs/../log.sqlite",
        "mended/a.mp4",
        "library/a.png",
        "/etc/passwd",
        "inputs",
        "",
    ],
)
def test_only_inputs_and_results_are_shared(ana, name):
    for act in (lambda: ana.put(name, sha(RED)), lambda: ana.get(name, None)):
        with pytest.raises(LogError, match="neither a result nor an input"):
            act()
    assert not ana.has(name)


@pytest.mark.parametrize(
    "address",
    ["ftp://me:geheim@127.0.0.1:1/team", "nosuch://me:geheim@h/team?key=geheim", "s3://me:geheim@[::1/team"],
)
def test_no_sentence_about_a_store_has_its_password(tmp_path, address):
    (tmp_path / "inputs").mkdir()
    (tmp_path / NAME).write_bytes(RED)
    with pytest.raises(LogError) as caught:
        Shared(address, tmp_path).put(NAME, sha(RED))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in getattr(caught.value, "detail", "")
