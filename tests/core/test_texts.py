from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core.texts import composed, spellings


@given(st.text())
def test_both_forms_of_a_text_are_among_its_spellings_and_are_one(text):
    forms = spellings(text)
    assert {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))} == set(forms)
    assert len({composed(form) for form in forms}) == 1


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_of_ascii_has_one_spelling(text):
    assert spellings(text) == [text]
