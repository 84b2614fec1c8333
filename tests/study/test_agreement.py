"""How raters agree, and whether they lean to a side."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from motion_widgets.study.agreement import agreement, left_share


def rating(pair, rater, choice, *, swapped=False):
    left, right = (f"z{pair}", f"a{pair}") if swapped else (f"a{pair}", f"z{pair}")
    return SimpleNamespace(left_job_id=left, right_job_id=right, rater=rater, choice=choice)


def said(*answers):
    """Return two raters' answers to pairs: "aa" both chose a, "az", "at" (tie), "bb" (both bad) …"""
    words = {"a": "left", "z": "right", "t": "tie", "b": "both_bad"}
    return [
        rating(place, rater, words[letter])
        for place, both in enumerate(answers) for rater, letter in zip(("ana", "bo"), both, strict=True)
    ]  # fmt: skip


def test_a_choice_is_of_a_result_and_not_of_a_side():
    rows = [rating(1, "ana", "left"), rating(1, "bo", "right", swapped=True), rating(2, "ana", "left")]
    assert agreement(rows)[:2] == (1, 1)


def test_below_eight_pairs_only_counts():
    found = agreement(said("aa", "az", "zz", "tt", "bb", "at", "aa"))
    assert found[:2] == (5, 7)
    assert math.isnan(found.ac1)


def test_ac1_by_hand():
    # 6 of 8 agree. Shares: a 9/16, z 5/16, t 2/16: chance = (9*7 + 5*11 + 2*14) / 256 / 3.
    found = agreement(said("aa", "aa", "aa", "zz", "zz", "tt", "az", "aa"))
    chance = (9 * 7 + 5 * 11 + 2 * 14) / 256 / 3
    assert found[:2] == (7, 8)
    assert found.ac1 == pytest.approx((7 / 8 - chance) / (1 - chance))
    assert found.low < found.ac1 < found.high


def test_all_for_one_result_is_full_agreement():
    found = agreement(said(*["aa"] * 10))
    assert (found.agreed, found.ac1) == (10, 1.0)


def test_the_last_word_of_a_rater_counts_and_skips_do_not():
    rows = [
        rating(1, "ana", "left"),
        rating(1, "ana", "right"),
        rating(1, "bo", "right"),
        rating(1, "cy", "skip"),
    ]
    assert agreement(rows)[:2] == (1, 1)


def test_the_share_of_left_is_of_decided_answers():
    rows = [rating(place, "ana", "left") for place in range(18)] + [rating(30, "ana", "right")]
    left, decided, low, high = left_share([*rows, rating(31, "ana", "tie")])
    assert (left, decided) == (18, 19)
    assert 0.5 < low < high < 1
    assert math.isnan(left_share([])[2])
