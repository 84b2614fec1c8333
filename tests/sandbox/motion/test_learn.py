"""Results follow their own clip, in time, place and direction, and no other one."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from tests.sandbox.motion.conftest import CLIPS, PICTURES, bent, curves, footage_of, scores


@pytest.fixture(scope="session")
def judged(clips, results):
    """judged(picture, clip, held): timing, place and direction of a result against the clip `held`."""
    of_clip = functools.cache(lambda name: curves(clips[name]))
    of_result = functools.cache(lambda picture, clip: curves(results(picture, clip)))
    return lambda picture, clip, held: scores(of_clip(held), of_result(picture, clip))


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("clip", CLIPS)
def test_a_result_follows_its_own_clip_more_than_any_other(judged, picture, clip):
    own = judged(picture, clip, clip)
    for other in set(CLIPS) - {clip}:
        assert all(one > two for one, two in zip(own, judged(picture, clip, other), strict=True))


@pytest.mark.parametrize("clip", ["wave", "dance"])
def test_the_sample_figure_moves_as_the_sample_clips_do(judged, clip):
    timing, place, direction = judged("figure", clip, clip)
    assert timing >= 0.9
    assert place >= 0.8
    assert direction >= 0.6


def test_a_still_clip_gives_a_still_result(pictures, clips):
    still = np.repeat(clips["dance"][:1], 40, axis=0)
    noisy = np.clip(still + np.random.default_rng(1).normal(0, 1.0, still.shape), 0, 255).astype(np.uint8)
    for grey in (still, noisy):
        frames = bent(pictures["figure"], footage_of(grey))
        assert (frames == frames[0]).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_frames_are_enough_to_draw(pictures, clips, count):
    frames = bent(pictures["figure"], footage_of(clips["wave"][:count]))
    assert len(frames) == count


def test_the_same_clip_and_picture_give_the_same_frames(pictures, footages, results):
    again = bent(pictures["person"], footages["wave"])
    assert (again == results("person", "wave")).all()
