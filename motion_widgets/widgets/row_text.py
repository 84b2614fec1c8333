"""How rows of the log are put into words: state marks, money, times. Plain text, not escaped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.log.billing import outside, refund_open
from motion_widgets.log.states import State, mark
from motion_widgets.request.media_source import media_name

if TYPE_CHECKING:
    from motion_widgets.core.money import Micro
    from motion_widgets.log.rows import JobRow

__all__ = ["billed", "cell_name", "clock", "state_words", "usd", "waited"]


def state_words(row: JobRow) -> str:
    """Return where a job stands: ``▶ running, 64 %``."""
    state = row.state
    words = f"{mark(state)} {say(f'state_{state}')}"
    if state == State.RUNNING and row.progress is not None:
        words += f", {row.progress} %"
    return words


def usd(amount: Micro | None) -> str:
    """Return an amount as ``$0.46``; None as nothing."""
    return "" if amount is None else format_usd(to_usd(amount))


def billed(row: JobRow) -> str:
    """Return what a job cost: the bill (marked where the estimate was wrong), or that money is reserved."""
    if row.cost is not None:
        return f"{usd(row.cost)}, {say('outside_mark')}" if outside(row) else usd(row.cost)
    if refund_open(row):
        return say("refund_mark")
    return say("reserved") if row.reserved else ""


def clock(micro: int | None) -> str:
    """Return a moment (unix microseconds) as ``13:05:12`` of this machine; None as nothing."""
    return "" if micro is None else time.strftime("%H:%M:%S", time.localtime(micro / 1e6))


def waited(row: JobRow) -> str:
    """Return how long a job took or has been under way, as ``m:ss``."""
    start = row.submitted
    if start is None:
        return ""
    end = row.completed or int(time.time() * 1e6)
    seconds = max(int((end - start) / 1e6), 0)
    return f"{seconds // 60}:{seconds % 60:02d}"


def cell_name(row: JobRow) -> str:
    """Return the settings of a job in a few words: ``v2-6 · std · image · dance.mp4``."""
    model = str(row.model or "").removeprefix("kling-").removesuffix("-motion-control")
    return " \u00b7 ".join(
        [
            model,
            str(row.mode),
            str(row.character_orientation),
            row.clip_name or media_name(row.video_url),
        ]
    )
