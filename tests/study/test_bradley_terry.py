"""Strengths from pairs: the penalised likelihood, errors by leaving blocks out, and sure orders."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.bradley_terry import Fit, challengers, fit, surely_better
from tests.study import people

BLOCKS = 12
SETTINGS = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, -1).T.astype(float)
EFFECTS = np.array([0.8, 0.4, 0.2])


def simulated(rng, studies, ratings, *, matched, noise):
    """Return designs (left minus right, by axis), scores, blocks; matched pairs are of the first axis."""
    blocks = np.arange(ratings) % BLOCKS
    left = SETTINGS[rng.integers(0, 8, (studies, ratings))]
    if matched:
        sign = np.where((blocks + np.arange(ratings) // BLOCKS) % 2, 1.0, -1.0)
        design = np.zeros_like(left)
        design[..., 0] = sign
    else:
        place = rng.integers(0, 8, (studies, ratings))
        design = SETTINGS[place] - SETTINGS[(place + rng.integers(1, 8, (studies, ratings))) % 8]
    between, generation = people.NOISES[noise]
    shared = between * rng.standard_normal((studies, BLOCKS, 3))[:, blocks]
    odds = (design * (EFFECTS + shared)).sum(-1) + generation * rng.standard_normal((studies, ratings))
    return design, people.answers(rng, odds + people.SIDE)[0], blocks


def penalised(effects, design, scores):
    """Return what the fit is to minimise."""
    odds = design @ effects
    return (np.logaddexp(0, odds) - scores * odds).sum() + 0.125 * effects @ effects


def test_it_is_the_maximum_of_the_penalised_likelihood():
    design, scores, blocks = simulated(np.random.default_rng(1), 1, 48, matched=False, noise="mid")
    fitted = fit(design[0], scores[0], blocks)
    least = penalised(fitted.effects, design[0], scores[0])
    for step in np.vstack([np.eye(3), -np.eye(3)]) * 1e-3:
        assert penalised(fitted.effects + step, design[0], scores[0]) > least


def test_the_jackknife_is_near_leaving_each_block_out():
    design, scores, blocks = simulated(np.random.default_rng(2), 1, 96, matched=False, noise="mid")
    fitted = fit(design[0], scores[0], blocks)
    without = []
    for one in range(BLOCKS):
        others = blocks != one
        numbers = np.unique(blocks[others], return_inverse=True)[1]
        without.append(fit(design[0][others], scores[0][others], numbers))
    moved = fitted.effects - np.array([one.effects for one in without])
    exact = (BLOCKS - 1) / BLOCKS * (moved[:, :, None] * moved[:, None, :]).sum(0)
    assert np.sqrt(np.diag(fitted.covariance)) == pytest.approx(np.sqrt(np.diag(exact)), rel=0.1)


def test_many_studies_at_once_are_the_same_as_each_alone():
    design, scores, blocks = simulated(np.random.default_rng(3), 3, 36, matched=False, noise="none")
    together = fit(design, scores, blocks)
    for place in range(3):
        alone = fit(design[place], scores[place], blocks)
        assert together.effects[place] == pytest.approx(alone.effects)
        assert together.covariance[place] == pytest.approx(alone.covariance)


@pytest.mark.parametrize("noise", people.NOISES)
def test_matched_pairs_need_at_most_70_percent_of_random_ones(noise):
    rng = np.random.default_rng(4)
    design, scores, blocks = simulated(rng, 500, 72, matched=False, noise=noise)
    random = fit(design, scores, blocks)
    design, scores, blocks = simulated(rng, 500, 50, matched=True, noise=noise)
    matched = fit(design[..., :1], scores, blocks)
    wide, narrow = (np.sqrt(one.covariance[:, 0, 0]).mean() for one in (random, matched))
    assert narrow <= wide  # 50 of 72 are 69 %
    assert matched.effects[:, 0].std() <= random.effects[:, 0].std()


@pytest.mark.parametrize("noise", people.NOISES)
def test_the_interval_of_an_effect_covers_it(noise):
    rng = np.random.default_rng(5)
    design, scores, blocks = simulated(rng, 800, 72, matched=False, noise=noise)
    fitted = fit(design, scores, blocks)
    many, said, where = simulated(rng, 1, 60_000, matched=False, noise=noise)
    truth = 1 / (1 + np.exp(-fit(many[0], said[0], where).effects[0]))
    _, low, high = fitted.interval(0)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.93


def ranked(effects, ratings, seed):
    """Return who is surely better among settings of these strengths, by random pairs."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(effects), ratings)
    second = (first + rng.integers(1, len(effects), ratings)) % len(effects)
    design = np.eye(len(effects))[first] - np.eye(len(effects))[second]
    scores, _ = people.answers(rng, design @ np.asarray(effects))
    return surely_better(fit(design, scores, np.arange(ratings) % BLOCKS))


