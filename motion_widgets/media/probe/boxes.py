"""Read the boxes that an mp4 or mov consists of: each has a size, a kind of four letters, and a payload.

The bytes come from outside, so every size and count is checked against the bytes there are, and a walk ends
whatever the file claims. All that is raised here is `BoxError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_BOXES", "Box", "BoxError", "boxes", "is_kind", "read_header", "u16", "u32", "u64"]

MOST_BOXES = 50_000
"""Boxes side by side; a day of fragments has about 40,000."""


class BoxError(ValueError):
    """The boxes contradict each other or the file."""


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
        A box is shorter than its own header or longer than what contains it.
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
    raise BoxError(f"more than {MOST_BOXES} boxes side by side")
