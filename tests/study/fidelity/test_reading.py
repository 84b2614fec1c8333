"""A file is read once: frames of two sizes, those of the flow, and its sound."""

from __future__ import annotations

import numpy as np
import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.study.fidelity.measures import compare, describe
from motion_widgets.study.fidelity.reading import read
from tests.study.fidelity.dances import dance, encode, foreign


def test_all_is_read_in_one_pass(tmp_path):
    tone = 0.3 * np.sin(np.arange(16_000) * 0.3).astype(np.float32)
    shown = dance(1, "small", seconds=2.0)
    path = encode(shown, tmp_path / "a.mp4", tone)
    found = read(path, flow=True)
    assert found.sha == sha256_of(path)
    assert (found.grey.shape, found.flow.shape) == ((60, 72, 96), (60, 120, 160))
    assert found.large.shape == (12, 384, 512)
    assert np.abs(found.grey.astype(int) - shown.grey).mean() < 4
    assert found.fps == pytest.approx(30)
    assert found.length == pytest.approx(2.0, abs=0.05)
    assert abs(len(found.wave) - 16_000) < 1200
    assert np.abs(found.wave).max() == pytest.approx(0.3, abs=0.1)


def test_without_sound_there_is_none():
    found = read(foreign("carphone_pristine"))
    assert (found.wave, found.flow) == (None, None)
    assert len(found.grey) == 120


def test_a_file_that_is_no_clip_says_so(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    with pytest.raises(ClipError):
        read(tmp_path / "a.mp4")


def test_clips_that_no_one_here_made_are_their_own_best_match():
    names = ("bikes", "carphone_pristine", "bigbuckbunny")
    made = [describe(read(foreign(name))) for name in names]
    for one in made:
        found = [compare(one, other) for other in made]
        best = max(found, key=lambda each: each["place"])
        assert best is found[made.index(one)]
        assert sorted(each["place"] for each in found)[1] < 0.4
        assert (best["timing"], best["speed"], best["lag_ms"]) == (pytest.approx(1), 1.0, pytest.approx(0))
