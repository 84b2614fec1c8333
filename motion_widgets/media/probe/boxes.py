"""Walk the boxes of an mp4 or mov file, over any source of bytes.

Everything comes from outside, so every size and count is checked against the bytes there are: a walk
ends, whatever the file claims. `BoxError` is this level's only error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Box",
    "BoxError",
    "Layout",
    "Source",
    "boxes",
    "head_of",
    "is_box",
    "keep",
    "scan",
    "u16",
    "u32",
    "u64",
]

MOOV_CAP = 32 << 20
"""Bytes a header may have. An hour of video has about 3 MB."""
FTYP_CAP = 64 << 10
MOOF_CAP = 8 << 20
KEPT_CAP = 64 << 20
"""Bytes of fragments' headers that are held at once."""
BOXES_CAP = 50_000
"""Boxes at one level; a day of fragments has about 40,000."""

_OPENERS = (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip", b"pnot")


class BoxError(ValueError):
    """The boxes contradict themselves or the file."""


class MissingHeaderError(BoxError):
    """The file ends before its `moov`."""


class ForeignError(BoxError):
    """The first box is none that an mp4 or mov begins with."""


class Box(NamedTuple):
    """Where a box lies; `start` is its payload, `end` one past its last byte."""

    kind: bytes
    at: int
    start: int
    end: int


class Source(Protocol):
    """Bytes that can be read at an offset."""

    size: int | None
    """Bytes in total. None: unknown."""
    remote: bool
    """Reading costs a round trip."""

    @property
    def forward_only(self) -> bool:
        """What was read past cannot be read again."""

    def read(self, offset: int, count: int, *, ahead: bool = False) -> bytes:
        """Read `count` bytes, fewer only at the end; `ahead` allows to fetch more on the way."""

    def holds(self, offset: int, count: int) -> bool:
        """Return whether a read costs nothing."""


@dataclass(slots=True)
class Layout:
    """The top level of a file."""

    ftyp: bytes = b""
    """Payload of `ftyp`; empty for an old QuickTime file."""
    moov: bytes = b""
    """Payload of `moov`."""
    sidx: list[tuple[int, bytes]] = field(default_factory=list)
    """Payloads, each with the offset behind its box, from which it counts."""
    moofs: list[bytes] = field(default_factory=list)
    kept: int = 0
    """Bytes of `sidx` and `moofs` together."""
    end: int = 0
    """Offset where the walk ended."""
    truncated: bool = False
    """A box reaches beyond the end of the file."""


def u16(data: bytes | bytearray, at: int) -> int:
    """Read an unsigned 16-bit number."""
    return _number(data, at, 2)


def u32(data: bytes | bytearray, at: int) -> int:
    """Read an unsigned 32-bit number."""
    return _number(data, at, 4)


def u64(data: bytes | bytearray, at: int) -> int:
    """Read an unsigned 64-bit number."""
    return _number(data, at, 8)


def _number(data: bytes | bytearray, at: int, width: int) -> int:
    if at < 0 or at + width > len(data):
        raise BoxError(f"a number at {at} lies outside {len(data)} bytes")
    return int.from_bytes(data[at : at + width], "big")


def is_box(kind: bytes) -> bool:
    """Return whether four bytes may name a box: letters, digits, blanks and the Mac's ``©``."""
    return len(kind) == 4 and all(32 <= byte < 127 or byte == 0xA9 for byte in kind)


def boxes(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Walk the boxes side by side in ``data[start:end]``; one level, never deeper.

    Raises
    ------
    BoxError
        A box is shorter than its own header or longer than what holds it.
    """
    end = len(data) if end is None else min(end, len(data))
    at = start
    for _ in range(BOXES_CAP):
        # Up to 7 bytes of padding are common (a closing zero of QuickTime's `udta`).
        if end - at < 8:
            return
        size, kind, head = u32(data, at), bytes(data[at + 4 : at + 8]), 8
        if size == 1:
            size, head = u64(data, at + 8), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise BoxError(f"box {kind!r} at {at} claims {size} bytes of {end - at}")
        yield Box(kind, at, at + head, at + size)
        at += size
    raise BoxError(f"more than {BOXES_CAP} boxes side by side")


def scan(source: Source, *, fragments: bool = True) -> Layout:
    """Walk the top level: `ftyp`, `moov` and, if wanted, every `moof`; media is skipped, not read.

    Parameters
    ----------
    source
        The file.
    fragments
        Walk on behind `moov` as long as that costs no round trip.

    Raises
    ------
    ForeignError
        It does not begin like an mp4 or mov.
    MissingHeaderError
        It ends before its `moov`.
    BoxError
        It is malformed.
    """
    layout = Layout()
    for _ in range(BOXES_CAP):
        if layout.moov and not (source.holds(layout.end, 16) or (fragments and not source.remote)):
            break
        if not _step(layout, source):
            break
    layout.truncated |= source.size is not None and layout.end > source.size
    if not layout.moov:
        raise MissingHeaderError("the file ends before its moov")
    return layout


def _step(layout: Layout, source: Source) -> bool:
    """Take the box at the walk's end; False when the walk is over."""
    at = layout.end
    head = source.read(at, 16, ahead=True)
    if len(head) < 8:
        layout.truncated |= bool(head)
        return False
    size, kind, skip = head_of(head)
    if not at and kind not in _OPENERS:
        raise ForeignError(f"the first box is {kind!r}")
    if size == 0 and skip == 8:
        if source.size is None and kind != b"moov":
            return False  # it reaches to the end, wherever that is
        size = source.size - at if source.size is not None else MOOV_CAP
    if size < skip or not is_box(kind):
        if layout.moov:
            return False  # rubbish behind a complete header hurts no player
        raise BoxError(f"no box at {at}: {kind!r}, {size} bytes")
    _take(layout, source, kind, at + skip, size - skip)
    layout.end = at + size
    if source.size is not None and layout.end > source.size:
        layout.truncated = True
        return False
    return True


def head_of(head: bytes) -> tuple[int, bytes, int]:
    """Read a box's size (0: to the end), kind and header length from its first 8 to 16 bytes."""
    size, kind = u32(head, 0), head[4:8]
    return (u64(head, 8), kind, 16) if size == 1 and len(head) >= 16 else (size, kind, 8)


def _take(layout: Layout, source: Source, kind: bytes, start: int, count: int) -> None:
    """Keep the payload of the boxes that matter."""
    cap = {b"ftyp": FTYP_CAP, b"moov": MOOV_CAP, b"moof": MOOF_CAP, b"sidx": MOOF_CAP}.get(kind)
    if cap is None or (kind == b"moov" and layout.moov) or (kind == b"ftyp" and layout.ftyp):
        return
    late = layout.moov and kind in {b"moof", b"sidx"}
    if late and source.remote and not source.holds(start, min(count, cap)):
        return
    cut_off = source.size is not None and start + count > source.size
    if count > cap and not cut_off:
        raise BoxError(f"{kind!r} claims {count} bytes, at most {cap} are read")
    payload = b"" if cut_off else source.read(start, count)
    if len(payload) < count:
        if kind in {b"ftyp", b"moov"} and not layout.moov:
            raise MissingHeaderError(f"the file ends inside its {kind.decode()}")
        return
    keep(layout, kind, payload, start + count)


def keep(layout: Layout, kind: bytes, payload: bytes, end: int) -> None:
    """Note the payload of a box that ends at `end`; all of the fragments together have a limit."""
    if kind == b"ftyp":
        layout.ftyp = payload
        return
    if kind == b"moov":
        if not payload:
            raise BoxError("moov is empty")
        layout.moov = payload
        return
    layout.kept += len(payload)
    if layout.kept > KEPT_CAP:
        raise BoxError(f"more than {KEPT_CAP} bytes of fragment headers")
    if kind == b"sidx":
        layout.sidx.append((end, payload))
    else:
        layout.moofs.append(payload)
