"""The stage without a browser: what it shows of each job, what it stores, what it offers at which price."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.states import State
from motion_widgets.widgets import controls as ui
from tests.widgets.conftest import until
from tests.widgets.test_panels import request_of, row_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipywidgets import Button


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[mw.Workspace]:
    """A workspace with one result."""
    folder = tmp_path_factory.mktemp("ready")
    shutil.copytree(drawn, folder / "samples")
    with mw.Workspace(folder, endpoint="sandbox", speed=200) as opened:
        req = request_of(opened, mode="std", character_orientation="image")
        opened.submit(req, max_cost=1).wait(60)
        yield opened


@pytest.fixture
def shown(ready: mw.Workspace, edited: list[mw.MotionRequest]) -> Iterator[mw.Stage]:
    """A stage that shows it."""
    made = mw.Stage(ready, on_edit=edited.append, watch=False)
    made.show_job(ready.jobs(limit=9)[-1])
    until(lambda: len(made.player.cells) == 2 and "another picture…" in offers(made))
    yield made
    made.close()


@pytest.fixture
def edited() -> list[mw.MotionRequest]:
    return []


@pytest.fixture
def stage(ws: mw.Workspace, edited: list[mw.MotionRequest]) -> Iterator[mw.Stage]:
    made = mw.Stage(ws, on_edit=edited.append, on_sweep=edited.append, watch=False)
    yield made
    made.close()


def offers(stage: mw.Stage) -> dict[str, Button]:
    return {one.description: one for one in stage.again.choices.buttons if ui.is_shown(one)}


def cells(stage: mw.Stage) -> list[dict[str, Any]]:
    return list(stage.player.cells)


def test_a_first_visit_shows_a_real_result_of_the_sandbox_and_one_click_makes_one(
    ws: mw.Workspace, stage: mw.Stage, edited: list[mw.MotionRequest]
) -> None:
    assert ui.is_shown(stage.welcome)
    assert stage.player.view == "sample"
    until(lambda: "path" in cells(stage)[0] if cells(stage) else False)
    clip = mw.measure_clip(ws.folder / "samples" / "sample-result.mp4")
    assert (clip.length, clip.width, clip.height) == (pytest.approx(6, abs=0.1), 360, 640)
    assert stage.player._read is not None
    shown = stage.player._read(cells(stage)[0]["path"])
    assert shown == (ws.folder / "samples" / "sample-result.mp4").read_bytes()
    assert stage.welcome.go.description == "Try it with the sample · free"
    assert "Live, the sample would cost $0.35." in stage.welcome._text.value
    stage.welcome.compare.click()
    stage.welcome.go.click()
    until(lambda: len(edited) == 2)
    assert edited[0].key == edited[1].key
    until(lambda: ws.jobs() and stage.job is not None)
    job = ws.jobs()[0].wait(60)
    assert job.row.key == edited[0].key
    stage.redraw()
    assert (stage.player.view, ui.is_shown(stage.welcome)) == ("stage", False)
    assert [cell["path"].endswith(".mp4") for cell in cells(stage)] == [True, True]


def test_a_result_stands_beside_its_clip_with_its_money_and_time(shown: mw.Stage) -> None:
    assert [cell["column"] for cell in cells(shown)] == ["Motion", "Result · SANDBOX"]
    assert shown.player.note.startswith("std · as in the picture · $0.34 billed · took ")
    assert shown.player.result["name"] == "figure-wave-6s-std.mp4"
    assert not ui.is_shown(shown.line), "there is nothing to decide"


def test_what_a_person_says_of_a_result_is_in_the_log_and_comes_back(
    ready: mw.Workspace, shown: mw.Stage
) -> None:
    def tell(what: str, value: object) -> None:
        shown.player._receive(
            {"type": "said", "id": shown.player.result["id"], "what": what, "value": value}, []
        )
        until(lambda: shown.redraw() and shown.player.result[what] == value)

    for what, value in (("stars", 4), ("usable", True), ("note", "<b>fine</b>")):
        tell(what, value)
    [said] = ready.log_store.annotations.of().values()
    assert (said.stars, said.usable, said.note) == (4, True, "<b>fine</b>")
    tell("stars", None)
    assert shown.player.result["usable"] is True


@pytest.mark.parametrize(
    ("what", "value"),
    [("stars", 9), ("stars", "many"), ("usable", 3), ("note", "x" * 5000)],
)
def test_what_no_page_of_ours_would_say_is_one_sentence(
    ws: mw.Workspace, stage: mw.Stage, what: str, value: object
) -> None:
    stage.player._receive({"type": "said", "id": row_in(ws, State.FAILED), "what": what, "value": value}, [])
    until(lambda: "mw-error" in stage.notice.value)


def test_a_click_costs_no_more_than_its_button_says(
    ready: mw.Workspace, shown: mw.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = len(ready.log)
    dear = mw.Prices(date="2027-01", per_second=dict.fromkeys(ready.prices.per_second, 9.0))
    monkeypatch.setattr(ready.preparation, "prices", dear)
    offers(shown)["pro · $0.55"].click()
    until(lambda: "mw-error" in shown.notice.value)
    assert len(ready.log) == jobs
    shown.redraw()
    assert "pro · $54.00" in offers(shown), "and a new look names the new price"


def test_a_click_makes_the_same_again_at_the_price_that_the_button_named(
    ready: mw.Workspace, shown: mw.Stage, edited: list[mw.MotionRequest]
) -> None:
    assert list(offers(shown)) == ["pro · $0.55", "as in the clip · $0.35", "another picture…"]
    offers(shown)["another picture…"].click()
    clip = ready.jobs()[0].row.clip_path
    assert (edited[0].image_url, edited[0].video_url) == (None, str(ready.folder / str(clip)))
    offers(shown)["pro · $0.55"].click()
    until(lambda: len(ready.log) == 2)
    new = ready.jobs()[0]
    until(lambda: shown.job is not None and shown.job.id == new.id)
    assert (new.row.mode, new.row.estimate_high) == ("pro", 548_640)


def test_only_what_the_clip_allows_is_offered(ws: mw.Workspace, stage: mw.Stage) -> None:
    req = request_of(ws, mode="std", character_orientation="video", video_url=ws.samples().clip_12s)
    row, _ = ws.log_store.jobs.add(ws.preparation.plan_job(req))
    stage.again.offer(row)
    assert [one.split(" · ")[0] for one in offers(stage)] == ["pro", "another picture…"]


@pytest.mark.parametrize(
    ("state", "columns", "told"),
    [
        (State.UNKNOWN, {"reserved": 460_000}, ("$0.46 stays reserved", 3)),
        (State.FAILED, {"error_kind": "moderation", "cost": 0}, ("It was refunded", 2)),
        (State.EXPIRED, {"task_id": "t", "cost": 460_000}, ("link expired", 2)),
        (State.REJECTED, {"error_message": "no <money>"}, ("no &lt;money&gt;", 2)),
    ],
)
def test_a_job_without_a_result_says_what_is_wrong_and_what_can_be_done(
    ws: mw.Workspace, stage: mw.Stage, state: State, columns: dict[str, object], told: tuple[str, int]
) -> None:
    said, buttons = told
    stage.show_job(mw.Job(ws, row_in(ws, state, **columns)))
    until(lambda: said in stage.line._text.value)
    assert ui.is_shown(stage.line)
    assert sum(ui.is_shown(one) for one in stage.line._actions.buttons) == buttons
    assert stage.player.result == {}
    until(lambda: offers(stage) == {})


def test_a_running_job_shows_its_progress_and_for_how_long_it_runs(ws: mw.Workspace, stage: mw.Stage) -> None:
    job_id = row_in(ws, State.RUNNING, progress=62, submitted=(ws.log_store.jobs.rows() and 0) or 1)
    stage.show_job(mw.Job(ws, job_id))
    until(lambda: len(cells(stage)) == 2)
    result = cells(stage)[1]
    assert (result["progress"], result["state"]) == (62, "▶ running, 62 %")
    assert " so far" in result["message"]


def test_another_endpoint_has_a_stage_of_its_own(ws: mw.Workspace, stage: mw.Stage) -> None:
    row_in(ws, State.FAILED)
    stage.refresh()
    assert not ui.is_shown(stage.welcome)
    ws.switch("apimart", key="sk-none", remember=False)
    stage.refresh()
    assert ui.is_shown(stage.welcome)
    assert stage.job is None
    until(lambda: "LIVE" in stage.welcome.go.description)
    assert "mw-live" in stage.welcome.go._dom_classes


def test_what_another_endpoint_has_not_is_taken_off_the_stage(ws: mw.Workspace, stage: mw.Stage) -> None:
    until(lambda: cells(stage) and "path" in cells(stage)[0])
    sample = cells(stage)
    row_in(ws, State.COLLECTED, mode="pro", result_path="results/none.mp4")
    stage.redraw()
    assert cells(stage) != sample
    assert stage.player.result
    ws.switch("apimart", key="sk-none", remember=False)
    stage.redraw()
    assert (stage.player.view, cells(stage)) == ("sample", sample)
    assert (stage.player.note, stage.player.result) == ("", {})


def test_a_sample_that_could_not_be_drawn_is_drawn_at_the_next_look(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = ws.samples

    def full() -> None:
        monkeypatch.setattr(ws, "samples", samples)
        raise mw.LogError("The disk is full.")

    monkeypatch.setattr(ws, "samples", full)
    stage = mw.Stage(ws, watch=False)
    until(lambda: "The disk is full." in stage.notice.value)
    stage.redraw()
    until(lambda: stage.welcome.go.description == "Try it with the sample \u00b7 free")
    assert not stage.welcome.go.disabled
    assert stage.notice.value.count("<b>") == 0, "it is no news any more"
    stage.close()
