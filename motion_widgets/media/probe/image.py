"""Measure a reference image: format and sides by its content, without decoding a pixel."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import replace
from functools import cache as once
from typing import IO, TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Image
from motion_widgets.core.hosts import is_link
from motion_widgets.core.messages import say
from motion_widgets.media.probe.cache import SHARED, Cache
from motion_widgets.media.probe.http_source import LinkSource
from motion_widgets.media.probe.image_metadata import exif_orientation, is_located
from motion_widgets.media.probe.local_file import hash_of, local_file
from motion_widgets.media.probe.sniff import SNIFFED, looks_like

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as Picture

__all__ = ["broken_image", "measure_image", "open_image"]

MOST_BYTES = 25 << 20
"""Bytes of a link that are read; the endpoint takes at most 10 MB."""
MOST_PIXELS = 178_956_970
"""Pillow's own bound, above which it suspects a decompression bomb."""
# Only formats whose headers Pillow reads by itself: not PostScript, for which it would start Ghostscript.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "JPEG2000", "AVIF")


def measure_image(
    source: str | Path | bytes,
    *,
    deadline: float = 20.0,
    hash_content: bool = False,
    cache: Cache | None = SHARED,
) -> Image:
    """Measure an image without decoding it.

    Parameters
    ----------
    source
        A local path, the file's bytes, or an http(s) link, of which at most 25 MB are read.
    deadline
        Seconds for a link, in total.
    hash_content
        Fill in `Image.sha256` for a file or bytes.
    cache
        As for `measure_clip`.

    Returns
    -------
    Image
        Sides in px as shown, EXIF rotation applied.

    Raises
    ------
    ClipError
        The file is not an image, is too big, or cannot be fetched; `code` says which.

    Examples
    --------
    >>> mw.measure_image(samples.image).aspect
    0.5625
    """
    cache = Cache() if cache is None else cache
    if isinstance(source, str) and is_link(source):
        return _of_link(source, cache, deadline)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(source), hash_content=hash_content)
    return _of_file(source, cache, hash_content=hash_content)


def _of_bytes(data: bytes, *, hash_content: bool) -> Image:
    if not data:
        raise ClipError.of("empty_file", name="bytes")
    image = _measure(io.BytesIO(data), "bytes", "bytes", len(data))
    return replace(image, sha256=hashlib.sha256(data).hexdigest()) if hash_content else image


def _of_file(source: str | Path, cache: Cache, *, hash_content: bool) -> Image:
    path, size = local_file(source)

    def measure() -> Image:
        with path.open("rb") as file:
            return _measure(file, str(path), path.name, size)

    image = cache.of_file("image", path, measure)
    return replace(image, sha256=hash_of(path)) if hash_content else image


def _of_link(link: str, cache: Cache, deadline: float) -> Image:
    source = LinkSource(link, deadline=deadline, whole=True, cap=MOST_BYTES)
    try:
        return replace(cache.of_link("image", source, lambda: _measure_link(source)), source=link)
    finally:
        source.close()


def _measure_link(link: LinkSource) -> Image:
    # The first byte comes with the size, so a file that is too big is refused before it is read.
    if not link.read(0, 1):
        raise ClipError.of("empty_file", name=link.name)
    size = link.size
    if size is not None and size > MOST_BYTES:
        raise _too_big(link.name, f"{size / 1e6:.0f} MB", "25 MB")
    data = link.read(0, size if size is not None else MOST_BYTES)
    if size is None and len(data) == MOST_BYTES:
        raise _too_big(link.name, "> 25 MB", "25 MB")
    return _measure(io.BytesIO(data), link.link, link.name, len(data))


def _measure(file: IO[bytes], source: str, name: str, size: int) -> Image:
    with open_image(file, name) as picture:
        width, height = picture.size
        orientation = exif_orientation(picture)
        if orientation >= 5:  # turned by a quarter
            width, height = height, width
        kind = (picture.format or "").lower()
        return Image(
            source=source,
            name=name,
            format="jpeg" if kind == "mpo" else kind,
            width=width,
            height=height,
            size=size,
            rotated=orientation > 1,
            has_location=is_located(picture),
        )


def open_image(file: IO[bytes], name: str) -> Picture:
    """Open an image lazily, by its content.

    Raises
    ------
    ClipError
        ``not_image`` or ``image_too_big``.
    """
    from PIL import Image as Pillow

    head = file.read(SNIFFED)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Pillow.open(file, formats=_known_formats())
    except Pillow.DecompressionBombError as error:
        raise _too_big(name, say("too_many_pixels"), "179 megapixels") from error
    except Exception as error:
        # On broken files Pillow's readers fail in many ways: OSError, SyntaxError, struct.error, …
        found = looks_like(head)
        raise ClipError.of(
            "not_image", name=name, found=found.label, file_type=found.id, detail=str(error)
        ) from error
    if picture.width * picture.height > MOST_PIXELS:
        found_size = f"{picture.width}x{picture.height} px"
        picture.close()
        raise _too_big(name, found_size, "179 megapixels")
    return picture


def broken_image(name: str, error: Exception) -> ClipError:
    """Return the error for an image whose pixels cannot be decoded."""
    return ClipError.of("not_image", name=name, found=say("broken_picture"), detail=str(error))


def _too_big(name: str, found: str, limit: str) -> ClipError:
    return ClipError.of("image_too_big", name=name, found=found, limit=limit)


@once
def _known_formats() -> list[str]:
    """Return the formats that this build of Pillow knows; an unknown name would be an error."""
    from PIL import Image as Pillow

    Pillow.init()
    return [name for name in _FORMATS if name in Pillow.OPEN]
