"""Frames, strips, comparison clips and the samples."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from motion_widgets.core.errors import ClipError
from motion_widgets.media import (
    ffmpeg,
    filmstrip,
    frames,
    measure_clip,
    measure_image,
    montage,
    motion_energy,
    sample_media,
)
from motion_widgets.media.tile_clips import label


def test_frames_are_rgb_and_complete(clips):
    got = list(frames(clips["front"]))
    assert len(got) == 150
    assert (got[0].shape, got[0].dtype) == ((96, 128, 3), np.uint8)
    with av.open(str(clips["front"])) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(first.astype(int) - got[0]).mean() < 4


def test_frames_on_another_clock_and_turned(clips):
    assert len(list(frames(clips["front"], height=48, fps=5))) == 30
    assert next(frames(clips["rotated"])).shape == (128, 96, 3)


def test_leaving_early_ends_ffmpeg(clips):
    iterator = frames(clips["12"])
    next(iterator)
    iterator.close()


def test_deadline_ends_ffmpeg(clips):
    with pytest.raises(ClipError) as caught:
        ffmpeg.run(["-re", *ffmpeg.clip_input(clips["12"]), "-f", "null", "-"], name="x", deadline=0.3)
    assert caught.value.code == "decode_slow"
    with pytest.raises(ClipError) as caught:
        read_slowly(clips["12"])
    assert caught.value.code == "decode_slow"


def read_slowly(path):
    arguments = ["-re", *ffmpeg.clip_input(path), "-f", "rawvideo", "-"]
    with ffmpeg.running(arguments, name="x", deadline=0.3) as pipe:
        while pipe.read(1 << 20):
            pass


def test_zeroed_body_is_an_error_not_a_hang(clips):
    for call in (filmstrip, lambda path: list(frames(path))):
        with pytest.raises(ClipError) as caught:
            call(clips["zeroed"])
        assert caught.value.code == "not_decodable"


def test_playlist_never_reaches_ffmpeg(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_text("#EXTM3U\nfile:///etc/passwd\n")
    for call in (filmstrip, motion_energy):
        with pytest.raises(ClipError) as caught:
            call(path)
        assert caught.value.code == "wrong_format"


@pytest.mark.parametrize("name", ["front", "2.96", "mov", "rotated", "12", "frag", "hevc"])
def test_filmstrip(clips, name):
    with Image.open(io.BytesIO(filmstrip(clips[name], frames=5, height=48))) as strip:
        clip = measure_clip(clips[name], confirm=False)
        wide = round(48 * clip.aspect / 2) * 2
        assert strip.format == "JPEG"
        assert strip.size == (5 * wide + 8, 48)
        # The last frame was reached: its cell is not the black of a missing one.
        last = np.asarray(strip.convert("L"))[:, -wide:]
        assert last.mean() > 20


def test_still_clip_has_no_motion(clips, tmp_path):
    still = tmp_path / "still.mp4"
    ffmpeg.run(
        ["-f", "lavfi", "-t", "2", "-i", "color=teal:s=64x64", "-pix_fmt", "yuv420p", str(still)],
        name="x",
        deadline=20,
    )
    assert motion_energy(still).max() < 0.5
    assert len(motion_energy(clips["front"])) == 59


def test_montage(clips, tmp_path):
    out = montage(
        [("std", clips["front"]), ("pro — 90°", clips["rotated"]), ("x" * 300, clips["2.96"])],
        2,
        tmp_path / "all.mp4",
        height=96,
    )
    clip = measure_clip(out)
    assert (clip.width, clip.height) == (256, 2 * 132)
    assert clip.length == pytest.approx(6, abs=0.05)
    assert clip.codec == "avc1"
    assert out.read_bytes().index(b"moov") < out.read_bytes().index(b"mdat")
    assert [path.name for path in tmp_path.iterdir()] == ["all.mp4"]
    # The short clip holds its last frame: its cell is as bright at the end as before.
    shot = list(frames(out, fps=2))
    cell = (slice(132 + 40, 264), slice(0, 128))
    assert np.abs(shot[-1][cell].astype(int) - shot[7][cell]).mean() < 3
    assert shot[-1][cell].mean() > 40


def test_montage_of_one_and_of_none(clips, tmp_path):
    assert measure_clip(montage([("a", clips["3.0"])], 3, tmp_path / "one.mp4", height=96)).width == 128
    with pytest.raises(ValueError):
        montage([], 2, tmp_path / "none.mp4")
    with pytest.raises(ClipError):
        montage([("a", clips["zeroed"])], 1, tmp_path / "bad.mp4", deadline=10)
    assert [path.name for path in tmp_path.iterdir()] == ["one.mp4"]


def test_label_takes_any_text():
    for text in ("", "a\nb", "%{pts}:'\\", "日本語", "<b>"):
        with Image.open(io.BytesIO(label(text, 200))) as bar:
            assert bar.size == (200, 36)


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


def test_samples_are_kept_and_the_same_each_time(samples, tmp_path):
    before = samples.clip_6s.stat().st_mtime_ns
    assert sample_media(samples.image.parent) == samples
    assert samples.clip_6s.stat().st_mtime_ns == before
    for name in ("figure.png", "dance-12s.mp4"):
        (tmp_path / name).write_bytes((samples.image.parent / name).read_bytes())
    again = sample_media(tmp_path)
    assert again.clip_6s.read_bytes() == samples.clip_6s.read_bytes()
