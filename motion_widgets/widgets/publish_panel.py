"""Publishing in the form: where a file becomes public, for how long, who agreed, and its link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ipywidgets as w

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.publishing.destination import Destination, Published
from motion_widgets.request.media_source import media_kind, media_name
from motion_widgets.request.request import MotionRequest
from motion_widgets.widgets.base import DEBOUNCE
from motion_widgets.widgets.controls import (
    Column,
    assign,
    button,
    control,
    flow,
    html,
    live_region,
    note,
    show,
    status,
)
from motion_widgets.workspace.public_links import MissingConsent

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.request.request import MotionRequest
    from motion_widgets.widgets.base import Panel

__all__ = ["PublishPanel"]

WAYS = ("store", "command", "serve", "result")


@dataclass(frozen=True)
class _Seen:
    """What was found out off the callbacks."""

    place: Destination | None = None
    """Where clips are published. None: nowhere yet."""
    asked: tuple[MissingConsent, ...] = ()
    """The consents that are missing for what stands in the form."""
    agreed: bool = False
    """Whether a person agreed to the place of clips."""


class PublishPanel(Column):
    """Says where local media become public, asks for consent, and publishes.

    Parameters
    ----------
    host
        The form: its workspace, thread and lock.
    get
        Gives the request as it stands.
    use
        Puts a link into the form as the clip.
    looked
        Called when something new is known.
    """

    def __init__(
        self, host: Panel, *, get: Callable[[], MotionRequest], use: Callable[[str], None],
        looked: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(cls="mw-card mw-publish", width="100%")
        self._host, self._get, self._use, self._looked = host, get, use, looked
        self._seen = _Seen()
        self._published: Published | None = None
        self._busy = False
        self.open = button(say("publish_open"), self._toggle, cls="mw-publish-open")
        self._about, self._where, self._asks, self._said = live_region(), html(), live_region(), live_region()
        self.way = control(
            w.Dropdown, say("publish_way"), options=[(say(f"publish_way_{one}"), one) for one in WAYS]
        )
        # Not continuous, and emptied once it is kept: a command may hold a password. A box for each way, none
        # of whose traits ever changes: any change from here would empty a box that somebody types in.
        self.places: dict[str, w.Text] = {
            one: control(
                w.Text,
                say(f"publish_to_{one}"),
                placeholder=say(f"publish_hint_{one}"),
                continuous_update=False,
            )
            for one in WAYS
        }
        self.keep = button(say("publish_keep"), self._keep)
        self.agree = button(say("publish_agree"), self._agree, cls="mw-primary mw-agree")
        self.withdraw = button(say("publish_withdraw"), self._withdraw)
        self.now = button(say("publish_now"), self._publish, cls="mw-publish-now")
        self.link = button(say("publish_use"), self._use_link, cls="mw-publish-use")
        self.way.observe(lambda _: self._draw(), "value")
        self.box = Column(
            self._where,
            self.way,
            *self.places.values(),
            flow(self.keep),
            self._asks,
            flow(self.agree, self.withdraw, self.now),
            cls="mw-stack-small",
        )
        self._opened = False
        self.children = (flow(self.open), self._about, self.box, self._said, flow(self.link))
        self._draw()

    @property
    def asked(self) -> tuple[MissingConsent, ...]:
        """The consents that a submit still needs on a live endpoint."""
        return self._seen.asked if self._host.ws.live else ()

    @property
    def hosted(self) -> bool:
        """Whether a person chose where local clips are published."""
        return self._seen.place is not None

    def _toggle(self) -> None:
        self._opened = not self._opened
        self._draw()
        self.look()

    def look(self) -> None:
        """Find out, off the callbacks, where what stands in the form would go and who agreed."""
        req = self._get()

        def work() -> Callable[[], None]:
            ws = self._host.ws
            to = ws.publish_to
            place = Destination.read(to) if to else None
            agreed = place is not None and ws.connection.links.consented(place)
            asked = ws.connection.links.asked(req)
            if not ws.live and place is not None and not agreed and _is_local(req.video_url):
                asked = [MissingConsent("video_url", media_name(req.video_url), place)]
            seen = _Seen(place, tuple(asked), agreed)

            def take() -> None:
                self._seen = seen
                self._draw()
                self._looked()

            return take

        self._host.later("publishing", work, delay=DEBOUNCE)

    def _draw(self) -> None:
        req, live, seen = self._get(), self._host.ws.live, self._seen
        local = [name for name in (req.image_url, req.video_url) if _is_local(name)]
        wanted = live and bool(local) and (bool(seen.asked) or not seen.place)
        opened = self._opened or wanted
        show(self.open, not wanted)
        assign(self.open, "description", say("publish_close" if self._opened else "publish_open"))
        about = say("publish_live" if live else "publish_sandbox")
        assign(self._about, "value", status(note(about)) if opened else status(""))
        show(self.box, opened)
        where = say("publish_where_now", place=seen.place.label) if seen.place else say("publish_nowhere")
        assign(self._where, "value", note(where))
        way = str(self.way.value)
        for one, place in self.places.items():
            show(place, one == way)
        assign(self.keep, "description", say("publish_result" if way == "result" else "publish_keep"))
        asks = "".join(note(one.sentence, say("publish_question"), kind="warning") for one in seen.asked)
        assign(self._asks, "value", status(asks))
        show(self.agree, seen.asked)
        show(self.withdraw, seen.agreed and not seen.asked and seen.place is not None and _leaves(seen.place))
        show(self.now, seen.place is not None and not seen.asked and _is_local(req.video_url))
        assign(self.now, "disabled", self._busy)
        assign(self.now, "description", say("publish_busy" if self._busy else "publish_now"))
        show(self.link, self._published is not None)

    # What a person does.

    def _keep(self) -> None:
        way, ws = str(self.way.value), self._host.ws
        to = str(self.places[way].value).strip()
        if way == "serve" and to != "serve" and not to.startswith("serve:"):
            to = f"serve:{to}" if to else "serve"
        if way == "result":
            self._run(lambda: ws.publish(None, f"result:{to.removeprefix('result:')}"))
            return

        def work() -> Callable[[], None]:
            try:
                ws.publish_to = to
            except RequestError as error:
                message = str(error)
                return lambda: self._announce(message, bad=True)

            def take() -> None:
                self.places[way].value = ""
                self._announce(say("publish_kept"))
                self.look()

            return take

        self._host.later("publish to", work)

    def _agree(self) -> None:
        places = {one.place.to for one in self._seen.asked}
        self._consent(places, given=True)

    def _withdraw(self) -> None:
        if self._seen.place is not None:
            self._consent({self._seen.place.to}, given=False)

    def _consent(self, places: set[str], *, given: bool) -> None:
        if not places:
            return

        def work() -> Callable[[], None]:
            self._host.ws.consent(*sorted(places), given=given)

            def take() -> None:
                self._announce(say("publish_agreed" if given else "publish_withdrawn"))
                self.look()

            return take

        self._host.later("consent", work)

    def _publish(self) -> None:
        clip = self._get().video_url
        self._run(lambda: self._host.ws.publish(clip))

    def _run(self, publish: Callable[[], Published]) -> None:
        with self._host.lock:
            if self._busy:
                return
            self._busy = True
            self._draw()

        def work() -> Callable[[], None]:
            from motion_widgets.core.errors import MotionError

            made, said = None, ""
            try:
                made = publish()
                said = _life(made)
            except MotionError as error:
                said = str(error)

            def take() -> None:
                self._busy = False
                self._published = made
                self._announce(said, bad=made is None)
                self._draw()

            return take

        self._host.later("publish", work)

    def _use_link(self) -> None:
        if self._published is not None:
            self._use(self._published.url)

    def _announce(self, text: str, *, bad: bool = False) -> None:
        head = say("word_error") if bad else ""
        assign(self._said, "value", status(note(text, head, kind="error" if bad else "ok")))


def _is_local(value: object) -> bool:
    return media_kind(value or None) == "path"


def _leaves(place: Destination) -> bool:
    return place.to != "serve"


def _life(made: Published) -> str:
    """Return where a file lies now and when its link dies."""
    if made.expires is None:
        return say("publish_done_open", name=made.name, place=made.to)
    when = datetime.fromtimestamp(made.expires, UTC)
    left = (when - datetime.now(UTC)).total_seconds() / 3600
    return say("publish_done", name=made.name, place=made.to, when=f"{when:%Y-%m-%d %H:%M} UTC", hours=left)
