"""Walk over the top level of an mp4 or mov and keep the boxes that say something about its length.

The media itself, `mdat`, is skipped and not read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from motion_widgets.media.probe.boxes import MOST_BOXES, BoxError, is_kind, read_header
from motion_widgets.media.probe.sniff import FIRST_BOXES

if TYPE_CHECKING:
    from motion_widgets.media.probe.source import Source

__all__ = ["LARGEST_MOOF", "ForeignError", "Layout", "MissingHeaderError", "scan"]

LARGEST_MOOV = 32 << 20
"""Bytes of a header; an hour of video has about 3 MB."""
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
                raise BoxError(f"more than {MOST_FRAGMENT_BYTES} bytes of fragment headers")
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
        raise BoxError(f"{kind!r} claims {count} bytes, at most {largest} are read")
    payload = b"" if cut_off else source.read(start, count)
    if len(payload) == count:
        layout.keep(kind, payload, start + count)
    elif not is_fragment and not layout.moov:
        raise MissingHeaderError(f"the file ends inside its {kind.decode()}")
