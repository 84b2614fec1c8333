"""Pictures and facts of the media in a form: what a card shows of a measured clip or image."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.media.preview import filmstrip, thumbnail
from motion_widgets.request.limits import MB
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets.page_files import page_path
from motion_widgets.widgets.row_text import dotted

if TYPE_CHECKING:
    from motion_widgets.widgets.media_card import ShownMedium

__all__ = ["clip_to_play", "data_link", "picture", "shown_medium"]

HEIGHT = 240
"""px of the picture on a card."""


def data_link(data: bytes) -> str:
    """Return the bytes of a small picture as a ``data:`` link."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def picture(data: bytes, alt: str) -> str:
    """Return an ``img`` that carries the bytes of a small picture."""
    return f'<img alt="{escape(alt)}" src="{data_link(data)}">'


def shown_medium(fact: Clip | Image) -> ShownMedium:
    """Return what a card shows of a medium: name, facts, picture, and where a clip plays. Blocks."""
    shown: ShownMedium = {"name": fact.name, "facts": _facts(fact)}
    if isinstance(fact, Clip):
        sound = say("with_sound" if fact.has_audio else "without_sound")
        shown |= {"badge": dotted(f"{fact.length:.1f} s", sound), "alt": say("clip_of", name=fact.name)}
    else:
        shown["alt"] = say("picture_of", name=fact.name)
    if media_kind(fact.source) != "path":  # a link is not fetched for it
        return shown
    path = Path(fact.source).expanduser()
    try:
        data = filmstrip(path, 1, HEIGHT) if isinstance(fact, Clip) else thumbnail(path, HEIGHT)
        shown["picture"] = data_link(data)
    except (MotionError, OSError):  # the facts are shown without a picture
        pass
    if isinstance(fact, Clip):
        shown["path"] = page_path(path)
    return shown


def clip_to_play(fact: object) -> bytes | None:
    """Return the bytes of a measured clip for a page that cannot reach it; None: it is no local clip."""
    if not isinstance(fact, Clip) or media_kind(fact.source) != "path":
        return None
    return Path(fact.source).expanduser().read_bytes()


def _facts(fact: Clip | Image) -> str:
    size = fact.size or 0
    weight = say("size_unknown")
    if fact.size is not None:
        weight = f"{size / MB:.1f} MB" if size >= MB / 10 else f"{size / 1000:.0f} kB"
    if isinstance(fact, Image):
        return dotted(f"{fact.width} \u00d7 {fact.height}", weight)
    fps = f"{fact.fps:.3g} fps" if fact.fps else say("fps_unknown")
    return dotted(f"{min(fact.width, fact.height)}p", fps, weight)
