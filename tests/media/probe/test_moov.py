"""Where a clip was taken is seen in its header, whoever wrote it there; the rest is in `test_measure`."""

from __future__ import annotations

import pytest

from motion_widgets.media.probe.measure import measure_clip
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
