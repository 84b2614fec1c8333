"""What can be done to a file, and what was done to it, as records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.messages import MESSAGES, say
from motion_widgets.core.paths import plain_name
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip, Image

__all__ = ["PARAMETERS", "Mend", "Operation"]

ENGINE = 4
"""Raised when the same operation starts to produce another file, so that an older file is not reused."""
_STEM = 40
"""Characters of the source's name that a result's name keeps; at four bytes each they fit any file system."""
_LARGEST = 1e9
"""s or px; an int of a row that somebody made up may be larger than any float."""
PARAMETERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "trim_clip": (frozenset(), frozenset({"start", "length"})),
    "hold_clip": (frozenset({"length"}), frozenset()),
    "scale_clip": (frozenset(), frozenset({"width"})),
    "fit_clip": (frozenset({"aspect", "how"}), frozenset()),
    "convert_image": (frozenset(), frozenset({"form"})),
    "scale_image": (frozenset({"least"}), frozenset()),
    "pad_image": (frozenset(), frozenset({"aspect"})),
}
"""The parameters that an operation needs, and those that it may have; others have none."""


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
    def is_complete(self) -> bool:
        """Whether it has the parameters that it needs and no other, each of its kind."""
        needed, more = PARAMETERS.get(self.name, (frozenset(), frozenset()))
        if not isinstance(self.parameters, Mapping):
            return False
        given = self.parameters.keys()
        return needed <= given <= needed | more and all(map(_can_be, given, self.parameters.values()))

    @property
    def kind(self) -> Literal["clip", "image"]:
        """What it mends."""
        return "clip" if self.name.endswith("_clip") else "image"

    @property
    def _is_known(self) -> bool:
        return f"made_{self.name}" in MESSAGES

    @property
    def label(self) -> str:
        """The text of its button."""
        values = dict(self.parameters)
        if not self.is_complete:
            return self.name
        if self.name == "trim_clip":
            return _trim_label(values)
        if self.name == "fit_clip":
            return say("mend_fit_pad" if values["how"] == "pad" else "mend_fit_crop", **values)
        return say(f"mend_{self.name}", **values) if self._is_known else self.name

    def own_name(self, source_name: str, suffix: str) -> str:
        """Return what a person calls its result: the source's name, and what was done to it if that is known.

        The operation may come from a row that somebody made up. `suffix` is the result's.
        """
        start, length = self.parameters.get("start"), self.parameters.get("length")
        how = ""
        if self.name != "trim_clip":
            how = say(f"made_{self.name}") if self._is_known else ""
        elif self.is_complete and isinstance(start, int | float) and isinstance(length, int | float):
            how = say("made_trim_clip", start=start, end=start + length)
        return f"{Path(source_name).stem}{f' ({how})' if how else ''}{suffix}"

    def file_name(self, source_name: str, source_sha: str) -> str:
        """Return the name of its result; the same source and parameters always give the same name."""
        content = json.dumps([ENGINE, source_sha, self.name, dict(self.parameters)], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:12]
        stem = Path(plain_name(source_name)).stem[:_STEM].lstrip("-. ") or self.kind
        return f"{stem}.{self.name.partition('_')[0]}-{digest}{'.mp4' if self.kind == 'clip' else ''}"


def _can_be(name: str, value: object) -> bool:
    """Return whether a parameter can have a value: text where it is a word, else a number or None."""
    if isinstance(value, str):
        return name in {"how", "form"} or (name, value) == ("start", "stillest")
    if value is None:
        return name not in {"how", "start"}
    return isinstance(value, int | float) and abs(value) < _LARGEST and name not in {"how", "form"}


def _trim_label(values: Mapping[str, Any]) -> str:
    start, length = values.get("start", 0.0), values.get("length")
    if length is None:
        return say("mend_trim_from", start=0.0 if start == "stillest" else start)
    if start == "stillest":
        return say("mend_trim_stillest", length=length)
    if not start:
        return say("mend_trim_first", length=length)
    return say("mend_trim_clip", start=start, end=start + length)


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
        return measure(Path(self.result_path), hash_content=True)
