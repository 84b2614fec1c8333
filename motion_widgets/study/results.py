"""The results that a study is about: of which image, clip and prompt they are, and by which settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.log.states import State
from motion_widgets.request.fields import FIELDS
from motion_widgets.request.media_source import link_identity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from motion_widgets.core.money import Micro
    from motion_widgets.log.axes import Content
    from motion_widgets.log.rows import JobRow

__all__ = ["SETTINGS", "Result", "results_of", "settings_of", "varying"]

SETTINGS = tuple(field.name for field in FIELDS if field.in_identity and field.kind != "media")
"""The fields that may be asked about; the prompt belongs to the block unless it is the one."""


@dataclass(frozen=True)
class Result:
    """A collected result."""

    id: str
    """Its job's."""
    image: Content
    clip: Content
    settings: dict[str, str]
    """Every field of `SETTINGS` as text; ``""``: not set."""
    repeat: int
    bill: Micro | None
    """Micro-dollars. None: not known."""
    seconds: float | None
    """Of its clip."""
    row: JobRow

    def block(self, axis: str = "") -> str:
        """Return a short name of its image, clip and prompt (without the prompt where that is the axis)."""
        prompt = "" if axis == "prompt" else self.settings["prompt"]
        words = json.dumps([self.image, self.clip, prompt])
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def others(self, axis: str) -> tuple[str, ...]:
        """Return all settings but one, and the block: what two results of a matched pair share."""
        return (self.block(axis), *(value for name, value in self.settings.items() if name != axis))

    def setting(self, axes: Iterable[str]) -> str:
        """Return its values of some axes, as people read them."""
        return " \u00b7 ".join(self.settings[name] or "\u2013" for name in axes)


def results_of(rows: Iterable[JobRow]) -> list[Result]:
    """Return the collected results among jobs, by id, so that a later one comes after the earlier ones."""
    made = {row.id: settings_of(row) for row in rows if row.state == State.COLLECTED and row.drivable}
    return [made[one] for one in sorted(made)]


def settings_of(row: JobRow) -> Result:
    """Return a job as a result, whatever became of it."""
    settings = {}
    for field in FIELDS:
        if field.name in SETTINGS:
            value = getattr(row, field.name)
            settings[field.name] = str(value or field.unset_means or "")
    return Result(
        row.id, _content(row.image_sha, row.image_url), _content(row.clip_sha, row.video_url), settings,
        row.repeat, row.cost, row.clip_length, row,
    )  # fmt: skip


def _content(sha: str | None, source: str | None) -> Content:
    return ("sha", sha) if sha else ("source", link_identity(source or ""))


def varying(results: Iterable[Result]) -> dict[str, list[str]]:
    """Return the axes on which results differ, each with its values."""
    found: dict[str, list[str]] = {}
    for one in results:
        for name, value in one.settings.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: sorted(values) for name, values in found.items() if len(values) > 1}
