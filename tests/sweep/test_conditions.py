"""Where an axis varies: what counts as a condition, that it is read once, and that a plan's file keeps it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets import MotionRequest, RequestError, Sweep
from motion_widgets.sweep.plan_file import load, save

REQ = MotionRequest(model="kling-v2-6-motion-control", image_url="i.png", video_url="https://h/c.mp4")
AXES = {"mode": ["std", "pro"], "prompt": ["a", "b"]}
VARIED = [("std", None), ("pro", "a"), ("pro", "b")]
"""The cells of `AXES` whose prompt varies in mode "pro" only."""


def cells_of(sweep):
    return [tuple(values.values()) for values in sweep.combinations()]


@pytest.mark.parametrize(
    "kind", [list, tuple, set, frozenset, iter, np.array, pd.Series, pd.Index, lambda values: values[0]]
)
def test_any_collection_is_a_condition_for_every_cell_and_in_the_file(kind, tmp_path):
    sweep = Sweep(REQ, **AXES, where={"prompt": {"mode": kind(["pro"])}})
    assert cells_of(sweep) == cells_of(sweep) == VARIED, "an iterator is not used up by the first cell"
    assert cells_of(load(save(sweep, tmp_path / "plan.toml"))) == VARIED


@pytest.mark.parametrize("unset", [None, np.nan, pd.NA, pd.NaT])
def test_a_condition_may_ask_for_what_is_not_set(unset):
    sweep = Sweep(REQ, prompt=["a", None], mode=["std", "pro"], where={"mode": {"prompt": [unset]}})
    assert cells_of(sweep) == [("a", "std"), (None, "std"), (None, "pro")]


def test_a_condition_of_numpys_own_text_is_the_text():
    sweep = Sweep(REQ, **AXES, where={"prompt": {"mode": np.array(["pro"])[0]}})
    assert cells_of(sweep) == VARIED


@pytest.mark.parametrize("where", [5, "mode == 'pro'", ["mode"], True])
def test_what_is_no_condition_at_all(where):
    with pytest.raises(RequestError, match=r"is not a condition.*function of a cell's values"):
        Sweep(REQ, **AXES, where=where)


@pytest.mark.parametrize("condition", ["pro", ["pro"], None, 5, {"pro"}])
def test_an_axis_varies_by_a_mapping_or_a_function_only(condition):
    """`where={"mode": "pro"}` reads as a filter, which it is not: it says when the mode varies."""
    with pytest.raises(RequestError, match="is not a condition") as caught:
        Sweep(REQ, **AXES, where={"mode": condition})
    assert '"prompt": {"mode": "pro"}' in str(caught.value), "and the sentence shows one"


def test_a_function_that_changes_its_cell_changes_no_plan():
    def where(values):
        return values.pop("mode") == "std" or values["prompt"] == "a"

    assert cells_of(Sweep(REQ, **AXES, where=where)) == [("std", "a"), ("std", "b"), ("pro", "a")]
    of_an_axis = Sweep(REQ, **AXES, where={"prompt": lambda values: values.pop("mode") == "pro"})
    assert cells_of(of_an_axis) == VARIED


def test_a_condition_on_a_field_that_is_no_axis_looks_at_the_request():
    where = {"prompt": {"character_orientation": "video"}}
    turned = REQ.replace(character_orientation="video")
    assert cells_of(Sweep(turned, **AXES, where=where)) == [
        (mode, prompt) for mode in AXES["mode"] for prompt in AXES["prompt"]
    ]
    with pytest.raises(RequestError, match="no cell has"):
        Sweep(REQ, **AXES, where=where).draws()


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True),
    st.sets(st.sampled_from(["std", "pro", "turbo"]), min_size=1),
)
def test_an_axis_has_all_its_values_where_it_varies_and_the_requests_own_elsewhere(prompts, modes):
    own = REQ.replace(prompt="own")
    sweep = Sweep(own, mode=["std", "pro", "turbo"], prompt=prompts, where={"prompt": {"mode": modes}})
    found = {mode: [prompt for one, prompt in cells_of(sweep) if one == mode] for mode in sweep.axes["mode"]}
    assert found == {mode: prompts if mode in modes else ["own"] for mode in sweep.axes["mode"]}
