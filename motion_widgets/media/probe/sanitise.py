"""Reduce a header to the numbers that make its length, so that no text in it reaches moviepy's parser.

moviepy reads its figures out of what ffmpeg prints, and ffmpeg prints metadata, too: a handler name with a
line break can state another length, U+2028 breaks a line in two, and some side data crashes the parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.media.probe.boxes import Box, BoxError, boxes, u32

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["sanitised"]

_KEEP = {
    b"moov": {b"mvhd", b"trak", b"mvex"},
    b"trak": {b"tkhd", b"edts", b"mdia"},
    b"mdia": {b"mdhd", b"hdlr", b"minf"},
    b"minf": {b"vmhd", b"smhd", b"gmhd", b"hdlr", b"stbl"},
    b"edts": {b"elst"},
    b"mvex": {b"mehd", b"trex"},
    b"moof": {b"mfhd", b"traf"},
    b"traf": {b"tfhd", b"tfdt", b"trun"},
}
"""By container, the boxes that stay; all others become `free`."""
_SIDE_DATA = {
    *(b"amve", b"clli", b"mdcv", b"dvcC", b"dvvC", b"dvwC", b"st3d", b"sv3d", b"vexu", b"hfov"),
    *(b"SmDm", b"CoLL", b"cclv", b"udta", b"meta", b"uuid"),
}
"""Boxes of sample entries that crash the parser, and their like."""
_BRANDS = {b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"qt  "}
_PICTURE_HEAD = 78
"""Bytes of a picture's sample entry before its own boxes."""


def sanitised(ftyp: bytes, moov: bytes, sidx: Iterable[bytes] = (), moofs: Iterable[bytes] = ()) -> bytes:
    """Return a file of `ftyp` and the stripped `moov`, without media: it is only good for measuring.

    Parameters
    ----------
    ftyp, moov
        Payloads of the boxes. An empty `ftyp` becomes that of QuickTime.
    sidx, moofs
        Payloads of the other boxes of a fragmented file. A `sidx` holds only numbers.

    Raises
    ------
    BoxError
        The header is malformed.
    """
    clean = bytearray(moov)
    _strip(clean, b"moov", 0, len(clean))
    brand = ftyp[:8] if len(ftyp) >= 8 and all(32 <= byte < 127 for byte in ftyp[:4]) else b"qt  \0\0\0\0"
    # The brands are printed, too, so only well-known ones stay.
    found = (ftyp[at : at + 4] for at in range(8, len(ftyp) - 3, 4))
    brands = b"".join(one for one in found if one in _BRANDS)
    out = [_box(b"ftyp", brand + brands), _box(b"moov", bytes(clean)), *(_box(b"sidx", one) for one in sidx)]
    for one in moofs:
        moof = bytearray(one)
        _strip(moof, b"moof", 0, len(moof))
        out.append(_box(b"moof", bytes(moof)))
    return b"".join(out)


def _box(kind: bytes, payload: bytes) -> bytes:
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def _free(data: bytearray, box: Box) -> None:
    data[box.at + 4 : box.at + 8] = b"free"
    data[box.start : box.end] = bytes(box.end - box.start)


def _strip(data: bytearray, container: bytes, start: int, end: int) -> None:
    """Blank the boxes of a container that do not stay, and the texts of those that do."""
    keep = _KEEP[container]
    for box in list(boxes(data, start, end)):
        if box.kind not in keep or (box.kind == b"trak" and _handler(data, box) not in {b"vide", b"soun"}):
            _free(data, box)
        elif box.kind in _KEEP:
            _strip(data, box.kind, box.start, box.end)
        elif box.kind == b"hdlr":
            data[box.start + 12 : box.end] = bytes(max(0, box.end - box.start - 12))
        elif box.kind == b"stbl":
            for table in list(boxes(data, box.start, box.end)):
                if table.kind == b"stsd":
                    _strip_entries(data, table)
                elif table.kind in {b"udta", b"meta", b"uuid"}:
                    _free(data, table)


def _handler(data: bytearray, trak: Box) -> bytes:
    """Return what kind of track it is, such as ``b"vide"``; empty if it does not say."""
    for mdia in boxes(data, trak.start, trak.end):
        if mdia.kind == b"mdia":
            for box in boxes(data, mdia.start, mdia.end):
                if box.kind == b"hdlr":
                    return bytes(data[box.start + 8 : box.start + 12])
    return b""


def _strip_entries(data: bytearray, stsd: Box) -> None:
    for entry in boxes(data, stsd.start + 8, stsd.end):
        # ffmpeg prints the vendor and, for pictures, the compressor's name as metadata.
        if entry.end - entry.start >= 16:
            data[entry.start + 12 : entry.start + 16] = bytes(4)
        head = _entry_head(data, entry)
        if head == _PICTURE_HEAD:
            data[entry.start + 42 : entry.start + 74] = bytes(32)
        for box in _side_data(data, entry.start + head, entry.end):
            _free(data, box)


def _entry_head(data: bytearray, entry: Box) -> int:
    """Return how many bytes a sample entry has before its own boxes: 78 of a picture, 28 or more of sound."""
    # Only pictures state a resolution there, which is 72 dpi by the standard.
    if entry.end - entry.start >= _PICTURE_HEAD and u32(data, entry.start + 28) == 0x00480000:
        return _PICTURE_HEAD
    version = int.from_bytes(data[entry.start + 8 : entry.start + 10], "big")
    return {0: 28, 1: 44, 2: 64}.get(version, 28)


def _side_data(data: bytearray, start: int, end: int) -> list[Box]:
    try:
        return [box for box in boxes(data, start, end) if box.kind in _SIDE_DATA]
    except BoxError:  # these are not boxes, so no side data either
        return []
