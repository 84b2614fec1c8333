"""Rows of the log in words."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.log.rows import JobRow
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.row_text import cell_name, changes_first, problem_html
from tests import hostile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"clip_name": "dance.mp4"}, "v3 \u00b7 std \u00b7 image \u00b7 dance.mp4"),
        ({}, "v3 \u00b7 std \u00b7 image"),
        ({"mode": None, "character_orientation": None}, "v3"),
        ({"model": None, "mode": None, "character_orientation": None}, ""),
    ],
)
def test_what_is_not_set_leaves_no_dot_behind(columns: dict[str, object], name: str) -> None:
    unset = dict.fromkeys(JobRow.__dataclass_fields__)
    row = JobRow.read({**unset, **hostile.good_row("jobs"), **columns})  # type: ignore[arg-type]
    assert cell_name(row) == name


def row_of(**columns: object) -> JobRow:
    unset = dict.fromkeys(JobRow.__dataclass_fields__)
    return JobRow.read({**unset, **hostile.good_row("jobs"), "cost": None, **columns})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.UNKNOWN, State.WRITTEN_OFF, State.VANISHED, State.EXPIRED])
@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(("reserved", "named"), [(0, "$0.00"), (340_000, "$0.34")])
def test_text_and_button_name_the_money_that_is_held_here(
    state: State, waiting: bool, reserved: int, named: str
) -> None:
    said = problem_html(row_of(state=state.value, reserved=reserved, sent=1), waiting=waiting)
    assert "$0.35" not in said, "its estimate is held by nobody"
    assert set(re.findall(r"[$][\d.]+", said)) <= {named}
    assert ("no budget here holds money" in said) == (reserved == 0)


@pytest.mark.parametrize(
    ("state", "kind", "changed"),
    [
        (State.FAILED, "moderation", True), (State.REJECTED, "parameters", True),
        (State.REJECTED, None, True),
        (State.REJECTED, "auth", False), (State.FAILED, None, True), (State.FAILED, "network", False),
    ],
)  # fmt: skip
def test_what_is_advised_is_the_first_button(state: State, kind: str | None, changed: bool) -> None:
    row = row_of(state=state.value, error_kind=kind, error_message="why")
    assert changes_first(row) == changed
    said = problem_html(row)
    advice = said[said.index("mw-next") :].partition("</span>")[2].strip()
    assert advice.startswith(("change", "the same request will")) == changed


def test_a_failure_whose_retry_succeeded_is_one_grey_line() -> None:
    said = problem_html(row_of(state="failed", error_message="it broke"), retried="job-2")
    assert said == '<div class="mw-small mw-muted">failed; its retry job-2 succeeded.</div>'


STATES = (State.UNKNOWN, State.PLANNED, State.FAILED, State.EXPIRED, State.COLLECTED)


@pytest.mark.parametrize("name", ["../../up", b"\xff", None])
def test_rows_that_nobody_can_drive_say_that_they_are_damaged_and_offer_nothing(
    tmp_path: Path, name: str | bytes | None
) -> None:
    path = tmp_path / "log.sqlite"
    Log(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for number, state in enumerate(STATES):
            job_id = name and name + (str(number) if isinstance(name, str) else bytes([number]))  # type: ignore[operator]
            row = hostile.good_row("jobs", id=job_id, state=state.value, sent=1, body="{}")
            assert hostile.insert(db, "jobs", row)
    with mw.Workspace(tmp_path, endpoint="sandbox") as ws:
        monitor = mw.JobMonitor(ws, on_edit=lambda _: None, watch=False)
        shown = [one for one in monitor._rows if ui.is_shown(one)]
        assert len(shown) == len(STATES)
        for one in shown:
            assert "This row of the log is damaged: id held no value of the right kind" in one._text.value
            assert "may have been charged" not in one._text.value
            assert [button.description for button in one._actions.buttons if ui.is_shown(button)] == []
            assert one._task is None
        for row in ws.log_store.jobs.rows():
            assert ws.log_store.jobs.get(row.id) == row
            assert not ws.log_store.leases.claim_all([row.id], "me")
            for act in ("resend", "retry", "write_off"):
                with pytest.raises(mw.RequestError, match="damaged row"):
                    getattr(ws.attach(row.id), act)()
        monitor.close()
