"""What can be done to a file, and what was done to it, as records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.messages import say
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.core.facts import Clip, Image

__all__ = ["Mend", "Operation"]

ENGINE = 1
"""Raised when the same operation starts to produce another file, so that an older file is not reused."""
_STEM = 40
"""Characters of the source's name that a result's name keeps; at four bytes each they fit any file system."""
_LABELS = {
    "hold_clip": "mend_hold_clip",
    "mute_clip": "mend_mute_clip",
    "strip_clip": "mend_strip_clip",
    "convert_clip": "mend_convert_clip",
    "scale_clip": "mend_scale_clip",
    "turn_image": "mend_turn_image",
    "strip_image": "mend_strip_image",
    "convert_image": "mend_convert_image",
    "shrink_image": "mend_shrink_image",
    "scale_image": "mend_scale_image",
    "pad_image": "mend_pad_image",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A mend that can be made, as a button offers it.

    >>> mw.Operation("trim_clip", {"start": 2.0, "length": 9.9}).kind
    'clip'
    """

    name: str
    """``"trim_clip"``, ``"pad_image"``, …: the name of its shortcut."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Its arguments as JSON values: times in s, sides in px."""

    @property
    def kind(self) -> Literal["clip", "image"]:
        """What it mends."""
        return "clip" if self.name.endswith("_clip") else "image"

    @property
    def label(self) -> str:
        """The text of its button."""
        values = dict(self.parameters)
        if self.name == "trim_clip":
            return _trim_label(values)
        if self.name == "fit_clip":
            return say("mend_fit_pad" if values["how"] == "pad" else "mend_fit_crop", **values)
        code = _LABELS.get(self.name)
        return say(code, **values) if code else self.name

    def file_name(self, source_name: str, source_sha: str) -> str:
        """Return the name of its result; the same source and parameters always give the same name."""
        content = json.dumps([ENGINE, source_sha, self.name, dict(self.parameters)], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        plain = "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in source_name)
        stem = Path(plain).stem[:_STEM].lstrip("-. ") or self.kind
        return f"{stem}.{self.name.partition('_')[0]}-{digest}{'.mp4' if self.kind == 'clip' else ''}"


def _trim_label(values: Mapping[str, Any]) -> str:
    start, length = values["start"], values["length"]
    if start == "stillest":
        return say("mend_trim_stillest", length=length)
    if not start:
        return say("mend_trim_first", length=length)
    return say("mend_trim_clip", start=start, end=start + (length or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """The provenance of a mended file.

    >>> done = mw.mend(samples.clip_6s, mw.Operation("mute_clip"))
    >>> done.measure().has_audio
    False
    """

    kind: Literal["clip", "image"]
    operation: str
    parameters: Mapping[str, Any]
    """As they were carried out: a ``"stillest"`` start has become a time in s."""
    source_sha: str
    """SHA-256 of the content, lower-case hex."""
    source_name: str
    source_path: str
    """Absolute."""
    result_sha: str
    result_name: str
    result_path: str
    """Absolute."""

    def measure(self) -> Clip | Image:
        """Measure the mended file again.

        Raises
        ------
        ClipError
            It is gone, or has been damaged since.
        """
        measure = measure_clip if self.kind == "clip" else measure_image
        return measure(self.result_path, hash_content=True)
