"""The cards of the form's media: a place to drop a file on, or its picture or clip with its name and facts.

A file arrives in pieces, so that a large one harms nothing. The page sends a piece only when the one before
is on the disk: neither the browser nor the kernel ever holds more than two of them, and messages of other
widgets get through in between. A clip is played from the server's files where the page can reach it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import traitlets as t

from motion_widgets.core.messages import say
from motion_widgets.request.limits import LIMITS, MB
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.upload import LIMITS_OF, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["ACTIONS", "MediaCard", "MediaCards", "ShownMedium"]

ACTIONS = ("link", "library", "sample", "keep", "remove")
"""What the card's menu asks for, beside choosing a file."""
PIECE = 1 << 20
"""Bytes of one message; a browser's connection to Jupyter takes 10 MB at most."""


class ShownMedium(TypedDict):
    """What a card shows. Every text may be anything: the page never reads it as HTML.

    `picture` is a ``data:image/…`` link. `path` is that of a clip to play, as `WallCell` has it.
    """

    name: str
    facts: NotRequired[str]
    badge: NotRequired[str]
    picture: NotRequired[str]
    alt: NotRequired[str]
    path: NotRequired[str]


class MediaCards(PageWidget, scripts=("player", "form_marks", "media_card")):
    """The cards of a form side by side; one widget, since its script is saved with each.

    It also marks the form's other controls for those who do not see them: ipywidgets has no traits for names
    of groups, `aria-invalid` and `aria-describedby`, nor for what is open.

    `folder` is the workspace's ``inputs/``.
    """

    cards = t.Dict().tag(sync=True)
    """The words and limits of each `MediaCard`, by which it is."""
    image = t.Dict().tag(sync=True)
    clip = t.Dict().tag(sync=True)
    """What is on the cards, as a `ShownMedium`. Empty: nothing yet."""
    fields = t.Dict().tag(sync=True)
    """By wire field: its `name`, whether it is `wrong`, and the ids of the sentences `by` which."""
    piece = t.Int(PIECE).tag(sync=True)
    """Bytes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._cards: dict[object, MediaCard] = {}
        self._uploads: dict[str, Upload] = {}

    def add(self, card: MediaCard, **words: object) -> None:
        """Show a card."""
        self._cards[card.which] = card
        self.cards = {**self.cards, card.which: words}

    def focus_on(self, which: str) -> None:
        """Move the focus to a card."""
        if not self._closed:
            self.send({"type": "focus", "which": which})

    def _clean_up(self) -> None:
        """Remove uploads that did not finish."""
        for one in self._uploads.values():
            one.drop()
        self._uploads.clear()

    def _receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        what, action, which = content.get("type"), content.get("action"), content.get("which")
        if what == "bytes" and isinstance(content.get("id"), str):
            self._submit(self._answer_bytes, content["id"])
        elif which not in ("image", "clip"):
            return
        elif what == "action" and action in ACTIONS:
            self._cards[which].on_action(str(action))
        elif isinstance(content.get("id"), str):
            self._submit(self._take, content, buffers)

    def _answer_bytes(self, request: str) -> None:
        path = self.clip.get("path")
        self._send_file(request, path or "", self._cards["clip"].read, shown=path)

    def _take(self, content: dict[str, Any], pieces: list[Any]) -> None:
        name, what = content["id"], content.get("type")
        try:
            if what == "begin":
                self._begin(name, content)
            elif what == "piece" and name in self._uploads and pieces:
                self._piece(name, content, pieces[0])
            elif what == "cancel" and name in self._uploads:
                self._uploads.pop(name).drop()
        except Exception as error:  # noqa: BLE001 - whatever it was, the page waits for an answer
            upload = self._uploads.pop(name, None)
            if upload is not None:
                upload.drop()
            self._answer(name, "refused", message=self.edge.told(error, "upload"))

    def _begin(self, name: str, content: dict[str, Any]) -> None:
        size = content.get("size")
        size = size if isinstance(size, int) and not isinstance(size, bool) else 0
        self._uploads[name] = Upload(
            self._folder, str(content.get("name")), size, {content["which"], "request"}
        )
        self._answer(name, "taken", offset=0)

    def _piece(self, name: str, content: dict[str, Any], data: Any) -> None:
        upload = self._uploads[name]
        offset = content.get("offset")
        upload.add(offset if isinstance(offset, int) else -1, memoryview(data))
        if upload.taken < upload.size:
            self._answer(name, "taken", offset=upload.taken)
            return
        path = upload.finish()
        del self._uploads[name]
        self._answer(name, "done", name=upload.name)
        self.edge.run(partial(self._cards[content["which"]].on_file, path))

    def _answer(self, upload: str, what: str, /, **more: Any) -> None:
        if not self._closed:
            self.send({"type": what, "id": upload, **more})


class MediaCard:
    """A medium of the form, or the place to drop one on.

    Parameters
    ----------
    cards
        Among which it stands.
    field
        The wire field.
    accept
        Endings that the browser's dialog offers, with their dots.
    on_file
        Called with the path of a whole file, on the cards' own thread.
    on_action
        Called with one of `ACTIONS`.
    read
        Return the bytes of the clip on the card, for hosts whose files the page cannot reach.
    """

    def __init__(
        self, cards: MediaCards, which: Literal["image", "clip"], *, field: str, accept: Sequence[str],
        on_file: Callable[[Path], None], on_action: Callable[[str], None],
        read: Callable[[str], bytes | None] | None = None,
    ) -> None:  # fmt: skip
        self.cards, self.which = cards, which
        self.on_file, self.on_action, self.read = on_file, on_action, read
        cards.add(
            self, label=say(f"form_{which}_card"), title=say(f"form_{which}_drop"), hint=_limits_of(which),
            choose=say(f"form_{which}_pick"), accept=",".join(accept), limit=LIMITS_OF[which], field=field,
        )  # fmt: skip

    @property
    def shown(self) -> ShownMedium:
        """What is on it."""
        shown: ShownMedium = getattr(self.cards, self.which)
        return shown

    @shown.setter
    def shown(self, shown: Mapping[str, Any]) -> None:
        setattr(self.cards, self.which, dict(shown))

    def focus(self) -> None:
        """Move the focus to it."""
        self.cards.focus_on(self.which)


def _limits_of(which: str) -> str:
    """Return in words what the endpoint takes."""
    if which == "image":
        return say("form_image_takes", low=LIMITS.image_side[0], most=LIMITS.image_bytes // MB)
    low, high = LIMITS.clip_seconds["video"]
    return say("form_clip_takes", low=low, high=high, most=LIMITS.clip_bytes // MB)
