"""When a result moves: lag, speed, and what it is blind to."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity import curves, place, timing
from tests.study.fidelity.dances import at_speed, dance, drawn, late


@pytest.mark.parametrize("frames", [-12, -3, -1, 0, 1, 3, 6, 12])
def test_a_lag_is_found_within_a_frame(frames):
    found = timing.timing(*dance(1), *late(dance(1, "small"), frames))
    assert abs(found.lag * 30 - frames) < 0.6
    assert found.correlation > 0.9


def test_the_rate_of_frames_does_not_matter():
    found = timing.timing(*dance(1), *dance(1, "small", fps=24.0))
    assert found.correlation > 0.95
    assert abs(found.lag) < 0.02


def test_another_dance_keeps_another_time():
    same = min(timing.timing(*dance(one), *dance(one, "dark")).correlation for one in (1, 2, 3))
    others = [timing.timing(*dance(a), *dance(b)).correlation for a in (1, 2, 3) for b in (1, 2, 3) if a != b]
    assert same > 0.9
    assert max(others) < 0.6


def test_it_is_blind_to_mirroring_and_to_damping():
    mirrored = drawn(dance(1).grey[:, :, ::-1])
    assert timing.timing(*dance(1), *mirrored).correlation > 0.95
    assert timing.timing(*dance(1), *dance(1, "small", amount=0.5)).correlation > 0.85


@pytest.mark.parametrize(("period", "depth"), [(5.3, 0.08), (7.0, 0.04)])
def test_brightness_that_pumps_is_no_motion(period, depth):
    pale = 0.1 * dance(1).grey + 120.0  # little contrast, so that pumping outweighs the motion
    pumping = 1 + depth * np.sin(np.arange(len(pale)) * 2 * np.pi / period)
    flickering = drawn(pale * pumping[:, None, None])
    gap = curves.gap_of(30.0)
    raw = curves.match(
        *(curves.at_rate(curves.rooted(np.abs(one[gap:] - one[:-gap]).mean((1, 2))), 30.0, gap)
          for one in (dance(1).grey.astype(float), flickering.grey.astype(float)))
    )  # fmt: skip
    assert raw.correlation < 0.6
    assert timing.timing(*dance(1), *flickering).correlation > 0.85


@pytest.mark.parametrize("speed", [0.8, 0.9, 1.0, 1.1, 1.2])
def test_a_speed_is_found(speed):
    clip, result = (
        place.where(timing.changes(one.grey.astype(np.float32), 30.0), 30.0)
        for one in (dance(1), at_speed(dance(1), speed))
    )
    assert timing.speed(clip, result) == pytest.approx(speed, abs=0.026)


def test_noise_on_a_still_picture_is_too_little_motion():
    noise = np.random.default_rng(5).normal(0, 6, dance(1).grey.shape)
    still = drawn(dance(1).grey[:1] + noise)
    moving = drawn(dance(1).grey + noise)
    told = [
        timing.enough_motion(timing.when(timing.changes(timing.steady(*one), 30.0), 30.0))
        for one in (still, moving, dance(1, "small", amount=0.3))
    ]
    assert told == [False, True, True]


def test_less_than_a_second_says_nothing():
    short = drawn(dance(1).grey[:20])
    assert timing.timing(*dance(1), *short) is None
    assert timing.timing(*dance(1), *drawn(dance(1).grey[:2])) is None
    assert place.place(*short, *short) is None
    assert not timing.enough_motion(timing.when(timing.changes(timing.steady(*short), 30.0), 30.0))
