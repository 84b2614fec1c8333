"""Going live: nothing is sent to the live endpoint before a person gave a key and clicked here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import ipywidgets as w
from traitlets import Unicode

from motion_widgets.core.errors import MotionError
from motion_widgets.core.hidden import hidden, variable
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY, Secret, find_key, has_keyring, store_key
from motion_widgets.endpoint.client import EndpointClient
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.workspace.connection import balance_within
from motion_widgets.workspace.settings import forget_kept_key, live_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["GoLive"]

PATIENCE = 60.0
"""s for the balance."""


class _KeyField(w.Password):
    """A password field whose value goes one way: the kernel never sends it back to any page."""

    value = Unicode("").tag(sync=True, echo_update=False)


class GoLive(Panel):
    """Takes a key, shows the balance, says what must be published, and switches between sandbox and live.

    Parameters
    ----------
    ws
        The workspace.
    on_switch
        Called after a switch.
    """

    def __init__(
        self, ws: Workspace | None = None, *, on_switch: Callable[[], None] | None = None, watch: bool = False
    ) -> None:
        super().__init__(ws, watch=watch)
        self._on_switch = on_switch
        self._typed: Secret | None = None
        self._about, self._state = ui.html(), ui.html()
        # Not continuous: the key comes once, is moved into a private attribute, and the widget is emptied.
        hint = say("live_key_hint")
        self.key = ui.control(_KeyField, say("live_key"), placeholder=hint, continuous_update=False)
        self.key.observe(self.edge.guard(self._taken), "value")
        self.keep = ui.check_box(say("live_keep"), width="100%")
        self.check_balance = ui.button(self.edge, say("live_balance"), self._ask_balance)
        self.go = ui.button(self.edge, say("live_go"), self._go, cls="mw-primary mw-live")
        self.back = ui.button(self.edge, say("live_back"), self._back)
        self.forget = ui.button(self.edge, say("live_forget"), self._forget)
        said = (self._state, self.notice)
        buttons = ui.flow(self.check_balance, self.go, self.back, self.forget)
        self.fill(ui.Column(self._about, self.key, self.keep, *said, buttons, cls="mw-card"))
        self.add_class("mw-golive")
        self.redraw()
        self.watch()

    @property
    def base_url(self) -> str:
        """The address of the live endpoint."""
        return live_url()

    def _secret(self) -> Secret | None:
        return self._typed or find_key(self.base_url)

    def _taken(self, change: object) -> None:
        """Move a typed key out of the synced trait at once."""
        del change  # it holds the key, and verbose tracebacks show the locals of this frame
        value_of = hidden(self.key.value)
        if not value_of():
            return
        self.key.value = ""
        try:
            self._typed = Secret(value_of())
        except MotionError as error:
            self.announce(str(error), bad=True)
        self.refresh()

    def refresh(self) -> None:
        """Show where the key would come from and where requests go."""
        host = urlsplit(self.base_url).hostname or ""
        source = "live_no_key"
        if self._typed is not None:
            source = "live_key_typed"
        elif variable(ENVIRONMENT_KEY):
            source = "live_key_environment"
        elif self._secret() is not None:
            source = "live_key_keyring"
        about = (say(code, host=host) for code in ("live_about", "live_hosting", "live_money"))
        ui.assign(self._about, "value", "".join(f"<p>{escape(one)}</p>" for one in about))
        ui.assign(self._state, "value", ui.note(say(source, variable=ENVIRONMENT_KEY)))
        for one in (self.check_balance, self.go):
            ui.assign(one, "disabled", source == "live_no_key")
        ui.show(self.go, not self.ws.live)
        ui.show(self.back, self.ws.live)
        ui.show(self.forget, find_key(self.base_url, environment=False) is not None)

    def _ask_balance(self) -> None:
        secret, url = self._secret(), self.base_url

        async def ask(secret: Secret) -> float | None:
            async with EndpointClient(url, secret) as client:
                return (await client.balance()).remain

        def show(remain: float | None) -> None:
            self.announce(
                say("live_balance_is", usd=format_left(remain))
                if remain is not None
                else say("live_balance_open")
            )

        if secret is not None:
            self.later("balance", lambda: balance_within(PATIENCE, ask(secret)), show)

    def _forget(self) -> None:
        def show(told: tuple[bool, str]) -> None:
            self.announce(told[1] + (" " + say("live_forget_later") if self.ws.live else ""))
            self.refresh()

        self.later("forget", lambda: forget_kept_key(self.base_url), show)

    def _go(self) -> None:
        secret = self._secret()
        if secret is None:
            return

        def work() -> str:
            kept = store_key(self.base_url, secret) if self.keep.value and self._typed is not None else None
            self.ws.switch("apimart", key=self._typed)
            if kept is False and not has_keyring():
                return say("live_now") + " " + say("keyring_missing")
            return say("live_now" if kept is not False else "live_now_unkept")

        self.later("switch", work, self._switched)

    def _back(self) -> None:
        self.later("switch", lambda: self.ws.switch("sandbox"), lambda _: self._switched(say("sandbox_now")))

    def _switched(self, said: str) -> None:
        self.announce(said)
        self.refresh()
        if self._on_switch is not None:
            self._on_switch()
