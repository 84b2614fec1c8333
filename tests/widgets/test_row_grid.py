"""How rows of the log become rows of the table."""

from __future__ import annotations

from typing import Any

import pytest

from motion_widgets.core.messages import MESSAGES
from motion_widgets.log.annotations import Annotation
from motion_widgets.log.paging import Page, PageQuery
from motion_widgets.log.rows import JobRow
from motion_widgets.request.fields import FIELDS, Field
from motion_widgets.widgets import row_grid
from motion_widgets.widgets.axis_words import axis_value
from motion_widgets.widgets.row_text import short_model
from tests import hostile


@pytest.mark.parametrize("field", [one for one in FIELDS if one.kind in ("choice", "media")])
def test_no_choice_and_no_medium_is_left_out_of_the_table(field: Field) -> None:
    shown = row_grid._NAMED.get(field.name, field.name)
    assert shown in row_grid._SETTINGS
    assert row_grid.column_words(shown) == MESSAGES[f"axis_{field.name}"], "its head"


def test_the_columns_stand_in_the_order_that_people_know() -> None:
    assert row_grid._SETTINGS == (
        "model", "mode", "character_orientation", "image_name", "clip_name", "keep_original_sound", "sandbox",
    )  # fmt: skip


def page_of(*rows: JobRow, **said: Annotation) -> Page:
    return Page(list(rows), {row.id: said.get(row.id, Annotation()) for row in rows}, len(rows), 0, {})


def row_of(name: str, **columns: object) -> JobRow:
    unset = dict.fromkeys(JobRow.__dataclass_fields__)
    return JobRow.read({**unset, **hostile.good_row("jobs"), "id": name, **columns})  # type: ignore[arg-type]


def drawn(page: Page, retried: dict[str, str] | None = None, **told: object) -> dict[str, Any]:
    return row_grid.view_of(page, page.annotations, told, retried=retried or {})


def test_settings_that_differ_are_named_in_words_and_constants_once() -> None:
    view = drawn(
        page_of(
            row_of("a", mode="pro", character_orientation="video", image_name="cat.png"),
            row_of("b", mode="std", character_orientation="image", image_name="astronaut.png"),
        )
    )
    assert [row["cells"]["settings"] for row in view["rows"]] == [
        "pro \u00b7 as in the clip \u00b7 cat", "std \u00b7 as in the picture \u00b7 astronaut"
    ]  # fmt: skip
    assert view["same"] == "The same in all rows: model v3, sandbox yes."


@pytest.mark.parametrize(
    ("columns", "billed"),
    [
        ({"cost": 293_000}, "$0.29"),
        ({"cost": None, "state": "running", "reserved": 460_000}, "$0.46 held"),
        ({"cost": None, "state": "written_off", "reserved": 460_000}, "$0.46 counts as spent"),
        ({"cost": None, "state": "planned"}, ""),
        ({"cost": 0, "state": "failed"}, "$0.00"),
    ],
)
def test_what_was_billed_or_is_held(columns: dict[str, object], billed: str) -> None:
    [row] = drawn(page_of(row_of("a", **columns, estimate_low=None, estimate_high=None)))["rows"]
    assert row["cells"]["billed"] == billed
    assert ("refunded" in row["cells"]["state"]) == (columns.get("state") == "failed")


def test_a_failure_whose_retry_succeeded_is_one_line() -> None:
    rows = page_of(row_of("a", state="failed", error_message="it broke"), row_of("b"))
    first, second = drawn(rows, {"a": "b"})["rows"]
    assert (first["past"], first["cells"]["state"]) == (True, "failed; its retry b succeeded.")
    assert not second["past"]


def test_rows_of_a_run_stand_together_and_when_says_the_whole_time() -> None:
    rows = page_of(row_of("a", sweep_id="run-1"), row_of("b"), row_of("c", sweep_id="run-1"))
    assert [row["id"] for row in drawn(rows)["rows"]] == ["a", "c", "b"]
    view = drawn(rows, group="")
    assert [row["id"] for row in view["rows"]] == ["a", "b", "c"]
    assert view["rows"][0]["titles"]["when"] == "2025-11-14 02:44:49 UTC"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ((0, 3, 3), ""), ((0, 25, 40), "rows 1\u201325 of 40, continued on the next page"),
        ((25, 15, 40), "rows 26\u201340 of 40"),
        ((24, 25, 1040), "rows 25\u201349 of 1,040, continued on the next page"),
    ],
)  # fmt: skip
def test_a_run_on_several_pages_says_which_of_its_rows_are_here(
    part: tuple[int, int, int], words: str
) -> None:
    assert row_grid.part_words(*part) == words


def test_a_model_is_called_alike_everywhere() -> None:
    model = "kling-v2-6-motion-control"
    assert {
        row_grid.value_words("model", model), axis_value("model", model), short_model(model)
    } == {"v2.6"}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "noted", "columns"),
    [
        ({}, False, list(row_grid.USUAL[:-1])),
        ({}, True, list(row_grid.USUAL)),
        ({"columns": ["id", "state", "<b>", 7]}, False, ["state", "id"]),
        ({"columns": []}, True, ["state"]),
        ({"columns": "all"}, False, list(row_grid.USUAL[:-1])),
    ],
)
def test_columns_are_those_that_a_person_chose(told: dict[str, Any], noted: bool, columns: list[str]) -> None:
    assert row_grid.columns_of(told, noted=noted) == columns


@pytest.mark.parametrize(
    ("values", "set_"),
    [
        ({"stars": 3, "usable": False, "deleted": True, "tag": "a", "mode": "std"},
         {"stars": 3, "usable": False, "deleted": True, "tag": "a", "values": {"mode": "std"}}),
        ({"stars": True, "usable": "no", "deleted": 1, "since": 2, "mode": 7}, {"since": 0, "values": {}}),
    ],
)  # fmt: skip
def test_filters_that_make_no_sense_are_left_out(values: dict[str, Any], set_: dict[str, Any]) -> None:
    ask, _ = row_grid.asked({"values": values})
    assert ask == PageQuery(**set_, by_run=True)
    assert row_grid.asked({"values": {"since": 1}})[0].since > 0
