"""The small pictures of jobs, and the files that players get: what is gone, damaged or elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PIL import Image

from motion_widgets.log.states import State
from motion_widgets.widgets import job_pictures
from motion_widgets.widgets.job_pictures import JobPictures, job_picture
from motion_widgets.widgets.page_files import PageFiles
from motion_widgets.widgets.page_widget import read_or_none
from tests.widgets.test_panels import row_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    import motion_widgets as mw


def noisy(path: Path) -> Path:
    """Draw a picture that no JPEG makes small."""
    Image.frombytes("RGB", (400, 300), os.urandom(400 * 300 * 3)).save(path)
    return path


def test_a_job_whose_file_is_gone_or_damaged_goes_without_a_picture(ws: mw.Workspace) -> None:
    good, bad = noisy(ws.folder / "inputs" / "good.png"), ws.folder / "inputs" / "bad.png"
    bad.write_bytes(good.read_bytes()[:200])
    assert job_picture(ws, None, 90) is None
    assert job_picture(ws, "inputs/gone.png", 90) is None
    assert job_picture(ws, "inputs/bad.png", 90) is None
    assert (job_picture(ws, "inputs/good.png", 90) or b"")[:2] == b"\xff\xd8"
    pictures = JobPictures()
    for name in ("gone", "bad", "good"):
        row_in(ws, State.FAILED, image_path=f"inputs/{name}.png")
    rows = ws.log_store.jobs.rows()
    assert pictures.lacks(rows)
    pictures.make(ws, rows)
    assert not pictures.lacks(rows)
    assert [bool(pictures.get(row)) for row in rows] == [False, False, True]


def test_a_picture_is_small_whatever_it_shows_or_as_small_as_can_be(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_in(
        ws, State.FAILED, image_path=noisy(ws.folder / "inputs" / "a.png").relative_to(ws.folder).as_posix()
    )
    [row] = ws.log_store.jobs.rows()
    sizes = []
    for most in (10**6, 3000, 0):
        monkeypatch.setattr(job_pictures, "MOST_BYTES", most)
        pictures = JobPictures()
        pictures.make(ws, [row])
        sizes.append(len(pictures.get(row)))
    assert sizes[0] > sizes[1] >= sizes[2] > 0


def test_the_oldest_pictures_are_forgotten_first(ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_pictures, "KEPT", 2)
    for name in "abc":
        noisy(ws.folder / "inputs" / f"{name}.png")
        row_in(ws, State.FAILED, image_path=f"inputs/{name}.png")
    rows, pictures = ws.log_store.jobs.rows(), JobPictures()
    pictures.make(ws, rows)
    assert [bool(pictures.get(row)) for row in rows] == [False, True, True]
    assert pictures.lacks(rows)


def test_a_page_gets_files_of_the_workspace_and_samples_alone(ws: mw.Workspace, tmp_path: Path) -> None:
    files, inside = PageFiles(ws), ws.folder / "results" / "a.mp4"
    sample = ws.samples().clip_6s
    inside.write_bytes(sample.read_bytes())
    outside = tmp_path.parent / "outside.mp4"
    outside.write_bytes(b"not yours")
    assert files.read(str(inside)) == sample.read_bytes()
    assert files.read(str(outside)) is None
    assert files.read(str(ws.folder / "log.sqlite")) is None
    assert files.read(str(sample)) is None, "nobody shows it yet"
    assert files.read(files.sample(sample)) == sample.read_bytes()
    inside.unlink()
    assert files.read(str(inside)) is None


def test_a_file_that_vanishes_while_it_is_read_is_none(tmp_path: Path) -> None:
    def read(path: str) -> bytes:
        return (tmp_path / path).read_bytes()

    (tmp_path / "a.mp4").write_bytes(b"clip")
    assert read_or_none(read, "a.mp4") == b"clip"
    assert read_or_none(read, "gone.mp4") is None
    assert read_or_none(None, "a.mp4") is None
