"""Nothing but numbers is left of a header."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.media.probe.boxes import BoxError, boxes
from motion_widgets.media.probe.sanitise import sanitised
from tests.media.probe.test_boxes import FAST, some
from tests.media.probe.test_moviepy_check import header


def test_sanitised_header_has_the_same_size_and_no_words(clips):
    for name in ("front", "mov", "u2028", "crafted", "hevc"):
        ftyp, moov = header(clips[name])
        clean = sanitised(ftyp, moov)
        kinds = [box.kind for box in boxes(clean)]
        assert kinds == [b"ftyp", b"moov"]
        assert [b.end - b.start for b in boxes(clean)][1] == len(moov)
        for word in (b"Handler", b"Lavf", b"Lavc", b"Duration", b"tmcd", b"udta", b"\xe2\x80\xa8"):
            assert word not in clean


def test_side_data_is_dropped(clips):
    ftyp, moov = header(clips["front"])
    assert b"btrt" in moov
    for kind in (b"amve", b"clli", b"mdcv", b"dvcC"):
        assert kind not in sanitised(ftyp, moov.replace(b"btrt", kind))


def test_a_reference_to_another_file_never_reaches_ffmpeg(clips):
    """A mov may say that its media lie in another file, or behind a link."""
    ftyp, moov = header(clips["mov"])
    assert b"dref" in moov
    assert b"dref" not in sanitised(ftyp, moov.replace(b"url ", b"alis"))


@FAST
@given(st.data())
def test_sanitising_any_header_ends(clips, data):
    moov = some(clips)[0]
    moov = bytearray(moov[moov.index(b"moov") + 4 :][:2500])
    for _ in range(4):
        moov[data.draw(st.integers(0, len(moov) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BoxError):
        assert sanitised(b"isom", bytes(moov)).endswith(b"") is True
