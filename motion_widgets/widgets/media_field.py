"""One medium of a request in the form: its card, a path or link, the library, findings and repairs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets as w

from motion_widgets.core.errors import ClipError, MotionError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.messages import say
from motion_widgets.media.shots import measure_shots
from motion_widgets.request.media_source import media_kind, media_name
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.form_field import FormField
from motion_widgets.widgets.library_picker import LibraryPicker
from motion_widgets.widgets.media_card import MediaCard, MediaCards
from motion_widgets.widgets.media_preview import clip_to_play, shown_medium
from motion_widgets.widgets.media_repair import MediaRepair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from motion_widgets.core.facts import Shots
    from motion_widgets.widgets.base import Panel

__all__ = ["ENDINGS", "MediaField"]

ENDINGS = {"image": (".png", ".jpg", ".jpeg"), "clip": (".mp4", ".mov", ".m4v")}
_MENDED = {
    "image": (".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    "clip": (".webm", ".mkv", ".avi", ".gif"),
}
"""What is accepted too, since it can be converted."""
_NAMES = {"image": "image_url", "clip": "video_url"}


class MediaField(FormField):
    """A medium, the ways to choose one, and what can be done about the findings.

    Parameters
    ----------
    which
        ``"image"`` or ``"clip"``.
    cards
        Where its card stands.
    measured, looked
        Called when the medium was measured, and when what is known of it changed otherwise: a clip's frames
        were looked at for hints, or another part of it was chosen.
    restored
        Called with the request of a result that was dropped here, and the file's name.
    """

    def __init__(
        self, host: Panel, which: Literal["image", "clip"], cards: MediaCards, *, looked: Callable[[], None],
        measured: Callable[[], None], restored: Callable[[MotionRequest, str], None],
    ) -> None:  # fmt: skip
        self._host, self.which = host, which
        self.name = _NAMES[which]
        """The wire field."""
        self._changed, self._looked, self._restored = measured, looked, restored
        self.fact: Clip | Image | ClipError | None = None
        """What was measured, or why it cannot be. None: nothing yet."""
        self.shots: Shots | None = None
        """What a look at a clip's frames found. None: nothing yet, or its file is not here."""
        self.measuring = False
        hint = say(f"form_{which}_hint")
        self.box = ui.control(w.Combobox, say(f"form_{which}"), placeholder=hint, ensure_option=False)
        self.link = ui.Column(self.box, width="100%")
        """The box for a path or link, shown once somebody asks for it."""
        ui.show(self.link, visible=False)
        self.card = MediaCard(
            cards, which, field=self.name, accept=(*ENDINGS[which], *_MENDED[which], ".json"),
            on_file=self._arrived, on_action=self.act, read=lambda _: clip_to_play(self.fact),
        )  # fmt: skip
        """Stands beside the other medium's; the field itself stands below both."""
        self.library = LibraryPicker(host, which, value=self._named, use=self.use)
        self.repair = MediaRepair(host, which, value=self.value, use=self.use, fact=lambda: self.fact,
                                  changed=looked)  # fmt: skip
        super().__init__(host.edge, self.link, self.library)
        self.children += (self.repair,)
        self.add_class("mw-media-field")
        self.box.observe(host.edge.guard(lambda _: self.measure()), "value")

    def act(self, action: str) -> None:
        """Do what the card's menu asks for: one of `ACTIONS`."""
        if action == "link":
            ui.show(self.link, visible=True)
            self.box.focus()
        elif action == "library":
            self.library.toggle()
        elif action == "keep":
            self.library.keep()
        elif action == "sample":
            self._host.later(f"sample {self.which}", self._sample, partial(self._use_instead, self.value()))
        else:
            self.use("")

    def _sample(self) -> str:
        samples = self._host.ws.samples()
        return str(samples.image if self.which == "image" else samples.clip_6s)

    def _named(self) -> tuple[str, str]:
        """Return the path or link in the form, and what a person calls it."""
        return self.value(), self.fact.name if isinstance(self.fact, Clip | Image) else ""

    def value(self) -> str:
        """Return the path or link in the form; ``""``: none."""
        return ui.typed(self.box.value).strip()

    def use(self, value: str) -> None:
        """Put a path or link into the form."""
        self.box.value = value

    def _use_instead(self, before: str, value: str) -> None:
        """Put a path into the form, unless a person put another one there meanwhile."""
        if self.value() == before:
            self.use(value)

    def _arrived(self, path: Path) -> None:
        """Take a file that came from the browser; on the picker's thread."""
        request, is_sidecar = None, path.suffix.lower() == ".json"
        if is_sidecar or self.which == "clip":
            try:
                request = self._host.ws.restore(path)
            except MotionError as error:
                if is_sidecar:
                    self._host.announce(str(error), bad=True)
                    return
        with self._host.lock:
            if self._host.closed:
                return
            if request is not None:
                self._restored(request, path.name)
            else:
                self.use(str(path))

    # Measuring, off the keystroke path.

    def measure(self) -> None:
        """Start measuring the medium in the form."""
        value, which = self.value(), self.which
        self.fact = self.shots = None
        self._host.later(f"shots {which}", lambda: None)  # a look under way comes too late now
        self.measuring = media_kind(value or None) in ("path", "link")
        facts = {"facts": say("measuring")} if self.measuring else {}
        self._show({"name": media_name(value), **facts} if value else {})
        if not self.measuring:
            self._host.later(which, lambda: None)
            return
        delay = 0.0 if value in self.box.options else DEBOUNCE
        self._host.later(
            which, lambda: self._measure(value), self._measured, failed=self._unmeasured, delay=delay
        )

    def _measure(self, value: str) -> tuple[Clip | Image | ClipError | None, Mapping[str, Any]]:
        """Return what was measured, and what the card shows of it."""
        clip, image = self._host.ws.preparation.measure(MotionRequest(**{self.name: value}))
        fact = image if self.which == "image" else clip
        return fact, shown_medium(fact) if isinstance(fact, Clip | Image) else {"name": media_name(value)}

    def _measured(self, found: tuple[Clip | Image | ClipError | None, Mapping[str, Any]]) -> None:
        self.measuring = False
        self.fact, shown = found
        self._show(shown)
        self._changed()
        if isinstance(self.fact, Clip):
            self._host.later(f"shots {self.which}", partial(self._look, self.fact), self._found)

    def _unmeasured(self, message: str) -> None:
        self._measured((ClipError(message), {"name": media_name(self.value())}))

    def _show(self, shown: Mapping[str, Any]) -> None:
        ui.assign(self.card, "shown", {**shown, "name": str(shown["name"])[:200]} if shown else {})

    def _look(self, clip: Clip) -> Shots | None:
        """Look at a clip's frames for hints; one that cannot be decoded has none."""
        try:
            return measure_shots(clip)
        except (MotionError, OSError):  # hints are a comfort; the measuring says what is wrong
            return None

    def _found(self, shots: Shots | None) -> None:
        if shots is not None:
            self.shots = shots
            self._looked()
