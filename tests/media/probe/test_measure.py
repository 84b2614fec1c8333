"""Local clips: lengths against PyAV and moviepy, sides, and every way not to be a clip."""

from __future__ import annotations

import subprocess
import sys

import av
import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media import measure_clip
from motion_widgets.media.probe.sniff import looks_like

WHOLE = [
    *("front", "end", "2.96", "3.0", "10.03", "12", "30fps", "long_sound", "delayed", "mov", "u2028"),
    *("hevc", "noedit", "rotated", "trimmed", "zeroed", "crafted", "big"),
]


def pyav_length(path) -> float:
    with av.open(str(path)) as container:
        return container.duration / 1e6


@pytest.mark.parametrize("name", [*WHOLE, "frag", "dash", "sidx"])
def test_length_is_pyavs_within_a_millisecond(clips, name):
    assert measure_clip(clips[name], confirm=False).length == pytest.approx(
        pyav_length(clips[name]), abs=1.01e-3
    )


@pytest.mark.parametrize("name", WHOLE)
def test_moviepy_confirms_within_its_rounding(clips, name):
    clip = measure_clip(clips[name])
    assert clip.moviepy_length == pytest.approx(clip.length, abs=0.0101)


def test_bare_moviepy_is_fooled_by_the_crafted_name(clips):
    """Else the sanitising would be tested against nothing."""
    from motion_widgets.media.probe.moviepy_check import load_moviepy

    try:
        bare = load_moviepy().ffmpeg_parse_infos(str(clips["crafted"]))["duration"]
    except (OSError, KeyError):
        bare = None
    assert bare == 5.0


def test_what_else_is_read(clips):
    clip = measure_clip(clips["front"], hash_content=True)
    assert (clip.width, clip.height, clip.rotation, clip.frames, clip.codec) == (128, 96, 0, 150, "avc1")
    assert clip.fps == pytest.approx(25)
    assert clip.video_length == pytest.approx(6, abs=1e-3)
    assert clip.mvhd_length == pytest.approx(clip.length, abs=2e-3)
    assert (clip.has_audio, clip.format, clip.brand, clip.fragmented, clip.truncated) == (
        *(True, "mp4", "isom", False, False),
    )
    assert clip.size == clips["front"].stat().st_size
    assert clip.sha256 == sha256_of(clips["front"])
    assert (clip.source, clip.name) == (str(clips["front"]), "front.mp4")
    assert measure_clip(clips["12"]).frames == 300
    assert not measure_clip(clips["3.0"]).has_audio
    assert measure_clip(clips["hevc"]).codec == "hvc1"


def test_rotated_clip_is_as_wide_as_it_is_shown(clips):
    clip = measure_clip(clips["rotated"])
    assert (clip.width, clip.height, clip.rotation) == (96, 128, 90)


def test_mov_is_told_by_its_content(clips, tmp_path):
    renamed = tmp_path / "x.mp4"
    renamed.write_bytes(clips["mov"].read_bytes())
    assert measure_clip(renamed).format == "mov"
    # An old QuickTime file has no ftyp.
    data = clips["mov"].read_bytes()
    old = measure_clip(data[int.from_bytes(data[:4], "big") :])
    assert (old.format, old.brand, old.moviepy_length) == ("mov", "", 4.0)


def test_bytes(clips):
    clip = measure_clip(clips["end"].read_bytes())
    assert (clip.source, clip.name, clip.sha256, clip.requests) == ("bytes", "bytes", None, 0)


def test_fragmented(clips):
    for name in ("frag", "dash", "sidx"):
        clip = measure_clip(clips[name], confirm=False)
        assert clip.fragmented
        assert (clip.frames, clip.fps) == (150, pytest.approx(25, rel=0.01))


def test_truncated(clips):
    assert measure_clip(clips["cut"]).truncated


def test_sparse_file_of_150_mb_is_measured(clips, tmp_path):
    path = tmp_path / "large.mp4"
    data = clips["front"].read_bytes()
    at = data.index(b"mdat") - 4
    with path.open("wb") as file:
        file.write(data[:at] + (150_000_000 - at).to_bytes(4, "big") + b"mdat")
        file.truncate(150_000_000)
    clip = measure_clip(path)
    assert (clip.size, clip.truncated) == (150_000_000, False)
    assert clip.moviepy_length == pytest.approx(clip.length, abs=0.01)


@pytest.mark.parametrize(
    ("name", "code", "found"),
    [
        ("webm", "wrong_format", "WebM"),
        ("mp3", "wrong_format", "MP3"),
        ("m4a", "no_video", None),
        ("cut_end", "no_header", None),
    ],
)
def test_not_a_clip(clips, name, code, found):
    with pytest.raises(ClipError) as caught:
        measure_clip(clips[name])
    assert (caught.value.code, caught.value.reached) == (code, True)
    assert found is None or found in caught.value.params["found"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"<!DOCTYPE html><html>", "html_file"),
        (b"Access denied, please log in", "html_file"),
        (b'{"error": 1}', "html_file"),
        (b"#EXTM3U\nhttp://x/y.ts", "wrong_format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "wrong_format"),
        (b"GIF89a" + bytes(50), "wrong_format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(50), "wrong_format"),
        (bytes(64), "wrong_format"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "no_header"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", "damaged"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x04moov", "damaged"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\0moov", "damaged"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x01moov" + b"\xff" * 8, "no_header"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x01mdat" + bytes(8), "damaged"),
    ],
)
def test_bytes_that_are_no_clip(data, code, tmp_path):
    path = tmp_path / "named.mp4"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ClipError) as caught:
            measure_clip(source)
        assert caught.value.code == code


def test_what_is_not_there(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for source, code in [
        (tmp_path / "none.mp4", "missing_file"),
        (str(tmp_path), "is_directory"),
        ("a\0b", "missing_file"),
        ("x" * 5000, "missing_file"),
        (tmp_path / "pipe", "not_readable"),
    ]:
        with pytest.raises(ClipError) as caught:
            measure_clip(source)
        assert (caught.value.code, caught.value.reached) == (code, False)


def test_looks_like_names_what_it_sees():
    assert looks_like(b"RIFF\0\0\0\0AVI LIST") == ("AVI", False)
    assert looks_like(b"\x47" + bytes(187) + b"\x47" + bytes(99)) == ("MPEG transport stream", False)
    assert looks_like(b"\xef\xbb\xbf <?xml?><MPD xmlns") == ("a playlist (DASH)", False)


def test_sha256_is_read_again_when_the_file_changed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = sha256_of(path)
    assert sha256_of(path) == first
    path.write_bytes(b"another")
    assert sha256_of(path) != first


def test_importing_the_room_is_cheap():
    code = (
        "import sys, motion_widgets.media, motion_widgets.media.probe.measure\n"
        "import motion_widgets.media.probe.image, "
        "motion_widgets.media.preview, motion_widgets.media.samples, motion_widgets.media.tile_clips\n"
        "print([n for n in ('moviepy', 'httpx', 'PIL', 'numpy', 'imageio_ffmpeg') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_room_lists_its_names():
    import motion_widgets.media as room

    assert all(callable(getattr(room, name)) for name in room.__all__)
    assert dir(room) == sorted(room.__all__)
    with pytest.raises(AttributeError):
        _ = room.nothing
