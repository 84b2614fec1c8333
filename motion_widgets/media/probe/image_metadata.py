"""Read what a camera noted in an image, without decoding its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Exif
    from PIL.Image import Image as Picture

__all__ = ["exif_orientation", "is_located"]

_ORIENTATION = 0x0112
_GPS = 0x8825
_MOST_CHUNKS, _LARGEST_CHUNK = 100_000, 1 << 20
"""Chunks of a PNG to walk over, and bytes of one to read."""


def exif_orientation(picture: Picture) -> int:
    """Return the EXIF orientation of an open picture, 1 to 8; 1 if it is upright or does not say."""
    try:
        found = _exif_of(picture).get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - viewers ignore broken EXIF, too
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def is_located(picture: Picture) -> bool:
    """Return whether an open picture says in EXIF or XMP where it was taken."""
    try:
        xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
        notes = [xmp.encode() if isinstance(xmp, str) else bytes(xmp)]
        if picture.format == "PNG":
            notes += [data for kind, data in _png_chunks(picture) if kind == b"iTXt"]
        return bool(_exif_of(picture).get_ifd(_GPS)) or any(b"GPSL" in one for one in notes)
    except Exception:  # noqa: BLE001 - viewers ignore broken metadata, too
        return False


def _exif_of(picture: Picture) -> Exif:
    """Return a picture's EXIF; in a PNG it may lie behind the pixels, which Pillow would decode first."""
    if picture.format != "PNG" or "exif" in picture.info:
        return picture.getexif()
    from PIL import Image

    exif = Image.Exif()
    for kind, data in _png_chunks(picture):
        if kind == b"eXIf":
            exif.load(data)
    return exif


def _png_chunks(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of the metadata chunks of an open PNG, skipping its pixels."""
    file: Any = getattr(picture, "fp", None)
    if file is None:  # it is decoded already
        return
    before = file.tell()
    try:
        at = 8
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                return
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind in {b"eXIf", b"iTXt"} and size <= _LARGEST_CHUNK:
                yield kind, file.read(size)
            at += size + 12
    finally:
        file.seek(before)
