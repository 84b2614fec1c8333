"""What lies in the library is measured as it is now, whoever writes there meanwhile."""

from __future__ import annotations

import shutil

import pytest

from motion_widgets.media.samples import sample_media
from motion_widgets.workspace import library as room
from motion_widgets.workspace.library import Library


@pytest.fixture
def library(tmp_path):
    (tmp_path / "library").mkdir()
    return Library(tmp_path / "library")


def test_a_file_that_is_replaced_while_it_is_measured_is_measured_again(tmp_path, library, monkeypatch):
    """What was measured of the old one was remembered for the new one, and so was its price."""
    samples, real = sample_media(tmp_path / "samples"), room.measure_clip
    place = shutil.copyfile(samples.clip_6s, library.folder / "wave.mp4")

    def measure(path, **options):
        fact = real(path, **options)
        shutil.copyfile(samples.clip_12s, place)
        return fact

    with monkeypatch.context() as patch:
        patch.setattr(room, "measure_clip", measure)
        library.items()
    assert [round(one.fact.length) for one in library.items()] == [12]


def test_a_file_that_is_removed_meanwhile_is_not_there(tmp_path, library, monkeypatch):
    samples, real = sample_media(tmp_path / "samples"), room.measure_image
    places = [shutil.copyfile(samples.image, library.folder / f"{name}.png") for name in "ab"]

    def measure(path, **options):
        fact = real(path, **options)
        for place in places:
            place.unlink(missing_ok=True)
        return fact

    monkeypatch.setattr(room, "measure_image", measure)
    assert [one.name for one in library.items()] == ["a.png"]
    assert library.items() == []
