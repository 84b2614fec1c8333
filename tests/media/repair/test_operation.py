"""Operations: the text of their buttons, and names made of their content."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.media.repair.clips import CLIP_OPERATIONS
from motion_widgets.media.repair.images import IMAGE_OPERATIONS
from motion_widgets.media.repair.operation import Operation
from tests.media.repair.test_judge import found


def test_presets_have_the_words_of_their_orientation(samples):
    clip, image = mw.measure_clip(samples.clip_12s), mw.measure_image(samples.image)
    finding = next(one for one in found(clip, image, "image") if one.code == "clip_long_switch")
    labels = [one.label for one in mw.mends_for(finding, clip, image, "image")]
    assert labels == ["Keep the first 9.9 s", "Keep the stillest 9.9 s"]
    assert Operation("trim_clip", {"start": 2.0, "length": 5.0}).label == "Keep 2.0\u20137.0 s"


PARAMETERS = {
    "trim_clip": {"start": 1.0, "length": 3.0},
    "hold_clip": {"length": 3.1},
    "fit_clip": {"aspect": 0.5, "how": "pad"},
    "scale_image": {"least": 340},
}


@pytest.mark.parametrize("name", [*CLIP_OPERATIONS, *IMAGE_OPERATIONS])
def test_every_operation_has_a_label_and_a_shortcut(name):
    one = Operation(name, PARAMETERS.get(name, {}))
    assert one.label != name
    assert "_" not in one.label
    assert callable(getattr(mw, name))
    assert (
        one.file_name("dance.mov", "ab")
        == one.file_name("dance.mov", "ab")
        != one.file_name("dance.mov", "ac")
    )
