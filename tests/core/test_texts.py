from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core.texts import composed, first_of, spellings


@given(st.text())
def test_both_forms_of_a_text_are_among_its_spellings_and_are_one(text):
    forms = spellings(text)
    assert {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))} == set(forms)
    assert len({composed(form) for form in forms}) == 1


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_of_ascii_has_one_spelling(text):
    assert spellings(text) == [text]


@given(st.lists(st.from_regex(r"job-[a-z0-9]{4}", fullmatch=True), max_size=30), st.integers(1, 9))
def test_a_line_names_the_first_and_counts_the_rest(names, most):
    line = first_of(names, most)
    said, _, more = line.partition(" and ")
    assert said.split(", ") == (names[:most] or [""])
    assert more == (f"{len(names) - most} more" if len(names) > most else "")
    assert first_of(names[:most], most, count=len(names)) == line
