"""The interval of a win rate: the check value, its limits, and how often it covers simulated truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_widgets.log.intervals import t_quantile
from motion_widgets.study.preference import Scores, block_wilson
from tests.study import people

STUDIES = 2000
"""A coverage of 95 % is seen within 1 % (two standard deviations)."""


def scores_of(said, upto=None):
    """Return the scores of simulated studies up to a round."""
    scores = said.scores[..., :upto]
    counts = np.full(scores.shape[:2], float(scores.shape[2]))
    decided = [(scores == end).sum((-1, -2)) for end in (1, 0)]
    return Scores(scores.sum(-1), counts, *decided, said.clips, said.images)


def test_the_check_value():
    blocks = [("a", 3.5), ("b", 3.5), ("c", 3.0), ("d", 3.0), ("e", 3.0), ("f", 2.5)]
    sums, alone = np.array([total for _, total in blocks]), np.zeros(6, int)
    scores = Scores(sums, np.full(6, 4.0), np.array(16), np.array(3), alone, alone)
    rate, ends = block_wilson(scores, 0.95, 0.97, 0.99)
    assert round(float(rate), 3) == 0.771
    assert [tuple(np.round(end, 3)) for end in ends] == [(0.607, 0.880), (0.583, 0.890), (0.530, 0.909)]


def test_ratings_one_by_one_are_the_same_as_their_sums():
    rated = [(block, score, f"clip {block}", "hero") for block in "abc" for score in (1.0, 0.5, 0.0, 1.0)]
    scores = Scores.of(rated)
    assert (scores.sums.tolist(), scores.counts.tolist()) == ([2.5] * 3, [4.0] * 3)
    assert (int(scores.wins), int(scores.losses), int(scores.total), int(scores.blocks)) == (6, 3, 12, 3)
    assert (scores.clips.tolist(), scores.images.tolist()) == ([0, 1, 2], [0, 0, 0])


def test_blocks_that_share_a_clip_widen_the_interval():
    apart = [(f"b{place}", float(place < 6), place, place) for place in range(12)]
    alike = [(block, score, place // 6, place) for block, score, place, _ in apart]
    (_, [(low, high)]), (_, [(lower, higher)]) = (
        block_wilson(Scores.of(one), 0.95) for one in (apart, alike)
    )
    assert higher - lower > 1.3 * (high - low)


def test_nothing_rated_says_nothing_and_one_rating_hardly_anything():
    rate, [(low, high)] = block_wilson(Scores.of([]), 0.95)
    assert np.isnan(rate)
    assert (low, high) == (0, 1)
    rate, [(low, high)] = block_wilson(Scores.of([("a", 1.0, 1, 1)]), 0.95)
    assert rate == 1
    assert low < 0.2
    assert high == 1


def test_a_block_without_ratings_does_not_matter():
    some = np.array([[2.0, 0.0, 1.0]]), np.array([[2.0, 0.0, 2.0]])
    alone = np.arange(3)
    rate, [(low, high)] = block_wilson(Scores(*some, np.array([3]), np.array([1]), alone, alone), 0.95)
    whole = np.array([2.0, 1.0]), np.array([2.0, 2.0])
    same, [(lower, higher)] = block_wilson(
        Scores(*whole, np.array(3), np.array(1), np.arange(2), np.arange(2)), 0.95
    )
    assert (rate[0], low[0], high[0]) == pytest.approx((float(same), float(lower), float(higher)))


@pytest.mark.parametrize("noise", people.NOISES)
@pytest.mark.parametrize(
    ("media", "ratings"),
    [(people.apart(4), 4), (people.apart(8), 2), (people.apart(16), 1), (people.apart(24), 4),
     (people.crossed(3, 4), 2), (people.crossed(4, 6), 1)],
    ids=["4x4", "8x2", "16x1", "24x4", "3 images of 4 clips, twice", "4 images of 6 clips"],
)  # fmt: skip
def test_it_covers_what_it_says(media, ratings, noise):
    rng = np.random.default_rng(16)
    for effect in (0.0, 1.0):
        said = people.study(rng, STUDIES, *media, ratings, effect=effect, noise=noise)
        _, [(low, high)] = block_wilson(scores_of(said), 0.95)
        covered = ((low <= said.truth) & (said.truth <= high)).mean()
        assert covered >= 0.93
        if len(said.clips) >= 16 and np.array_equal(said.clips, said.images):
            assert covered <= 0.97


@pytest.mark.parametrize("ratings", [1, 2])
@pytest.mark.parametrize(
    "these",
    [(0, 0, 0), (0, 0, 0, 0), (0, 0), (-0.8, 0.8), (-0.6, 0.2, 0.7)],
    ids=lambda these: f"images {these}",
)
def test_blocks_that_share_clips_cover_what_holds_for_their_images(these, ratings):
    # Two images cannot stand for all images (0.88 at this noise), so an answer names them as its scope.
    rng = np.random.default_rng(17)
    media = people.crossed(len(these), {2: 12, 3: 4, 4: 6}[len(these)])
    for effect in (0.0, 1.0):
        said = people.study(rng, 2 * STUDIES, *media, ratings, effect=effect, noise="strong", these=these)
        scores = scores_of(said)
        _, [(low, high)] = block_wilson(scores, 0.95)
        assert ((low <= said.truth) & (said.truth <= high)).mean() >= 0.93
        if not effect and not any(these):
            assert ((low > 0.5) | (high < 0.5)).mean() <= 0.068  # as was measured beforehand
            each = np.arange(len(scores.clips))
            _, [(alone, above)] = block_wilson(replace(scores, clips=each, images=each), 0.95)
            assert ((alone > 0.5) | (above < 0.5)).mean() >= 0.05  # what the groupings are for


def test_the_quantiles_are_those_of_the_distribution():
    # By numerical integration of the density, the oracle that needs no library.
    from math import gamma, pi, sqrt

    for level in (0.95, 0.97, 0.99):
        for freedom in (1, 2, 3, 4, 7, 15, 20, 21, 60):
            grid = np.linspace(-t_quantile(level, freedom), t_quantile(level, freedom), 200_001)
            scale = gamma((freedom + 1) / 2) / gamma(freedom / 2) / sqrt(freedom * pi)
            inside = np.trapezoid(scale * (1 + grid**2 / freedom) ** (-(freedom + 1) / 2), grid)
            assert inside == pytest.approx(level, abs=2e-6)
