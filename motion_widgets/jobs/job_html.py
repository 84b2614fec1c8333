"""A job as a notebook shows it at the end of a cell: its result playing, what was asked for, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.errors import MotionError
from motion_widgets.core.html_repr import address_of, card, player
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.log.states import mark
from motion_widgets.media.preview import filmstrip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from motion_widgets.log.rows import JobRow

__all__ = ["html_of"]


def html_of(row: JobRow, result_of: Callable[[JobRow], Path | None]) -> str:
    """Return a job as HTML; `result_of` gives the file of its result, or None."""
    shown = ""
    try:
        result = result_of(row)
        shown = player(result, row.id, still=_still(result)) if result is not None else ""
    except MotionError:  # a colleague's that cannot be fetched: the rest is shown all the same
        result = None
    settings = (row.model, row.mode, row.character_orientation)
    billed = [format_usd(to_usd(row.cost))] if row.cost is not None else []
    state = ", ".join([f"{mark(row.state)} {say(f'state_{row.state}')}", *billed])
    facts = {
        say("shown_settings"): " · ".join(str(one) for one in settings if one),
        say("shown_prompt"): row.prompt,
        say("shown_error"): row.error_message,
        say("shown_result"): result.name if result is not None else "",
    }
    where = f" · {say('shown_sandbox')}" if row.sandbox else ""
    return card(f"{row.id} · {state}{where}", facts, shown)


def _still(result: Path) -> bytes:
    """Return a frame of a result that the page cannot fetch; ``b""``: it can, or there is none."""
    if address_of(result) is not None:
        return b""
    try:
        return filmstrip(result, frames=1, height=240)
    except MotionError:  # a damaged result has none, and the rest is shown all the same
        return b""
