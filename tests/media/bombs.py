"""Small files whose pictures are huge, written without ever holding such a picture."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

SIDE = 13_000
"""px; squared less than the most that are measured."""


def _packed(row: bytes, rows: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(row) for _ in range(rows)]) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side: int = SIDE) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = _packed(bytes(1 + 3 * side), side)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def tiff() -> bytes:
    data = _packed(bytes(3 * SIDE), SIDE)
    tags = [
        *((256, 4, SIDE), (257, 4, SIDE), (258, 3, 8), (259, 3, 8), (262, 3, 2)),
        *((273, 4, 8), (277, 3, 3), (278, 4, SIDE), (279, 4, len(data))),
    ]
    listed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (
        b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + listed + bytes(4)
    )


def gif() -> bytes:
    """Many frames of one pixel on a huge canvas."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", SIDE, SIDE, 0x80, 0, 0) + bytes(6) + frame * 500 + b";"


def webp() -> bytes:
    """Frames of a few pixels on a huge canvas."""
    out = io.BytesIO()
    Image.new("RGBA", (2, 2)).save(out, "WEBP", lossless=True)
    still = out.getvalue()[12:]
    still = still[still.index(b"VP8L") :]
    side = (SIDE - 1).to_bytes(3, "little")
    frame = bytes(6) + (1).to_bytes(3, "little") * 2 + (9).to_bytes(3, "little") + b"\0" + still
    parts = [(b"VP8X", b"\x12\0\0\0" + side + side), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * 20]
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def progressive_jpeg() -> bytes:
    """Decoded in parts it takes a table as large as the whole picture."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "JPEG", progressive=True)
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc2") + 5
    data[at : at + 4] = struct.pack(">HH", SIDE, SIDE)
    return bytes(data)


def icon() -> bytes:
    """The directory says 16 x 16 px, the picture inside says more."""
    inside = png()
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inside), 22) + inside


BOMBS = {one.__name__: one for one in (png, tiff, gif, webp, progressive_jpeg, icon)}
