"""The operations on images: upright, without what a phone wrote down, in a format and size that is taken."""

from __future__ import annotations

import importlib
import io
import math
from typing import TYPE_CHECKING, Any

from motion_widgets.media.probe.image import is_located, open_picture
from motion_widgets.media.probe.measure import local_file
from motion_widgets.media.probe.sniff import fault
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PIL.Image import Image as Picture

    from motion_widgets.media.repair.progress import Watch

__all__ = ["IMAGE_OPERATIONS", "has_location", "write_image"]

_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""Brands of HEIC; AVIF is Pillow's."""
_LOSSY = {"JPEG", "MPO", "WEBP", "HEIF"}
"""Formats of photographs, which become JPEG; the others become PNG."""
_QUALITIES = (95, 90, 85, 75)
_SHRINK = 0.8
_JPEG_SIDE = 65_000
"""px; JPEG itself ends at 65535."""
_SPACES = {b"RGB ": "RGB", b"GRAY": "L"}


def has_location(path: str | Path) -> bool:
    """Return whether an image says where it was taken, in EXIF or XMP.

    Raises
    ------
    ClipError
        It is no image.
    """
    picture, _ = _open(local_file(path)[0])
    with picture:
        return is_located(picture)


def _open(path: Path) -> tuple[Picture, str]:
    """Open a picture, HEIC too, and say how it was encoded."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        return _open_heic(path), "HEIF"
    # Read as a whole: the file may change while Pillow still decodes.
    picture = open_picture(io.BytesIO(path.read_bytes()), path.name)
    return picture, picture.format or ""


def _open_heic(path: Path) -> Picture:
    try:
        heif: Any = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise fault("heic_missing", name=path.name) from error
    try:
        # libheif turns the picture itself, and pillow-heif sets its EXIF right for that.
        picture: Picture = heif.open_heif(path.read_bytes(), convert_hdr_to_8bit=True).to_pillow()
    except Exception as error:
        raise fault("not_image", name=path.name, found="a broken picture", detail=str(error)) from error
    return picture


def write_image(name: str, values: Mapping[str, Any], source: Path, folder: Path, watch: Watch) -> Path:
    """Carry an operation out on an image, into a file of our own naming in `folder`.

    Raises
    ------
    ClipError
        The source is no image that can be read, or the mend was cancelled.
    OSError
        The disk takes no file.
    """
    picture, kind = _open(source)
    with picture:
        watch.step(0.1)
        try:
            upright = _upright(picture)
        except OSError as error:  # a file that ends early, or is spoiled behind its header
            raise fault("not_image", name=source.name, found="a broken picture", detail=str(error)) from error
    watch.step(0.4)
    # Only the rotation is asked for: the rest of what the camera wrote stays.
    exif = upright.getexif().tobytes() if name == "turn_image" else None
    done = _WORK.get(name, _as_it_is)(upright, values)
    watch.step(0.6)
    lossy = name == "shrink_image" or (kind in _LOSSY and not _clear(done))
    form = values.get("form") or ("jpeg" if lossy else "png")
    data, suffix = _encoded(done, form, exif, watch)
    out = folder / f"out{suffix}"
    out.write_bytes(data)
    return out


def _clear(picture: Picture) -> bool:
    """Return whether any of a picture is transparent."""
    if picture.mode not in {"RGBA", "LA"}:
        return False
    low: Any = picture.getchannel("A").getextrema()
    return bool(low[0] < 255)


def _upright(picture: Picture) -> Picture:
    """Decode, turn as EXIF asks, and bring into a colour mode that PNG and JPEG share."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    has_alpha = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
    if upright.mode not in {"RGB", "RGBA", "L", "LA"} or has_alpha:
        upright = _eight_bits(upright).convert("RGBA" if has_alpha else "RGB")
    # A profile speaks of one colour space: that of CMYK would falsify the RGB made of it.
    fits = isinstance(profile, bytes) and _SPACES.get(profile[16:20]) == upright.mode.removesuffix("A")
    upright.info["icc_profile"] = profile if fits else None
    return upright


def _eight_bits(picture: Picture) -> Picture:
    """Scale a 16-bit grey picture, which Pillow's conversion would clip to white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.point(lambda value: value / 256).convert("L")


def _as_it_is(picture: Picture, values: Mapping[str, Any]) -> Picture:  # noqa: ARG001 - one shape for all
    return picture


def _resized(picture: Picture, width: int, height: int) -> Picture:
    from PIL import Image

    smaller = picture.resize((max(1, width), max(1, height)), Image.Resampling.LANCZOS)
    smaller.info["icc_profile"] = picture.info.get("icc_profile")
    return smaller


def _scale(picture: Picture, values: Mapping[str, Any]) -> Picture:
    """Bring the shorter side up to `least` px and the longer one down to what JPEG holds."""
    factor = max(1.0, values["least"] / min(picture.size))
    factor = min(factor, _JPEG_SIDE / max(picture.size))
    return _resized(picture, *(math.ceil(side * factor - 1e-9) for side in picture.size))


def _pad(picture: Picture, values: Mapping[str, Any]) -> Picture:
    """Add bars until the aspect lies in its range; of the colour of the edges, or clear as the picture is."""
    from PIL import Image

    width, height = picture.size
    low, high = LIMITS.image_aspect
    aspect = values.get("aspect") or min(max(width / height, low), high)
    # Up to whole pixels of the side that grows, never past the aspect asked for by more than half of one.
    wide, tall = max(width, math.ceil(height * aspect - 1e-9)), max(height, math.ceil(width / aspect - 1e-9))
    canvas = Image.new(picture.mode, (wide, tall), 0 if picture.mode.endswith("A") else _edge(picture))
    canvas.paste(picture, ((wide - width) // 2, (tall - height) // 2))
    canvas.info["icc_profile"] = picture.info.get("icc_profile")
    return canvas


def _edge(picture: Picture) -> Any:
    """Return the mean colour of the four corners."""
    right, bottom = picture.width - 1, picture.height - 1
    corners: list[Any] = [picture.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))]
    if isinstance(corners[0], tuple):
        return tuple(sum(values) // 4 for values in zip(*corners, strict=True))
    return sum(corners) // 4


_WORK: dict[str, Callable[[Picture, Mapping[str, Any]], Picture]] = {"scale_image": _scale, "pad_image": _pad}
IMAGE_OPERATIONS = (*_WORK, "turn_image", "strip_image", "convert_image", "shrink_image")


def _encoded(picture: Picture, form: str, exif: bytes | None, watch: Watch) -> tuple[bytes, str]:
    """Encode as PNG or JPEG of at most the size that is taken: first by quality, then by sides."""
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
            watch.step(0.8)
            data = _saved(picture, "JPEG", {**extra, "quality": quality})
            if len(data) <= LIMITS.image_bytes:
                return data, ".jpg"
        picture = _resized(picture, *(round(side * _SHRINK) for side in picture.size))


def _saved(picture: Picture, kind: str, options: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    # What Pillow would carry over by itself (comments, XMP, EXIF) is left behind.
    bare = picture.copy()
    bare.info = {}
    bare.save(out, kind, **options)
    return out.getvalue()


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    flat = ground.convert("RGB")
    flat.info["icc_profile"] = picture.info.get("icc_profile")
    return flat
