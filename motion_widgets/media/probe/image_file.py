"""What an image's file holds beside its pixels, which are not decoded: what is noted in it, and its end.

Generation tools write whole workflows into a PNG, and some profiles are large. Pillow takes a file with more
than 1 MB of either for a bomb, so it gets the picture alone.

A hole in the middle of a JPEG is not found: the format has no checksums, and zeros are as good a code as any
other, so that decoders, Pillow's among them, show what comes behind it shifted and grey without an error.
"""

from __future__ import annotations

import io
import re
import zlib
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image as Picture

__all__ = ["Png", "ends_early", "exif_orientation", "is_located", "read_png", "sides_as_shown"]

_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_MOST_CHUNKS = 100_000
_LARGEST_NOTE = 16 << 20
"""Bytes of a profile, EXIF or XMP that are read, packed or unpacked; what is more is left out."""
_LONGEST_KEYWORD = 79
_RAW = "Raw profile type "
"""How ImageMagick begins the keyword of EXIF or XMP that it wrote as hexadecimal text."""


@dataclass(slots=True)
class Png:
    """What a PNG consists of."""

    parts: list[tuple[int, int]] = field(default_factory=lambda: [(0, 8)])
    """Offset and size in bytes of what makes the picture."""
    notes: dict[str, bytes] = field(default_factory=dict)
    """``exif``, ``xmp`` and ``icc_profile``, as Pillow calls them in `Image.info`, if they are there."""
    is_whole: bool = False
    """It does not end before its last chunk."""

    def picture(self, file: IO[bytes]) -> IO[bytes]:
        """Return the PNG without its notes, read from the file as it is needed."""
        return io.BufferedReader(_Parts(file, self.parts))


def read_png(file: IO[bytes]) -> Png:
    """Read the chunks of a PNG without those of its pixels, however it ends."""
    png = Png()
    end = file.seek(0, io.SEEK_END)
    for kind, at, size in _chunks(file):
        if at + size + 12 > end:
            png.parts.append((at, end - at))
            break
        if kind in _PICTURE:
            png.parts.append((at, size + 12))
        elif size <= _LARGEST_NOTE:
            with suppress(ValueError, zlib.error):  # viewers ignore broken notes, too
                _note(png.notes, kind, file, at + 8, size)
        if kind == b"IEND":
            png.is_whole = True
            break
    file.seek(0)
    return png


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's kind, its offset, and the size of its content in bytes."""
    at = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not head[4:].isalpha():
            return
        size = int.from_bytes(head[:4], "big")
        yield head[4:], at, size
        at += size + 12


def _note(notes: dict[str, bytes], kind: bytes, file: IO[bytes], at: int, size: int) -> None:
    """Keep a chunk's content if it is EXIF, XMP or a profile, the first of each."""
    file.seek(at)
    if kind == b"eXIf":
        notes.setdefault("exif", b"Exif\0\0" + file.read(size))
    elif kind in {b"iCCP", b"tEXt", b"zTXt", b"iTXt"}:
        keyword = file.read(min(size, _LONGEST_KEYWORD + 1)).partition(b"\0")[0]
        name = "iCCP" if kind == b"iCCP" else keyword.decode("latin-1")
        if name in {"iCCP", "XML:com.adobe.xmp"} or name.startswith(_RAW):
            file.seek(at + len(keyword) + 1)
            _keep(notes, name, _text(kind, file.read(size - len(keyword) - 1)))


def _text(kind: bytes, content: bytes) -> bytes:
    """Return what a chunk holds behind its keyword, unpacked."""
    packed = kind in {b"iCCP", b"zTXt"}
    if kind == b"iTXt":
        packed = content[:1] == b"\1"
        content = content[2:].partition(b"\0")[2].partition(b"\0")[2]  # language, keyword in that language
    elif packed:
        content = content[1:]
    return zlib.decompressobj().decompress(content, _LARGEST_NOTE) if packed else content


def _keep(notes: dict[str, bytes], name: str, content: bytes) -> None:
    if name.startswith(_RAW):  # a line each for its name and its length, then hexadecimal digits
        content = bytes.fromhex("".join(content.decode("latin-1").split("\n")[3:]))
        name = "exif" if content.startswith(b"Exif") else name.removeprefix(_RAW)
    known = {"iCCP": "icc_profile", "XML:com.adobe.xmp": "xmp", "xmp": "xmp", "exif": "exif"}
    if name in known:
        notes.setdefault(known[name], content)


