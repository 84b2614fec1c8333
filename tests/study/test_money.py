"""What results cost: ratios with intervals that cover, and ends that are not bounded said so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets.study.money import extra_per_preferred, fieller, mover_ratio, price_ratio
from motion_widgets.study.preference import Scores, block_wilson
from motion_widgets.study.results import settings_of
from tests.study import people


def test_the_price_ratio_is_of_bills():
    pair = [type("R", (), {"bill": bill})() for bill in (548_640, 342_720)]
    unknown = [type("R", (), {"bill": bill})() for bill in (None, 342_720)]
    assert price_ratio([tuple(pair), tuple(unknown)]) == pytest.approx((1.6009, 0.20592), abs=1e-4)
    assert math.isnan(price_ratio([tuple(unknown)])[0])


def test_each_further_preferred_clip():
    made = extra_per_preferred(0.21, 0.771, 0.607, 0.880)
    assert [round(one, 2) for one in (made.value, made.low, made.high)] == [0.39, 0.28, 0.98]
    assert extra_per_preferred(0.21, 0.6, 0.5, 0.7) is None


def test_fieller_solves_its_own_quadratic():
    bills, kept = [1.0, 1.2, 0.9, 1.1, 1.0, 1.3], [2.0, 1.0, 2.0, 1.0, 2.0, 2.0]
    made = fieller(bills, kept)
    count, scale = 6, 2.570582**2 / 6 / 5
    for end in (made.low, made.high):
        left = [bill - end * keep for bill, keep in zip(bills, kept, strict=True)]
        middle = sum(left) / count
        spread = sum((one - middle) ** 2 for one in left)
        assert middle**2 == pytest.approx(scale * spread, rel=1e-5)
    assert made.low < made.value < made.high


def test_few_usable_results_have_no_upper_end():
    made = fieller([0.5] * 6, [1, 0, 0, 0, 0, 0])
    assert made.value == 3.0
    assert 0 < made.low < made.value
    assert math.isinf(made.high)
    assert math.isnan(fieller([0.5, 0.5], [0, 0]).value)
    assert fieller([0.5], [1]) == (fieller([0.5], [1]))
    assert math.isinf(fieller([0.5], [1]).high)


ends = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted)


@given(ends, ends)
@settings(max_examples=60)
def test_a_ratio_of_rates_is_a_number_in_its_interval(over, under):
    (low, rate, high), (base_low, base, base_high) = over, under
    made = mover_ratio((rate, low, high), (base, base_low, base_high))
    assert not math.isnan(made.low)
    assert made.low >= 0
    if base > 1e-9 and math.isfinite(made.value):
        assert made.low <= made.value * (1 + 1e-9) + 1e-12
        assert made.value <= made.high * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("noise", people.NOISES)
@pytest.mark.parametrize(("blocks", "repeats"), [(6, 2), (12, 1), (24, 1)])
def test_the_ratio_of_costs_covers(blocks, repeats, noise):
    rng, studies = np.random.default_rng(9), 3000
    between, generation = people.NOISES[noise]
    for rates in ((0.6, 0.4), (0.8, 0.7), (0.9, 0.3)):
        shared = between * rng.standard_normal((studies, blocks, 1))
        found, truth = [], []
        for rate in rates:
            odds = math.log(rate / (1 - rate)) + shared
            odds = odds + generation * rng.standard_normal((studies, blocks, repeats))
            chance = 1 / (1 + np.exp(-odds))
            kept = (rng.random(odds.shape) < chance).astype(float)
            each = np.arange(blocks)
            counts = np.full((studies, blocks), float(repeats))
            won, lost = kept.sum((1, 2)), (1 - kept).sum((1, 2))
            usable, [(low, high)] = block_wilson(Scores(kept.sum(-1), counts, won, lost, each, each), 0.95)
            found.append(np.stack([usable, low, high], -1).tolist())
            truth.append(chance.mean())
        made = [mover_ratio(tuple(std), tuple(pro)) for pro, std in zip(*found, strict=True)]
        assert np.mean([one.low <= truth[1] / truth[0] <= one.high for one in made]) >= 0.93


def test_a_block_is_image_clip_and_prompt_by_content(host, put):
    ids = put(
        ("std", 1), ("pro", 1), ("std", 2), ("std", 1, {"prompt": "x"}),
        ("std", 1, {"clip_name": "copy.mp4"}), ("std", 1, {"keep_original_sound": "yes"}),
    )  # fmt: skip
    made = [settings_of(host.log_store.jobs.get(one)) for one in ids]
    blocks = [one.block() for one in made]
    assert blocks[0] == blocks[1] == blocks[4] == blocks[5]
    assert len(set(blocks)) == 3
    assert made[0].settings == made[5].settings  # "yes" is what an unset sound means
    assert made[3].block("prompt") == made[0].block("prompt")


@pytest.mark.parametrize("noise", people.NOISES)
def test_the_cost_of_a_usable_result_covers(noise):
    rng, studies, blocks = np.random.default_rng(12), 1500, 12
    between, generation = people.NOISES[noise]
    odds = between * rng.standard_normal((studies, blocks, 1)) + generation * rng.standard_normal(
        (studies, blocks, 2)
    )
    chance = 1 / (1 + np.exp(-odds))
    kept = (rng.random(chance.shape) < chance).sum(-1).astype(float)
    bills = rng.uniform(0.4, 1.0, (studies, blocks))
    truth = bills.mean() / chance.mean() / 2
    made = [fieller(one, other) for one, other in zip(bills.tolist(), kept.tolist(), strict=True)]
    assert np.mean([one.low <= truth <= one.high for one in made]) >= 0.93
