"""What a person sees of a mend."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.media.repair.operation import Operation


def test_filmstrip_positions_and_before_after(clips, tmp_path):
    clip = mw.measure_clip(clips["12"])
    times = mw.strip_times(clip, 6)
    assert times == pytest.approx([1, 3, 5, 7, 9, 11])
    mend = mw.mend(clips["12"], Operation("trim_clip", {"start": 0.0, "length": 4.0}), to=tmp_path)
    before, after = mw.before_after(mend)
    assert before[:2] == after[:2] == b"\xff\xd8"
    assert before != after
    webm = mw.mend(clips["webm"], Operation("convert_clip"), to=tmp_path)
    assert mw.before_after(webm)[0] is None
    assert mw.before_after(webm)[1]
