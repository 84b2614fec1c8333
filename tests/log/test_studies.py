"""Questions and ratings of pairs: kept on both databases, merged once, and foreign ones judged."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text

from motion_widgets.log.columns import FIDELITY
from motion_widgets.log.merge import merge
from motion_widgets.log.rows import FidelityRow
from motion_widgets.log.schema import comparisons, fidelity
from motion_widgets.log.store import Log

RATING = {
    "study": "run-1", "criterion": "overall", "rater": "ana", "left_job_id": "job-a", "right_job_id": "job-b",
    "choice": "left", "block": "b1", "round": 1, "place": 1, "seconds_shown": 7.5, "left_plays": 2,
    "right_plays": 1, "names_visible": False, "seed": 7, "supersedes": None,
}  # fmt: skip
QUESTION = {"axis": "mode", "a": "pro", "b": "std", "criterion": "overall", "planned": 48}


def test_what_is_rated_is_kept_whole_and_in_order(log):
    first = log.comparisons.add(**RATING)
    undo = log.comparisons.add(**{**RATING, "choice": "undone", "supersedes": first, "place": 2})
    log.comparisons.add(**{**RATING, "study": "run-2"})
    rows = log.comparisons.of("run-1")
    assert [row.id for row in rows] == [first, undo]
    assert {name: getattr(rows[0], name) for name in RATING} == RATING
    assert rows[0].created <= rows[1].created
    assert rows[0].toolkit_version


def test_what_is_known_is_read_again_only_where_there_is_more(log):
    log.comparisons.add(**RATING)
    known = log.comparisons.of("run-1")
    assert log.comparisons.of("run-1", known) is known
    log.comparisons.add(**{**RATING, "study": "run-2"})
    assert log.comparisons.of("run-1", known) is known
    more = log.comparisons.add(**{**RATING, "rater": "bo"})
    assert [row.id for row in log.comparisons.of("run-1", known)] == [known[0].id, more]


def test_a_question_is_kept_with_who_asked(log):
    log.comparisons.ask("run-1", **QUESTION)
    (row,) = log.comparisons.questions("run-1")
    assert {name: getattr(row, name) for name in QUESTION} == QUESTION
    assert row.created_by
    assert log.comparisons.questions("run-2") == []


def test_two_logs_become_one_without_a_rating_twice(log, tmp_path):
    other = Log(tmp_path / "other.sqlite")
    other.comparisons.ask("run-1", **QUESTION)
    other.comparisons.add(**RATING)
    log.comparisons.add(**{**RATING, "rater": "bo"})
    for _ in range(2):
        merge(log, other)
        assert sorted(row.rater for row in log.comparisons.of("run-1")) == ["ana", "bo"]
        assert len(log.comparisons.questions("run-1")) == 1
    other.close()


@pytest.mark.parametrize(
    ("column", "value", "seen"),
    [
        ("choice", "certainly left", "skip"), ("names_visible", 7, False), ("seconds_shown", -1.0, 0.0),
        ("round", -5, 0), ("supersedes", "../x", None), ("rater", b"\xff", ""),
    ],
)  # fmt: skip
def test_a_foreign_value_that_does_not_fit_is_cleared(log, tmp_path, column, value, seen):
    other = Log(tmp_path / "other.sqlite")
    rating = other.comparisons.add(**RATING)
    with other.database.write() as connection:
        connection.execute(text(f"UPDATE comparisons SET {column} = :v"), {"v": value})
    said = merge(log, other).conflicts
    (row,) = log.comparisons.of("run-1")
    assert (getattr(row, column) or seen) == seen
    assert rating in said[0]
    assert column in said[0]
    other.close()


@pytest.mark.parametrize("column", ["id", "left_job_id", "right_job_id"])
def test_a_foreign_rating_of_nothing_is_left_out(log, tmp_path, column):
    other = Log(tmp_path / "other.sqlite")
    with other.database.write() as connection:
        row = {**RATING, "id": "rating-1", "created": 1, column: "../../x"}
        connection.execute(insert(comparisons).values(**row))
    merge(log, other)
    assert log.comparisons.of("run-1") == []
    other.close()


CONTENTS = ("a" * 64, "b" * 64)
MEASURES = {"enough_motion": True, "timing": 0.9, "lag_ms": -33.5, "place": -0.25, "cuts": 2, "sound": None}
VERSIONS = ("1", "1+flow")


def test_what_was_measured_is_kept_once_by_content_and_version(log):
    log.fidelity.add(CONTENTS, "1", **MEASURES)
    log.fidelity.add(CONTENTS, "1", **{**MEASURES, "timing": 0.1})
    (row,) = log.fidelity.of([CONTENTS[1], "c" * 64], VERSIONS).values()
    assert {name: getattr(row, name) for name in MEASURES} == MEASURES
    assert row.created_by
    assert row.toolkit_version
    log.fidelity.add(CONTENTS, "1+flow", **MEASURES, direction=0.5)
    log.fidelity.add(CONTENTS, "0", **MEASURES)
    assert log.fidelity.of([CONTENTS[1]], VERSIONS)[CONTENTS].direction == 0.5
    assert log.fidelity.of([CONTENTS[1]], ("1",))[CONTENTS].direction is None
    assert log.fidelity.of([], VERSIONS) == {}


def test_two_logs_become_one_without_a_measure_twice(log, tmp_path):
    other = Log(tmp_path / "other.sqlite")
    other.fidelity.add(CONTENTS, "1", **{**MEASURES, "timing": 0.2})
    other.fidelity.add((CONTENTS[0], "c" * 64), "1", **MEASURES)
    log.fidelity.add(CONTENTS, "1", **MEASURES)
    for _ in range(2):
        merge(log, other)
        found = log.fidelity.of([CONTENTS[1], "c" * 64], VERSIONS)
        assert sorted(row.timing for row in found.values()) == [0.9, 0.9]
    other.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [("timing", 1.5), ("place", -2.0), ("lag_ms", 1e6), ("repeats", -0.1), ("cuts", -1), ("blur", "<b>"),
     ("amount", 9e999)],
)  # fmt: skip
def test_a_foreign_figure_that_does_not_fit_is_cleared(log, tmp_path, column, value):
    other = Log(tmp_path / "other.sqlite")
    other.fidelity.add(CONTENTS, "1", **MEASURES)
    with other.database.write() as connection:
        connection.execute(text(f"UPDATE fidelity SET {column} = :v"), {"v": value})
    assert column in merge(log, other).conflicts[0]
    assert getattr(log.fidelity.of([CONTENTS[1]], VERSIONS)[CONTENTS], column) is None
    other.close()


def test_a_foreign_measure_of_nothing_is_never_found(log, tmp_path):
    other = Log(tmp_path / "other.sqlite")
    with other.database.write() as connection:
        row = {"clip_sha": "../../x", "result_sha": "", "version": "1", "created": 1, **MEASURES}
        connection.execute(insert(fidelity).values(**row))
    merge(log, other)
    assert log.fidelity.of(["../../x", "", "b" * 64], VERSIONS) == {}
    other.close()


def test_the_dictionary_has_every_column_that_is_measured():
    own = {"created", "created_by", "toolkit_version"}
    assert {one.name for one in FIDELITY} == FidelityRow.__dataclass_fields__.keys() - own
    for one in FIDELITY:
        assert len(one.meaning) > 10
