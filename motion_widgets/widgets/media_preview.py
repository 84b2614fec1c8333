"""Pictures of the media in a form: a thumbnail, a filmstrip, and the ruler of a clip's length."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.request.limits import LIMITS, MB
from motion_widgets.request.media_source import media_kind

if TYPE_CHECKING:
    from motion_widgets.core.errors import ClipError

__all__ = ["clip_line", "data_link", "image_line", "picture", "preview", "ruler"]


def data_link(data: bytes) -> str:
    """Return the bytes of a small picture as a ``data:`` link."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def picture(data: bytes, alt: str) -> str:
    """Return an ``img`` that carries the bytes of a small picture."""
    return f'<img alt="{escape(alt)}" src="{data_link(data)}">'


def _small(fact: Clip | Image) -> str:
    """Return a small picture of a local file; a link is not fetched for it. Blocks."""
    if media_kind(fact.source) != "path":
        return ""
    path = Path(fact.source).expanduser()
    try:
        if isinstance(fact, Clip):
            return picture(filmstrip(path), say("filmstrip_of", name=fact.name))
        return picture(thumbnail(path, 84), say("picture_of", name=fact.name))
    except (MotionError, OSError):
        return ""


def preview(fact: Clip | Image) -> str:
    """Return a small picture of a medium and its measured facts as HTML. Blocks."""
    said = image_line(fact) if isinstance(fact, Image) else clip_line(fact)
    told = f'<span class="mw-muted mw-small">{escape(said)}</span>'
    return f'<div class="mw-preview">{_small(fact)}{told}</div>'


def _bytes(size: int | None) -> str:
    if size is None:
        return say("size_unknown")
    return f"{size / MB:.1f} MB" if size >= MB / 10 else f"{size / 1000:.0f} kB"


def clip_line(clip: Clip) -> str:
    """Return the measured facts of a clip in one plain line."""
    fps = f"{clip.fps:.4g} fps" if clip.fps else say("fps_unknown")
    sound = say("with_sound" if clip.has_audio else "without_sound")
    moviepy = (
        f"moviepy {clip.moviepy_length:.2f} s" if clip.moviepy_length is not None else say("moviepy_silent")
    )
    sides = f"{clip.width} \u00d7 {clip.height} px"
    return f"{clip.length:.3f} s ({moviepy}), {sides}, {fps}, {clip.codec}, {sound}, {_bytes(clip.size)}"


def image_line(image: Image) -> str:
    """Return the measured facts of an image in one plain line."""
    return f"{image.width} \u00d7 {image.height} px, {image.format.upper()}, {_bytes(image.size)}"


def ruler(clip: Clip | ClipError | None, orientation: object) -> str:
    """Return a clip's length against what the orientation allows as HTML, drawn and in words."""
    low, high = LIMITS.clip_length(orientation)
    longest = LIMITS.clip_seconds["video"][1]
    allowed = say("ruler_allowed", low=low, high=high)
    length = clip.length if isinstance(clip, Clip) else None
    scale = max(longest, length or 0) * 1.02
    left, width = 100 * low / scale, 100 * (high - low) / scale
    bars = f'<div class="mw-ruler-range" style="left:{left:.2f}%;width:{width:.2f}%"></div>'
    spoken, shown = say("ruler_unknown", allowed=allowed), ""
    if length is not None:
        inside = low <= round(length, 6) <= high + LIMITS.clip_tolerance
        at = f"left:calc({100 * length / scale:.2f}% - 1.5px)"
        bars += f'<div class="mw-ruler-at{"" if inside else " mw-out"}" style="{at}"></div>'
        spoken = say("ruler_inside" if inside else "ruler_outside", length=length, allowed=allowed)
        shown = f"<b>{length:.2f} s</b>"
    words = f"<span>{escape(allowed)}</span><span>{shown}</span>"
    words = f'<div class="mw-ruler-words" aria-hidden="true">{words}</div>'
    return f'<div class="mw-ruler" role="img" aria-label="{escape(spoken)}">{bars}</div>{words}'
