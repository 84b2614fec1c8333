"""Put other edit lists into a clip's tracks, as editors on phones do, without touching its media."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HOLDS_BOXES = (b"moov", b"trak", b"mdia")


def with_edits(data: bytes, edits: Mapping[bytes, Sequence[tuple[float, float | None]]]) -> bytes:
    """Return an mp4 whose header lies behind its media with these edits.

    `edits`: by kind of track (``b"vide"``, …), s shown and s into the media; None: nothing is shown.
    """
    at = data.index(b"moov") - 4
    assert data.index(b"mdat") < at
    (moov,) = _parse(data[at:])
    movie = dict(moov[1])[b"mvhd"]
    scale = struct.unpack_from(">I", movie, 12)[0]
    longest = 0
    for track in [boxes for kind, boxes in moov[1] if kind == b"trak"]:
        media = dict(dict(track)[b"mdia"])
        wanted = edits.get(media[b"hdlr"][8:12])
        if wanted is None:
            continue
        own = struct.unpack_from(">I", media[b"mdhd"], 12)[0]
        rows = [
            (round(shown * scale), -1 if start is None else round(start * own)) for shown, start in wanted
        ]
        total = sum(shown for shown, _ in rows)
        longest = max(longest, total)
        track[:] = [box for box in track if box[0] != b"edts"]
        head = bytearray(track[0][1])
        head[20:24] = total.to_bytes(4, "big")
        listed = struct.pack(">II", 0, len(rows)) + b"".join(struct.pack(">Iihh", *row, 1, 0) for row in rows)
        track[0] = (b"tkhd", bytes(head))
        track.insert(1, (b"edts", [(b"elst", listed)]))
    stated = movie[:16] + longest.to_bytes(4, "big") + movie[20:]
    moov[1][:] = [(kind, stated if kind == b"mvhd" else body) for kind, body in moov[1]]
    return data[:at] + _build([moov])


def _parse(data: bytes) -> list[tuple[bytes, object]]:
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        found.append((kind, _parse(body) if kind in _HOLDS_BOXES else body))
        at += size
    return found


def _build(boxes: Sequence[tuple[bytes, object]]) -> bytes:
    out = b""
    for kind, body in boxes:
        inner = body if isinstance(body, bytes) else _build(body)
        out += struct.pack(">I4s", len(inner) + 8, kind) + inner
    return out
