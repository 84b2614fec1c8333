"""The account's balance as panels show it beside a price: asked for off the callbacks, kept for a minute."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from motion_widgets.core.errors import MotionError
from motion_widgets.core.html import escape
from motion_widgets.core.messages import say
from motion_widgets.core.money import Micro, format_left, format_price, format_usd, to_micro, to_usd
from motion_widgets.log.states import ENDS, State
from motion_widgets.widgets import controls as ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from motion_widgets.widgets.base import Panel
    from motion_widgets.workspace.budgets import Budget
    from motion_widgets.workspace.workspace import Workspace

__all__ = ["Balance"]

MINUTE = 60.0
"""s that a balance is believed while nothing was sent or billed."""
SOON = 2.0
"""s between two looks when something was."""
PATIENCE = 10.0
"""s to wait for an answer."""
_ARRIVED = ENDS | {State.COMPLETED}
_ACCEPTED = _ARRIVED | {State.SUBMITTED, State.RUNNING}
"""States whose numbers change when money may have moved, or when the endpoint may have said that it lacks."""
_BALANCES: WeakKeyDictionary[Workspace, Balance] = WeakKeyDictionary()


class Balance:
    """The balance of a workspace's account as it was last seen; all panels of the workspace share it."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._key: tuple[Any, ...] = ()
        """Endpoint, account, and what changes when money may have moved, as of the last look."""
        self._at = 0.0
        self._remain: Micro | None = None
        self._own: Budget | None = None
        """What this person may spend. None: there is no such budget."""
        self.why = ""
        """Why the balance is not known; ``""``: it is, or nobody asked yet."""

    @classmethod
    def of(cls, ws: Workspace) -> Balance:
        """Return the balance of a workspace."""
        return _BALANCES.setdefault(ws, cls())

    def look(self, ws: Workspace) -> float:
        """Ask for the balance if the known one is old; return s after which to look again, or 0. Blocks."""
        if not self._busy.acquire(blocking=False):
            return SOON
        try:
            key, age = _moved(ws), time.monotonic() - self._at
            if key == self._key and age < MINUTE:
                return 0.0
            if key[:2] == self._key[:2] and age < SOON:
                return SOON - age
            remain, why = _ask(ws)
            self._key, self._at, self._remain, self.why = key, time.monotonic(), remain, why
            self._own = key[2]
            return 0.0
        finally:
            self._busy.release()

    def show(self, panel: Panel, draw: Callable[[], None], *, delay: float = 0.0) -> None:
        """Look on a thread that may block, then draw; and again while something moves."""

        def drawn(again: float) -> None:
            draw()
            if again:
                Balance.of(panel.ws).show(panel, draw, delay=again)

        panel.later("balance", lambda: self.look(panel.ws), drawn, delay=delay)

    def text(self, ws: Workspace) -> str:
        """Return the balance in words, marked when it is the sandbox's."""
        if self._key[:1] != (ws.endpoint,):
            return say("balance_asking")
        if self._remain is None:
            return say("balance_unknown" if ws.live else "balance_unknown_sandbox")
        return say("balance_live" if ws.live else "balance_sandbox", usd=format_left(to_usd(self._remain)))

    def left(self, ws: Workspace) -> str:
        """Return the balance in the fewest words, for the head."""
        if self._remain is None or self._key[:1] != (ws.endpoint,):
            return self.text(ws)
        return say("head_left", usd=format_left(to_usd(self._remain)))

    def beside_price(self, ws: Workspace, price: float | None) -> str:
        """Return the HTML beside a price in USD: the balance, this person's budget, and what is missing."""
        words = self.text(ws)
        known = self._remain if self._key[:1] == (ws.endpoint,) else None
        missing = Micro(0 if price is None or known is None else to_micro(price) - known)
        why = f' title="{escape(self.why)}"' if self.why else ""
        balance = f'<div class="mw-muted mw-small mw-balance"{why}>{escape(words)}</div>'
        if missing > 0:
            balance = ui.note(
                say("balance_missing", usd=format_price(to_usd(missing))), f"{words}.", kind="warning"
            )
        return balance + self._own_beside(ws, price)

    def _own_beside(self, ws: Workspace, price: float | None) -> str:
        words = self.budget_text(ws)
        left = self._own.left if self._own is not None else None
        if words and price is not None and left is not None and to_micro(price) > to_micro(left):
            return ui.note(
                say("own_budget_missing", usd=format_price(price - left)), f"{words}.", kind="warning"
            )
        return f'<div class="mw-muted mw-small mw-balance">{escape(words)}</div>' if words else ""

    def budget_text(self, ws: Workspace) -> str:
        """Return what is left of this person's budget, in words; ``""``: there is none."""
        own = self._own if self._key[:1] == (ws.endpoint,) else None
        if own is None:
            return ""
        if own.limit is None:
            return say("own_budget_open", used=format_usd(own.used))
        return say("own_budget", left=format_left(own.left or 0.0), limit=format_left(own.limit))


def _ask(ws: Workspace) -> tuple[Micro | None, str]:
    """Return the balance, or None and why it is not known."""
    try:
        remain = ws.balance(PATIENCE)
    except MotionError as error:
        return None, str(error)
    return (None, say("balance_open")) if remain is None else (to_micro(remain), "")


def _moved(ws: Workspace) -> tuple[Any, ...]:
    """Return endpoint, account, and what changes when money may have moved."""
    totals = ws.log_store.jobs.totals(ws.endpoint, ws.account)
    accepted, arrived = totals.count(_ACCEPTED), totals.count(_ARRIVED)
    return ws.endpoint, ws.account, ws.budget(), accepted, totals.billed, arrived
