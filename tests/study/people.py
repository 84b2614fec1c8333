"""Simulated people: they differ, tie, find both bad, and lean to a side; clips and generations differ too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOISES = {"none": (0.0, 0.0), "mid": (0.6, 0.6), "strong": (1.2, 0.8)}
"""Standard deviations in log-odds: of the effect between clips, and between generations."""
TIE, BAD, SIDE, RATER = 0.5, 0.08, 0.2, 0.3
"""Davidson's weight of a tie (20 % between equals), share of "both bad", lean to the left, between raters."""


class Said(NamedTuple):
    """Scores of A by study, block and rating, what was to be expected of them, and each block's media."""

    scores: np.ndarray
    truth: float
    clips: np.ndarray
    images: np.ndarray


def answers(rng, odds):
    """Return scores for log-odds of A, and the scores to be expected."""
    first, second, tie = np.exp(odds / 2), np.exp(-odds / 2), TIE
    total = (first + second + tie) / (1 - BAD)
    wins, ties = first / total, tie / total + BAD
    drawn = rng.random(odds.shape)
    return np.where(drawn < wins, 1.0, np.where(drawn < wins + ties, 0.5, 0.0)), wins + ties / 2


def study(rng, studies, clips, images, ratings, *, effect, noise, raters=1, these=None):
    """Return the ratings of many studies; `clips` and `images`: by block; raters take turns.

    `these`: what each image adds, the same images in all studies, so that the truth is about them. None: half
    of what differs between clips differs between images that each study draws anew.
    """
    clips, images = np.asarray(clips), np.asarray(images)
    between, generation = NOISES[noise]
    drawn = these is None and not np.array_equal(clips, images)
    one = between / np.sqrt(2) if drawn else between
    odds = effect + one * rng.standard_normal((studies, clips.max() + 1))[:, clips]
    if drawn:
        odds = odds + one * rng.standard_normal((studies, images.max() + 1))[:, images]
    if these is not None:
        odds = odds + np.asarray(these)[images]
    odds = odds[..., None] + generation * rng.standard_normal((studies, len(clips), ratings))
    if raters > 1:
        own = RATER * rng.standard_normal((studies, 1, raters))
        own -= own.mean(-1, keepdims=True)  # the answer is about these raters
        odds = odds + own[..., np.arange(ratings) % raters]
    side = (np.arange(len(clips))[:, None] + np.arange(ratings)) % 2 * 2 - 1
    scores, expected = answers(rng, odds + SIDE * side)
    return Said(scores, float(expected.mean()), clips, images)


def apart(blocks):
    """Return the media of blocks that share none."""
    return np.arange(blocks), np.arange(blocks)


def crossed(images, clips):
    """Return the media of every image with every clip."""
    return np.tile(np.arange(clips), images), np.repeat(np.arange(images), clips)
