"""The media of a form: cards and fields, what repairs them, and what a click repairs before it submits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.media.repair.judge import mends_for
from motion_widgets.request.media_source import media_kind
from motion_widgets.widgets.media_card import MediaCards
from motion_widgets.widgets.media_field import ENDINGS, MediaField

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.media.repair.operation import Operation
    from motion_widgets.request.findings import Finding
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel
    from motion_widgets.widgets.form_field import Offer

__all__ = ["FormMedia"]

TRIMMED = {"clip_long", "clip_long_switch"}
"""What a trim mends, so that a click may do it."""
LOCATED = {"image_location", "clip_location"}
"""What is taken off before a medium becomes public."""


class FormMedia:
    """The image and the clip of a form.

    `request` returns the form's request; the others are called as `MediaField` calls them.
    """

    def __init__(
        self, host: Panel, *, request: Callable[[], MotionRequest], measured: Callable[[], None],
        looked: Callable[[], None], restored: Callable[[MotionRequest, str], None],
    ) -> None:  # fmt: skip
        self._host, self._request = host, request
        self.cards = MediaCards(host.ws.folder / "inputs")
        self.image = MediaField(
            host, "image", self.cards, measured=measured, looked=looked, restored=restored
        )
        self.clip = MediaField(host, "clip", self.cards, measured=measured, looked=looked, restored=restored)
        self.fields = {one.name: one for one in (self.image, self.clip)}
        """By wire field."""

    @property
    def facts(self) -> tuple[Clip | ClipError | None, Image | ClipError | None]:
        """What was measured of clip and image, or why they cannot be."""
        clip, image = self.clip.fact, self.image.fact
        return None if isinstance(clip, Image) else clip, None if isinstance(image, Clip) else image

    @property
    def measuring(self) -> bool:
        """Whether one is still being measured."""
        return any(one.measuring for one in self.fields.values())

    @property
    def is_busy(self) -> bool:
        """Whether one is being measured or repaired."""
        return self.measuring or any(one.repair.is_busy for one in self.fields.values())

    def known(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return findings without what is being measured."""
        pending = {name for name, one in self.fields.items() if one.measuring}
        return [one for one in findings if one.code != "not_measured" or one.field not in pending]

    # The user's own media.

    def own(self) -> dict[str, tuple[str, ...]]:
        """Draw the samples, and return them before the user's own files, by wire field."""
        samples = self._host.ws.samples()
        drawn = {"image_url": (samples.image,), "video_url": (samples.clip_6s, samples.clip_12s)}
        folder = self._host.ws.folder
        places = [folder] if in_visitor_mode() else [folder, Path.cwd()]
        own = sorted({path for place in places for path in place.iterdir()})[:500]
        found = {}
        for name, one in self.fields.items():
            files = [path for path in own if path.suffix.lower() in ENDINGS[one.which]][:50]
            found[name] = tuple(map(str, (*drawn[name], *files)))
        return found

    def offer(self, found: Mapping[str, tuple[str, ...]]) -> None:
        """Offer paths in the boxes."""
        for name, paths in found.items():
            self.fields[name].box.options = paths

    # Repairs.

    def _mends(self, *findings: Finding) -> list[Operation]:
        turned, shots = self._request().character_orientation, self.clip.shots
        return [op for one in findings for op in mends_for(one, *self.facts, turned, shots)]

    def draw(self, findings: Sequence[Finding]) -> None:
        """Show the trim bar where a trim would help, and the last repairs as long as they stand."""
        operations, turned = self._mends(*findings), self._request().character_orientation
        for one in self.fields.values():
            one.repair.draw([each for each in operations if each.kind == one.which], turned)

    def offers(self, finding: Finding, offered: set[object]) -> list[Offer]:
        """Return the buttons of what repairs a finding and was not `offered` beside another one."""
        offers = []
        for operation in self._mends(finding):
            medium = self.image if operation.kind == "image" else self.clip
            found = medium.repair.offer(operation)
            if found is not None and found[0] not in offered:
                offered.add(found[0])
                offers.append(found[1])
        return offers

    def after_trim(self, findings: Sequence[Finding]) -> tuple[Operation, Clip, list[Finding]] | None:
        """Return the trim that the bar offers, the clip as it will be then, and what is wrong then.

        None: the clip is not too long, or no part is chosen that fits.
        """
        part, clip = self.clip.repair.part, self.clip.fact
        if part is None or not isinstance(clip, Clip) or not any(one.code in TRIMMED for one in findings):
            return None
        length = float(part.parameters["length"])
        shorter = replace(
            clip, length=length, video_length=length, moviepy_length=None, mvhd_length=None,
            media_length=None,
        )  # fmt: skip
        return part, shorter, [one for one in findings if one.code not in TRIMMED]

    @property
    def local_facts(self) -> dict[str, Clip | Image]:
        """What was measured of the local media, by wire field."""
        facts = {name: one.fact for name, one in self.fields.items() if media_kind(one.value()) == "path"}
        return {name: one for name, one in facts.items() if isinstance(one, Clip | Image)}

    def strips(self, findings: Sequence[Finding]) -> dict[str, Operation]:
        """Return what takes the location off the local media, by wire field."""
        local = {name for name, one in self.fields.items() if media_kind(one.value()) == "path"}
        located = [one for one in findings if one.code in LOCATED and one.field in local]
        return {one.field: mends[0] for one in located if (mends := self._mends(one))}
