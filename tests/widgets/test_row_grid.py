"""How rows of the log become rows of the table."""

from __future__ import annotations

import pytest

from motion_widgets.core.messages import MESSAGES
from motion_widgets.request.fields import FIELDS, Field
from motion_widgets.widgets import row_grid


@pytest.mark.parametrize("field", [one for one in FIELDS if one.kind in ("choice", "media")])
def test_no_choice_and_no_medium_is_left_out_of_the_table(field: Field) -> None:
    shown = row_grid._NAMED.get(field.name, field.name)
    assert shown in row_grid._SETTINGS
    assert f"column_{shown}" in MESSAGES, "its head"


def test_the_columns_stand_in_the_order_that_people_know() -> None:
    assert row_grid._SETTINGS == (
        "model", "character_orientation", "mode", "image_name", "clip_name", "prompt",
        "keep_original_sound", "sandbox", "created_by",
    )  # fmt: skip
