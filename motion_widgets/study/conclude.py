"""From the ratings that stand to an answer: the question's by its rule, any other for information."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.messages import say
from motion_widgets.study.answer import Answer, interval_words, percent
from motion_widgets.study.money import costs_of, price_ratio
from motion_widgets.study.pairs import matched
from motion_widgets.study.preference import block_wilson
from motion_widgets.study.ratings import looks_of, scored, scores_of
from motion_widgets.study.verdict import Verdict, verdict
from motion_widgets.study.wording import Compared, Price, counts, headline, remarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import QuestionRow
    from motion_widgets.study.material import Material
    from motion_widgets.study.pairs import Pair
    from motion_widgets.study.ratings import Rated
    from motion_widgets.study.verdict import Kind

__all__ = ["Progress", "answer", "information", "judged", "planned_rounds", "price_of", "progress"]

INFORMATION = 0.99
"""Level of what was not the question."""


class Progress(NamedTuple):
    """How far a study has come."""

    stored: int
    """Ratings that count."""
    rounds: int
    """Rounds that are complete."""
    planned: int
    """Rounds that are planned."""


def progress(it: Material, asked: QuestionRow) -> Progress:
    """Return how far a study has come."""
    pairs = matched(it.results, asked.axis, asked.a, asked.b)
    rated, rounds = scored(it.counted, pairs)
    planned = planned_rounds(asked, pairs)
    return Progress(len(rated), min(rounds, planned), planned)


def planned_rounds(asked: QuestionRow, pairs: Sequence[Pair]) -> int:
    """Return after how many rounds of all blocks the planned number of ratings is reached."""
    blocks = len({pair.block for pair in pairs})
    return max(1, math.ceil(asked.planned / blocks)) if blocks else 1


def judged(it: Material, asked: QuestionRow) -> tuple[Verdict, list[Rated], Sequence[Pair]]:
    """Return the verdict on a question, all its ratings, and its pairs."""
    pairs = matched(it.results, asked.axis, asked.a, asked.b)
    rated, rounds = scored(it.counted, pairs)
    # Of rounds after the plan's end nothing is used.
    planned = planned_rounds(asked, pairs)
    return verdict(looks_of(rated, min(rounds, planned)), planned), rated, pairs


def answer(it: Material, asked: QuestionRow) -> Answer:
    """Return the answer to a study's question."""
    found, rated, pairs = judged(it, asked)
    used = [one for one in rated if one.round <= found.rounds]
    if found.kind == "open":
        text = _open(asked, found, rated, used, planned_rounds(asked, pairs))
        return _made(it, text, found.kind, _compared(it, asked, found), len(used))
    one = _compared(it, asked, found)
    lines = [headline(found.kind, one, used)]
    if found.early:
        lines.append(say("answer_early", round=found.rounds))
    if len(rated) > len(used):
        lines.append(say("answer_rest", count=len(rated) - len(used)))
    text = "\n".join([" ".join(lines), *_line(remarks(found.kind, one, used))])
    return _made(it, text, found.kind, one, len(used))


def information(it: Material, axis: str, a: str, b: str) -> Answer:
    """Return what was rated of an axis that was not the question: at 99 %, without a verdict."""
    rated, _ = scored(it.counted, matched(it.results, axis, a, b))
    if not rated:
        text = say("answer_information_none", axis=axis, a=a, b=b)
        return _made(it, text, "information", Compared(a, b, math.nan, 0.0, 1.0, price_of(it, [])), 0)
    rate, [(low, high)] = block_wilson(scores_of(rated), INFORMATION)
    one = Compared(a, b, float(rate), float(low), float(high), price_of(it, []))
    text = say(
        "answer_information", a=a, b=b, rate=percent(one.rate), interval=interval_words(one.low, one.high),
        shows=say("answer_shows" if low > 0.5 or high < 0.5 else "answer_shows_not"), counts=counts(rated),
    )  # fmt: skip
    text = "\n".join([text, *_line(remarks("information", one, rated))])
    return _made(it, text, "information", one, len(rated))


def price_of(it: Material, pairs: Sequence[Pair]) -> Price:
    """Return what A costs by B, of these pairs."""
    ratio, extra = price_ratio((pair.a, pair.b) for pair in pairs)
    first, second = (costs_of([getattr(pair, side) for pair in pairs], it.usable) for side in "ab")
    return Price(ratio, extra, first, second)


def _compared(it: Material, asked: QuestionRow, found: Verdict) -> Compared:
    """Return the comparison with the preferred value first, where one is."""
    price = price_of(it, matched(it.results, asked.axis, asked.a, asked.b))
    if found.kind == "preferred" and found.rate < 0.5:
        return Compared(asked.b, asked.a, 1 - found.rate, 1 - found.high, 1 - found.low, price.swapped())
    return Compared(asked.a, asked.b, found.rate, found.low, found.high, price)


def _open(
    asked: QuestionRow, found: Verdict, rated: Sequence[Rated], used: Sequence[Rated], rounds: int
) -> str:
    if used:
        interval = interval_words(found.low, found.high)
        now = say(
            "answer_open_rate", rate=percent(found.rate), a=asked.a, interval=interval, counts=counts(used)
        )
    else:
        now = say("answer_open_none")
    return say(
        "answer_open", a=asked.a, b=asked.b, stored=len(rated), planned=asked.planned, rounds=found.rounds,
        all=rounds, now=now,
    )  # fmt: skip


def _made(it: Material, text: str, kind: Kind, one: Compared, ratings: int) -> Answer:
    said = say("answer_sandbox", text=text) if it.sandbox else text
    return Answer(said, kind, one.a, one.b, one.rate, one.low, one.high, ratings)


def _line(said: Sequence[str]) -> list[str]:
    return [" ".join(said)] if said else []
