"""The words of an answer. Numbers come with ratings, pairs, clips and raters; no p-values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from motion_widgets.core.messages import say
from motion_widgets.core.money import format_left, format_price, format_usd
from motion_widgets.study.agreement import agreement, left_share
from motion_widgets.study.answer import interval_words, percent
from motion_widgets.study.money import Costs, extra_per_preferred, kept_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.log.rows import ComparisonRow
    from motion_widgets.study.ratings import Rated

__all__ = ["Compared", "Price", "counts", "headline", "remarks"]

_FEW = 4
"""Clips or images from which on an answer speaks for others like them as well."""


@dataclass(frozen=True)
class Price:
    """What A costs by what B costs: of bills of pairs, and of usable results."""

    ratio: float
    """NaN: bills are not known."""
    extra: float
    """USD a clip that A costs more."""
    a: Costs
    b: Costs

    def swapped(self) -> Price:
        """Return it as B by A."""
        return Price(1 / self.ratio if self.ratio else math.nan, -self.extra, self.b, self.a)

    @property
    def differs(self) -> bool:
        """Whether one costs more than the other, as far as cents tell."""
        return not math.isnan(self.ratio) and abs(self.extra) >= 0.005


@dataclass(frozen=True)
class Compared:
    """A against B as it is said: `rate` is A's, and A is the preferred one where one is."""

    a: str
    b: str
    rate: float
    low: float
    high: float
    price: Price


def counts(rated: Sequence[Rated]) -> str:
    """Return how many ratings, pairs, clips, raters, ties there are."""
    said = [one.row.choice for one in rated]
    return say(
        "answer_counts", ratings=len(rated), pairs=len({one.pair.ids for one in rated}),
        clips=len({one.pair.a.clip for one in rated}), raters=len({one.row.rater for one in rated}),
        ties=said.count("tie"), bad=said.count("both_bad"),
    )  # fmt: skip


def headline(kind: str, one: Compared, rated: Sequence[Rated]) -> str:
    """Return the first sentence of an answer that is given."""
    words = {
        "a": one.a, "b": one.b, "rate": percent(one.rate), "interval": interval_words(one.low, one.high),
        "counts": counts(rated),
    }  # fmt: skip
    ratio = f"{one.price.ratio:.2f}"
    if kind == "preferred":
        more = say("answer_more" if one.price.extra > 0 else "answer_less")
        usd = format_usd(abs(one.price.extra))
        price = say("answer_price", ratio=ratio, usd=usd, more=more) if one.price.differs else ""
        return say("answer_preferred", price=price, **words)
    if kind == "alike":
        price = say("answer_alike_price", a=one.a, ratio=ratio) if one.price.differs else ""
        return say("answer_alike", price=price, **words)
    if kind == "not_shown":
        up_to = {"high": _upwards(one.high), "low": _upwards(1 - one.low)}
        return say("answer_not_shown", ratings=len(rated), **words, **up_to)
    return say("answer_few", a=one.a, b=one.b, counts=words["counts"])


def _upwards(share: float) -> str:
    return percent(math.ceil(100 * share - 1e-9) / 100)


def remarks(kind: str, one: Compared, rated: Sequence[Rated]) -> list[str]:
    """Return what stands beside an answer: its scope, how raters agree, sides, and whether it is worth it."""
    clips = {each.pair.a.clip for each in rated}
    images = {each.pair.a.image for each in rated}
    raters = {each.row.rater for each in rated}
    made = []
    if 0 < len(clips) < _FEW:
        made.append(say("answer_one_clip" if len(clips) == 1 else "answer_few_clips"))
    if 0 < len(images) < _FEW:
        made.append(say("answer_one_image" if len(images) == 1 else "answer_few_images"))
    if len(raters) == 1:
        made.append(say("answer_one_rater"))
    rows = [each.row for each in rated]
    return [*made, *_raters(rows), *_worth(kind, one), *_break_even(one)]


def _raters(rows: Sequence[ComparisonRow]) -> list[str]:
    made = []
    left, decided, low, high = left_share(rows)
    if decided and (low > 0.5 or high < 0.5):
        side = say("answer_side_left" if low > 0.5 else "answer_side_right")
        share = left / decided if low > 0.5 else 1 - left / decided
        made.append(say("answer_left", side=side, share=percent(share)))
    said = agreement(rows)
    if said.shared and math.isnan(said.ac1):
        made.append(say("answer_agreement", agreed=said.agreed, shared=said.shared))
    elif said.shared:
        made.append(say("answer_agreement_ac1", **said._asdict()))
    return made


def _worth(kind: str, one: Compared) -> list[str]:
    """Return what the price buys; whether it is worth it people decide."""
    price = one.price
    if not price.differs:
        return []
    if kind in ("alike", "not_shown"):
        return [say("answer_worth_not")]
    if kind != "preferred":
        return []
    if price.extra < 0:
        return [say("answer_worth_no_dearer", a=one.a)]
    made = []
    kept = kept_ratio(price.a, price.b)
    if kept.value <= 1:
        made.append(say("answer_worth_kept", a=one.a))
    each = extra_per_preferred(price.extra, one.rate, one.low, one.high)
    if each is not None:
        ends = {"low": format_left(each.low), "high": format_price(each.high)}
        made.append(say("answer_worth_dearer", usd=format_usd(each.value), **ends))
    return made


def _break_even(one: Compared) -> list[str]:
    """Return from where on the dearer one pays by usable results alone; it needs no statistics."""
    price, dear, cheap = one.price, one.a, one.b
    if price.differs and price.extra < 0:
        price, dear, cheap = price.swapped(), cheap, dear
    if not price.differs or not price.b.rated:
        return []
    ratio = f"{price.ratio:.2f}"
    made = [
        say(
            "answer_break_even", dear=dear, cheap=cheap, ratio=ratio, usable=percent(price.b.usable),
            kept=price.b.kept, rated=price.b.rated,
        )
    ]  # fmt: skip
    if price.b.usable > 1 / price.ratio:
        limit = f"{100 / price.ratio:.1f}\u00a0%"
        made.append(say("answer_break_even_never", cheap=cheap, dear=dear, limit=limit))
    return made
