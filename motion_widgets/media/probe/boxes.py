"""Read the boxes that an mp4 or mov consists of: each has a size, a kind of four letters, and a payload.

`scan` walks over the top level and keeps what says something about the length; the media itself, `mdat`, is
skipped and not read.

The bytes come from outside, so every size and count is checked against the bytes there are, and a walk ends
whatever the file claims. All that is raised here is `BoxError`, of which `BoundError` says that a file is
merely larger than what is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.media.probe.sniff import FIRST_BOXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.media.probe.source import Source

__all__ = [
    "LARGEST_MOOF", "LARGEST_MOOV", "MOST_BOXES", "BoundError", "Box", "BoxError", "ForeignError", "Layout",
    "MissingHeaderError", "boxes", "is_kind", "read_header", "scan", "u16", "u32", "u64",
]  # fmt: skip

MOST_BOXES = 50_000
"""Boxes side by side; a day of fragments has about 40,000."""


class BoxError(ValueError):
    """The boxes contradict each other or the file."""


class BoundError(BoxError):
    """The boxes are more, or larger, than what is read; nothing is wrong with them."""


class Box(NamedTuple):
    """Where a box lies in some bytes."""

    kind: bytes
    at: int
    """Offset of the box itself."""
    start: int
    """Offset of its payload."""
    end: int
    """Offset behind its last byte."""


def u16(data: bytes | bytearray, at: int) -> int:
    """Return the unsigned 16-bit number at an offset."""
    return _number(data, at, 2)


def u32(data: bytes | bytearray, at: int) -> int:
    """Return the unsigned 32-bit number at an offset."""
    return _number(data, at, 4)


def u64(data: bytes | bytearray, at: int) -> int:
    """Return the unsigned 64-bit number at an offset."""
    return _number(data, at, 8)


def _number(data: bytes | bytearray, at: int, width: int) -> int:
    if at < 0 or at + width > len(data):
        raise BoxError(f"a number at {at} lies outside {len(data)} bytes")
    return int.from_bytes(data[at : at + width], "big")


def is_kind(kind: bytes) -> bool:
    """Return whether four bytes may be a box's kind: printable ASCII, or the Mac's ``©``."""
    return len(kind) == 4 and all(32 <= byte < 127 or byte == 0xA9 for byte in kind)


def read_header(head: bytes | bytearray) -> tuple[int, bytes, int]:
    """Return a box's size (0: to the end), kind and header length from its first 8 to 16 bytes."""
    size, kind = u32(head, 0), bytes(head[4:8])
    return (u64(head, 8), kind, 16) if size == 1 and len(head) >= 16 else (size, kind, 8)


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes side by side in ``data[start:end]``, not those inside them.

    Raises
    ------
    BoxError
        A box is shorter than its own header or longer than what contains it, or there are more than 50,000.
    """
    end = len(data) if end is None else min(end, len(data))
    at = start
    for _ in range(MOST_BOXES):
        # Up to 7 bytes of padding are common, such as the closing zero of QuickTime's `udta`.
        if end - at < 8:
            return
        size, kind, header = read_header(data[at : at + 16])
        if size == 0 and header == 8:
            size = end - at
        if size < header or at + size > end:
            raise BoxError(f"box {kind!r} at {at} claims {size} bytes of {end - at}")
        yield Box(kind, at, at + header, at + size)
        at += size
    raise BoundError(f"more than {MOST_BOXES} boxes side by side")


LARGEST_MOOV = 128 << 20
"""Bytes of a header; an hour of video has about 3 MB, and notes or pictures in it some ten more."""
LARGEST_FTYP = 64 << 10
LARGEST_MOOF = 8 << 20
"""Bytes of the header of one fragment."""
MOST_FRAGMENT_BYTES = 64 << 20
"""Bytes of the headers of all fragments together."""
_LARGEST = {b"ftyp": LARGEST_FTYP, b"moov": LARGEST_MOOV, b"moof": LARGEST_MOOF, b"sidx": LARGEST_MOOF}


class MissingHeaderError(BoxError):
    """The file ends before or inside its `moov`."""


class ForeignError(BoxError):
    """The first box is not one with which an mp4 or mov begins."""


@dataclass(slots=True)
class Layout:
    """The boxes of a file's top level that matter."""

    ftyp: bytes = b""
    """Payload of `ftyp`, the brands; empty in an old QuickTime file."""
    moov: bytes = b""
    """Payload of `moov`, the header."""
    sidx: list[tuple[int, bytes]] = field(default_factory=list)
    """Indexes of fragments: the offset behind each `sidx`, from which it counts, and its payload."""
    moofs: list[bytes] = field(default_factory=list)
    """Payloads of `moof`, the headers of fragments."""
    end: int = 0
    """Offset at which the walk ended."""
    truncated: bool = False
    """A box reaches beyond the end of the file."""
    _fragment_bytes: int = 0

    def keep(self, kind: bytes, payload: bytes, end: int) -> None:
        """Keep the payload of a box that ends at `end`.

        Raises
        ------
        BoxError
            A `moov` is empty, or the fragments are more than 64 MB.
        """
        if kind == b"ftyp":
            self.ftyp = payload
        elif kind == b"moov":
            if not payload:
                raise BoxError("moov is empty")
            self.moov = payload
        else:
            self._fragment_bytes += len(payload)
            if self._fragment_bytes > MOST_FRAGMENT_BYTES:
                raise BoundError(f"more than {MOST_FRAGMENT_BYTES} bytes of fragment headers")
            if kind == b"sidx":
                self.sidx.append((end, payload))
            else:
                self.moofs.append(payload)


