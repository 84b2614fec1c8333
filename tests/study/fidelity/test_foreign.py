"""What is planted in clips that no one here made is told, also where the result looks otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity.amount import amount
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.place import place, where
from motion_widgets.study.fidelity.reading import read
from motion_widgets.study.fidelity.time_kept import time_kept
from motion_widgets.study.fidelity.timing import changes, speed, timing
from tests.study.fidelity.dances import Shown, at_speed, drawn, foreign, late, other_look

NAMES = ("bikes", "carphone_pristine", "bigbuckbunny")


@pytest.fixture(scope="module")
def footage():
    """The clips by name, at most 5 s of each."""
    made = {name: read(foreign(name)) for name in NAMES}
    return {name: Shown(one.grey[: round(5 * one.fps)], one.fps) for name, one in made.items()}


@pytest.fixture(params=NAMES)
def clip(request, footage):
    return footage[request.param]


def looking_otherwise(shown):
    return Shown(other_look(shown.grey), shown.fps)


@pytest.mark.parametrize("frames", [-12, -3, -1, 1, 3, 6, 12])
def test_a_lag_is_found_within_a_frame(clip, frames):
    assert timing(*clip, *late(clip, frames)).lag * clip.fps == pytest.approx(frames, abs=1)


def test_its_own_result_is_above_that_of_any_other_clip(footage):
    for name, one in footage.items():
        found = {
            other: place(*one, *looking_otherwise(shown)).correlation for other, shown in footage.items()
        }
        assert max(found, key=found.get) == name
        assert sorted(found.values())[-2] < 0.6 < found[name]


def test_a_mirrored_result_is_told(clip):
    plain = looking_otherwise(clip)
    mirrored = drawn(plain.grey[:, :, ::-1], clip.fps)
    told = [place(*clip, *one) for one in (plain, mirrored)]
    assert [one.exchanged > one.correlation for one in told] == [False, True]


@pytest.mark.parametrize("rate", [0.9, 1.1])
def test_a_speed_is_found(clip, rate):
    curves = (
        where(changes(steady(*one), one.fps), one.fps)
        for one in (clip, looking_otherwise(at_speed(clip, rate)))
    )
    assert speed(*curves) == pytest.approx(rate, abs=0.051)


def test_a_clip_played_backwards_is_told(clip):
    plain = looking_otherwise(clip)
    backwards = drawn(plain.grey[::-1], clip.fps)
    for measure in (timing, place):
        assert measure(*clip, *backwards).correlation < measure(*clip, *plain).correlation - 0.2


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_frozen_end_is_found(clip, share):
    count = round(share * len(clip.grey))
    frozen = np.concatenate([clip.grey[:-count], np.repeat(clip.grey[-count - 1 : -count], count, 0)])
    assert time_kept(frozen, clip.fps).still_tail == pytest.approx(count / clip.fps, abs=0.05)


def test_motion_that_fades_is_told_in_order(clip):
    still = clip.grey.mean(axis=0)
    faded = [drawn(clip.grey * part + still * (1 - part), clip.fps) for part in (1.0, 0.5, 0.25)]
    found = [amount(steady(*one), one.fps) for one in faded]
    assert found == sorted(found, reverse=True)
    assert found[2] < 0.7 * found[0]
