"""What is to be done to a file, and what was done to it, as records."""

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
"""Counts up when the same operation begins to give another file, so that an older file is not reused."""
_STEM = 40
"""Characters of the source's name that a result's name keeps; four bytes each still fit a file system."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One mend that can be made, as a button offers it."""

    name: str
    """Which: ``"trim_clip"``, ``"pad_image"``, … as the functions are called."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Its arguments, as JSON values; times in s, sides in px."""

    @property
    def kind(self) -> Literal["clip", "image"]:
        """What it mends."""
        return "clip" if self.name.endswith("_clip") else "image"

    @property
    def label(self) -> str:
        """What a button says."""
        values = dict(self.parameters)
        if self.name == "trim_clip":
            code = "mend_trim_clip"
            if values["start"] == "stillest":
                code = "mend_trim_stillest"
            elif not values["start"]:
                code = "mend_trim_first"
            return say(code, **{**values, "end": _end(values)})
        if self.name == "fit_clip":
            return say("mend_fit_pad" if values["how"] == "pad" else "mend_fit_crop", **values)
        return say(f"mend_{self.name}", **values)

    def file_name(self, source_name: str, source_sha: str) -> str:
        """Return the name of its result: the same source and parameters always give the same."""
        said = json.dumps([ENGINE, source_sha, self.name, dict(self.parameters)], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()[:12]
        plain = "".join(one if one.isprintable() and one not in '/\\:*?"<>|' else "_" for one in source_name)
        stem = Path(plain).stem[:_STEM].lstrip("-. ") or self.kind
        return f"{stem}.{self.name.partition('_')[0]}-{digest}{'.mp4' if self.kind == 'clip' else ''}"


def _end(values: Mapping[str, Any]) -> float:
    start, length = values["start"], values["length"]
    return float(length or 0) + (start if isinstance(start, int | float) else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """The provenance of a mended file."""

    kind: Literal["clip", "image"]
    operation: str
    parameters: Mapping[str, Any]
    """As they were carried out: a ``"stillest"`` start has become its second."""
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
        """Measure the mended file anew.

        Raises
        ------
        ClipError
            It is gone, or was spoiled since.
        """
        how = measure_clip if self.kind == "clip" else measure_image
        return how(self.result_path, hash_content=True)
