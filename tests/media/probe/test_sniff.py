"""Kinds of files by their first bytes."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.sniff import _BINARY, _PACKETS, FILE_TYPES, file_type_of, looks_like
from tests.media.conftest import ffmpeg


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"\x47" + bytes(187) + b"\x47" + bytes(99), "mpeg_ts"),
        (b"\xef\xbb\xbf <?xml?><MPD xmlns", "dash"),
        (b"<?xml?><a>", "xml"),
        (b" <!DOCTYPE HTML>", "html"),
        (b"{}", "json"),
        (b"be carefree", "text"),
        (b"\0\0\0\x18ftypisom", "mp4"),
        (b"\0\0\0\x08wide", "mp4"),
        (b"\0\0\0\x18ftypheic", "heif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "avif"),
        (b"\0\0\0\x1cftypmsf1\0\0\0\0avismiafmsf1", "avif"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", "avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1avif", "heif"),
        (b"\0\0\0\x18ftypisom\0\0\0\0avifmif1", "mp4"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0crx isom", "cr3"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", "jp2"),
        *(((bytes(at) + b"\x47" + bytes(size - at - 1)) * 3, "mpeg_ts") for size, at in _PACKETS),
        ((bytes(4) + b"\x47" + bytes(183)) * 3, "unknown"),
        ((b"\x47" + bytes(187)) + bytes(188), "unknown"),
        (bytes(64), "unknown"),
        (b"", "unknown"),
    ],
)
def test_looks_like(head, found):
    assert looks_like(head).id == found


@pytest.mark.timeout(20)
def test_a_size_that_no_file_has_is_no_reason_to_look_for_long():
    assert looks_like(b"\xff\xff\xff\xffftypmif1\0\0\0\0avif" + bytes(100)).id == "avif"


def test_every_prefix_is_told_apart():
    for one in _BINARY:
        assert {looks_like(prefix + bytes(20)) for prefix in one.prefixes} == {one}
    assert all(one.label and one.kind in {"clip", "image", "page", "other"} for one in FILE_TYPES.values())


def test_a_refused_file_tells_what_it_is():
    assert file_type_of(ClipError.of("wrong_format", name="a", found="GIF", file_type="gif")).demuxer == "gif"
    assert file_type_of(ClipError("in other words")).id == "unknown"


@pytest.mark.parametrize("packets", [0, 1], ids=["188 bytes", "192 bytes"])
def test_a_transport_stream_is_named_and_converted_whatever_its_packets(clips, tmp_path, packets):
    path = tmp_path / "00001.MTS"
    ffmpeg("-i", clips["3.0"], "-c", "copy", "-mpegts_m2ts_mode", packets, "-f", "mpegts", path)
    with pytest.raises(ClipError, match="MPEG transport stream") as caught:
        mw.measure_clip(path)
    request = mw.MotionRequest(video_url=path)
    finding = next(one for one in mw.check(request, clip=caught.value) if one.field == "video_url")
    assert [one.name for one in mw.mends_for(finding, clip=caught.value)] == ["convert_clip"]
    assert mw.convert_clip(path).frames == 75
