"""Whether a submit is accepted: first its body, field by field, then its image and clip.

A field's check is its row in `FIELDS`; what the fields are checked against are the wire facts, read anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.sandbox.measure import ClipFacts, Unreadable, measure_clip, measure_image
from motion_widgets.sandbox.price import MODELS
from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from motion_widgets.sandbox.fetch import Fetcher

__all__ = ["FIELDS", "CheckedMedia", "Field", "SubmitBody", "check_media", "read_body"]

_SHORTEST = 3.0  # s, and nothing below
_LONGEST = {"image": 10.0, "video": 30.0}  # s
_TOP_TOLERANCE = 0.05  # s; ordinary ways to cut to 10 s give up to 10.031 s
_EPSILON = 1e-6  # s; 10.05 read from a header is not exactly 10.05
# "MB" is read the strict way: what passes here passes wherever the line is really drawn.
_IMAGE_BYTES = 10_000_000
_CLIP_BYTES = 100_000_000
_IMAGE_SIDES = (300, 65_536)  # px
_CLIP_SIDES = (340, 3_850)  # px
_ASPECT = 2.5
_PROMPT = 2_500  # characters
_TYPES = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitBody:
    """The body of a submit, its fields checked."""

    model: str
    image_url: str
    video_url: str
    character_orientation: str
    mode: str
    prompt: str
    keep_original_sound: str
    watermark_info: bool
    webhook: str | None


@dataclass(frozen=True, slots=True)
class CheckedMedia:
    """The media of a submit: the stored files and the clip's facts."""

    image: Path
    clip: Path
    facts: ClipFacts


@dataclass(frozen=True, slots=True)
class Field:
    """How a field of a submit is checked."""

    read: Callable[[str, Any], Any]
    """Called with the field's name and value; returns what is kept, or raises an `ApiError` of 400."""
    wanted: str = ""
    """What a missing required field should have been."""
    default: Any = ...
    """What is kept when the field is absent. ``...``: it is required."""


def _string(name: str, value: Any, wanted: str = "") -> str:
    if not isinstance(value, str):
        hint = f": {wanted}" if wanted else ""
        raise ApiError.invalid(f"{name} must be a string, not {_type(value)}{hint}.")
    return value


def _one_of(*words: str, default: Any = ...) -> Field:
    wanted = f"one of {', '.join(words)}"

    def read(name: str, value: Any) -> str:
        word = _string(name, value, wanted)
        if word not in words:
            raise ApiError.invalid(f"{name} is {word[:80]!r}; it must be {wanted}.")
        return word

    return Field(read, wanted, default)


def _link(name: str, value: Any) -> str:
    link = _string(name, value)
    try:
        parts = urlsplit(link)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ApiError.invalid(f"{name} must be a publicly reachable http(s) link; base64 is not accepted.")
    return link


def _prompt(name: str, value: Any) -> str:
    prompt = _string(name, value)
    if len(prompt) > _PROMPT:
        raise ApiError.invalid(f"{name} has {len(prompt)} characters; at most {_PROMPT} are allowed.")
    return prompt


def _watermark(name: str, value: Any) -> bool:
    if not isinstance(value, dict):
        raise ApiError.invalid(f"{name} must be an object, not {_type(value)}.")
    enabled = value.get("enabled", False)
    if not isinstance(enabled, bool):
        raise ApiError.invalid(f"{name}.enabled must be true or false, not {_type(enabled)}.")
    return enabled


_REQUIRED_LINK = Field(_link, "a publicly reachable http(s) link")

FIELDS: dict[str, Field] = {
    "model": _one_of(*MODELS),
    "image_url": _REQUIRED_LINK,
    "video_url": _REQUIRED_LINK,
    "character_orientation": _one_of(*_LONGEST),
    "mode": _one_of("std", "pro"),
    "prompt": Field(_prompt, default=""),
    "keep_original_sound": _one_of("yes", "no", default="yes"),
    "watermark_info": Field(_watermark, default=False),
    "webhook": Field(_link, default=None),
}
"""Every field of a submit; its name is an attribute of `SubmitBody`."""


def read_body(raw: bytes) -> SubmitBody:
    """Check a body by itself. Unknown fields are dropped silently, as the provider does.

    Raises
    ------
    ApiError
        400, naming the field, its value and what is allowed.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise ApiError.invalid("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError.invalid("The body must be a JSON object.")
    values = {}
    for name, field in FIELDS.items():
        if name not in body and field.default is ...:
            raise ApiError.invalid(f"{name} is required: {field.wanted}.")
        values[name] = field.read(name, body[name]) if name in body else field.default
    return SubmitBody(**values)


def check_media(body: SubmitBody, fetcher: Fetcher) -> CheckedMedia:
    """Fetch, measure and check the media of a submit.

    Raises
    ------
    ApiError
        400, naming the value and the limit.
    """
    image = fetcher.fetch(body.image_url, "image_url", _IMAGE_BYTES)
    _check_image(image)
    clip = fetcher.fetch(body.video_url, "video_url", _CLIP_BYTES)
    return CheckedMedia(image, clip, _check_clip(clip, body.character_orientation))


def _check_image(path: Path) -> None:
    try:
        facts = measure_image(path)
    except Unreadable as error:
        raise ApiError.invalid(f"The reference image {error}. Use jpg or png.") from None
    if facts.format not in {"jpeg", "png"}:
        raise ApiError.invalid(f"The reference image is {facts.format}; only jpg, jpeg and png are accepted.")
    sides = _check_sides("image", facts.width, facts.height, _IMAGE_SIDES)
    if max(facts.width, facts.height) > _ASPECT * min(facts.width, facts.height):
        raise ApiError.invalid(f"The reference image is {sides}; its aspect must lie within 1:2.5 - 2.5:1.")


def _check_clip(path: Path, orientation: str) -> ClipFacts:
    try:
        facts = measure_clip(path)
    except Unreadable as error:
        raise ApiError.invalid(f"The reference video {error}. Use mp4 or mov.") from None
    _check_sides("video", facts.width, facts.height, _CLIP_SIDES)
    longest = _LONGEST[orientation]
    if facts.length < _SHORTEST - _EPSILON or facts.length > longest + _TOP_TOLERANCE + _EPSILON:
        raise ApiError.invalid(
            f"The reference video is {facts.length:.3f} s long; character_orientation '{orientation}' allows "
            f"{_SHORTEST:.0f}-{longest:.0f} s."
        )
    return facts


def _check_sides(what: str, width: int, height: int, limits: tuple[int, int]) -> str:
    low, high = limits
    sides = f"{width} x {height} px"
    if min(width, height) < low or max(width, height) > high:
        raise ApiError.invalid(f"The reference {what} is {sides}; each side must be {low}-{high} px.")
    return sides


def _type(value: object) -> str:
    return "null" if value is None else _TYPES.get(type(value), "an object")
