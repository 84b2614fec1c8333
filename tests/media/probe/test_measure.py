"""Clips: lengths against PyAV and moviepy, sides, and every way not to be a clip."""

from __future__ import annotations

import io
import subprocess
import sys

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import ClipError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.measure import measure_clip
from tests.media.conftest import ffmpeg
from tests.media.edited import with_edits
from tests.media.gallery import make_gallery

WHOLE = [
    *("front", "end", "2.96", "3.0", "10.03", "12", "30fps", "long_sound", "delayed", "mov", "u2028"),
    *("hevc", "noedit", "rotated", "trimmed", "zeroed", "crafted", "big"),
]

REFUSED = {
    "no_mp3": "wrong_format",
    "no_webm": "wrong_format",
    "no_m4a": "no_video",
    "no_cut_end": "no_header",
    "no_html": "html_file",
    "no_playlist": "wrong_format",
    "no_manifest": "wrong_format",
}
"""What is no clip in the gallery, with the error's code."""


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


def test_importing_the_room_is_cheap():
    code = (
        "import sys, motion_widgets.media, motion_widgets.media.probe.measure\n"
        "import motion_widgets.media.probe.image, "
        "motion_widgets.media.preview, motion_widgets.media.samples, motion_widgets.media.montage\n"
        "print([n for n in ('moviepy', 'httpx', 'PIL', 'numpy', 'imageio_ffmpeg') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Over a hundred kinds of clips, against an independent reader, from a file and from a link.


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return make_gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def truth(gallery):
    """What PyAV reads: length, sides and codec by name."""
    found = {}
    for name, path in gallery.items():
        if name not in REFUSED:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                sides, sound = (stream.width, stream.height), bool(container.streams.audio)
                found[name] = (container.duration / 1e6, sides, stream.frames, sound)
    return found


def test_there_are_over_a_hundred_and_the_lengths_reach_both_limits(truth):
    lengths = [length for length, *_ in truth.values()]
    assert len(truth) >= 100
    assert min(lengths) < 3
    assert max(lengths) > 30.04


def test_exact_length_is_pyavs_within_a_millisecond_on_every_clip(gallery, truth):
    off = {
        name: (measured, length)
        for name, (length, *_) in truth.items()
        if abs((measured := measure_clip(gallery[name], confirm=False).length) - length) > 1e-3
    }
    assert off == {}


def test_the_same_by_link(gallery, truth, server):
    """Of a fragmented link without an index of the whole only a part is read, and the length is the same."""
    off = {}
    for name, (length, *_) in truth.items():
        if name.startswith(("frag", "hevc", "late", "edit", "cut", "vfr")):
            clip = measure_clip(server.put(f"{name}.mp4", gallery[name].read_bytes()), confirm=False)
            if abs(clip.length - length) > 1e-3:
                off[name] = (clip.length, length)
    assert off == {}


def test_facts_are_pyavs(gallery, truth):
    for name, (_, sides, frames, sound) in truth.items():
        clip = measure_clip(gallery[name], confirm=False)
        stored = (clip.height, clip.width) if clip.rotation in (90, 270) else (clip.width, clip.height)
        assert (stored, clip.has_audio) == (sides, sound), name
        if "first_in_moov" not in name:  # there PyAV counts what the moov lists
            assert frames in (0, clip.frames), name
        assert clip.fragmented is name.startswith(("frag", "hevc_frag")), name
        # The first byte of a body that is cut off is missing as well as the last.
        assert clip.truncated is (name == "cut"), name


def test_moviepy_agrees_on_every_clip(gallery, truth):
    """It rounds to 10 ms; the header of a fragmented file does not tell it how sound is primed."""
    off = {}
    for name, (length, *_) in truth.items():
        slack = 0.03 if name.startswith("frag") else 0.0051
        figure = measure_clip(gallery[name]).moviepy_length
        if figure is None or abs(figure - length) > slack + 1e-3:
            off[name] = (figure, length)
    assert off == {}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_clip_is_refused_by_its_content(gallery, server, name):
    for source in (gallery[name], server.put(f"{name}.mp4", gallery[name].read_bytes())):
        with pytest.raises(ClipError) as caught:
            measure_clip(source)
        assert (caught.value.code, caught.value.reached) == (REFUSED[name], True)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_clips_tell_their_turn(gallery, turn):
    clip = measure_clip(gallery[f"turned_{turn}"], confirm=False)
    assert clip.rotation == turn
    assert (clip.width, clip.height) == ((48, 32) if turn == 180 else (32, 48))


def test_variable_rate_is_told_as_its_mean(gallery):
    clip = measure_clip(gallery["vfr"], confirm=False)
    assert clip.frames is not None
    assert clip.fps == pytest.approx(clip.frames / clip.video_length, rel=0.02)
    assert clip.fps < 20


def test_an_index_of_one_fragment_does_not_stand_for_the_file(gallery, server):
    """A file for streaming has one `sidx` before each fragment; the first one says nothing about the rest."""
    data = gallery["frag_dash_plain30"].read_bytes()
    assert data.count(b"sidx") > 1
    link = server.put("z.mp4", data + b"\0\0\0\x08free")
    assert measure_clip(link, confirm=False).length > 7


def test_a_file_cut_off_behind_its_index_says_so(gallery, server):
    data = gallery["frag_sidx_empty_plain"].read_bytes()
    cut = data[: len(data) // 2]
    for source in (cut, server.put("a.mp4", cut)):
        assert measure_clip(source, confirm=False).truncated


EDITS = st.builds(
    lambda lead, parts: [*([(lead, None)] if lead else []), *parts],
    st.sampled_from([0.0, 0.2, 0.8, 1.7]),
    st.lists(
        st.tuples(
            st.floats(0.2, 9, allow_nan=False).map(lambda one: round(one, 2)),
            st.one_of(st.none(), st.floats(0, 5, allow_nan=False).map(lambda one: round(one, 2))),
        ),
        min_size=1,
        max_size=3,
    ).filter(lambda parts: parts[0][1] is not None),
)
"""Edit lists: a lead or none, and then parts of the media, with gaps or without."""


@pytest.fixture(scope="module")
def two_tracks(clips):
    """A clip of 12 s with frames that are decoded out of order, and sound."""
    return clips["12"].read_bytes()


@settings(max_examples=60, deadline=None)
@given(video=EDITS, sound=st.one_of(st.none(), EDITS))
@example(video=[(5.0, 0.08)], sound=[(0.8, None), (4.2, 0.0)])
@example(video=[(0.8, None), (4.2, 0.08)], sound=None)
@example(video=[(0.7, None), (3.4, 1.0)], sound=[(0.2, None), (3.4, 1.0)])
def test_with_any_edit_list_the_length_is_pyavs(two_tracks, video, sound):
    """A track that starts late, or was trimmed without encoding: ffmpeg counts the empty lead twice."""
    data = with_edits(two_tracks, {b"vide": video} | ({b"soun": sound} if sound else {}))
    clip = measure_clip(data, confirm=False)
    with av.open(io.BytesIO(data)) as container:
        assert clip.length == pytest.approx(container.duration / 1e6, abs=1.01e-3)
    assert clip.video_length <= sum(shown for shown, _ in video) + 1e-3
    assert clip.media_length == pytest.approx(12, abs=0.05)


def test_a_track_that_starts_late_by_ffmpegs_own_options(clips, tmp_path):
    """`-itsoffset` writes an empty edit, and `-ss` before a copied stream a cut."""
    source, late, cut = clips["12"], tmp_path / "late.mp4", tmp_path / "cut.mp4"
    maps = ["-map", "0:v", "-map", "1:a", "-c", "copy", "-t", 5]
    ffmpeg("-i", source, "-itsoffset", "0.8", "-i", source, *maps, late)
    ffmpeg("-ss", "1.3", "-i", source, "-t", "5", "-c", "copy", cut)
    for path in (late, cut):
        clip = measure_clip(path)
        assert clip.length == pytest.approx(pyav_length(path), abs=1.01e-3)
        assert clip.moviepy_length == pytest.approx(clip.length, abs=0.0101)
