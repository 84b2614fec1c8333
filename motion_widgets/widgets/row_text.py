"""Rows of the log in words: state, money, times, and what is wrong with a job and what to do next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from motion_widgets.core.html import escape, isolate
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_interval, format_price, format_usd, to_usd
from motion_widgets.log.billing import outside, refund_open
from motion_widgets.log.states import ENDS, FOLLOWED, RETRYABLE, State, mark
from motion_widgets.request.media_source import media_name

if TYPE_CHECKING:
    from motion_widgets.core.money import Micro
    from motion_widgets.log.rows import JobRow

__all__ = [
    "REFUSED",
    "billed",
    "cell_name",
    "changes_first",
    "clock",
    "dotted",
    "estimated",
    "held",
    "price",
    "problem_html",
    "retried_line",
    "short_model",
    "state_words",
    "took",
    "waited",
]


def state_words(row: JobRow) -> str:
    """Return a job's state with its mark: ``▶ running, 64 %``."""
    state = row.state
    if not row.drivable:
        return f"{mark(State.FAILED)} {say('state_damaged')}"
    words = f"{mark(state)} {say(f'state_{state}')}"
    if state == State.RUNNING and row.progress is not None:
        words += f", {row.progress} %"
    return words


def retried_line(row: JobRow, retried: str) -> str:
    """Return all that is left to say of a failure whose retry succeeded."""
    return say("retried_line", state=say(f"state_{row.state}"), id=retried)


def price(amount: Micro | None) -> str:
    """Return what something may cost, as ``$0.46``; None as nothing."""
    return "" if amount is None else format_price(to_usd(amount))


def estimated(row: JobRow) -> str:
    """Return what a job was estimated to cost; ``""``: it was not."""
    low, high = row.estimate_low, row.estimate_high
    return price(high) if low is None or high is None else format_interval(to_usd(low), to_usd(high))


def billed(row: JobRow) -> str:
    """Return what a job cost, marked where the estimate was wrong, or what becomes of its reserved money."""
    if row.cost is not None:
        return f"{_cost(row)}, {say('outside_mark')}" if outside(row) else _cost(row)
    if refund_open(row):
        return say("refund_mark")
    code = "held_spent" if row.state == State.WRITTEN_OFF else "held_short"
    return say(code, price=price(row.reserved)) if row.reserved else ""


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


def took(row: JobRow) -> str:
    """Return how long a job took that has ended: ``took 8 s``; ``""``: it has not."""
    if row.submitted is None or row.completed is None:
        return ""
    seconds = max(round((row.completed - row.submitted) / 1e6), 0)
    return say("stage_took", seconds=say("stage_seconds", seconds=seconds) if seconds < 60 else waited(row))


def dotted(*words: str | None) -> str:
    """Return words with a dot between each two; what is empty or not set takes no room."""
    return " \u00b7 ".join(filter(None, words))


def short_model(model: object) -> str:
    """Return a model in a word: ``v2.6``; an unknown one as it is."""
    return str(model or "").removeprefix("kling-").removesuffix("-motion-control").replace("-", ".")


def cell_name(row: JobRow) -> str:
    """Return the settings of a job in a few words: ``v2.6 · std · image · dance.mp4``."""
    name = row.clip_name or media_name(row.video_url)
    return dotted(short_model(row.model), row.mode, row.character_orientation, name)


REFUSED = ("moderation", "media", "parameters")
"""Kinds of errors at which what was asked for was refused, whoever noticed."""
_KINDS = ("moderation", "media", "parameters", "account", "auth", "network")
"""Kinds of error with a next step of their own."""
_CHANGES = ("moderation", "media", "parameters", "rejected")
"""Advice to change the request: the same one would most likely end the same way."""
_GONE = (State.EXPIRED, State.VANISHED)
_UNDER_WAY = (State.SUBMITTED, State.RUNNING)


def problem_html(
    row: JobRow, *, since: int | None = None, driven: bool = False, waiting: bool = False, retried: str = ""
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
    retried
        The id of a later attempt that succeeded. ``""``: there is none.
    """
    if retried:
        return f'<div class="mw-small mw-muted">{escape(retried_line(row, retried))}</div>'
    notes = []
    if row.state in {*ENDS, State.UNKNOWN} or row.error_message:
        notes.append(_problem(row, since, driven=driven, waiting=waiting))
    if outside(row):
        said = say("outside_estimate", cost=_cost(row), estimate=estimated(row))
        notes.append(_note("warning", say("outside_head"), "", said))
    return "".join(notes)


def _problem(row: JobRow, since: int | None, *, driven: bool, waiting: bool) -> str:
    state, reason = row.state, row.error_message or ""
    damaged = row.error_kind == "unreadable"
    if not row.drivable or (damaged and state == State.COLLECTED):  # its reason says what can be done
        return _note("error", "", reason, "")
    if state == State.COLLECTED:
        alone = row.error_kind == "shared"
        return _note("warning", say("known_unshared"), reason, "") if alone else ""
    if state == State.UNKNOWN and waiting:
        return _note("warning", say("known_waiting", held=held(row)), "", "")
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


def held(row: JobRow) -> str:
    """Return what becomes of a job's money here; of one from elsewhere no budget here holds any."""
    if not row.reserved:
        return say("held_nothing")
    return say(f"held_{'spent' if row.state == State.WRITTEN_OFF else 'reserved'}", price=price(row.reserved))


def changes_first(row: JobRow) -> bool:
    """Return whether the advice after a failure is to change the request, not to send it again."""
    return row.state in RETRYABLE and _advice(row) in _CHANGES


def _cost(row: JobRow) -> str:
    return "" if row.cost is None else format_usd(to_usd(row.cost))


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
        return f"{head} {say(f'money_{money}', price=price(row.reserved), cost=_cost(row))}"
    if state in _GONE:
        money = "reserved" if row.cost is None else "paid"
        return f"{say(f'known_{state}')} {say(f'money_{money}', held=held(row), cost=_cost(row))}"
    at = clock(row.sent) if row.sent else ""
    code = f"known_{state}" if at or state != State.UNKNOWN else "known_unknown_when"
    return say(code, held=held(row), at=at)


def _next(row: JobRow, *, driven: bool) -> str:
    if _passes(row, driven=driven):
        return say("next_by_itself")
    return say(f"next_{_advice(row)}", task=row.task_id or "\u2013", price=price(row.reserved))


def _advice(row: JobRow) -> str:
    """Return which sentence says what to do next."""
    state, kind = row.state, row.error_kind
    if state in _GONE:
        return "gone"
    if state in (State.UNKNOWN, State.WRITTEN_OFF):
        return str(state)
    if kind in _KINDS:
        return str(kind)
    if state == State.PLANNED:
        return "planned"
    return "failed_task" if row.task_id else "rejected"
