"""The montage of a block: in sight of raters without a setting's name, after the answer with all of them."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.media import ffmpeg
from motion_widgets.study import Study, clips
from tests.study.conftest import rate_all


@pytest.fixture
def files(host, cells, tmp_path):
    """A file for the results of the first two blocks."""
    path = tmp_path / "result.mp4"
    options = ["-f", "lavfi", "-t", "1", "-i", "testsrc=s=64x96:r=10", "-pix_fmt", "yuv420p", str(path)]
    ffmpeg.run(options, name="test", deadline=20.0)
    host.result_of = lambda row: path if row.id in cells[:4] else None
    return path


def labels_of(study, monkeypatch, **options):
    """Return the labels that a montage of a study gets."""
    seen = []
    monkeypatch.setattr(
        clips.grid, "montage", lambda cells, *_, **__: seen.extend(label for label, _ in cells)
    )
    mw.montage(study, "x.mp4", progress=False, **options)
    return seen


def test_settings_are_named_only_after_the_answer(study, files, monkeypatch):
    assert labels_of(study, monkeypatch) == ["SANDBOX \u00b7 Clip 1", "SANDBOX \u00b7 Clip 2"]
    rate_all(study, lambda pro: pro)
    assert labels_of(study, monkeypatch) == ["SANDBOX \u00b7 pro", "SANDBOX \u00b7 std"]


def test_which_number_a_setting_has_is_by_chance(host, cells, files):
    found = set()
    for number in range(40):  # ids differ from run to run: of 8 studies all drew alike in 1 of 128
        study = Study(host, cells, name=str(number))
        study.ask("mode", "pro", "std", planned=12)
        two = [one for one in study.material().results if one.id in cells[:2]]
        found.add(tuple(clips._labels(study.material(), two, study.seed)))
    assert found == {("Clip 1", "Clip 2"), ("Clip 2", "Clip 1")}


def test_it_is_a_clip_of_all_results_of_a_block_that_are_here(study, files, tmp_path):
    block = study.material().results[2].block()
    made = mw.montage(study, tmp_path / "all.mp4", block=block, height=96, progress=False)
    clip = mw.measure_clip(made)
    assert (clip.width, clip.height) == (128, 132)


def test_what_is_not_there_is_said(study, files, host, tmp_path):
    with pytest.raises(mw.LogError, match="no block"):
        mw.montage(study, tmp_path / "x.mp4", block="nowhere")
    host.result_of = lambda _: None
    with pytest.raises(mw.LogError, match=r"run\.wait"):
        mw.montage(study, tmp_path / "x.mp4")
