"""The words of an answer: which sentence stands for which finding, and that money is never said backwards."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.study.money import Costs
from motion_widgets.study.wording import Compared, Price, headline, remarks

NAN = math.nan


def costs(rated, kept, *, mean=NAN):
    """Return what results of one setting cost, as far as words are made of it."""
    usable = kept / rated if rated else NAN
    return Costs(rated, rated, kept, 0.0, mean, NAN, usable, 0.0, 1.0, NAN, 0.0, math.inf)


NONE = costs(0, 0)
EVEN = Price(1.0, 0.0, NONE, NONE)
DEARER = Price(1.6, 0.21, NONE, NONE)


def compared(price, rate=0.8, low=0.6, high=0.9):
    return Compared("pro", "std", rate, low, high, price)


class TestHeadline:
    """The first sentence names both values, the share with its interval, and what the price buys."""

    def test_a_preference_for_the_dearer_one_names_both_prices(self):
        said = headline("preferred", compared(DEARER), [])
        assert said.startswith("pro preferred to std: 80\u00a0% (95 % interval 60\u201390\u00a0%)")
        assert ", at 1.60 times the price ($0.21 more a clip)." in said

    def test_a_preference_for_the_cheaper_one_says_less(self):
        said = headline("preferred", compared(DEARER.swapped()), [])
        assert ", at 0.62 times the price ($0.21 less a clip)." in said

    def test_two_that_are_liked_alike_are_told_apart_by_their_price_only(self):
        said = headline("alike", compared(DEARER, 0.5, 0.42, 0.58), [])
        assert (
            "pro and std about equally liked: 50\u00a0% (42\u201358\u00a0%); pro costs 1.60 times as much."
            in said
        )

    @pytest.mark.parametrize("kind", ["preferred", "alike"])
    @pytest.mark.parametrize("price", [EVEN, Price(1.001, 0.0049, NONE, NONE), Price(NAN, 0.3, NONE, NONE)])
    def test_a_price_that_is_the_same_or_unknown_is_not_said(self, kind, price):
        said = headline(kind, compared(price), [])
        assert "price" not in said
        assert "times" not in said
        assert "$" not in said

    def test_no_difference_shown_says_how_large_it_could_be_for_either(self):
        said = headline("not_shown", compared(EVEN, 0.55, 0.31, 0.774), [])
        assert "No difference shown between pro and std: 55\u00a0% (31\u201378\u00a0%)" in said
        assert "up to 78\u00a0% for pro or 69\u00a0% for std" in said, "each rounded away from a half"

    def test_too_few_give_no_share_at_all(self):
        said = headline("few", compared(EVEN, 1.0, 0.2, 1.0), [])
        assert said.startswith("Too few to say about pro and std. 0 ratings of 0 pairs")
        assert "100" not in said


class TestWorth:
    """What the higher price buys is said where it differs, and left to people."""

    @pytest.mark.parametrize("kind", ["preferred", "alike", "not_shown", "few", "information"])
    def test_nothing_is_said_of_prices_that_do_not_differ(self, kind):
        assert remarks(kind, compared(EVEN), []) == []

    @pytest.mark.parametrize("kind", ["alike", "not_shown"])
    def test_without_a_preference_the_higher_price_buys_nothing(self, kind):
        assert remarks(kind, compared(DEARER, 0.5, 0.4, 0.6), []) == [
            "Nothing here says that the higher price buys a better clip."
        ]

    @pytest.mark.parametrize("kind", ["few", "information"])
    def test_without_a_verdict_nothing_is_said_of_worth(self, kind):
        assert remarks(kind, compared(DEARER), []) == []

    def test_the_preferred_one_may_be_the_cheaper(self):
        assert remarks("preferred", compared(DEARER.swapped()), []) == ["pro is preferred and costs no more."]

    def test_the_dearer_preferred_one_has_a_price_for_each_further_preferred_clip(self):
        (said,) = remarks("preferred", compared(DEARER, 0.8, 0.6, 0.9), [])
        assert said.startswith("Each further preferred clip costs $0.35 more ($0.26")
        assert said.endswith("$1.05).")

    def test_the_dearer_one_may_cost_no_more_by_what_is_kept(self):
        price = Price(1.6, 0.21, costs(10, 10, mean=0.55), costs(10, 5, mean=0.34))
        first = remarks("preferred", compared(price), [])[0]
        assert first == "pro is preferred and costs no more per kept result."


class TestBreakEven:
    def test_it_is_a_matter_of_how_often_the_cheaper_one_is_kept(self):
        price = Price(1.6, 0.21, costs(10, 9), costs(10, 5))
        said = remarks("alike", compared(price, 0.5, 0.4, 0.6), [])
        (even,) = said[1:]
        assert even.startswith(
            "pro costs 1.60 times std: by kept results alone it pays only if it is kept 1.60 "
        )
        assert even.endswith("std is kept in 50\u00a0% (5 of 10).")

    def test_a_cheaper_one_that_is_nearly_always_kept_cannot_be_beaten(self):
        price = Price(1.6, 0.21, costs(10, 10), costs(10, 9))
        last = remarks("alike", compared(price, 0.5, 0.4, 0.6), [])[-1]
        assert last.startswith(
            "std is kept more often than 62.5\u00a0%, so by kept results alone pro never can"
        )

    def test_it_is_said_of_the_dearer_one_whichever_comes_first(self):
        price = Price(1.6, 0.21, costs(10, 9), costs(10, 5))
        one = compared(price, 0.5, 0.4, 0.6)
        other = Compared("std", "pro", 0.5, 0.4, 0.6, price.swapped())
        assert remarks("information", one, []) == remarks("information", other, []) != []

    def test_it_needs_somebody_who_said_what_is_kept(self):
        assert remarks("information", compared(Price(1.6, 0.21, costs(3, 3), NONE)), []) == []


@given(st.floats(0.05, 20), st.floats(-5, 5))
def test_a_price_swapped_twice_is_the_same_price(ratio, extra):
    price = Price(ratio, extra, NONE, EVEN.b)
    back = price.swapped().swapped()
    assert back.ratio == pytest.approx(ratio)
    assert (back.extra, back.a, back.b, back.differs) == (extra, price.a, price.b, price.differs)


@pytest.mark.parametrize("ratio", [NAN, 0.0])
def test_a_ratio_that_is_not_known_stays_so(ratio):
    assert math.isnan(Price(ratio, 0.1, NONE, NONE).swapped().ratio)
