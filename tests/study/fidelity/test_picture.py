"""How a picture is: blur, grain and flicker in the planted order, on frames that no one here made."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity.picture import blur, flicker, grain
from motion_widgets.study.fidelity.reading import read
from tests.study.fidelity.dances import dance, drawn, foreign

NAMES = ("bikes", "carphone_pristine", "bigbuckbunny")


def blurred(grey, radius):
    """Return frames that a box of so many px each way blurred."""
    made = grey.astype(np.float32)
    for axis in (1, 2):
        made = sum(np.roll(made, by, axis) for by in range(-radius, radius + 1)) / (2 * radius + 1)
    return drawn(made).grey


@pytest.fixture(scope="module", params=NAMES)
def frames(request):
    return read(foreign(request.param))


def test_blur_is_told_in_order(frames):
    large = frames.large[::4]
    found = [blur(large), blur(blurred(large, 1)), blur(blurred(large, 3))]
    assert found == sorted(found)
    assert found[1] - found[0] > 0.04
    assert found[2] - found[1] > 0.1


def test_grain_is_told_in_order_and_lowers_the_blur(frames):
    large = frames.large[::4]
    noise = np.random.default_rng(3).normal(0, 1, large.shape)
    noisy = [drawn(large + spread * noise).grey for spread in (0, 2, 6, 15)]
    found = [grain(one) for one in noisy]
    assert found == sorted(found)
    assert found[2] == pytest.approx(5.5, abs=0.7)
    assert blur(noisy[2]) < blur(large)


def test_flicker_is_told_in_order(frames):
    wave = np.sin(np.arange(len(frames.grey)) * 2.5)[:, None, None]
    found = [flicker(drawn(frames.grey * (1 + depth * wave)).grey) for depth in (0, 0.02, 0.08)]
    assert found[0] < 0.5 < 1 < found[1] < found[2]  # noqa: PLR0133 - the limits, too


def test_black_edges_have_no_grain():
    noise = np.random.default_rng(3).normal(0, 5, (2, 128, 128))
    framed = np.zeros((2, 256, 256), np.uint8)
    framed[:, 64:192, 64:192] = drawn(128 + noise).grey
    assert grain(framed) == pytest.approx(grain(drawn(128 + noise).grey), rel=0.1)


def test_of_nothing_nothing_is_told():
    flat = np.full((2, 64, 64), 90, np.uint8)
    assert (blur(flat), blur(flat[:, :8, :8]), blur(flat[:0])) == (None, None, None)
    assert (grain(flat), grain(np.zeros_like(flat)), grain(flat[:, :9, :9])) == (0, None, None)
    assert (flicker(dance(1).grey[:2]), flicker(flat[:0])) == (None, None)
