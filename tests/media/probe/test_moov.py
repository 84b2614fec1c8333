"""Where a clip was taken is seen in its header, whoever wrote it there; the rest is in `test_measure`."""

from __future__ import annotations

import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.boxes import LARGEST_MOOV, MOST_BOXES
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.request.limits import LIMITS
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import check
from tests.media.conftest import ffmpeg, picture
from tests.media.repair.test_images import XMP

TOKYO = "+35.6586+139.7454/"


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def with_box(data: bytes, more: bytes) -> bytes:
    """Put a box at the end of a `moov` that is the last box of its file."""
    at = data.rindex(b"moov") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    assert at + size == len(data)
    return data[:at] + (size + len(more)).to_bytes(4, "big") + data[at + 4 :] + more


def track(entry: bytes) -> bytes:
    """Make a track of notes with one kind of entry."""
    table = box(b"stbl", box(b"stsd", bytes(4), (1).to_bytes(4, "big"), entry))
    handler = box(b"hdlr", bytes(8), b"meta", bytes(13))
    return box(b"trak", box(b"mdia", handler, box(b"minf", table)))


@pytest.mark.parametrize(
    "more",
    [
        box(b"udta", box(b"loci", bytes(20))),
        box(b"meta", bytes(4), box(b"keys", b"mdtacom.apple.quicktime.location.ISO6709")),
        box(b"uuid", bytes(16), XMP),
        box(b"trak", box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7", TOKYO.encode()))),
        track(box(b"gpmd", bytes(8))),
        track(box(b"mebx", bytes(8), box(b"keys", b"mdtacom.apple.quicktime.location.ISO6709"))),
    ],
    ids=["3gpp", "apple", "adobe", "in a track", "action camera", "timed"],
)
def test_every_way_to_write_a_place_is_known(clips, more):
    data = clips["end"].read_bytes()
    assert not measure_clip(data, confirm=False).has_location
    clip = measure_clip(with_box(data, more), confirm=False)
    assert clip.has_location
    assert clip.length == pytest.approx(measure_clip(data, confirm=False).length)


def test_notes_without_a_place_and_places_that_are_no_notes_are_none(clips):
    data = clips["end"].read_bytes()
    for more in (box(b"udta", b"\xa9nam a song of \xa9xy"), track(box(b"tmcd", bytes(20))),
                 box(b"free", b"\xa9xyz")):  # fmt: skip
        assert not measure_clip(with_box(data, more), confirm=False).has_location


@pytest.mark.parametrize("kind", [b"free", b"udta"])
def test_a_header_full_of_notes_is_not_damaged(clips, kind):
    data = clips["end"].read_bytes()
    clip = measure_clip(with_box(data, box(kind, box(b"free", bytes(40 << 20)))))
    assert clip.length == clip.moviepy_length == 6.0


def test_a_header_beyond_what_is_read_is_said_to_be_large_not_damaged(clips, tmp_path):
    data = clips["end"].read_bytes()
    huge = tmp_path / "huge.mp4"
    at = data.rindex(b"moov") - 4
    huge.write_bytes(data[:at] + (LARGEST_MOOV + 9).to_bytes(4, "big") + b"moov")
    with huge.open("r+b") as file:
        file.truncate(at + LARGEST_MOOV + 9)
    many = with_box(data, b"".join([track(box(b"gpmd", bytes(8)))] * 64))
    small = with_box(data, box(b"free") * MOST_BOXES)
    for source in (huge, many, small):
        with pytest.raises(ClipError, match="at most 128 MB, 64 tracks and 50,000 parts") as caught:
            measure_clip(source, confirm=False)
        assert caught.value.code == "header_large"


HIGH = ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "8x8dct=1"]


@pytest.mark.parametrize(
    ("coded", "profile", "named"),
    [
        (["-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"], 66, ""),
        (["-c:v", "libx264", "-profile:v", "main", "-pix_fmt", "yuv420p"], 77, ""),
        ([*HIGH, "-pix_fmt", "yuv420p"], 100, ""),
        ([*HIGH, "-pix_fmt", "yuv420p10le"], 110, "H.264 High 10."),
        ([*HIGH, "-pix_fmt", "yuv422p"], 122, "H.264 High 4:2:2."),
        ([*HIGH, "-pix_fmt", "yuv444p"], 244, "H.264 High 4:4:4."),
        ([*HIGH, "-qp", "0", "-pix_fmt", "yuv420p"], 244, "H.264 High 4:4:4."),
        (["-c:v", "mpeg4"], None, "MPEG-4 Part 2."),
    ],
)
@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_profiles_that_many_decoders_refuse_get_the_warning_about_codecs(
    tmp_path, coded, profile, named, ending
):
    path = tmp_path / f"a.{ending}"
    ffmpeg(*picture(0.2), *coded, path)
    clip = measure_clip(path, confirm=False)
    assert clip.profile == profile
    found = [one.message for one in check(MotionRequest(), clip=clip) if one.code == "clip_codec"]
    assert [named in one for one in found] == ([True] if named else [])


def test_a_fragmented_clip_states_its_profile_too(clips):
    assert measure_clip(clips["frag"], confirm=False).profile in LIMITS.clip_profiles_safe
    assert measure_clip(clips["big"], confirm=False).profile == 244
