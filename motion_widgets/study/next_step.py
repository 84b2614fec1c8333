"""What the next dollar and the next minute are best spent on.

A further rater first, as it is free; then a new block, clip and image new; repeats last. A study that has its
answer, or reached its plan, stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_price, to_usd
from motion_widgets.study.conclude import judged
from motion_widgets.study.tables import running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.study.material import Material
    from motion_widgets.study.pairs import Pair

__all__ = ["advice"]

_PROMOTED = 3
"""Settings to take into pro, or fewer if fewer are in the running."""
_SHORT = 5.0
"""s; clips up to which a pair is cheap."""


def advice(it: Material) -> str:
    """Return the advice, a sentence a line."""
    asked = it.question
    if asked is None:
        return say("study_no_question")
    found, rated, pairs = judged(it, asked)
    if found.kind != "open":
        why = {"preferred": say("advice_preferred"), "alike": say("advice_alike")}
        return "\n".join([say("advice_stop", why=why.get(found.kind, say("advice_planned"))), *_promoted(it)])
    left = max(asked.planned - len(rated), 0)
    lines = [say("advice_left", count=left, planned=asked.planned)] if left else []
    if len({one.row.rater for one in rated}) < 2:
        lines.append(say("advice_rater"))
    return "\n".join([*lines, *_new_block(pairs), say("advice_repeat"), *_promoted(it)])


def _new_block(pairs: Sequence[Pair]) -> list[str]:
    bills = [
        to_usd(pair.a.bill) + to_usd(pair.b.bill)
        for pair in pairs
        if pair.a.bill is not None and pair.b.bill is not None
    ]
    lengths = [pair.a.seconds for pair in pairs if pair.a.seconds is not None]
    lines = [say("advice_block", usd=format_price(sum(bills) / len(bills)))] if bills else []
    if lengths and sum(lengths) / len(lengths) > _SHORT:
        lines.append(say("advice_short", seconds=sum(lengths) / len(lengths)))
    return lines


def _promoted(it: Material) -> list[str]:
    """Return which settings to take into pro: where all that vary were made in std."""
    results = it.results
    axes = it.axes
    if not axes or {one.settings["mode"] for one in results} != {"std"}:
        return []
    found = running(it)
    best = [name for name, rank in zip(found.names, found.ranks, strict=True) if rank == 1][:_PROMOTED]
    if not found.ratings or len(found.names) <= _PROMOTED:
        return []
    return [say("advice_promote", settings="; ".join(best))]
