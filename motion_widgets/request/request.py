"""A request as a person drafts it: fields, wire form, identity.

`MotionRequest` holds any draft, however wrong, and never raises; `rules.check` says what is wrong with
it. Identity (`key`) is by content: the same picture under another name, or the same link signed anew,
is the same request.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NotRequired, Self, TypedDict, cast

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.request.fields import FIELD, FIELDS, WIRE_FIELDS
from motion_widgets.request.media_source import link_identity, media_kind, media_source

__all__ = ["MotionRequest", "WireRequest", "require_request"]

KEY_VERSION = "motion-1"
"""Goes into every key, so that a later rule of identity never matches an older one by chance."""

_PLAIN_MOST = 100
"""Values inside one field that go into a key; a request that the endpoint takes has one."""


class WireRequest(TypedDict):
    """The JSON body of a submit."""

    model: str
    prompt: NotRequired[str]
    image_url: str
    video_url: str
    character_orientation: Literal["image", "video"]
    mode: Literal["std", "pro"]
    keep_original_sound: Literal["yes", "no"]
    watermark_info: NotRequired[dict[str, bool]]
    webhook: NotRequired[str]


def _media_identity(value: object) -> object:
    if isinstance(value, Clip | Image) and value.sha256:
        return f"sha256:{value.sha256}"
    source, kind = media_source(value), media_kind(value)
    if source is None:
        return value
    if kind == "link":
        return link_identity(source)
    if kind == "path":
        try:
            return f"sha256:{sha256_of(Path(source).expanduser())}"
        except (OSError, ValueError, RuntimeError):
            return f"path:{source}"
    return source


def _plain(value: object, room: list[int]) -> object:
    """Turn anything a draft may hold into JSON that is the same on every run.

    `room` holds how many values more are looked at, so that a draft that holds itself ends too.
    """
    room[0] -= 1
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, int):  # hex, because Python refuses to write an endless number in decimal
        return value if abs(value) < 2**63 else {"int": hex(value)}
    kind = type(value).__name__
    try:
        return _plain_object(value, kind, room) if room[0] > 0 else {kind: "\u2026"}
    except Exception:  # noqa: BLE001 - a draft may hold anything, a broken repr included
        return {kind: ""}


def _plain_object(value: object, kind: str, room: list[int]) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner, room) for name, inner in islice(value.items(), room[0])}
    if isinstance(value, list | tuple):
        return [_plain(inner, room) for inner in islice(value, room[0])]
    if isinstance(value, set | frozenset):  # whose order changes from run to run
        return {kind: sorted(repr(inner) for inner in value)}
    # The default repr names an address in memory, which is another one on every run.
    return {kind: "" if type(value).__repr__ is object.__repr__ else repr(value)}


@dataclass(frozen=True, kw_only=True, eq=True)
class MotionRequest:
    """One motion-control request. Any value is held as given; `check` judges it.

    Parameters
    ----------
    model
        ``"kling-v3-motion-control"`` or ``"kling-v2-6-motion-control"``.
    image_url
        The character: a public link, a local path, or a measured `Image`. Local media are published
        when the job is submitted.
    video_url
        The motion: a public direct link, a local path, or a measured `Clip`.
    character_orientation
        ``"image"`` (faces as in the image, clip 3-10 s) or ``"video"`` (faces as in the clip, clip 3-30 s).
    mode
        ``"std"`` (balance of speed and quality) or ``"pro"`` (higher quality, takes longer).
    prompt
        Motion, camera, style; at most 2500 characters. None or ``""``: no prompt.
    keep_original_sound
        The strings ``"yes"`` or ``"no"``. None: the default, ``"yes"``.
    watermark_info
        ``{"enabled": True}`` or ``{"enabled": False}``. None: left to the server.
    webhook
        A public base address that is told when the task ends. None: nobody is told.

    Examples
    --------
    >>> req = mw.MotionRequest(model="kling-v3-motion-control", image_url="hero.png", video_url="dance.mp4")
    >>> req.mode
    'std'
    """

    model: Any = None
    image_url: Any = None
    video_url: Any = None
    character_orientation: Any = "image"
    mode: Any = "std"
    prompt: Any = None
    keep_original_sound: Any = "yes"
    watermark_info: Any = None
    webhook: Any = None

    __hash__ = None  # type: ignore[assignment]  # a draft may hold a dict; use `key` to tell requests apart

    def replace(self, **changes: Any) -> Self:
        """Return the same draft with some fields changed.

        >>> req.replace(mode="pro").mode
        'pro'
        """
        return dataclasses.replace(self, **changes)

    def to_wire(self) -> WireRequest:
        """Return the JSON object for the wire, fields in the documentation's order.

        Optional fields that are not set are left out. A local path stands as it is: the job replaces it
        by the published link.

        >>> list(req.to_wire())
        ['model', 'prompt', 'image_url', 'video_url', 'character_orientation', 'mode', 'keep_original_sound']
        """
        values = ((field.name, field.to_wire(getattr(self, field.name))) for field in FIELDS)
        wire = {name: value for name, value in values if value is not None}
        return cast("WireRequest", wire)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Read a JSON body back into a request.

        Raises
        ------
        RequestError
            A field that the endpoint does not have: it would be dropped without a word there.
        """
        if not isinstance(wire, Mapping):
            raise RequestError.of("wire_not_object", found=type(wire).__name__)
        unknown = [str(name) for name in wire if name not in WIRE_FIELDS]
        if unknown:
            raise RequestError.of(
                "wire_unknown_field", names=", ".join(unknown)[:200], known=", ".join(WIRE_FIELDS)
            )
        stated = {field.name: None for field in FIELDS if field.required}  # a body has no defaults for these
        return cls(**{**stated, **wire})

    @property
    def key(self) -> str:
        """The identity of the content: 64 lower-case hex digits, the same on every machine.

        SHA-256 of canonical JSON with defaults filled in; local media by their bytes, links without
        signature parameters; `webhook` left out.

        >>> req.replace(webhook="https://example.org/done").key == req.key
        True
        """
        content: dict[str, object] = {"": KEY_VERSION}
        for name, value in self.to_wire().items():
            field = FIELD[name]
            if field.in_identity:
                inner = _media_identity(getattr(self, name)) if field.kind == "media" else value
                content[name] = _plain(inner, [_PLAIN_MOST])
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def require_request(req: object) -> MotionRequest:
    """Return a request as it is.

    Raises
    ------
    RequestError
        It is something else, such as the body of one.
    """
    if not isinstance(req, MotionRequest):
        raise RequestError.of("not_a_request", found=type(req).__name__)
    return req
