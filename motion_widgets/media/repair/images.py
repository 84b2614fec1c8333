"""The operations on images: upright, without what a phone noted, in a format and size that is accepted."""

from __future__ import annotations

import importlib
import io
import math
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.image import (
    bound_pixels,
    broken_image,
    eight_bit,
    open_image,
    require_decodable,
)
from motion_widgets.media.probe.image_file import is_located
from motion_widgets.media.probe.sniff import SNIFFED, looks_like
from motion_widgets.media.probe.source import local_file
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PIL.Image import Image as Picture

    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.media.repair.progress import Progress

__all__ = ["IMAGE_OPERATIONS", "has_location", "image_parameters", "sides_after", "write_image"]

_PHOTOGRAPHS = {"JPEG", "MPO", "WEBP", "HEIF"}
"""Formats that become JPEG; the others become PNG."""
_QUALITIES = (95, 90, 85, 75)
_SHRINK = 0.8
_JPEG_SIDE = 65_000
"""px; the format itself ends at 65535."""
_LARGEST_PROFILE = 1 << 20
"""Bytes of a colour profile that is kept; Pillow, and so many a server, refuses a PNG with a larger one."""
_NOISE = 1e-9
"""px by which a side may be off, as products of floats are."""
_COLOUR_SPACES = {b"RGB ": "RGB", b"GRAY": "L"}


def has_location(path: str | Path) -> bool:
    """Return whether an image says in EXIF or XMP where it was taken.

    Raises
    ------
    ClipError
        The file is not an image.

    Examples
    --------
    >>> mw.has_location(samples.image)
    False
    """
    picture, _ = _open(local_file(path)[0])
    with picture:
        return is_located(picture)


def image_parameters(operation: Operation) -> dict[str, Any]:
    """Return an operation's parameters as they will be carried out on an image.

    Raises
    ------
    ClipError
        They make no sense.
    """
    values = dict(operation.parameters)
    if values.get("form", "png") not in {"jpeg", "png"}:
        raise ClipError.of("mend_form", found=values["form"])
    return values


def write_image(operation: Operation, source: Path, folder: Path, progress: Progress) -> Path:
    """Carry out an operation on an image and return the new file in `folder`.

    Raises
    ------
    ClipError
        The source is not a readable image, or the mend was cancelled.
    OSError
        The disk is full.
    """
    values = operation.parameters
    picture, format_ = _open(source)
    with picture:
        progress.step(0.1)
        try:
            upright = _upright(picture)
        except Exception as error:  # Pillow fails in many ways on broken files; it is said
            raise broken_image(source.name, error) from error
    progress.step(0.4)
    # Only the rotation was asked for; the rest of what the camera noted stays.
    exif = upright.getexif().tobytes() if operation.name == "turn_image" else None
    edit, sides = _EDITS.get(operation.name), sides_after(operation, *upright.size)
    require_decodable(sides, source.name, mode=upright.mode)
    edited = edit(upright, sides) if edit else upright
    progress.step(0.6)
    photograph = format_ in _PHOTOGRAPHS and not _has_transparency(edited)
    form = values.get("form") or ("jpeg" if photograph or operation.name == "shrink_image" else "png")
    data, suffix = _encoded(edited, form, exif, progress)
    out = folder / f"out{suffix}"
    out.write_bytes(data)
    return out


def _open(path: Path) -> tuple[Picture, str]:
    """Return an open picture, also a HEIC, and its format."""
    with path.open("rb") as file:
        head = file.read(SNIFFED)
    if looks_like(head).id == "heif":  # Pillow reads AVIF itself
        return _open_heic(path), "HEIF"
    # Read as a whole: the file might change while Pillow decodes it.
    picture = open_image(io.BytesIO(path.read_bytes()), path.name)
    bound_pixels(picture, path.name)
    return picture, picture.format or ""


def _open_heic(path: Path) -> Picture:
    try:
        heif: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise ClipError.of("heic_missing", name=path.name) from error
    try:
        # libheif rotates the picture itself, and pillow-heif corrects its EXIF accordingly.
        opened = heif.open_heif(path.read_bytes(), convert_hdr_to_8bit=True)
        require_decodable(opened.size, path.name)
        picture: Picture = opened.to_pillow()
    except ClipError:
        raise
    except Exception as error:  # libheif fails in many ways on broken files; it is said
        raise broken_image(path.name, error) from error
    return picture


def _has_transparency(picture: Picture) -> bool:
    if picture.mode not in {"RGBA", "LA"}:
        return False
    low: Any = picture.getchannel("A").getextrema()
    return bool(low[0] < 255)


