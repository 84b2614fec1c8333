"""A price named before a submit covers the bill, whichever length of the clip the server goes by."""

from __future__ import annotations

import pytest

from motion_widgets import BudgetError, MotionRequest, Workspace
from tests.media.conftest import X264, ffmpeg, picture, tone
from tests.media.edited import with_edits

LATE = {
    "late sound": {b"vide": [(5.0, 0.08)], b"soun": [(0.8, None), (4.2, 0.0)]},
    "late picture": {b"vide": [(0.8, None), (4.2, 0.08)], b"soun": [(5.0, 0.0)]},
    "trimmed": {b"vide": [(4.6, 1.08)], b"soun": [(4.6, 1.0)]},
    "repeated": {b"vide": [(6, 0.08), (3, 0.08)], b"soun": [(6, 0.0), (3, 0.0)]},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("edited") / "whole.mp4"
    ffmpeg(*picture(6, sides="360x640"), *tone(6), *X264, "-bf", 2, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    from motion_widgets.media.samples import sample_media

    folder = tmp_path_factory.mktemp("ws")
    with Workspace(folder, speed=200) as ws:
        yield ws, sample_media(folder / "samples").image


@pytest.mark.parametrize("kind", LATE)
def test_the_bill_of_a_clip_with_edit_lists_is_within_the_bound(space, whole, tmp_path, kind):
    ws, image = space
    path = tmp_path / "clip.mp4"
    path.write_bytes(with_edits(whole, LATE[kind]))
    req = MotionRequest(
        model="kling-v2-6-motion-control", image_url=str(image), video_url=str(path),
        character_orientation="image", mode="std",
    )  # fmt: skip
    cost = ws.estimate(req)
    job = ws.submit(req, max_cost=cost.high).wait(60)
    assert job.state == "collected"
    bill = job.row.cost / 1e6
    assert cost.low <= bill <= cost.high
    if kind.startswith("late"):
        assert bill == 0.34272
        with pytest.raises(BudgetError):
            ws.submit(req, max_cost=0.287, new=True)
