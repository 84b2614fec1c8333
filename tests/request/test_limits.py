"""The limits as data, and those that no rule alone shows."""

from __future__ import annotations

import pytest

import motion_widgets as mw
from motion_widgets.request.limits import LONGEST_TEXT

LINK = "https://example.com/"
REQUEST = mw.MotionRequest(
    model="kling-v2-6-motion-control", image_url=LINK + "hero.png", video_url=LINK + "dance.mp4", mode="std"
)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        ("image", (3.0, 10.0)),
        ("video", (3.0, 30.0)),
        *((one, (3.0, 30.0)) for one in (None, "", "both", 7, [])),
    ],
)
def test_the_length_of_a_clip_by_orientation_is_the_widest_while_it_is_unknown(
    orientation: object, expected: tuple[float, float]
) -> None:
    assert mw.LIMITS.clip_length(orientation) == expected


@pytest.mark.parametrize("field", ["prompt", "webhook", "image_url", "video_url"])
def test_a_text_that_nobody_types_is_refused_whole(field: str) -> None:
    """20,000 characters are judged by the field's own rules; one more only by its length."""
    assert LONGEST_TEXT == 20_000
    longest = LINK + "x" * (20_000 - len(LINK))
    codes = {
        len(text): [one.code for one in mw.check(REQUEST.replace(**{field: text})) if one.field == field]
        for text in (longest, longest + "x")
    }
    assert "text_long" not in codes[20_000]
    assert codes[20_001] == ["text_long"]