def _upright(picture: Picture) -> Picture:
    """Decode a picture, rotate it as EXIF asks, and convert it to a mode that PNG and JPEG share."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(eight_bit(picture))
    profile = picture.info.get("icc_profile")
    has_alpha = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
    if upright.mode not in {"RGB", "RGBA", "L", "LA"} or has_alpha:
        upright = upright.convert("RGBA" if has_alpha else "RGB")
    # A profile is for one colour space: that of CMYK would falsify the RGB made of it.
    fits = isinstance(profile, bytes) and _COLOUR_SPACES.get(profile[16:20]) == upright.mode.removesuffix("A")
    upright.info["icc_profile"] = profile if fits else None
    return _in_srgb(upright) if len(upright.info["icc_profile"] or b"") > _LARGEST_PROFILE else upright


def _in_srgb(picture: Picture) -> Picture:
    """Return a picture in sRGB without its profile, or as it is if its profile is broken."""
    from PIL import ImageCms

    profile = io.BytesIO(picture.info.pop("icc_profile"))
    mode = {"L": "RGB", "LA": "RGBA"}.get(picture.mode, picture.mode)
    try:
        srgb = ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(picture, profile, srgb, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # viewers ignore broken profiles, too
        return picture
    if made is None:  # as only a picture changed in place is
        return picture
    made.info.pop("icc_profile", None)
    return made


def _like(source: Picture, picture: Picture) -> Picture:
    """Return a picture with the colour profile of the one that it was made of."""
    picture.info["icc_profile"] = source.info.get("icc_profile")
    return picture


def _resized(picture: Picture, width: int, height: int) -> Picture:
    from PIL import Image

    return _like(picture, picture.resize((max(1, width), max(1, height)), Image.Resampling.LANCZOS))


def sides_after(operation: Operation, width: int, height: int) -> tuple[int, int]:
    """Return the sides in px that an operation gives to a picture, unless its size in bytes reduces them."""
    values = operation.parameters
    if operation.name == "scale_image":
        # The shorter side up to `least` px, and the longer one down to what JPEG can hold.
        factor = max(1.0, values["least"] / min(width, height))
        factor = min(factor, _JPEG_SIDE / max(width, height))
        return max(1, math.ceil(width * factor - _NOISE)), max(1, math.ceil(height * factor - _NOISE))
    if operation.name == "pad_image":
        low, high = LIMITS.image_aspect
        aspect = values.get("aspect") or min(max(width / height, low), high)
        # Rounded up to whole px, so the aspect is never missed by more than half a px.
        wide, tall = math.ceil(height * aspect - _NOISE), math.ceil(width / aspect - _NOISE)
        return max(width, wide), max(height, tall)
    return width, height


def _padded(picture: Picture, sides: tuple[int, int]) -> Picture:
    """Add bars: transparent if the picture is, else in its corners' colour."""
    from PIL import Image

    colour = 0 if picture.mode.endswith("A") else _corner_colour(picture)
    canvas = Image.new(picture.mode, sides, colour)
    canvas.paste(picture, ((sides[0] - picture.width) // 2, (sides[1] - picture.height) // 2))
    return _like(picture, canvas)


def _corner_colour(picture: Picture) -> Any:
    """Return the mean colour of the four corners."""
    right, bottom = picture.width - 1, picture.height - 1
    corners: list[Any] = [picture.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))]
    if isinstance(corners[0], tuple):
        return tuple(sum(values) // 4 for values in zip(*corners, strict=True))
    return sum(corners) // 4


_EDITS: dict[str, Callable[[Picture, tuple[int, int]], Picture]] = {
    "scale_image": lambda picture, sides: _resized(picture, *sides),
    "pad_image": _padded,
}
"""The others only encode the upright picture again."""
IMAGE_OPERATIONS = (*_EDITS, "turn_image", "strip_image", "convert_image", "shrink_image")


def _encoded(picture: Picture, form: str, exif: bytes | None, progress: Progress) -> tuple[bytes, str]:
    """Return a PNG or JPEG within the size limit, and its suffix; quality is reduced before the sides."""
    profile = picture.info.get("icc_profile")
    extra: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if exif:
        extra["exif"] = exif
    if form == "png":
        data = _saved(picture, "PNG", extra)
        if len(data) <= LIMITS.image_bytes:
            return data, ".png"
    if picture.mode.endswith("A"):
        picture = _on_white(picture)
    while True:
        for quality in _QUALITIES:
            progress.step(0.8)
            data = _saved(picture, "JPEG", {**extra, "quality": quality})
            if len(data) <= LIMITS.image_bytes:
                return data, ".jpg"
        picture = _resized(picture, *(round(side * _SHRINK) for side in picture.size))


def _saved(picture: Picture, format_: str, options: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    # Pillow would carry over comments, XMP and EXIF by itself.
    bare = picture.copy()
    bare.info = {}
    bare.save(out, format_, **options)
    return out.getvalue()


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    return _like(picture, ground.convert("RGB"))
