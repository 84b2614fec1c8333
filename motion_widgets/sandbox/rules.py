"""Whether a request is accepted, and at what price. No example is known here, only the rules.

First the body alone, strictly by type; then the image and the clip themselves, fetched and measured.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.sandbox.measure import ClipFacts, Unreadable, measure_clip, measure_image
from motion_widgets.sandbox.responses import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.sandbox.fetch import Fetcher

__all__ = ["PRICES", "Order", "Verdict", "billed_seconds", "judge", "price", "read_order"]

PRICES = {
    ("kling-v2-6-motion-control", "std"): 5_712,
    ("kling-v2-6-motion-control", "pro"): 9_144,
    ("kling-v3-motion-control", "std"): 10_288,
    ("kling-v3-motion-control", "pro"): 13_712,
}
"""1/100,000 USD per second of the reference video, as of 2026-10."""

_MODELS = tuple(dict.fromkeys(model for model, _ in PRICES))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The body of a submit, its types checked."""

    model: str
    image_url: str
    video_url: str
    orientation: str
    mode: str
    sound: bool
    watermark: bool
    prompt: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What judging the media found: the kept files, the clip's facts and the charge in 1/100,000 USD."""

    image: Path
    clip: Path
    facts: ClipFacts
    charge: int


def billed_seconds(length: float) -> int:
    """Whole seconds that are billed: `length` (s) rounded half up, so 9.066 s is 9 and 9.5 s is 10."""
    return math.floor(length + 0.5 + _EPSILON)


def price(model: str, mode: str, length: float) -> int:
    """Charge in 1/100,000 USD for a clip of `length` s."""
    return PRICES[model, mode] * billed_seconds(length)


def read_order(raw: bytes) -> Order:
    """Check a body by itself. Fields that are not known are dropped in silence, as the provider does.

    Raises
    ------
    Refusal
        400, naming the field, what came and what may come.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal.parameter("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refusal.parameter("The body must be a JSON object.")
    order = Order(
        model=_word(body, "model", _MODELS),
        image_url=_link(body, "image_url"),
        video_url=_link(body, "video_url"),
        orientation=_word(body, "character_orientation", tuple(_LONGEST)),
        mode=_word(body, "mode", ("std", "pro")),
        sound="keep_original_sound" not in body or _word(body, "keep_original_sound", ("yes", "no")) == "yes",
        watermark=_watermark(body),
        prompt=_prompt(body),
    )
    if "webhook" in body:
        _link(body, "webhook")
    return order


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt", "")
    if not isinstance(prompt, str):
        raise Refusal.parameter(f"prompt must be a string, not {_kind(prompt)}.")
    if len(prompt) > _PROMPT:
        raise Refusal.parameter(f"prompt has {len(prompt)} characters; at most {_PROMPT} are allowed.")
    return prompt


def judge(order: Order, fetcher: Fetcher) -> Verdict:
    """Fetch and measure the media of an order, and price it.

    Raises
    ------
    Refusal
        400, naming the value and the limit.
    """
    image = fetcher.fetch(order.image_url, "image_url", _IMAGE_BYTES)
    _judge_image(image.path)
    clip = fetcher.fetch(order.video_url, "video_url", _CLIP_BYTES)
    facts = _judge_clip(clip.path, order.orientation)
    return Verdict(image.path, clip.path, facts, price(order.model, order.mode, facts.length))


def _judge_image(path: Path) -> None:
    try:
        facts = measure_image(path)
    except Unreadable as error:
        raise Refusal.parameter(f"The reference image {error}. Use jpg or png.") from None
    if facts.format not in {"jpeg", "png"}:
        raise Refusal.parameter(
            f"The reference image is {facts.format}; only jpg, jpeg and png are accepted."
        )
    low, high = _IMAGE_SIDES
    sides = f"{facts.width} x {facts.height} px"
    if min(facts.width, facts.height) < low or max(facts.width, facts.height) > high:
        raise Refusal.parameter(f"The reference image is {sides}; each side must be {low}-{high} px.")
    if max(facts.width, facts.height) > _ASPECT * min(facts.width, facts.height):
        raise Refusal.parameter(f"The reference image is {sides}; its aspect must lie within 1:2.5 - 2.5:1.")


def _judge_clip(path: Path, orientation: str) -> ClipFacts:
    try:
        facts = measure_clip(path)
    except Unreadable as error:
        raise Refusal.parameter(f"The reference video {error}. Use mp4 or mov.") from None
    low, high = _CLIP_SIDES
    if min(facts.width, facts.height) < low or max(facts.width, facts.height) > high:
        sides = f"{facts.width} x {facts.height} px"
        raise Refusal.parameter(f"The reference video is {sides}; each side must be {low}-{high} px.")
    longest = _LONGEST[orientation]
    if facts.length < _SHORTEST - _EPSILON or facts.length > longest + _TOP_TOLERANCE + _EPSILON:
        raise Refusal.parameter(
            f"The reference video is {facts.length:.3f} s long; character_orientation '{orientation}' allows "
            f"{_SHORTEST:.0f}-{longest:.0f} s."
        )
    return facts


def _word(body: dict[str, Any], field: str, words: tuple[str, ...]) -> str:
    """Read a field that must be one of a few strings."""
    if field not in body:
        raise Refusal.parameter(f"{field} is required: one of {', '.join(words)}.")
    value = body[field]
    if not isinstance(value, str):
        raise Refusal.parameter(f"{field} must be a string, not {_kind(value)}: one of {', '.join(words)}.")
    if value not in words:
        raise Refusal.parameter(f"{field} is {value[:80]!r}; it must be one of {', '.join(words)}.")
    return value


def _link(body: dict[str, Any], field: str) -> str:
    """Read a field that must be an http(s) link."""
    if field not in body:
        raise Refusal.parameter(f"{field} is required: a publicly reachable http(s) link.")
    value = body[field]
    if not isinstance(value, str):
        raise Refusal.parameter(f"{field} must be a string, not {_kind(value)}.")
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Refusal.parameter(f"{field} must be a publicly reachable http(s) link; base64 is not accepted.")
    return value


def _watermark(body: dict[str, Any]) -> bool:
    value = body.get("watermark_info", {})
    if not isinstance(value, dict):
        raise Refusal.parameter(f"watermark_info must be an object, not {_kind(value)}.")
    enabled = value.get("enabled", False)
    if not isinstance(enabled, bool):
        raise Refusal.parameter(f"watermark_info.enabled must be true or false, not {_kind(enabled)}.")
    return enabled


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")
