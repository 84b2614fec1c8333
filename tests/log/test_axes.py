"""Groups of a summary: a content has one label whatever it was called, and two of one name are told apart."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.log.axes import axis_of, content_of, labels_of, media_labels

SHA = "0123456789abcdef" * 4
NAMES = st.sampled_from(
    ["hero.png", "hero (2).png", "hero.png (2)", "e\u0301.png", "\u00e9.png", "", SHA[:20] + ".png"]
)
CONTENTS = st.sampled_from([("sha", SHA), ("sha", "f" * 64), ("source", "https://h/x"), ("source", "")])


def frame_of(**columns):
    return pd.DataFrame(columns).astype("string")


@given(st.lists(st.tuples(CONTENTS, NAMES)))
def test_every_content_has_one_label_and_no_two_the_same(named):
    labels = labels_of(named)
    assert set(labels) == {content for content, _ in named}
    assert len(set(labels.values())) == len(labels)


@given(st.lists(st.tuples(CONTENTS, NAMES), min_size=1))
def test_a_label_is_a_name_that_somebody_gave_or_is_numbered(named):
    given_names = {}
    for content, name in named:
        given_names.setdefault(content, set()).add(name or content[1])
    for content, label in labels_of(named).items():
        first = label.rpartition(" (")[0] if label.endswith(")") else label
        spelt = {one.replace("e\u0301", "\u00e9") for one in given_names[content]}
        assert label in spelt or first in spelt


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (["a.png", "b.png"], "a.png"),
        ([f"{SHA[:20]}.png", "b.png"], "b.png"),
        (["b.png", f"{SHA[:20]}.png"], "b.png"),
        ([f"{SHA[:20]}.png", SHA], f"{SHA[:20]}.png"),
        ([f"{SHA[:11]}.png", "b.png"], f"{SHA[:11]}.png"),
        (["f" * 20, "b.png"], "f" * 20),
    ],
)
def test_the_name_of_a_kept_copy_gives_way_to_one_that_a_person_chose(names, label):
    """A copy is called by the first signs of its hash; 11 of them may be a person's own name."""
    assert labels_of([(("sha", SHA), name) for name in names]) == {("sha", SHA): label}


def test_several_of_one_name_are_numbered_past_names_that_look_numbered():
    contents = [("sha", letter * 64) for letter in "abc"]
    named = [(contents[0], "hero"), (contents[1], "hero (2)"), (contents[2], "hero")]
    assert list(labels_of(named).values()) == ["hero", "hero (2)", "hero (3)"]


def test_a_content_is_known_by_its_hash_else_by_its_link_without_signature():
    signed = "https://h.example/hero.png?X-Amz-Signature=1&X-Amz-Date=2"
    assert content_of(SHA, signed) == ("sha", SHA)
    assert content_of(None, signed) == content_of("", signed.replace("=1", "=9"))
    assert content_of(None, signed)[0] == "source"
    assert content_of(None, None) == content_of("", "") == ("source", "")
    assert (
        content_of(None, "/pictures/hero.png")
        == content_of(None, "C:\\ana\\hero.png")
        == ("source", "hero.png")
    )


def test_what_is_not_set_is_a_group_of_its_own_and_the_last_among_numbers():
    frame = pd.DataFrame({"clip_width": pd.array([720, None, 540, None], dtype="Int64")})
    axis = axis_of(frame, "clip_width")
    assert axis.codes.tolist() == [1, 2, 0, 2]
    assert axis.labels[:2].tolist() == [540, 720]
    assert axis.labels[2:].isna().all()


def test_of_texts_it_is_the_empty_one_and_the_first():
    axis = axis_of(frame_of(mode=["std", None, "pro", ""]), "mode")
    assert axis.labels.tolist() == ["", "pro", "std"]
    assert axis.codes.tolist() == [2, 0, 1, 0]


def test_a_medium_without_hash_and_link_goes_by_its_name():
    frame = frame_of(
        image_name=["hero.png", "hero.png", "b.png", None],
        image_sha=[SHA, None, None, None],
        image_url=[None, None, "hero.png", None],
    )
    labels = media_labels(frame, "image_name")
    assert labels == {
        ("sha", SHA): "hero.png", ("source", "hero.png"): "hero.png (2)", ("source", ""): "",
    }  # fmt: skip
    assert axis_of(frame, "image_name").labels.take(axis_of(frame, "image_name").codes).tolist() == [
        "hero.png", "hero.png (2)", "hero.png (2)", "",
    ]  # fmt: skip
