"""The table of fields: whatever holds a field elsewhere agrees with its row."""

from __future__ import annotations

import dataclasses
import json
from typing import NotRequired, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.log.columns import COLUMNS, DICTIONARY
from motion_widgets.log.paging import FACETS
from motion_widgets.log.rows import JobRow
from motion_widgets.log.schema import jobs
from motion_widgets.request.fields import FIELD, FIELDS, WIRE_FIELDS
from motion_widgets.request.request import MotionRequest, WireRequest
from motion_widgets.request.rules import check

OBJECTS = [field for field in FIELDS if field.kind == "object"]
CHOICES = [field for field in FIELDS if field.kind == "choice"]


def named(fields):
    return [field.name for field in fields]


class TestTheOtherPlaces:
    """A field that is missing there is named by the failing assertion."""

    def test_a_draft_has_every_field_with_its_default(self):
        drafts = {one.name: one.default for one in dataclasses.fields(MotionRequest)}
        assert drafts == {field.name: field.default for field in FIELDS}

    def test_a_body_has_every_field_and_must_state_the_required_ones(self):
        stated = get_type_hints(WireRequest, include_extras=True)
        assert set(stated) == set(WIRE_FIELDS)
        required = {name for name, kind in stated.items() if get_origin(kind) is not NotRequired}
        always = {field.name for field in FIELDS if field.required or field.unset_means is not None}
        assert required == always

    def test_a_row_of_the_log_has_every_field(self):
        assert set(WIRE_FIELDS) <= {one.name for one in dataclasses.fields(JobRow)}
        assert set(WIRE_FIELDS) <= set(jobs.c.keys())

    def test_the_frame_has_every_field_as_a_setting_of_the_request(self):
        assert {one.name for one in DICTIONARY if one.source == "request"} == set(WIRE_FIELDS)
        assert set(WIRE_FIELDS) <= set(COLUMNS)

    def test_the_log_can_be_filtered_by_every_choice(self):
        assert set(named(CHOICES)) <= set(FACETS)


class TestValues:
    @pytest.mark.parametrize("field", OBJECTS, ids=named(OBJECTS))
    def test_an_object_survives_the_log_and_the_terminal(self, field):
        for value in field.choices:
            assert field.from_column(field.to_column(value)) == value
            assert field.parse(json.dumps(value)) == value
        assert field.to_column(None) is None
        assert field.from_column(None) is None

    @pytest.mark.parametrize("field", FIELDS, ids=named(FIELDS))
    def test_an_empty_text_means_not_set(self, field):
        assert field.parse("") is None

    @pytest.mark.parametrize("field", CHOICES, ids=named(CHOICES))
    def test_a_choice_is_judged_by_its_row(self, field):
        for value in field.choices:
            assert not [one for one in check(MotionRequest(**{field.name: value})) if one.field == field.name]
        wrong = [
            one for one in check(MotionRequest(**{field.name: "nothing of it"})) if one.field == field.name
        ]
        assert [one.severity for one in wrong] == ["error"]
        assert all(value in wrong[0].message for value in field.choices)

    def test_an_object_that_is_no_json_stays_text_for_the_rules_to_judge(self):
        assert FIELD["watermark_info"].parse("{enabled") == "{enabled"

    @pytest.mark.parametrize("field", FIELDS, ids=named(FIELDS))
    @given(
        value=st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.lists(st.text(), max_size=2)
    )
    def test_only_values_of_its_kind_are_taken_from_a_file(self, field, value):
        if field.kind == "object":
            assert field.holds(value) == (value in field.choices)
        else:
            assert field.holds(value) == isinstance(value, str)
        assert not field.holds("x" * 20_001)


class TestIdentity:
    @pytest.mark.parametrize("field", FIELDS, ids=named(FIELDS))
    def test_another_value_is_another_request_where_the_row_says_so(self, field):
        one = MotionRequest(**{field.name: {"enabled": True} if field.kind == "object" else "https://h/one"})
        other = MotionRequest(
            **{field.name: {"enabled": False} if field.kind == "object" else "https://h/two"}
        )
        assert (one.key != other.key) == field.in_identity

    def test_what_is_sent_where_nothing_is_set_is_the_same_request(self):
        for field in FIELDS:
            if field.unset_means is not None:
                unset = MotionRequest(**{field.name: None})
                assert unset.to_wire()[field.name] == field.unset_means
                assert unset.key == MotionRequest(**{field.name: field.unset_means}).key
