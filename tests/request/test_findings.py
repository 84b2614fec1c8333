# ruff: noqa: E501
"""Findings: any value can be shown in a sentence, and a fix changes what it says and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import motion_widgets as mw
from motion_widgets.request.findings import SEVERITIES, Finding, Findings, Fix, find, fix, show, wrong_type

REQ = mw.MotionRequest(
    model="kling-v3-motion-control", image_url="https://h/i.png", video_url="https://h/c.mp4"
)


class Broken:
    def __repr__(self):
        raise RuntimeError


class TestShow:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("pro", "pro"), (None, "None"), (True, "True"), (1.50, "1.5"), ({"a": 1}, "{'a': 1}"), ("", ""),
            ("two\nlines\tand  more", "two lines and more"), ("half \ud800", "half ?"), (b"x", "b'x'"),
            ("x" * 60, "x" * 60), ("x" * 61, "x" * 59 + "…"), (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
        ],
    )  # fmt: skip
    def test_values(self, value, shown):
        assert show(value) == shown

    @given(st.recursive(st.none() | st.text() | st.binary() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
    def test_any_value_is_one_short_line_that_can_be_printed(self, value):
        shown = show(value)
        assert len(shown) <= 60
        assert "\n" not in shown
        shown.encode()

    def test_a_value_that_cannot_be_shown_is_named_by_its_type(self):
        assert "Broken" in show(Broken())

    def test_a_value_that_holds_itself(self):
        endless = []
        endless.append(endless)
        assert show(endless).startswith("[")
        assert len(show("x" * 10**7)) == 60


def test_a_sentence_with_half_a_character_can_be_stored():
    finding = find("image_url", "error", "wrong_choice", name="mode", found="half \ud800", choices="a")
    finding.message.encode()
    assert "“half \ufffd”" in finding.message


def test_a_wrong_type_names_the_value_its_type_and_what_is_wanted():
    finding = wrong_type("prompt", ["a"], "text")
    assert (finding.field, finding.severity, finding.code) == ("prompt", "error", "wrong_type")
    for word in ("prompt", "['a']", "list", "text"):
        assert word in finding.message


def test_a_fix_changes_its_fields_alone():
    change = fix("fix_use", {"mode": "pro"}, value="pro")
    assert change.apply(REQ) == REQ.replace(mode="pro")
    assert (REQ.mode, change.label) == ("std", "Use “pro”")


def test_a_table_of_findings_shows_text_and_never_markup():
    hostile = "<img src=x onerror=alert(1)>"
    found = Findings(
        [Finding("prompt", "error", "code", hostile, (Fix(hostile, {}),)), Finding("mode", "hint", "c", "m")]
    )
    html = found._repr_html_()
    assert "<img" not in html
    assert html.count("&lt;img") == 2
    assert "&lt;img" in found[0]._repr_html_()
    assert repr(found[1]) == "<Finding hint, mode: m>"


def test_no_findings_say_that_nothing_is_wrong():
    html = Findings()._repr_html_()
    assert "<table" not in html
    assert html != ""


def test_findings_of_a_draft_come_by_severity_then_in_the_order_of_the_form():
    found = mw.check(mw.MotionRequest(mode="turbo", prompt=5, webhook="ftp://x"))
    severities = [SEVERITIES.index(one.severity) for one in found]
    assert severities == sorted(severities)
    fields = [one.field for one in found if one.severity == "error"]
    assert fields.index("image_url") < fields.index("mode")
