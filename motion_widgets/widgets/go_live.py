"""The way to the live endpoint: nothing goes live without it, and nothing is sent before a click says so."""

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
from motion_widgets.widgets.base import Panel
from motion_widgets.widgets.controls import Column, assign, button, check_box, control, flow, html, show
from motion_widgets.workspace.workspace import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.workspace.workspace import Workspace

__all__ = ["GoLive"]


class GoLive(Panel):
    """Takes a key, shows the balance, says what hosting is needed, and switches between sandbox and live.

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
        self._about = html()
        # Not continuous: the key comes once, is moved into a private attribute, and the widget is emptied.
        self.key = control(
            w.Password, say("live_key"), placeholder=say("live_key_hint"), continuous_update=False
        )
        self.key.observe(self._taken, "value")
        self.keep = check_box(say("live_keep"), width="100%")
        self._state = html()
        self.check_balance = button(say("live_balance"), self._ask_balance)
        self.go = button(say("live_go"), self._go, cls="mw-primary mw-live")
        self.back = button(say("live_back"), self._back)
        box = Column(
            self._about,
            self.key,
            self.keep,
            self._state,
            self.notice,
            flow(self.check_balance, self.go, self.back),
            cls="mw-card",
        )
        self.fill(box)
        self.refresh()
        self.watch()

    @property
    def base_url(self) -> str:
        """Where live is."""
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
        """Return where the key would come from and where requests go."""
        host = urlsplit(self.base_url).hostname or ""
        source = "live_no_key"
        if self._typed is not None:
            source = "live_key_typed"
        elif os.environ.get(ENVIRONMENT_KEY):
            source = "live_key_environment"
        elif self._secret() is not None:
            source = "live_key_keyring"
        about = "".join(
            f"<p>{escape(say(code, host=host))}</p>" for code in ("live_about", "live_hosting", "live_money")
        )
        assign(self._about, "value", about)
        assign(
            self._state,
            "value",
            f'<div class="mw-note">{escape(say(source, variable=ENVIRONMENT_KEY))}</div>',
        )
        has_key = source != "live_no_key"
        assign(self.check_balance, "disabled", not has_key)
        assign(self.go, "disabled", not has_key)
        show(self.go, not self.ws.live)
        show(self.back, self.ws.live)

    def _ask_balance(self) -> None:
        secret, url = self._secret(), self.base_url
        if secret is None:
            return

        async def ask() -> float | None:
            async with EndpointClient(url, secret) as client:
                return (await client.balance()).remain

        def work() -> Callable[[], None]:
            remain = spawn(ask()).result(60)
            said = say("live_balance_is", usd=remain) if remain is not None else say("live_balance_open")
            return lambda: self.announce(said)

        self.later("balance", work)

    def _go(self) -> None:
        secret = self._secret()
        if secret is None:
            return

        def work() -> Callable[[], None]:
            kept = store_key(self.base_url, secret) if self.keep.value and self._typed is not None else None
            self.ws.switch("apimart", key=self._typed)
            return lambda: self._switched("live_now" if kept is not False else "live_now_unkept")

        self.later("switch", work)

    def _back(self) -> None:
        def work() -> Callable[[], None]:
            self.ws.switch("sandbox")
            return lambda: self._switched("sandbox_now")

        self.later("switch", work)

    def _switched(self, code: str) -> None:
        self.announce(say(code))
        self.refresh()
        if self._on_switch is not None:
            self._on_switch()
