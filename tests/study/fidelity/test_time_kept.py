"""What became of time: frozen ends, repeated frames, cuts; also in clips that no one here made."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.study.fidelity.reading import read
from motion_widgets.study.fidelity.time_kept import cuts, time_kept
from tests.study.fidelity.dances import FPS, dance, drawn, foreign


def frozen(grey, share):
    start = round(len(grey) * (1 - share))
    return np.concatenate([grey[:start], np.repeat(grey[start - 1 : start], len(grey) - start, 0)])


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("name", ["dance", "carphone_pristine", "bigbuckbunny"])
def test_a_frozen_end_is_found(name, share):
    shown = dance(1) if name == "dance" else read(foreign(name))
    found = time_kept(frozen(shown.grey, share), shown.fps)
    own = time_kept(shown.grey, shown.fps)
    assert found.still_tail == pytest.approx(share * len(shown.grey) / shown.fps, abs=0.05)
    assert found.still_run == found.still_tail
    assert own.still_tail == 0
    assert found.repeats - own.repeats == pytest.approx(share, abs=0.04)


def test_a_freeze_within_is_no_tail():
    grey = dance(1).grey.copy()
    grey[40:70] = grey[40]
    found = time_kept(grey, FPS)
    assert found.still_run == pytest.approx(29 / FPS)
    assert found.still_tail == 0


def test_doubled_frames_are_repeats_whatever_their_share():
    assert time_kept(np.repeat(dance(1).grey, 2, 0), 2 * FPS).repeats == pytest.approx(0.5, abs=0.01)
    assert time_kept(np.repeat(dance(1).grey, 3, 0), 3 * FPS).repeats == pytest.approx(0.67, abs=0.01)


def test_cuts_are_found_where_they_are():
    both = [drawn(one.grey[:60, :64, :64]) for one in (dance(1), dance(2, "dark"))]
    assert cuts(np.concatenate([one.grey for one in both])) == [60]
    grey = dance(1).grey
    assert cuts(np.concatenate([grey[:60], 60 + grey[60:] // 3])) == []  # the same picture in another light


def test_the_cuts_of_a_film_are_found_and_none_in_one_shot():
    assert len(cuts(read(foreign("bikes")).grey)) == 5
    assert cuts(read(foreign("carphone_pristine")).grey) == []
    assert cuts(dance(1).grey) == []


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_frame_keeps_no_time(count):
    assert time_kept(dance(1).grey[:count], FPS) == (0.0, 0.0, 0.0, 0)
