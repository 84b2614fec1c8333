"""Kinds of files by their first bytes."""

from __future__ import annotations

import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.sniff import _BINARY, FILE_TYPES, file_type_of, looks_like


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
        (bytes(64), "unknown"),
        (b"", "unknown"),
    ],
)
def test_looks_like(head, found):
    assert looks_like(head).id == found


def test_every_prefix_is_told_apart():
    for one in _BINARY:
        assert {looks_like(prefix + bytes(20)) for prefix in one.prefixes} == {one}
    assert all(one.label and one.kind in {"clip", "image", "page", "other"} for one in FILE_TYPES.values())


def test_a_refused_file_tells_what_it_is():
    assert file_type_of(ClipError.of("wrong_format", name="a", found="GIF", file_type="gif")).demuxer == "gif"
    assert file_type_of(ClipError("in other words")).id == "unknown"
