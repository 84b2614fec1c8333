"""Publishing in the form: where a file becomes public, for how long, who agreed, and its link."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.publishing.destination import Destination, Published
from motion_widgets.request.media_source import media_kind, media_name
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.fold import Fold
from motion_widgets.workspace.public_links import MissingConsent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from motion_widgets.core.facts import Clip, Image
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel

__all__ = ["PublishPanel"]

WAYS = ("store", "command", "serve", "result")


@dataclass(frozen=True)
class _Seen:
    """What was last looked up."""

    place: Destination | None = None
    """Where clips are published. None: nowhere yet."""
    asked: tuple[MissingConsent, ...] = ()
    """The consents that are missing for the media in the form."""
    agreed: bool = False
    """Whether a person agreed to the place of clips."""


class PublishPanel(ui.Column):
    """Says where local media become public, asks for consent, and publishes.

    `get` returns the current request, and `use` puts a link into the form as the clip. `looked` is
    called when the place or the consents were looked up, or `strips` changed; it draws the panel with the
    rest of the form. `facts` returns what was measured of the local media, by wire field, and `strip` takes
    off where a field's file was taken; it blocks.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], MotionRequest], use: Callable[[str], None],
        looked: Callable[[], None], facts: Callable[[], Mapping[str, Clip | Image]],
        strip: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(cls="mw-publish", width="100%")
        self._host, self._get, self._use, self._looked = host, get, use, looked
        self._facts, self._strip = facts, strip
        self._seen = _Seen()
        self._published: Published | None = None
        self._busy = self._wanted = False
        self._about, self._asks, self._said = ui.live_region(), ui.live_region(), ui.live_region()
        self._where = ui.html()
        ways = [(say(f"publish_way_{one}"), one) for one in WAYS]
        self.way = ui.control(w.Dropdown, say("publish_way"), options=ways)
        self.way.observe(host.edge.guard(lambda _: self.draw()), "value")
        self.places: dict[str, w.Text] = {one: _box(one) for one in WAYS}
        self.keep = ui.button(host.edge, say("publish_keep"), self._keep)
        self.strip = ui.check_box(say("publish_strip"), width="100%", value=True)
        self.strip.observe(host.edge.guard(lambda _: looked()), "value")
        self.agree = ui.button(host.edge, say("publish_agree"), self._agree)
        self.withdraw = ui.button(host.edge, say("publish_withdraw"), self._withdraw)
        self.now = ui.button(host.edge, say("publish_now"), self._publish)
        self.link = ui.button(host.edge, say("publish_use"), self._use_link)
        place = (self._where, self.way, *self.places.values(), ui.flow(self.keep))
        buttons = ui.flow(self.agree, self.withdraw, self.now)
        shown = (self._about, *place, self._asks, self.strip, buttons)
        self.fold = Fold(host.edge, say("publish_open"), *shown, on_turn=self._turned_fold)
        self.children = (self.fold, self._said, ui.flow(self.link))
        self.draw()

    @property
    def asked(self) -> tuple[MissingConsent, ...]:
        """The consents that a submit still needs on a live endpoint."""
        return self._seen.asked if self._host.ws.live else ()

    @property
    def strips(self) -> bool:
        """Whether the location is taken off a file before it becomes public."""
        return bool(self.strip.value)

    @property
    def hosted(self) -> bool:
        """Whether a person chose where local clips are published."""
        return self._seen.place is not None

    def _turned_fold(self) -> None:
        self.draw()
        self.look()

    def look(self) -> None:
        """Look up, off the callbacks, where the media in the form would be published and who agreed."""
        req = self._get()

        def take(seen: _Seen) -> None:
            self._seen = seen
            self._looked()

        self._host.later("publishing", lambda: self._see(req), take, delay=DEBOUNCE)

    def _see(self, req: MotionRequest) -> _Seen:
        ws = self._host.ws
        to, links = ws.publish_to, ws.connection.links
        place = Destination.read(to) if to else None
        agreed = place is not None and links.consented(place)
        asked = links.asked(req)
        if not ws.live and place is not None and not agreed and _is_local(req.video_url):
            asked = [MissingConsent("video_url", media_name(req.video_url), place)]
        return _Seen(place, tuple(asked), agreed)

    def draw(self) -> None:
        """Draw the place, the consents that are missing, and what is known of their media by now."""
        req, live, seen = self._get(), self._host.ws.live, self._seen
        local = _is_local(req.image_url) or _is_local(req.video_url)
        wanted = live and local and (bool(seen.asked) or not seen.place)
        if wanted != self._wanted:  # between that it is a person's to open and close
            self._wanted = wanted
            self.fold.unfold(wanted=wanted)
        about = say("publish_live" if live else "publish_sandbox")
        ui.speak(self._about, ui.note(about) if self.fold.is_open else "")
        where = say("publish_where_now", place=seen.place.label) if seen.place else say("publish_nowhere")
        ui.assign(self._where, "value", ui.note(where))
        way = str(self.way.value)
        for one, place in self.places.items():
            ui.show(place, one == way)
        ui.assign(self.keep, "description", say("publish_result" if way == "result" else "publish_keep"))
        ui.speak(self._asks, "".join(self._ask(one) for one in seen.asked))
        ui.show(self.agree, seen.asked)
        ui.set_class(self.agree, "mw-primary", live)
        leaves = seen.place is not None and seen.place.to != "serve"
        ui.show(self.withdraw, seen.agreed and not seen.asked and leaves)
        ui.show(self.now, seen.place is not None and not seen.asked and _is_local(req.video_url))
        ui.assign(self.now, "disabled", self._busy)
        ui.assign(self.now, "description", say("publish_busy" if self._busy else "publish_now"))
        ui.show(self.link, self._published is not None)

    def _ask(self, asked: MissingConsent) -> str:
        """Return the question for a consent: which file, where, for how long, and if it names its place."""
        says, fact = asked.sentence, self._facts().get(asked.field)
        if fact is not None:
            says = replace(asked, name=fact.name).sentence
        if fact is not None and fact.has_location:
            says += " " + say("publish_located" if not self.strips else "publish_located_off")
        head = say(f"publish_question_{asked.field}")
        return ui.note(says, head, kind="warning")

    # What a person does.

    def _keep(self) -> None:
        way, ws = str(self.way.value), self._host.ws
        try:
            to = ui.require_typed(self.places[way].value, self.places[way].description).strip()
        except RequestError as error:
            self._complain(str(error))
            return
        if way == "serve" and to != "serve" and not to.startswith("serve:"):
            to = f"serve:{to}" if to else "serve"
        if way == "result":
            self._run(lambda: ws.publish(None, f"result:{to.removeprefix('result:')}"))
            return

        def kept(_: object) -> None:
            self.places[way].value = ""
            self._announce(say("publish_kept"))
            self.look()

        keep = partial(setattr, ws, "publish_to", to)
        self._host.later("publish to", keep, kept, failed=self._complain, in_turn=True)

    def _agree(self) -> None:
        self._consent({one.place.to for one in self._seen.asked}, given=True)

    def _withdraw(self) -> None:
        self._consent({self._seen.place.to} if self._seen.place is not None else set(), given=False)

    def _consent(self, places: set[str], *, given: bool) -> None:
        def done(_: object) -> None:
            self._announce(say("publish_agreed" if given else "publish_withdrawn"))
            self.look()

        if places:
            ws = self._host.ws
            self._host.later("consent", lambda: ws.consent(*sorted(places), given=given), done, in_turn=True)

    def _publish(self) -> None:
        def publish() -> Published:
            if self.strips:
                self._strip("video_url")
            return self._host.ws.publish(self._get().video_url)

        self._run(publish)

    def _run(self, publish: Callable[[], Published]) -> None:
        def idle(made: Published | None) -> None:
            self._busy, self._published = False, made
            self.draw()

        def done(made: Published) -> None:
            self._announce(_life(made))
            idle(made)

        def failed(message: str) -> None:
            self._complain(message)
            idle(None)

        with self._host.lock:
            if self._busy:
                return
            self._busy = True
            self._host.later("publish", publish, done, failed=failed)
            self.draw()  # only now: what fails in it leaves the button usable

    def _use_link(self) -> None:
        if self._published is not None:
            self._use(self._published.url)

    def _announce(self, text: str) -> None:
        ui.speak(self._said, ui.note(text, kind="ok"))

    def _complain(self, text: str) -> None:
        ui.speak(self._said, ui.note(text, say("word_error"), kind="error"))


def _box(way: str) -> Any:
    """Make the box for a place of one way to publish.

    It is not continuous, and emptied once its text is kept: a command may hold a password. Each way has a
    box of its own, whose traits never change: any change from here would empty it while somebody types.
    """
    hint = say(f"publish_hint_{way}")
    return ui.control(w.Text, say(f"publish_to_{way}"), placeholder=hint, continuous_update=False)


def _is_local(value: object) -> bool:
    return media_kind(value or None) == "path"


def _life(made: Published) -> str:
    """Return where a file is now and when its link expires."""
    if made.expires is None:
        return say("publish_done_open", name=made.name, place=made.to)
    when = datetime.fromtimestamp(made.expires, UTC)
    left = (when - datetime.now(UTC)).total_seconds() / 3600
    return say("publish_done", name=made.name, place=made.to, when=f"{when:%Y-%m-%d %H:%M} UTC", hours=left)
