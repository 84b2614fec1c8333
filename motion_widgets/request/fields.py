"""The one table of the request's fields: whatever the toolkit has to know of a field stands in its row.

Wire order, choices, defaults, identity, the log's columns, what a retry and a sidecar carry, what a plan
remembers, axes and what is read from a terminal follow from here. How to add a field is in CONTRIBUTING.md.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from motion_widgets.core.paths import readable
from motion_widgets.request.limits import LONGEST_TEXT
from motion_widgets.request.media_source import media_source

__all__ = ["FIELD", "FIELDS", "MODELS", "MODES", "ORIENTATIONS", "SOUNDS", "WIRE_FIELDS", "Field"]

MODELS = ("kling-v3-motion-control", "kling-v2-6-motion-control")
ORIENTATIONS = ("image", "video")
MODES = ("std", "pro")
SOUNDS = ("yes", "no")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the wire."""

    name: str
    kind: Literal["choice", "text", "media", "object"]
    """``"media"`` is a link or a local file, ``"object"`` JSON; a ``"choice"`` is one of `choices`."""
    choices: tuple[Any, ...] = ()
    """What the endpoint takes. Empty: anything of its kind."""
    default: Any = None
    """What a new draft has."""
    required: bool = False
    """A body has to state it, so a body that is read back has no default for it."""
    unset_means: str | None = None
    """What is sent where it is not set. None: nothing is."""
    in_identity: bool = True
    """Another value is another request (`MotionRequest.key`), which is paid for anew."""
    free_text: bool = False
    """A person's own words, as likely as not different in every job."""

    def to_wire(self, value: object) -> Any:
        """Return what the body has for a draft's value. None: the body leaves the field out."""
        if self.kind == "media":
            source = media_source(value)
            return value if source is None else source
        if value is None or (self.kind == "text" and isinstance(value, str) and not value):
            return self.unset_means
        if self.kind == "object" and isinstance(value, Mapping):
            with contextlib.suppress(Exception):  # a draft's own mapping may be broken; `check` says so
                return dict(value)
        return value

    def to_column(self, value: Any) -> Any:
        """Return a wire value as the log stores it."""
        if self.kind == "media" and isinstance(value, str):
            return readable(value)  # no log takes a name with bytes that are no characters
        return json.dumps(value) if self.kind == "object" and value is not None else value

    def from_column(self, stored: str | None) -> Any:
        """Return a draft's value for what the log stores."""
        return json.loads(stored) if self.kind == "object" and stored else stored

    def parse(self, text: str) -> Any:
        """Return the value that a person wrote in a terminal or a table; ``""``: not set.

        An object that is not JSON stays text, so that `check` can say what is wrong with it.
        """
        if not text:
            return None
        if self.kind == "object":
            # What is no JSON stays text; `check` says so.
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(text)
        return text

    def holds(self, value: object) -> bool:
        """Return whether a value from a file is of this field's kind and a sensible size."""
        if self.kind == "object":
            return value in self.choices if self.choices else isinstance(value, dict)
        return isinstance(value, str) and len(value) <= LONGEST_TEXT


FIELDS = (
    Field(name="model", kind="choice", choices=MODELS, required=True),
    Field(name="prompt", kind="text", free_text=True),
    Field(name="image_url", kind="media", required=True),
    Field(name="video_url", kind="media", required=True),
    Field(name="character_orientation", kind="choice", choices=ORIENTATIONS, default="image", required=True),
    Field(name="mode", kind="choice", choices=MODES, default="std", required=True),
    Field(name="keep_original_sound", kind="choice", choices=SOUNDS, default="yes", unset_means="yes"),
    Field(name="watermark_info", kind="object", choices=({"enabled": True}, {"enabled": False})),
    # Where a finished task is announced changes nothing about the result, so it must not cost it again.
    Field(name="webhook", kind="text", in_identity=False),
)
"""Every field, in the order of the documented examples."""
FIELD = {field.name: field for field in FIELDS}
WIRE_FIELDS = tuple(FIELD)
