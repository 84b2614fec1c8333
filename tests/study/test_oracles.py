"""Estimates against two libraries that are not used here: statsmodels and choix."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.proportion import proportion_confint

from motion_widgets.log.intervals import rate_interval, wilson
from motion_widgets.study import bradley_terry
from motion_widgets.study.bradley_terry import fit
from tests.study import people
from tests.study.test_bradley_terry import BLOCKS, simulated


def of_settings(seed, settings=5, ratings=80):
    """Return which settings were left and right, their designs, scores and blocks."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, settings, ratings)
    right = (left + rng.integers(1, settings, ratings)) % settings
    design = np.eye(settings)[left] - np.eye(settings)[right]
    scores, _ = people.answers(rng, design @ np.linspace(0, 1.6, settings))
    return left, right, design, scores, np.arange(ratings) % BLOCKS


@pytest.mark.parametrize("seed", range(3))
def test_strengths_are_those_of_choix_with_every_answer_entered_twice(seed):
    left, right, design, scores, blocks = of_settings(seed)
    wins = []
    for one, other, score in zip(left.tolist(), right.tolist(), scores, strict=True):
        # A tie once for each side; the library counts a whole answer twice then, and so its penalty.
        wins += {1.0: [(one, other)] * 2, 0.5: [(one, other), (other, one)], 0.0: [(other, one)] * 2}[score]
    expected = choix.opt_pairwise(design.shape[1], wins, alpha=0.25, tol=1e-9)
    assert fit(design, scores, blocks).effects == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("noise", people.NOISES)
def test_effects_are_those_of_statsmodels(noise, monkeypatch):
    design, scores, blocks = simulated(np.random.default_rng(6), 1, 96, matched=False, noise=noise)
    model = GLM(scores[0], design[0], family=Binomial())
    # Where its likelihood's slope is the ridge's, the penalised likelihood is at its top.
    effects = fit(design[0], scores[0], blocks).effects
    assert model.score(effects) == pytest.approx(0.25 * effects, abs=1e-6)
    monkeypatch.setattr(bradley_terry, "_RIDGE", 0.0)
    assert fit(design[0], scores[0], blocks).effects == pytest.approx(model.fit().params, abs=5e-5)


def test_errors_lie_near_those_that_statsmodels_clusters_by_block():
    design, scores, blocks = simulated(np.random.default_rng(7), 1, 600, matched=False, noise="none")
    fitted = fit(design[0], scores[0], blocks)
    whole = GLM(scores[0], design[0], family=Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": blocks}, use_t=True
    )
    # With many ratings the ridge hardly counts; the jackknife is a little wider than its sandwich.
    assert fitted.effects == pytest.approx(whole.params, abs=0.01)
    assert np.sqrt(np.diag(fitted.covariance)) == pytest.approx(whole.bse, rel=0.12)


@pytest.mark.parametrize(("wins", "of"), [(0, 5), (5, 5), (3, 8), (47, 96), (950, 1000)])
def test_wilsons_interval_is_that_of_statsmodels(wins, of):
    expected = proportion_confint(wins, of, alpha=0.05, method="wilson")
    assert rate_interval(wins, of)[-2:] == pytest.approx(expected, abs=5e-5)
    z = 1.959963985
    assert wilson(np.array(wins / of), np.array(of), np.array(z)) == pytest.approx(expected, abs=5e-5)
