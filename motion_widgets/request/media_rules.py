"""Rules about clips and images: what their links, facts and frames say against a request."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.core.hosts import host_of, is_private
from motion_widgets.core.messages import say
from motion_widgets.request.fields import ORIENTATIONS
from motion_widgets.request.findings import Finding, Fix, Severity, find, fix, show, wrong_type
from motion_widgets.request.limits import LIMITS, LONGEST_TEXT, MB
from motion_widgets.request.media_source import media_kind, media_name, media_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.request.request import MotionRequest

__all__ = ["check_clip", "check_image", "check_media", "check_pair", "check_shots"]

_CODECS = {
    **dict.fromkeys(("avc1", "avc3"), "H.264"),
    **dict.fromkeys(("hvc1", "hev1", "dvh1", "dvhe"), "HEVC (H.265)"),
    **dict.fromkeys(("apch", "apcn", "apcs", "apco", "ap4h", "ap4x"), "ProRes"),
    "av01": "AV1",
    "vp08": "VP8",
    "vp09": "VP9",
    "mp4v": "MPEG-4 Part 2",
    "jpeg": "Motion JPEG",
}
"""Names of codecs by their sample entry."""
_PROFILES = {44: "CAVLC 4:4:4", 88: "Extended", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4"}
"""Names of the profiles of H.264 that not every reader supports; lossless clips are of the last one."""


def check_media(
    where: Literal["image_url", "video_url"],
    value: object,
    measured: Clip | Image | ClipError | None,
    *,
    live: bool,
) -> Iterator[Finding]:
    """Judge the link or file itself."""
    what = say("the_image" if where == "image_url" else "the_clip")
    kind, source = media_kind(value), media_source(value) or ""
    if kind == "missing":
        yield find(where, "error", "missing_media", what=what)
    elif kind == "type":
        yield wrong_type(where, value, say("a_link_or_path"))
    elif kind == "long":
        yield find(where, "error", "text_long", what=what, limit=LONGEST_TEXT)
    elif isinstance(value, Clip if where == "image_url" else Image):
        yield find(where, "error", "media_swapped", name=value.name, field=where, what=what)
    elif isinstance(value, Clip | Image) and source == "bytes":
        yield find(where, "error", "media_bytes", what=what)
    elif kind == "scheme":
        code = "media_base64" if source[:5].lower() == "data:" else "media_scheme"
        yield find(where, "error", code, what=what, found=show(source))
    else:
        if kind == "link":
            yield from _check_link(where, what, source, live=live)
        elif live and where == "video_url":
            yield find(where, "error", "clip_needs_hosting", name=media_name(source))
        yield from _check_measured(where, what, measured, link=source if kind == "link" else "", live=live)


def _check_measured(
    where: str, what: str, measured: Clip | Image | ClipError | None, *, link: str, live: bool
) -> Iterator[Finding]:
    """Report why there is no measurement, unless `_check_link` does (`link`: if it is one)."""
    if measured is None:
        yield find(where, "warning", "not_measured", what=what)
    elif isinstance(measured, ClipError):
        host = host_of(link) if live and measured.code == "link_inside" else None
        if host is None or not is_private(host[0]):
            severity: Severity = "warning" if link and not measured.reached else "error"
            message = str(measured) or say("not_measured", what=what)
            yield Finding(where, severity, measured.code or "not_measured", message)


def _check_link(where: str, what: str, source: str, *, live: bool) -> Iterator[Finding]:
    parts = host_of(source)
    if parts is None:
        yield find(where, "error", "link_broken", what=what, found=show(source))
        return
    host, _, credentials = parts
    if credentials:
        yield find(where, "error", "link_credentials", what=what)
    if live and is_private(host):
        yield find(where, "error", "link_private", what=what, host=host)


def _outside(value: float, low: float, high: float) -> bool:
    """Return whether a number is outside a range, as NaN is."""
    return not low <= value <= high


def check_image(image: Image | ClipError | None) -> Iterator[Finding]:
    """Judge what was measured of the image."""
    if not isinstance(image, Image):
        return
    where, limits = "image_url", LIMITS
    if image.format not in limits.image_formats:
        yield find(where, "error", "image_format", name=image.name, found=image.format)
    if image.truncated:
        yield find(where, "error", "image_truncated", name=image.name)
    yield from _check_size(where, "image_bytes", image, limits.image_bytes)
    low, high = limits.image_side
    short, long = min(image.width, image.height), max(image.width, image.height)
    size: dict[str, Any] = {"name": image.name, "width": image.width, "height": image.height}
    if short < low:
        yield find(where, "error", "image_small", **size, limit=low)
    elif short < limits.image_side_safe:
        yield find(where, "warning", "image_smallish", **size, limit=limits.image_side_safe)
    if long > high:
        yield find(where, "error", "image_large", **size, limit=high)
    if short > 0 and _outside(image.width / image.height, *limits.image_aspect):
        yield find(where, "error", "image_aspect", **size, ratio=_up(long / short))
    if image.has_location:
        yield _location(where, image)
    if image.rotated:
        yield find(where, "hint", "image_turned", name=image.name)


def _check_size(where: str, code: str, fact: Clip | Image, limit: int) -> Iterator[Finding]:
    if fact.size is not None and fact.size > limit:
        yield find(where, "error", code, name=fact.name, mb=_up(fact.size / MB), limit=limit // MB)


def _location(where: str, fact: Clip | Image) -> Finding:
    """Warn about a place in a file that may become public; that in a link is public already."""
    code = "clip_location" if isinstance(fact, Clip) else "image_location"
    if media_kind(fact.source) == "link":
        return find(where, "hint", f"{code}_public", name=fact.name)
    return find(where, "warning", code, name=fact.name)


def check_clip(req: MotionRequest, clip: Clip | ClipError | None) -> Iterator[Finding]:
    """Judge what was measured of the clip, and its length for the orientation."""
    if not isinstance(clip, Clip):
        return
    where, limits = "video_url", LIMITS
    if clip.format not in limits.clip_formats:
        yield find(where, "error", "clip_format", name=clip.name, found=clip.format)
    if clip.truncated:
        yield find(where, "error", "clip_truncated", name=clip.name)
    yield from _check_size(where, "clip_bytes", clip, limits.clip_bytes)
    low, high = limits.clip_side
    if _outside(min(clip.width, clip.height), low, high) or max(clip.width, clip.height) > high:
        size: dict[str, Any] = {"name": clip.name, "width": clip.width, "height": clip.height}
        yield find(where, "error", "clip_sides", **size, low=low, high=high)
    yield from _check_length(req, clip)
    yield from _check_coding(where, clip)
    if clip.has_location:
        yield _location(where, clip)
    if clip.rotation:
        yield find(where, "hint", "clip_turned", name=clip.name, degrees=clip.rotation)


def _check_coding(where: str, clip: Clip) -> Iterator[Finding]:
    """Judge how the picture is coded: its codec, its colours, its fields."""
    limits = LIMITS
    if clip.codec and clip.codec not in limits.clip_codecs_safe:
        yield find(
            where, "warning", "clip_codec", name=clip.name, codec=_CODECS.get(clip.codec) or show(clip.codec)
        )
    elif clip.profile is not None and clip.profile not in limits.clip_profiles_safe:
        profile = _PROFILES.get(clip.profile, clip.profile)
        yield find(where, "warning", "clip_codec", name=clip.name, codec=f"H.264 {profile}")
    if clip.hdr:
        yield find(where, "warning", "clip_hdr", name=clip.name, found=clip.hdr)
    if clip.interlaced:
        yield find(where, "hint", "clip_interlaced", name=clip.name)


def _up(value: float) -> float:
    """Round up to hundredths, so that a value just over its limit is not shown as the limit."""
    return math.ceil(value * 100) / 100


def _digits(value: float, low: float, high: float) -> int:
    """Return how many decimals it takes to show on which side of a limit a length is; mostly 2."""
    side = _outside(value, low, high)
    return next((n for n in (2, 3, 4, 5) if _outside(round(value, n), low, high) is side), 6)


def _check_length(req: MotionRequest, clip: Clip) -> Iterator[Finding]:
    orientation = req.character_orientation
    if not isinstance(orientation, str) or orientation not in ORIENTATIONS:
        orientation = "video"  # the widest range, until a valid one is chosen
    low, high = LIMITS.clip_length(orientation)
    # Compared in steps of 1 us; what is smaller is the noise of floats.
    length, most = round(clip.length, 6), round(high + LIMITS.clip_tolerance, 6)
    widest = LIMITS.clip_seconds["video"][1]
    switch = fix("fix_orientation_video", {"character_orientation": "video"}, low=low, high=widest)
    digits = _digits(length, low, most)
    shown: dict[str, Any] = {"length": f"{length:.{digits}f}", "low": low, "high": high}
    if not (math.isfinite(length) and length > 0):
        yield find("video_url", "error", "clip_no_length", name=clip.name)
    elif length < low:
        yield find("video_url", "error", "clip_short", **shown, missing=f"{low - length:.{max(digits, 3)}f}")
    elif length > most:
        shown |= {"over": f"{length - high:.{digits}f}", "orientation": orientation}
        if orientation == "image" and length <= widest + LIMITS.clip_tolerance:
            yield find("video_url", "error", "clip_long_switch", **shown, widest=widest, fixes=(switch,))
        else:
            yield find("video_url", "error", "clip_long", **shown)
    else:
        yield from _check_figures(clip, low, high, switch if orientation == "image" else None)


def _check_figures(clip: Clip, low: float, high: float, switch: Fix | None) -> Iterator[Finding]:
    """Warn if any length that a server may read is out of range; the container's passed."""
    figures = {
        "length_container": clip.length,
        "length_header": clip.mvhd_length,
        "length_video": clip.video_length,
        "length_moviepy": clip.moviepy_length,
    }
    known = [(name, round(value, 6)) for name, value in figures.items() if value is not None]
    out = [(name, value) for name, value in known if _outside(value, low, high)]
    if out:
        listed = ", ".join(
            f"{say(name)} {value:.{max(_digits(value, low, high), 3)}f} s" for name, value in out
        )
        widest = LIMITS.clip_seconds["video"][1]
        mends = switch is not None and not any(_outside(value, low, widest) for _, value in known)
        fixes = (switch,) if switch is not None and mends else ()
        yield find("video_url", "warning", "clip_borderline", figures=listed, low=low, high=high, fixes=fixes)


def check_pair(image: Image | ClipError | None, clip: Clip | ClipError | None) -> Iterator[Finding]:
    """Judge how the image and the clip go together."""
    if not isinstance(image, Image) or not isinstance(clip, Clip):
        return
    if not (image.aspect and clip.aspect):
        return
    ratio = max(image.aspect / clip.aspect, clip.aspect / image.aspect)
    if ratio >= LIMITS.aspect_factor:
        yield find(
            "image_url", "hint", "pair_aspect",
            image=f"{image.width}\u00d7{image.height}", clip=f"{clip.width}\u00d7{clip.height}",
        )  # fmt: skip


def check_shots(shots: Shots | None) -> Iterator[Finding]:
    """Hint at cuts and a moving camera."""
    if shots is None:
        return
    if shots.cuts:
        at = ", ".join(f"{second:.1f}" for second in shots.cuts[:4]) + (
            " \u2026" if len(shots.cuts) > 4 else ""
        )
        yield find("video_url", "hint", "clip_cuts", count=len(shots.cuts) + 1, at=at)
    if shots.camera is not None and shots.camera > LIMITS.camera_speed:
        yield find("video_url", "hint", "clip_camera", speed=round(100 * shots.camera))
