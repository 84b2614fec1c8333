"""The history strip without a browser: what each job says, its picture, and what a click does."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets.history_strip import LENGTH
from motion_widgets.widgets.job_pictures import MOST_BYTES, JobPictures
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def did() -> list[Any]:
    return []


@pytest.fixture
def strip(ws: mw.Workspace, did: list[Any]) -> Iterator[mw.HistoryStrip]:
    made = mw.HistoryStrip(
        ws, on_show=did.append, on_edit=did.append, on_all=lambda: did.append("all"), watch=False
    )
    yield made
    made.close()


STATES = [
    (State.RUNNING, {"progress": 62}, ("running", "62 %", "running")),
    (State.COLLECTED, {"cost": 570_000, "estimate_high": 570_000}, ("done", "", "$0.57")),
    (State.UNKNOWN, {"reserved": 570_000}, ("doubt", "Charged? Decide…", "$0.57 held")),
    (State.FAILED, {"error_kind": "moderation", "cost": 0}, ("bad", "Refused: content policy", "refunded")),
    (State.FAILED, {"reserved": 570_000}, ("bad", "failed", "$0.57 held")),
    (State.FAILED, {"cost": 570_000}, ("bad", "failed", "$0.57")),
    (State.REJECTED, {}, ("bad", "rejected", "not charged")),
    (State.PLANNED, {}, ("waiting", "planned", "not charged")),
]


@pytest.mark.parametrize(("state", "columns", "told"), STATES)
def test_each_state_has_its_word_and_its_money(
    ws: mw.Workspace, strip: mw.HistoryStrip, state: State, columns: dict[str, object], told: tuple[str, ...]
) -> None:
    row_in(ws, state, mode="pro", character_orientation="image", **columns)
    strip.refresh()
    [item] = strip.strip.items
    assert (item["title"], item["kind"], item["word"], item["line"]) == ("pro · picture", *told)


def test_a_result_has_a_small_picture_of_itself_and_its_stars(
    ws: mw.Workspace, strip: mw.HistoryStrip
) -> None:
    shutil.copy(ws.samples().clip_6s, ws.folder / "results" / "one.mp4")
    job = mw.Job(ws, row_in(ws, State.COLLECTED, cost=460_000, result_path="results/one.mp4"))
    job.rate(stars=4)
    strip.refresh()
    until(lambda: strip.strip.items[0]["picture"])
    [item] = strip.strip.items
    head, _, data = item["picture"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert 500 < len(base64.b64decode(data)) <= MOST_BYTES
    assert item["line"] == "$0.46 · ★★★★"
    assert not JobPictures.of(ws).lacks([job.row]), "it is made once"


@pytest.mark.parametrize("moment", ["lacks", "make"])
def test_a_picture_that_another_panel_makes_meanwhile_is_drawn(
    ws: mw.Workspace, strip: mw.HistoryStrip, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    shutil.copy(ws.samples().clip_6s, ws.folder / "results" / "one.mp4")
    row_in(ws, State.COLLECTED, result_path="results/one.mp4")
    mine, make = getattr(JobPictures, moment), JobPictures.make

    def overtaken(pictures: JobPictures, *told: Any) -> Any:
        make(pictures, ws, ws.log_store.jobs.rows())
        return mine(pictures, *told)

    monkeypatch.setattr(JobPictures, moment, overtaken)
    strip.redraw()
    until(lambda: strip.strip.items[0]["picture"])


def test_the_newest_jobs_are_first_and_a_retry_takes_the_place_of_what_failed(
    ws: mw.Workspace, strip: mw.HistoryStrip
) -> None:
    ids = [row_in(ws, State.FAILED) for _ in range(LENGTH + 3)]
    hidden, failed = ids[-1], ids[-2]
    mw.Job(ws, hidden).hide()
    again, _ = ws.log_store.jobs.add_attempt(failed)
    strip.refresh()
    shown = [one["id"] for one in strip.strip.items]
    assert shown[:2] == [again.id, ids[-3]]
    assert len(shown) == LENGTH
    assert not {hidden, failed} & set(shown)
    assert strip.strip.all == f"All {LENGTH + 4} in the Log"


def test_a_click_shows_a_job_brings_its_settings_back_or_opens_the_log(
    ws: mw.Workspace, strip: mw.HistoryStrip, did: list[Any]
) -> None:
    req = request_of(ws, prompt="wave")
    job = ws.submit(req, max_cost=1).wait(60)
    strip.refresh()
    for message in (
        {"type": "show", "id": job.id},
        {"type": "edit", "id": job.id},
        {"type": "all", "id": ""},
    ):
        before = len(did)
        strip.strip._receive(message, [])
        until(lambda: len(did) == before + 1)  # noqa: B023 - called here
    assert [did[0].id, did[1].key, did[2]] == [job.id, req.key, "all"]
    assert strip.strip.current == job.id
    for message in (
        {"type": "edit", "id": "job-elsewhere"},
        {"type": "drop", "id": job.id},
        {"type": "show"},
    ):
        strip.strip._receive(message, [])
    assert len(did) == 3, "the page gets nothing but what the strip shows"
