"""Which way a result moves."""

from __future__ import annotations

import pytest

from motion_widgets.study.fidelity import direction
from tests.study.fidelity.dances import dance, drawn


def test_opencv_is_there_for_the_tests():
    assert direction.available()


def test_the_same_dance_by_another_figure_is_above_another_dance():
    same = direction.direction(*dance(1), *dance(1, "small"))
    other = direction.direction(*dance(1), *dance(2, "small"))
    assert same > 0.57
    assert other < 0.3


def test_it_sees_what_place_does_not():
    """A dance turned upside down in time moves as much in the same places at its turning points only."""
    assert direction.direction(*dance(1), *drawn(dance(1).grey[::-1])) < 0.4


@pytest.mark.parametrize("frames", [2, 20])
def test_less_than_a_second_says_nothing(frames):
    assert direction.direction(*dance(1), *drawn(dance(1).grey[:frames])) is None
