"""Measure a reference image: format and sides by content, no pixel decoded."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from motion_widgets.content import sha256_of
from motion_widgets.facts import Image
from motion_widgets.media.faults import fault, looks_like
from motion_widgets.media.link import LinkSource, is_link
from motion_widgets.media.measure import local_file
from motion_widgets.media.memory import SHARED, Memory

if TYPE_CHECKING:
    from pathlib import Path

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
            turned = picture.getexif().get(_EXIF_ORIENTATION, 1)
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
    """Tell whether an open picture says where it was taken, in EXIF or XMP; its pixels are not read."""
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    said = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    return bool(picture.getexif().get_ifd(_GPS)) or b"GPSL" in said


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
    """Give those formats that this Pillow was built with; an unknown name would be an error."""
    from PIL import Image as Pillow

    Pillow.init()
    _FORMATS_HERE[:] = [name for name in _FORMATS if name in Pillow.OPEN]
    return _FORMATS_HERE
