"""Measure a reference image: format and sides by its content, without decoding a pixel."""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from dataclasses import replace
from functools import cache as once
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Image
from motion_widgets.core.hosts import is_link
from motion_widgets.core.messages import say
from motion_widgets.core.paths import readable, typed_path
from motion_widgets.media.probe.cache import SHARED, Cache
from motion_widgets.media.probe.http_source import LinkSource
from motion_widgets.media.probe.image_file import (
    ends_early,
    exif_orientation,
    is_located,
    read_png,
    sides_as_shown,
)
from motion_widgets.media.probe.sniff import SNIFFED, looks_like
from motion_widgets.media.probe.source import hash_of, local_file

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as Picture

__all__ = [
    "MOST_DECODED", "bound_pixels", "broken_image", "decoded_sides", "eight_bit",
    "measure_image", "open_image", "require_decodable",
]  # fmt: skip

MOST_BYTES = 25 << 20
"""Bytes of a link that are read; the endpoint takes at most 10 MB."""
MOST_PIXELS = 178_956_970
"""Pillow's own bound, above which it suspects a decompression bomb."""
MOST_DECODED = 64_000_000
"""Pixels in colour that are decoded: 256 MB. A file of 0.7 MB can hold the most that are measured."""
_REDUCED = (1, 2, 4, 8)
"""By what the sides of a JPEG can be divided while it is decoded."""
_PHOTOMETRIC = 0x0106
"""Tag of a TIFF that says whether 0 is black (1) or white (0)."""
# Only formats whose headers Pillow reads by itself: not PostScript, for which it would start Ghostscript. Nor
# icons, whose picture may be larger than the header says.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA", "JPEG2000", "AVIF")


def measure_image(
    source: str | Path | bytes,
    *,
    deadline: float = 20.0,
    hash_content: bool = False,
    cache: Cache | None = SHARED,
    public: bool = False,
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
    cache, public
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
    if isinstance(source, str):
        source = typed_path(source)
    if isinstance(source, str) and is_link(source):
        link = LinkSource(source, deadline=deadline, whole=True, cap=MOST_BYTES, public=public)
        return _of_link(link, source, cache)
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
            return _measure(file, str(path), readable(path.name), size)

    image = cache.of_file("image", path, measure)
    return replace(image, sha256=hash_of(path)) if hash_content else image


def _of_link(source: LinkSource, link: str, cache: Cache) -> Image:
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
        width, height = sides_as_shown(picture)
        kind = (picture.format or "").lower()
        return Image(
            source=source,
            name=name,
            format="jpeg" if kind == "mpo" else kind,
            width=width,
            height=height,
            size=size,
            rotated=exif_orientation(picture) > 1,
            has_location=is_located(picture),
            truncated=ends_early(file, picture.format or ""),
        )


def open_image(file: IO[bytes], name: str) -> Picture:
    """Open an image lazily, by its content.

    Raises
    ------
    ClipError
        ``not_image``, ``heic_missing``, ``image_depth`` or ``image_too_big``.
    """
    from PIL import Image as Pillow
    from PIL.JpegImagePlugin import jpeg_factory

    found = looks_like(file.read(SNIFFED))
    file.seek(0)
    png = read_png(file) if found.id == "png" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A JPEG of 200 megapixels is no bomb: it need not be decoded whole.
            jpeg = jpeg_factory(file) if found.id == "jpeg" else None
            picture = jpeg or Pillow.open(png.picture(file) if png else file, formats=_known_formats())
    except Pillow.DecompressionBombError as error:
        raise _too_big(name, say("too_many_pixels"), "179 megapixels") from error
    except Exception as error:  # Pillow fails in many ways; it is said
        # On broken files Pillow's readers fail in many ways: OSError, SyntaxError, struct.error, …
        lacks_reader = found.id == "heif" and find_spec("pillow_heif") is None
        raise ClipError.of(
            "heic_missing" if lacks_reader else "not_image", name=name, found=found.label, file_type=found.id,
            detail=str(error),
        ) from error  # fmt: skip
    if math.prod(decoded_sides(*picture.size, found.id)) > MOST_PIXELS:
        found_size = f"{picture.width}\u00d7{picture.height} px"
        picture.close()
        raise _too_big(name, found_size, "179 megapixels")
    if png is not None:
        picture.info.update({"exif": b"", **png.notes})  # without any, Pillow would decode to look behind
    if picture.mode == "F" or (picture.mode == "I" and picture.format == "TIFF"):
        picture.close()
        raise ClipError.of("image_depth", name=name)
    return picture


def bound_pixels(picture: Picture, name: str, *, side: int | None = None) -> None:
    """Let an open picture be decoded as small as a square of `side` px allows, and not above the bound.

    None: whole, or of a large JPEG as large a part of its sides as is bounded. A JPEG can be decoded to an
    eighth of its sides, in an eighth of the time; not one that is progressive in less memory.

    Raises
    ------
    ClipError
        ``image_too_big``.
    """
    whole = picture.size
    if side is not None:
        picture.draft("RGB", (side, side))
    elif picture.format in ("JPEG", "MPO"):
        by = _reduction(*whole)
        picture.draft(None, (whole[0] // by, whole[1] // by))
    sides = whole if picture.info.get("progressive") else picture.size
    require_decodable(sides, name, whole=whole, mode=picture.mode)


def decoded_sides(width: int, height: int, kind: str) -> tuple[int, int]:
    """Return with which sides a picture is decoded: of a large JPEG a half, a quarter or an eighth."""
    by = _reduction(width, height) if kind == "jpeg" else 1
    return -(-width // by), -(-height // by)


def _reduction(width: int, height: int) -> int:
    return next((by for by in _REDUCED if width * height <= MOST_DECODED * by**2), _REDUCED[-1])


def eight_bit(picture: Picture) -> Picture:
    """Return a picture with 8 bits a channel; Pillow itself would clip 16 bits of grey to white."""
    if not picture.mode.startswith("I"):
        return picture
    picture.load()
    tags: Any = picture
    is_negative = picture.format == "TIFF" and tags.tag_v2.get(_PHOTOMETRIC) == 0
    grey = picture.convert("I").point(lambda value: value / 256).convert("L")
    if is_negative:  # white is zero; Pillow heeds that of 8 bits only
        grey = grey.point(lambda value: 255 - value)
    grey.info = dict(picture.info)
    if "transparency" in grey.info:
        grey.info["transparency"] >>= 8
    return grey


def require_decodable(
    sides: tuple[int, int], name: str, *, whole: tuple[int, int] | None = None, mode: str = "RGB"
) -> None:
    """Raise ClipError (``image_too_big``) if decoding so many pixels of a mode takes too much memory.

    `whole`: the sides that are named, if less than the whole picture is decoded.
    """
    most = MOST_DECODED * 4 if mode == "L" else MOST_DECODED  # a colour takes 4 bytes, whatever its channels
    if math.prod(sides) > most:
        width, height = whole or sides
        raise _too_big(name, f"{width}\u00d7{height} px", f"{most // 1_000_000} megapixels")


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
