"""Rows of the log in words: state, money, times, and what is wrong with a job and what to do next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from motion_widgets.core.html import escape, isolate
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd, to_usd
from motion_widgets.log.billing import outside, refund_open
from motion_widgets.log.states import ENDS, FOLLOWED, State, mark
from motion_widgets.request.media_source import media_name

if TYPE_CHECKING:
    from motion_widgets.core.money import Micro
    from motion_widgets.log.rows import JobRow

__all__ = ["billed", "cell_name", "clock", "problem_html", "state_words", "usd", "waited"]


def state_words(row: JobRow) -> str:
    """Return a job's state with its mark: ``▶ running, 64 %``."""
    state = row.state
    words = f"{mark(state)} {say(f'state_{state}')}"
    if state == State.RUNNING and row.progress is not None:
        words += f", {row.progress} %"
    return words


def usd(amount: Micro | None) -> str:
    """Return an amount as ``$0.46``; None as nothing."""
    return "" if amount is None else format_usd(to_usd(amount))


def billed(row: JobRow) -> str:
    """Return what a job cost, marked where the estimate was wrong, or that money is reserved."""
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
        [model, str(row.mode), str(row.character_orientation), row.clip_name or media_name(row.video_url)]
    )


_KINDS = ("moderation", "media", "parameters", "account", "auth", "network")
"""Kinds of error with a next step of their own."""
_GONE = (State.EXPIRED, State.VANISHED)
_UNDER_WAY = (State.SUBMITTED, State.RUNNING)


def problem_html(
    row: JobRow, *, since: int | None = None, driven: bool = False, waiting: bool = False
) -> str:
    """Return what is wrong with a job as HTML; ``""``: nothing is.

    Parameters
    ----------
    since
        When the endpoint stopped responding (unix microseconds). None: it responds, or it is not known.
    driven
        Whether it is retried automatically.
    waiting
        Whether a person chose to leave an unknown outcome as it is for now.
    """
    notes = []
    if row.state in ENDS or row.error_message:
        notes.append(_problem(row, since, driven=driven, waiting=waiting))
    if outside(row):
        low, high = usd(row.estimate_low), usd(row.estimate_high)
        about = low if low == high else f"{low}\u2013{high}"
        said = say("outside_estimate", cost=usd(row.cost), estimate=about)
        notes.append(_note("warning", say("outside_head"), "", said))
    return "".join(notes)


def _problem(row: JobRow, since: int | None, *, driven: bool, waiting: bool) -> str:
    state, reason = row.state, row.error_message or ""
    if state == State.COLLECTED:
        alone = row.error_kind == "shared"
        return _note("warning", say("known_unshared"), reason, "") if alone else ""
    if state == State.UNKNOWN and waiting:
        return _note("warning", say("known_waiting", price=_money(row)), "", "")
    kind = "warning" if _passes(row, driven=driven) else "error"
    return _note(kind, _known(row, since, driven=driven), reason, _next(row, driven=driven))


def _passes(row: JobRow, *, driven: bool) -> bool:
    """Return whether the problem is being dealt with automatically."""
    return row.state in FOLLOWED or (row.state == State.PLANNED and driven)


def _note(kind: str, known: str, reason: str, step: str) -> str:
    """Return up to three lines; what is empty takes no room."""
    lines = [f"<b>{escape(known)}</b>"] if known else []
    lines += [isolate(reason)] if reason else []
    lines += [f'<span class="mw-next">{escape(say("next_word"))}</span> {escape(step)}'] if step else []
    inner = "".join(f"<div>{one}</div>" for one in lines)
    return f'<div class="mw-note mw-{kind}">{inner}</div>' if inner else ""


def _money(row: JobRow) -> str:
    return usd(row.reserved or row.estimate_high)


def _known(row: JobRow, since: int | None, *, driven: bool) -> str:
    state = row.state
    if state in _UNDER_WAY:
        return say("known_silent_since", at=clock(since)) if since is not None else say("known_silent")
    if state == State.COMPLETED:
        return say("known_download", at=clock(row.expires_at)) if row.expires_at else say("known_ready")
    if state == State.PLANNED:
        return say("known_planned_driven" if driven else "known_planned")
    if state in (State.FAILED, State.CANCELLED):
        money = "open" if refund_open(row) else "billed" if row.cost else "refunded"
        head = say(f"known_{state}")
        return f"{head} {say(f'money_{money}', price=_money(row), cost=usd(row.cost))}"
    if state in _GONE:
        money = "reserved" if row.cost is None else "paid"
        return f"{say(f'known_{state}')} {say(f'money_{money}', price=_money(row), cost=usd(row.cost))}"
    at = clock(row.sent) if row.sent else ""
    code = f"known_{state}" if at or state != State.UNKNOWN else "known_unknown_when"
    return say(code, price=_money(row), at=at)


def _next(row: JobRow, *, driven: bool) -> str:
    state, kind = row.state, row.error_kind
    if _passes(row, driven=driven):
        return say("next_by_itself")
    if state in _GONE:
        return say("next_gone", task=row.task_id or "\u2013")
    if state in (State.UNKNOWN, State.WRITTEN_OFF):
        return say(f"next_{state}", price=_money(row))
    if kind in _KINDS:
        return say(f"next_{kind}")
    if state == State.PLANNED:
        return say("next_planned")
    return say("next_failed_task", task=row.task_id) if row.task_id else say("next_rejected")
