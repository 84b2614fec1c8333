"""Going live: nothing is sent to the live endpoint before a person gave a key and clicked here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import ipywidgets as w

from motion_widgets.core.background import spawn
from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY, Secret, find_key, store_key
from motion_widgets.endpoint.client import LIVE_URL, EndpointClient
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.base import Panel
from motion_widgets.workspace.workspace import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["GoLive"]


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
        self.key = ui.control(w.Password, say("live_key"), placeholder=hint, continuous_update=False)
        self.key.observe(self._taken, "value")
        self.keep = ui.check_box(say("live_keep"), width="100%")
        self.check_balance = ui.button(say("live_balance"), self._ask_balance)
        self.go = ui.button(say("live_go"), self._go, cls="mw-primary mw-live")
        self.back = ui.button(say("live_back"), self._back)
        said, buttons = (self._state, self.notice), ui.flow(self.check_balance, self.go, self.back)
        self.fill(ui.Column(self._about, self.key, self.keep, *said, buttons, cls="mw-card"))
        self.refresh()
        self.watch()

    @property
    def base_url(self) -> str:
        """The address of the live endpoint."""
        return os.environ.get(BASE_URL) or LIVE_URL

    def _secret(self) -> Secret | None:
        return self._typed or find_key(self.base_url)

    def _taken(self, _: object) -> None:
        """Move a typed key out of the synced trait at once."""
        value = self.key.value
        if not value:
            return
        self.key.value = ""
        try:
            self._typed = Secret(value)
        except MotionError as error:
            self.announce(str(error), bad=True)
        del value
        self.refresh()

    def refresh(self) -> None:
        """Show where the key would come from and where requests go."""
        host = urlsplit(self.base_url).hostname or ""
        source = "live_no_key"
        if self._typed is not None:
            source = "live_key_typed"
        elif os.environ.get(ENVIRONMENT_KEY):
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

    def _ask_balance(self) -> None:
        secret, url = self._secret(), self.base_url

        async def ask(secret: Secret) -> float | None:
            async with EndpointClient(url, secret) as client:
                return (await client.balance()).remain

        def show(remain: float | None) -> None:
            self.announce(
                say("live_balance_is", usd=remain) if remain is not None else say("live_balance_open")
            )

        if secret is not None:
            self.later("balance", lambda: spawn(ask(secret)).result(60), show)

    def _go(self) -> None:
        secret = self._secret()
        if secret is None:
            return

        def work() -> str:
            kept = store_key(self.base_url, secret) if self.keep.value and self._typed is not None else None
            self.ws.switch("apimart", key=self._typed)
            return "live_now" if kept is not False else "live_now_unkept"

        self.later("switch", work, self._switched)

    def _back(self) -> None:
        self.later("switch", lambda: self.ws.switch("sandbox"), lambda _: self._switched("sandbox_now"))

    def _switched(self, code: str) -> None:
        self.announce(say(code))
        self.refresh()
        if self._on_switch is not None:
            self._on_switch()
