"""Where a result moves: the same dance by any figure, the mirrored one, another one."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity import place
from tests.study.fidelity.dances import dance, drawn


@pytest.mark.parametrize("look", ["small", "dark"])
def test_the_same_dance_by_another_figure_is_above_every_other_dance(look):
    for one in (1, 2, 3):
        same = place.place(*dance(one), *dance(one, look))
        others = [
            place.place(*dance(one), *dance(other, look)).correlation for other in (1, 2, 3) if other != one
        ]
        assert same.correlation > 0.6
        assert max(others) < 0.4
        assert same.exchanged < same.correlation


def test_a_mirrored_result_is_told():
    for one in (1, 2, 3):
        found = place.place(*dance(one), *drawn(dance(one, "small").grey[:, :, ::-1]))
        assert found.exchanged > 0.6 > found.correlation


def test_a_dance_played_backwards_is_told():
    for one in (1, 2, 3):
        assert place.place(*dance(one), *drawn(dance(one).grey[::-1])).correlation < 0.4


def test_grain_does_not_move_the_cells():
    noise = np.random.default_rng(5).normal(0, 6, dance(1).grey.shape)
    assert place.place(*dance(1), *drawn(dance(1).grey + noise)).correlation > 0.9


def test_a_still_picture_correlates_with_nothing():
    still = drawn(np.repeat(dance(1).grey[:1], 120, 0))
    assert place.place(*dance(1), *still).correlation == 0
