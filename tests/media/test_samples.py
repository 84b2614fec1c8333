"""The drawn samples: what they are, and that they are made once."""

from __future__ import annotations

import pytest

from motion_widgets.media.decode import motion_energy
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.samples import sample_media


def test_samples(samples):
    image = measure_image(samples.image)
    assert (image.format, image.width, image.height) == ("png", 720, 1280)
    for path, length in [(samples.clip_6s, 6.0), (samples.clip_12s, 12.0)]:
        clip = measure_clip(path)
        assert (clip.length, clip.moviepy_length, clip.video_length) == (length, length, length)
        assert (clip.width, clip.height, clip.fps, clip.has_audio) == (540, 960, 30.0, True)
        assert path.stat().st_size < 3_000_000
        energy = motion_energy(path)
        assert energy.max() > 3 * energy.min() > 0
    assert sorted(path.name for path in samples.image.parent.iterdir()) == [
        "dance-12s.mp4",
        "figure.png",
        "wave-6s.mp4",
    ]


def test_the_next_folder_gets_a_copy(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("motion_widgets.media.samples._write_clip", lambda *_: pytest.fail("drawn again"))
    again = sample_media(tmp_path / "next")
    assert again.clip_12s.read_bytes() == samples.clip_12s.read_bytes()


@pytest.mark.parametrize("home", ["file", "broken"])
def test_without_a_cache_they_are_drawn(tmp_path, monkeypatch, home):
    (tmp_path / "file").write_bytes(b"not a folder")
    (tmp_path / "broken").mkdir(mode=0o500)
    monkeypatch.setattr("motion_widgets.media.samples._cache", lambda: tmp_path / home / "samples")
    monkeypatch.setattr("motion_widgets.media.samples._write_clip", lambda path, *_: path.write_bytes(b"new"))
    assert sample_media(tmp_path / "next").clip_12s.read_bytes() == b"new"


def test_samples_are_kept_and_the_same_each_time(samples, tmp_path, monkeypatch):
    before = samples.clip_6s.stat().st_mtime_ns
    assert sample_media(samples.image.parent) == samples
    assert samples.clip_6s.stat().st_mtime_ns == before
    for name in ("figure.png", "dance-12s.mp4"):
        (tmp_path / name).write_bytes((samples.image.parent / name).read_bytes())
    monkeypatch.setattr("motion_widgets.media.samples._cache", lambda: tmp_path / "empty")
    again = sample_media(tmp_path)
    assert again.clip_6s.read_bytes() == samples.clip_6s.read_bytes()