def test_the_best_stays_in_the_running_and_orders_are_hardly_ever_wrong():
    effects = [0.0, 0.8, 1.6, 2.4]
    found = np.array([ranked(effects, 96, seed) for seed in range(60)])
    assert not found[:, :, 3].any(axis=1).sum() > 2  # nobody is surely better than the best
    assert np.triu(found.mean(0)).max() <= 0.05  # the weaker one surely better
    assert found[:, 3, 0].mean() > 0.8


def test_equals_all_stay_in_the_running():
    found = np.array([ranked([0.0] * 5, 60, seed) for seed in range(60)])
    assert found.any(axis=(1, 2)).mean() <= 0.1


def test_nothing_is_sure_from_two_blocks():
    fitted = Fit(np.array([9.0, -9.0]), np.eye(2) * 1e-6, np.eye(2) * 1e-6, 2)
    assert not surely_better(fitted).any()
    assert [float(end) for end in fitted.interval(0)[1:]] == [0.0, 1.0]


def test_rounding_leaves_no_error_of_a_contrast_below_nothing():
    fitted = Fit(np.zeros(2), np.array([[1.0, 1.0], [1.0, 1.0 - 1e-17]]), np.ones((2, 2)), 5)
    _, low, high = fitted.against(np.array([[1.0, -1.0]]) * (1 + 1e-16))
    assert np.isfinite([low, high]).all()


def regret(ratings, *, leader, each=2, studies=150, settings=10):
    """Return how much less liked than the best the leading setting of studies is at their end."""
    rng = np.random.default_rng(2)
    effects = 0.7 * rng.standard_normal((studies, settings))
    design, scores = np.zeros((studies, 0, settings)), np.zeros((studies, 0))
    for start in range(0, ratings, each):
        if leader and start:
            order = challengers(fit(design, scores, np.arange(start) % BLOCKS))
            first, second = order[:, :1].repeat(each, 1), order[:, 1:2].repeat(each, 1)
        else:
            first = rng.integers(0, settings, (studies, each))
            second = (first + rng.integers(1, settings, (studies, each))) % settings
        more = np.eye(settings)[first] - np.eye(settings)[second]
        odds = (more * effects[:, None]).sum(-1) + 0.6 * rng.standard_normal((studies, each))
        design = np.concatenate([design, more], 1)
        scores = np.concatenate([scores, people.answers(rng, odds)[0]], 1)
    found = fit(design, scores, np.arange(ratings) % BLOCKS).effects.argmax(-1)
    return (effects.max(-1) - effects[np.arange(studies), found]).mean()


def test_leader_against_challenger_finds_the_best_better_than_random_pairs():
    assert regret(48, leader=True) <= 0.8 * regret(48, leader=False)


def test_the_challenger_is_the_least_surely_behind():
    error = np.diag([0.1, 0.1, 1.0, 0.1])
    fitted = Fit(np.array([0.2, 1.0, -0.5, 0.4]), error * 0.0, error, 12)
    assert challengers(fitted).tolist() == [1, 3, 2, 0]  # 0.6 / 0.45, 1.5 / 1.05, 0.8 / 0.45
