"""What people paste as a path is cleaned once; a name is shown whatever its bytes are."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets.core.paths import plain_name, readable, typed_path

PLAIN = "my clips/my dance.mp4"


@pytest.mark.parametrize(
    "typed",
    [
        PLAIN, f" {PLAIN}\n", f"'{PLAIN}'", f'"{PLAIN}"\r\n', f"\u201c{PLAIN}\u201d", f"\u201e{PLAIN}\u201c",
        f"\u2018{PLAIN}\u2019", f"\u00ab {PLAIN} \u00bb", f"\u202a{PLAIN}", f"\ufeff '{PLAIN} ' \u200b",
    ],
)  # fmt: skip
def test_what_came_with_a_path_is_taken_off(typed):
    assert typed_path(typed) == PLAIN


@pytest.mark.parametrize("odd", ["'", "don't.mp4", '"a" and "b', "it's 'so'.mp4", "\u201ca'", "", "a/"])
def test_quotes_that_belong_to_a_name_stay(odd):
    assert typed_path(odd) == odd


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_cleaning_and_showing_only_take_away(text):
    assert typed_path(text) in text
    assert len(readable(text)) == len(text)
    readable(text).encode()


@settings(max_examples=40, deadline=None)
@given(st.binary())
def test_every_name_of_a_file_can_be_shown(name):
    readable(os.fsdecode(name)).encode()
    assert readable("h\xe9ro") == "h\xe9ro"


def test_a_plain_name_is_one_on_every_system():
    assert plain_name('a/b\\c:d*e?f"g<h>i|j\n.mp4') == "a_b_c_d_e_f_g_h_i_j_.mp4"
    assert plain_name("舞 dance.mp4") == "舞 dance.mp4"
