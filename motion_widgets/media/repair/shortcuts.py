"""One function per operation; all also take `to`, `progress`, `cancel` and `deadline`, as `mend` does."""

from __future__ import annotations

from contextlib import suppress
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

from motion_widgets.core.errors import ClipError
from motion_widgets.media.repair.mend import mend
from motion_widgets.media.repair.operation import Operation

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.core.facts import Clip, Image

__all__ = [
    "convert_clip", "convert_image", "fit_clip", "hold_clip", "mute_clip", "pad_image", "scale_clip",
    "scale_image", "shrink_image", "strip_clip", "strip_image", "trim_clip", "turn_image",
]  # fmt: skip


def _clip(source: str | Path | Clip, name: str, values: dict[str, Any], how: dict[str, Any]) -> Clip:
    return cast("Clip", mend(source, Operation(name, values), **how).measure())


def _image(source: str | Path | Image, name: str, values: dict[str, Any], how: dict[str, Any]) -> Image:
    return cast("Image", mend(source, Operation(name, values), **how).measure())


def trim_clip(
    source: str | Path | Clip,
    start: float | str = 0.0,
    end: float | None = None,
    *,
    length: float | None = None,
    **how: Any,
) -> Clip:
    """Cut a part out of a clip, in whole frames and not longer than asked for.

    Two parts may be longer by less than a frame: one that ends within 1 ms of the clip's end ends with its
    last frame, and one of 3 s or more is never shorter than the 3 s that the endpoint needs.

    Parameters
    ----------
    source
        A local clip.
    start
        In s, or ``"stillest"``: where the part of this `length` with the least motion begins.
    end
        In s. None: given by `length`, else the end of the clip.
    length
        In s, instead of `end`.
    how
        `to`, `progress`, `cancel` and `deadline`, as `mend` takes them.

    Raises
    ------
    ClipError
        As for `mend`; ``mend_range`` if there is nothing between start and end.

    Examples
    --------
    >>> mw.trim_clip(samples.clip_12s, 2.0, 7.0).length
    5.0
    """
    if end is not None:
        if not (isinstance(start, Real) and isinstance(end, Real) and start < end):
            raise ClipError.of("mend_order", start=start, end=f"{end:g}" if isinstance(end, Real) else end)
        length = end - start
    return _clip(source, "trim_clip", {"start": start, "length": length}, how)


def hold_clip(source: str | Path | Clip, length: float = 3.1, **how: Any) -> Clip:
    """Make a clip at least `length` s long by holding its last frame.

    >>> mw.hold_clip(samples.clip_6s, 7.0).length
    7.0
    """
    return _clip(source, "hold_clip", {"length": length}, how)


def mute_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Remove the sound of a clip; its picture is copied bit for bit.

    >>> mw.mute_clip(samples.clip_6s).has_audio
    False
    """
    return _clip(source, "mute_clip", {}, how)


def strip_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Remove where and how a clip was taken; picture and sound are copied bit for bit.

    >>> mw.strip_clip(samples.clip_6s).has_location
    False
    """
    return _clip(source, "strip_clip", {}, how)


def convert_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Convert a clip (HEVC, WebM, GIF, AVI, …) to H.264 in mp4 under 100 MB, with its sides in range.

    >>> mw.convert_clip(samples.clip_6s).codec
    'avc1'
    """
    return _clip(source, "convert_clip", {}, how)


def scale_clip(source: str | Path | Clip, width: int | None = None, **how: Any) -> Clip:
    """Scale a clip until its sides are 340 to 3850 px, and as near to `width` px as that allows.

    >>> mw.scale_clip(samples.clip_6s, width=400).width
    400
    """
    return _clip(source, "scale_clip", {"width": width} if width else {}, how)


def fit_clip(source: str | Path | Clip, aspect: float, how: str = "crop", **options: Any) -> Clip:
    """Change a clip's aspect (width over height): ``"crop"`` keeps the middle, ``"pad"`` adds bars.

    >>> mw.fit_clip(samples.clip_6s, aspect=1.0).aspect
    1.0
    """
    return _clip(source, "fit_clip", {"aspect": _rounded(aspect), "how": how}, options)


def turn_image(source: str | Path | Image, **how: Any) -> Image:
    """Rotate an image's pixels as its EXIF asks, so that every reader shows it upright.

    >>> mw.turn_image(samples.image).rotated
    False
    """
    return _image(source, "turn_image", {}, how)


def strip_image(source: str | Path | Image, **how: Any) -> Image:
    """Remove where and how an image was taken (EXIF, XMP); it stays upright and keeps its colours.

    >>> mw.strip_image(samples.image).has_location
    False
    """
    return _image(source, "strip_image", {}, how)


def convert_image(source: str | Path | Image, form: str | None = None, **how: Any) -> Image:
    """Convert an image (WebP, GIF, AVIF, HEIC, …) to ``"jpeg"`` or ``"png"``; of several frames, the first.

    `form` None: JPEG for a photograph, PNG for a drawing or transparency. A PNG over 10 MB becomes a JPEG
    in any case. HEIC needs ``pip install "motion-widgets[heic]"``.

    >>> mw.convert_image(samples.image, "jpeg").format
    'jpeg'
    """
    return _image(source, "convert_image", {"form": form} if form else {}, how)


def shrink_image(source: str | Path | Image, **how: Any) -> Image:
    """Bring an image under 10 MB as a JPEG: by its quality first, then by its sides.

    >>> mw.shrink_image(samples.image).size < 10_000_000
    True
    """
    return _image(source, "shrink_image", {}, how)


def scale_image(source: str | Path | Image, least: int = 340, **how: Any) -> Image:
    """Enlarge an image until its shorter side has `least` px, or reduce it to the largest side accepted.

    >>> mw.scale_image(samples.image, least=900).width
    900
    """
    return _image(source, "scale_image", {"least": least}, how)


def pad_image(source: str | Path | Image, aspect: float | None = None, **how: Any) -> Image:
    """Add bars to an image until it has this aspect; None: the nearest one accepted, 1:2.5 to 2.5:1.

    >>> mw.pad_image(samples.image, aspect=1.0).aspect
    1.0
    """
    return _image(source, "pad_image", {"aspect": _rounded(aspect)} if aspect else {}, how)


def _rounded(aspect: object) -> object:
    """Return an aspect as it is kept; what is no number, such as ``"16:9"``, is refused with the mend."""
    if isinstance(aspect, Real):
        with suppress(OverflowError):  # hundreds of digits
            return round(float(aspect), 4)
    return aspect