class _Parts(io.RawIOBase):
    """Some parts of a file, one behind the other."""

    def __init__(self, file: IO[bytes], parts: list[tuple[int, int]]) -> None:
        self._file = file
        self._parts = parts
        self._ends = list(accumulate(size for _, size in parts))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence, self._ends[-1])
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = bisect_right(self._ends, self._at)
        if part == len(self._parts):
            return 0
        start, size = self._parts[part]
        left = self._ends[part] - self._at
        self._file.seek(start + size - left)
        found = self._file.read(min(len(buffer), left))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


_WIDTH, _HEIGHT, _ORIENTATION, _GPS = 0x0100, 0x0101, 0x0112, 0x8825


def exif_orientation(picture: Picture) -> int:
    """Return the orientation of an open picture by EXIF, or else XMP: 1 to 8; 1 if it does not say."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - viewers ignore broken EXIF, too
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def is_located(picture: Picture) -> bool:
    """Return whether an open picture says in EXIF or XMP where it was taken."""
    try:
        xmp = picture.info.get("xmp") or b""
        noted = b"GPSL" in (xmp.encode() if isinstance(xmp, str) else bytes(xmp))
        return noted or bool(picture.getexif().get_ifd(_GPS))
    except Exception:  # noqa: BLE001 - viewers ignore broken metadata, too
        return False


def sides_as_shown(picture: Picture) -> tuple[int, int]:
    """Return width and height in px of an open picture, turned as its EXIF or XMP asks."""
    width, height = picture.size
    if picture.format == "TIFF":  # Pillow turns these by itself, if EXIF says so, and swaps the sides before
        tags: Any = picture
        width, height = tags.tag_v2[_WIDTH], tags.tag_v2[_HEIGHT]
    return (height, width) if exif_orientation(picture) >= 5 else (width, height)


_END_OF_JPEG = b"\xff\xd9"
_END_OF_PNG = b"\0\0\0\0IEND\xaeB`\x82"
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""A marker of a JPEG but for those that stand between coded pixels."""
_GIF_EXTENSION, _GIF_PICTURE = b"!", b","
_BLOCK = 1 << 20
_MOST_SEGMENTS = 10_000


def ends_early(file: IO[bytes], format_: str) -> bool:
    """Return whether a file ends before its first picture does; a format that does not say so never does.

    What lies behind the picture does not matter: phones add films to it, and editors their notes.
    """
    start = file.seek(0)
    size = file.seek(0, io.SEEK_END)
    file.seek(max(start, size - len(_END_OF_PNG)))
    tail = file.read()
    if format_ in {"JPEG", "MPO"}:
        early = not tail.endswith(_END_OF_JPEG) and not _has_end_of_jpeg(file)
    elif format_ == "PNG":
        early = tail != _END_OF_PNG and not read_png(file).is_whole
    elif format_ == "GIF":
        early = not _has_picture_of_gif(file, size)
    else:
        early = False
    file.seek(0)
    return early


def _has_picture_of_gif(file: IO[bytes], whole: int) -> bool:
    """Return whether the first picture of a GIF is there with its last block."""
    file.seek(10)
    _skip_colours(file, file.read(3)[:1])
    for _ in range(_MOST_SEGMENTS):
        kind = file.read(1)
        if kind == _GIF_EXTENSION:
            file.seek(1, io.SEEK_CUR)
        elif kind == _GIF_PICTURE:
            _skip_colours(file, file.read(9)[8:])
            file.seek(1, io.SEEK_CUR)
        else:
            return False
        while size := int.from_bytes(file.read(1) or b"\xff"):
            if file.seek(size, io.SEEK_CUR) > whole:
                return False
        if kind == _GIF_PICTURE:
            return True
    return False


def _skip_colours(file: IO[bytes], flags: bytes) -> None:
    """Skip a table of colours, if a GIF's flags say that one follows."""
    if flags and flags[0] & 0x80:
        file.seek(3 << ((flags[0] & 7) + 1), io.SEEK_CUR)


def _has_end_of_jpeg(file: IO[bytes]) -> bool:
    """Return whether the marker of the end comes behind all segments, not in a small picture inside one."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        behind = _behind_marker(file, at)
        if behind is None:
            return False
        file.seek(behind - 2)
        if file.read(2) == _END_OF_JPEG:
            return True
        length = file.read(2)
        if len(length) < 2:
            return False
        at = behind + max(2, int.from_bytes(length, "big"))
    return False


def _behind_marker(file: IO[bytes], at: int) -> int | None:
    """Return the offset behind the next marker. None: there is none."""
    while True:
        file.seek(at)
        block = file.read(_BLOCK)
        found = _MARKER.search(block)
        if found is not None:
            return at + found.end()
        if len(block) < _BLOCK:
            return None
        at += len(block) - 1  # a marker may lie across the end of the block
