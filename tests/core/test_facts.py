"""A clip and an image as a person sees them: the facts that are known, and nothing of what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core.facts import Clip, Image

CLIP = Clip(
    source="https://h.example/dance.mp4", name="dance.mp4", format="mp4", codec="avc1", length=6.0, width=540,
    height=960, fps=29.97, has_audio=True, size=1_234_567,
)  # fmt: skip
BARE = Clip(source="bytes", name="bytes", format="mov", length=6.004, width=0, height=0)
IMAGE = Image(source="/a/hero.png", name="hero.png", format="png", width=720, height=1280, size=None)
LENGTHS = ("moviepy_length", "mvhd_length", "video_length", "media_length")


def test_a_clip_says_what_a_person_asks_first():
    assert repr(CLIP) == "<Clip dance.mp4: 6.00 s, 540 × 960, 29.97 fps, with sound, mp4 avc1, 1.2 MB>"


def test_what_is_not_known_is_left_out():
    assert repr(BARE) == "<Clip bytes: 6.00 s, 0 × 0, silent, mov>"
    assert repr(IMAGE) == "<Image hero.png: 720 × 1280, png>"


@pytest.mark.parametrize("fact", [CLIP, IMAGE])
def test_a_name_from_outside_is_text_in_a_notebook(fact):
    html = replace(fact, name="<script>alert(1)</script>")._repr_html_()
    assert "<script" not in html
    assert "&lt;script" in html


@pytest.mark.parametrize(
    ("transfer", "hdr"), [(None, ""), (0, ""), (1, ""), (16, "PQ"), (18, "HLG"), (2, "")]
)
def test_which_high_dynamic_range_it_has(transfer, hdr):
    assert replace(CLIP, transfer=transfer).hdr == hdr


@given(st.fixed_dictionaries({name: st.none() | st.floats(0, 60) for name in LENGTHS}))
def test_every_stated_length_counts_and_the_containers_comes_first(stated):
    lengths = replace(CLIP, **stated).lengths
    assert lengths[0] == CLIP.length
    assert sorted(lengths[1:]) == sorted(one for one in stated.values() if one is not None)


@pytest.mark.parametrize("fact", [CLIP, IMAGE])
def test_an_aspect_of_nothing_is_nothing(fact):
    assert fact.aspect == pytest.approx(9 / 16)
    assert replace(fact, height=0).aspect == 0.0


@pytest.mark.parametrize("fact", [CLIP, IMAGE])
def test_facts_do_not_change(fact):
    with pytest.raises(AttributeError):
        fact.name = "other"