def scan(source: Source) -> Layout:
    """Walk over the boxes up to `moov`, and over fragments behind it as long as that costs no round trip.

    Raises
    ------
    ForeignError
        The file does not begin like an mp4 or mov.
    MissingHeaderError
        It ends before or inside its `moov`.
    BoxError
        It is malformed.
    """
    layout = Layout()
    for _ in range(MOST_BOXES):
        if layout.moov and source.remote and not source.holds(layout.end, 16):
            break
        if not _step(layout, source):
            break
    layout.truncated |= source.size is not None and layout.end > source.size
    if not layout.moov:
        raise MissingHeaderError("the file ends before its moov")
    return layout


def _step(layout: Layout, source: Source) -> bool:
    """Take the box at the end of the walk; return False if the walk is over."""
    at = layout.end
    head = source.read(at, 16, ahead=True)
    if len(head) < 8:
        layout.truncated |= bool(head)
        return False
    size, kind, header = read_header(head)
    if not at and kind not in FIRST_BOXES:
        raise ForeignError(f"the first box is {kind!r}")
    if size == 0 and header == 8:
        if source.size is None and kind != b"moov":
            return False  # it reaches to the end, wherever that is
        size = source.size - at if source.size is not None else LARGEST_MOOV
    if size < header or not is_kind(kind):
        if layout.moov:
            return False  # rubbish behind a complete header disturbs no player
        raise BoxError(f"no box at {at}: {kind!r}, {size} bytes")
    _take(layout, source, kind, at + header, size - header)
    layout.end = at + size
    if source.size is not None and layout.end > source.size:
        layout.truncated = True
        return False
    return True


def _take(layout: Layout, source: Source, kind: bytes, start: int, count: int) -> None:
    """Keep the payload of a box if it matters."""
    largest = _LARGEST.get(kind)
    if largest is None or (kind == b"moov" and layout.moov) or (kind == b"ftyp" and layout.ftyp):
        return
    is_fragment = kind in {b"moof", b"sidx"}
    if layout.moov and is_fragment and source.remote and not source.holds(start, min(count, largest)):
        return
    cut_off = source.size is not None and start + count > source.size
    if count > largest and not cut_off:
        raise BoundError(f"{kind!r} claims {count} bytes, at most {largest} are read")
    payload = b"" if cut_off else source.read(start, count)
    if len(payload) == count:
        layout.keep(kind, payload, start + count)
    elif not is_fragment and not layout.moov:
        raise MissingHeaderError(f"the file ends inside its {kind.decode()}")
