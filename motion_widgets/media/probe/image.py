"""Measure a reference image: format and sides by content, no pixel decoded."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from motion_widgets.core.facts import Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.cache import SHARED, Memory
from motion_widgets.media.probe.http_source import LinkSource, is_link
from motion_widgets.media.probe.measure import local_file
from motion_widgets.media.probe.sniff import fault, looks_like

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL.Image import Exif
    from PIL.Image import Image as Picture

__all__ = ["is_located", "measure_image", "open_picture"]

LINK_CAP = 25 << 20
"""Bytes of a link that are read; the endpoint takes at most 10 MB."""
PIXELS_CAP = 178_956_970
"""Pillow's own bound, above which it speaks of a decompression bomb."""
# Only formats whose headers Pillow reads by itself: no PostScript, which would start Ghostscript.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "JPEG2000", "AVIF")
_TURNED = {5, 6, 7, 8}
_EXIF_ORIENTATION = 0x0112
_GPS = 0x8825
_CHUNKS_CAP, _CHUNK_CAP = 100_000, 1 << 20
"""Chunks of a PNG that are looked at, and bytes of one that are read."""


def measure_image(
    source: str | Path | bytes,
    *,
    deadline: float = 20.0,
    hash_content: bool = False,
    memory: Memory | None = SHARED,
) -> Image:
    """Measure an image without decoding it.

    Parameters
    ----------
    source
        A local path, the file's bytes, or an http(s) link (at most 25 MB are read).
    deadline
        Seconds for a link, in total.
    hash_content
        Fill in `Image.sha256` for a file or bytes.
    memory
        As for `measure_clip`.

    Returns
    -------
    Image
        Sides in px as shown, EXIF rotation applied.

    Raises
    ------
    ClipError
        It is no image, too big, or cannot be had; `code` says which.
    """
    memory = Memory() if memory is None else memory
    if isinstance(source, str) and is_link(source):
        link = LinkSource(source, deadline=deadline, whole=True, cap=LINK_CAP)
        try:
            return replace(memory.of_link("image", link, lambda: _measure_link(link)), source=source)
        finally:
            link.close()
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        if not data:
            raise fault("empty_file", name="bytes")
        digest = hashlib.sha256(data).hexdigest() if hash_content else None
        return _measure(io.BytesIO(data), "bytes", "bytes", len(data), digest)
    path, size = local_file(source)

    def measure() -> Image:
        with path.open("rb") as file:
            return _measure(file, str(path), path.name, size, None)

    try:
        digest = sha256_of(path) if hash_content else None
        return replace(memory.of_file("image", path, measure), sha256=digest)
    except OSError as error:
        raise fault("not_readable", reached=False, name=path.name, detail=str(error)) from error


def _measure_link(link: LinkSource) -> Image:
    data = _all_of(link)
    return _measure(io.BytesIO(data), link.link, link.name, len(data), None)


def _all_of(link: LinkSource) -> bytes:
    # The first byte tells the size, so a file beyond the cap is refused before it is read.
    head = link.read(0, 1)
    if not head:
        raise fault("empty_file", name=link.name)
    size = link.size
    if size is not None and size > LINK_CAP:
        raise fault("image_too_big", name=link.name, found=f"{size / 1e6:.0f} MB", limit="25 MB")
    data = link.read(0, size if size is not None else LINK_CAP)
    if size is None and len(data) == LINK_CAP:
        raise fault("image_too_big", name=link.name, found="over 25 MB", limit="25 MB")
    return data


def _measure(file: IO[bytes], source: str, name: str, size: int, digest: str | None) -> Image:
    picture = open_picture(file, name)
    with picture:
        width, height = picture.size
        try:
            turned = _exif_of(picture).get(_EXIF_ORIENTATION, 1)
        except Exception:  # noqa: BLE001 - broken EXIF is ignored, as every viewer does
            turned = 1
        try:
            located = is_located(picture)
        except Exception:  # noqa: BLE001 - as above
            located = False
        if turned in _TURNED:
            width, height = height, width
        kind = (picture.format or "").lower()
    return Image(
        source=source,
        name=name,
        format="jpeg" if kind == "mpo" else kind,
        width=width,
        height=height,
        size=size,
        rotated=isinstance(turned, int) and 1 < turned <= 8,
        has_location=located,
        sha256=digest,
    )


def is_located(picture: Picture) -> bool:
    """Return whether an open picture says where it was taken, in EXIF or XMP; its pixels are not read."""
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    said = [xmp.encode() if isinstance(xmp, str) else bytes(xmp)]
    if picture.format == "PNG":
        said += [data for kind, data in _chunks(picture) if kind == b"iTXt"]
    return bool(_exif_of(picture).get_ifd(_GPS)) or any(b"GPSL" in one for one in said)


def _exif_of(picture: Picture) -> Exif:
    """Return a picture's EXIF without its pixels, which Pillow would decode to look for it behind them."""
    if picture.format != "PNG" or "exif" in picture.info:
        return picture.getexif()
    from PIL import Image as Pillow

    exif = Pillow.Exif()
    for kind, data in _chunks(picture):
        if kind == b"eXIf":
            exif.load(data)
    return exif


def _chunks(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    """Return what an open PNG holds beside its pixels, which are skipped, not read."""
    file: Any = getattr(picture, "fp", None)
    if file is None:  # it is decoded already
        return
    before = file.tell()
    try:
        at = 8
        for _ in range(_CHUNKS_CAP):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                return
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind in {b"eXIf", b"iTXt"} and size <= _CHUNK_CAP:
                yield kind, file.read(size)
            at += size + 12
    finally:
        file.seek(before)


def open_picture(file: IO[bytes], name: str) -> Picture:
    """Open a picture lazily, by content.

    Raises
    ------
    ClipError
        ``not_image`` or ``image_too_big``.
    """
    from PIL import Image as Pillow

    head = file.read(512)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Pillow.open(file, formats=_FORMATS_HERE or _known_formats())
    except Pillow.DecompressionBombError as error:
        raise fault(
            "image_too_big", name=name, found="far too many pixels", limit="179 megapixels"
        ) from error
    except Exception as error:
        # Pillow's readers fail in ways of their own on broken files: OSError, SyntaxError, struct.error, …
        raise fault("not_image", name=name, found=looks_like(head)[0], detail=str(error)) from error
    if picture.width * picture.height > PIXELS_CAP:
        found = f"{picture.width}x{picture.height} px"
        picture.close()
        raise fault("image_too_big", name=name, found=found, limit="179 megapixels")
    return picture


_FORMATS_HERE: list[str] = []


def _known_formats() -> list[str]:
    """Return those formats that this Pillow was built with; an unknown name would be an error."""
    from PIL import Image as Pillow

    Pillow.init()
    _FORMATS_HERE[:] = [name for name in _FORMATS if name in Pillow.OPEN]
    return _FORMATS_HERE
