"""Where a clip or image was taken: seen in its header, whoever wrote it there, and gone after mending."""

from __future__ import annotations

from pathlib import Path

import pytest

import motion_widgets as mw
from motion_widgets.media import measure_clip, measure_image
from tests.media.conftest import X264, ffmpeg, picture, tone
from tests.media.repair.test_images import XMP, photo

TOKYO = "+35.6586+139.7454/"
WAYS = {
    "quicktime.mov": ["-metadata", f"location={TOKYO}"],
    "quicktime.mp4": ["-metadata", f"location={TOKYO}"],
    "apple.mov": [
        *("-movflags", "use_metadata_tags", "-metadata", f"com.apple.quicktime.location.ISO6709={TOKYO}"),
    ],
}


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


@pytest.mark.parametrize("name", WAYS)
def test_a_place_in_a_clip_is_seen_and_stripped(name, tmp_path):
    path = tmp_path / name
    ffmpeg(*picture(3.2, 10), *tone(3.2), *X264, "-c:a", "aac", *WAYS[name], path)
    clip = measure_clip(path)
    assert clip.has_location
    bare = mw.strip_clip(clip)
    assert not bare.has_location
    assert TOKYO.encode() not in Path(bare.source).read_bytes()
    assert (bare.length, bare.frames, bare.codec, bare.has_audio) == pytest.approx(
        (clip.length, clip.frames, clip.codec, True), abs=0.03
    )
    assert media_of(path) == media_of(bare.source)


def media_of(path) -> str:
    """Return the hashes of a clip's picture and sound as they are stored."""
    out = Path(path).with_suffix(".hash")
    ffmpeg("-i", path, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "streamhash", out)
    return out.read_text()


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


def test_a_turned_clip_is_stripped_and_keeps_its_turn(clips, tmp_path):
    source = tmp_path / "phone.mov"
    ffmpeg("-i", clips["rotated"], "-c", "copy", *WAYS["quicktime.mov"], source)
    clip, bare = measure_clip(source), mw.strip_clip(source)
    assert clip.rotation == bare.rotation != 0
    assert (bare.width, bare.height) == (clip.width, clip.height)


def test_a_place_in_an_image_is_measured(tmp_path, server):
    source = photo(tmp_path)
    assert measure_image(source).has_location
    assert measure_image(server.put("a.jpg", source.read_bytes())).has_location
    assert not mw.strip_image(source).has_location
    assert mw.turn_image(source).has_location, "only its turn was asked for"
