"""How much a result moves."""

from __future__ import annotations

import numpy as np

from motion_widgets.study.fidelity.amount import amount
from motion_widgets.study.fidelity.light import steady
from tests.study.fidelity.dances import dance, drawn


def amount_of(shown):
    return amount(steady(*shown), shown.fps)


def test_damping_is_told_in_order_and_a_still_picture_has_none():
    for seed, look in ((1, "dark"), (2, "small"), (3, "tall")):
        found = [amount_of(dance(seed, look, amount=part)) for part in (1.0, 0.5, 0.25, 0.0)]
        assert found == sorted(found, reverse=True)
        assert 0.5 < found[1] / found[0] < 0.95
        assert 0.3 < found[2] / found[0] < 0.75
        assert found[3] == 0


def test_a_camera_that_moves_does_not_count():
    y, x = np.mgrid[:96, :160]
    ground = 128 + 50 * np.sin(x / 4) * np.cos(y / 5) + 30 * np.sin((x + 2 * y) / 9)
    panned = drawn(np.stack([ground[:, at // 2 : at // 2 + 96] for at in range(120)]))
    assert amount_of(panned) < 0.2 * amount_of(dance(1, "dark"))


def test_brightness_that_pumps_does_not_count():
    pumping = drawn(dance(1).grey[:1] * (1 + 0.06 * np.sin(np.arange(90) * 0.9))[:, None, None])
    assert amount_of(pumping) < 0.1 * amount_of(dance(1))


def test_too_short_a_clip_has_none():
    assert amount_of(drawn(dance(1).grey[:3])) is None
