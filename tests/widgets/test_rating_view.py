"""Blind ratings of a run's results: practice, answers, rounds, undo, a second person, the reveal."""

from __future__ import annotations

import json
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.study.fidelity.measures import VERSION
from motion_widgets.widgets import controls as ui
from motion_widgets.widgets.study_panel import StudyPanel
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[tuple[mw.Workspace, mw.Run]]:
    """A run of std and pro, each with two prompts: two blocks of one pair."""
    folder = tmp_path_factory.mktemp("rated")
    shutil.copytree(drawn, folder / "samples")
    with mw.Workspace(folder, endpoint="sandbox", speed=200) as ws:
        samples = ws.samples()
        req = mw.MotionRequest(
            model="kling-v2-6-motion-control",
            image_url=samples.image,
            video_url=samples.clip_6s,
            character_orientation="image",
        )
        run = mw.Sweep(req, mode=["std", "pro"], prompt=["waves", "bows"]).plan(ws).run()
        yield ws, run.wait(timeout=120)


@pytest.fixture
def study(there: tuple[mw.Workspace, mw.Run], request: pytest.FixtureRequest) -> mw.Study:
    """A study of that run of its own for each test."""
    return mw.Study(*there, name=request.node.name)


@pytest.fixture
def view(study: mw.Study) -> Iterator[mw.RatingView]:
    study.ask("mode", "pro", "std", planned=8)
    opened = mw.RatingView(study)
    until(lambda: opened.player.pair)
    yield opened
    opened.close()


def answer(view: mw.RatingView, choice: str, **more: object) -> None:
    """Answer the pair that is shown, as the page does, and wait for what comes then."""
    before = view.player.serial
    told = {"type": "answer", "choice": choice, "serial": before, "seconds": 4.2, "plays": 2, **more}
    view.player._on_message(view.player, told, [])
    until(lambda: view.player.serial > before or not view.player.pair)


def test_a_newcomer_is_asked_for_the_question_then_practises_and_then_rates(study: mw.Study) -> None:
    view = mw.RatingView(study)
    until(lambda: view.question.options)
    assert [label for label, _ in view.question.options] == ["Quality: pro or std?", "Prompt: bows or waves?"]
    view.planned.value = "8"
    view._ask()
    until(lambda: view.player.pair)
    assert study.question is not None
    assert study.question.planned == 8
    assert "Practice" in view.hint.value
    answer(view, "left")
    assert study.ratings() == []
    until(lambda: "Practice" not in view.hint.value)
    answer(view, "left")
    until(lambda: len(study.ratings()) == 1)
    view.close()


def test_each_answer_is_stored_at_once_with_what_the_page_measured(
    view: mw.RatingView, study: mw.Study
) -> None:
    answer(view, "tie")  # practice
    answer(view, "left", seconds=float("inf"), plays="x")
    until(lambda: len(study.ratings()) == 1)
    [row] = study.ratings()
    assert (row.choice, row.seconds_shown, row.left_plays, row.names_visible) == ("left", 0.0, 0, False)
    answer(view, "right")
    until(lambda: len(study.ratings()) == 2)
    row = study.ratings()[-1]
    assert (row.choice, row.seconds_shown, row.left_plays, row.right_plays) == ("right", 4.2, 2, 2)
    again = mw.RatingView(study)  # after a restart: from the log
    until(lambda: "2 stored" in again.count.value)
    again.close()


def test_a_second_answer_to_the_same_pair_or_to_another_serial_is_none(
    view: mw.RatingView, study: mw.Study
) -> None:
    answer(view, "tie")
    serial = view.player.serial
    for told in ({"serial": serial - 1}, {"serial": serial, "choice": "best"}, {"serial": "1"}):
        view.player._on_message(view.player, {"type": "answer", "choice": "left", **told}, [])
    for _ in range(2):
        view.player._on_message(view.player, {"type": "answer", "choice": "left", "serial": serial}, [])
    until(lambda: view.player.serial > serial)
    until(lambda: len(study.ratings()) == 1)


def test_nothing_that_the_page_gets_names_a_setting_or_a_job(view: mw.RatingView, study: mw.Study) -> None:
    answer(view, "tie")
    until(lambda: view.player.pair)
    told = json.dumps(
        {name: value for name, value in view.player.get_state().items() if name != "_esm"}, default=str
    )
    rows = study.rows()
    for word in ("std", "pro", *(row.id for row in rows), *(str(row.result_path) for row in rows)):
        assert word not in told.replace("prop", ""), word
    assert {"left", "right"} <= view.player.pair.keys()
    assert "motion" not in view.player.pair
    view.motion.value = True
    assert "motion" in view.player.pair
    laid = view.ws.folder / "blind"
    assert len(list(laid.iterdir())) == 3
    view.close()
    assert list(laid.iterdir()) == []


def test_a_round_ends_with_what_is_known_undo_takes_back_and_another_person_goes_on(
    view: mw.RatingView, study: mw.Study
) -> None:
    answer(view, "tie")
    answer(view, "left")
    answer(view, "right")
    until(lambda: "Round 1 of 4 is complete" in view.said.value)
    assert "2 stored" in view.count.value
    assert view.go_on.description == "Go on with round 2"
    view._undo()
    until(lambda: "taken back" in view.notice.value)
    assert study.progress().stored == 1
    view.rater.value = "ben"
    until(lambda: "Practice" in view.hint.value)
    answer(view, "left")
    answer(view, "right")
    until(lambda: study.ratings()[-1].rater == "ben")


def test_undo_takes_back_the_answer_given_before_it_however_slow_its_writing_is(
    view: mw.RatingView, study: mw.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(view, "tie")
    begun, go, order, rate, undo = threading.Event(), threading.Event(), list[str](), study.rate, study.undo

    def slow(*told: Any, **more: Any) -> None:
        begun.set()
        go.wait(30)
        order.append("rate")
        rate(*told, **more)

    monkeypatch.setattr(study, "rate", slow)
    monkeypatch.setattr(study, "undo", lambda *who, **how: (order.append("undo"), undo(*who, **how))[1])
    told = {"type": "answer", "choice": "left", "serial": view.player.serial, "seconds": 4.2, "plays": 2}
    view.player._on_message(view.player, told, [])
    assert begun.wait(30)
    view._undo()
    passed = threading.Event()
    view.later("other", passed.set)
    assert passed.wait(30)
    go.set()
    until(lambda: "taken back" in view.notice.value)
    assert order == ["rate", "undo"]
    assert study.progress().stored == 0


def test_who_has_seen_the_settings_is_shown_them_and_counts_no_more(
    view: mw.RatingView, study: mw.Study
) -> None:
    answer(view, "tie")
    answer(view, "left")
    answer(view, "right")
    until(lambda: "Round 1" in view.said.value)
    assert (ui.is_shown(view._warning), "no longer counts" in view._warning.value) == (True, True)
    view._reveal()
    until(lambda: "does not count" in view.said.value)
    assert not ui.is_shown(view._warning), "it has been seen"
    assert view.said.value.count("<li>") == 2
    view.rater.value = "cleo"  # has not seen them
    until(lambda: "Practice" in view.hint.value)
    answer(view, "left")
    answer(view, "left")
    until(lambda: study.ratings()[-1].rater == "cleo")
    assert study.ratings()[-1].names_visible is False


def see_the_settings(view: mw.RatingView, study: mw.Study) -> None:
    """Rate a pair, and ask which was which while the next one is shown."""
    answer(view, "tie")  # practice
    answer(view, "left")
    until(lambda: len(study.ratings()) == 1 and view.player.serial == view._serial)
    view._reveal()
    until(lambda: "does not count" in view.said.value)


def test_who_has_seen_the_settings_takes_back_nothing_that_counts(
    view: mw.RatingView, study: mw.Study
) -> None:
    see_the_settings(view, study)
    before = view.player.serial
    view._undo()
    until(lambda: "stands" in view.notice.value and view.player.serial > before)
    assert study.progress().stored == 1
    answer(view, "left")
    until(lambda: len(study.ratings()) == 2)
    view._undo()
    until(lambda: "taken back" in view.notice.value)
    *_, named, undone = study.ratings()
    assert (named.names_visible, undone.choice, undone.supersedes) == (True, "undone", named.id)
    assert study.progress().stored == 1


def test_who_has_seen_the_settings_counts_no_more_under_their_name_whoever_rated_meanwhile(
    view: mw.RatingView, study: mw.Study
) -> None:
    me = view.rater.value
    see_the_settings(view, study)
    view.rater.value = "ben"
    until(lambda: "Practice" in view.hint.value)
    view.rater.value = me
    until(lambda: view.player.pair and "Practice" not in view.hint.value)
    answer(view, "left")
    until(lambda: len(study.ratings()) == 2)
    assert study.ratings()[-1].names_visible is True


def test_an_answer_that_could_not_be_stored_is_asked_for_again(
    view: mw.RatingView, study: mw.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(view, "tie")  # practice
    rate = study.rate

    def full(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(study, "rate", rate)
        raise mw.LogError("The disk is full.")

    monkeypatch.setattr(study, "rate", full)
    answer(view, "left")
    until(lambda: "The disk is full." in view.notice.value and view.player.serial == view._serial)
    assert study.ratings() == []
    answer(view, "left")
    until(lambda: [row.choice for row in study.ratings()] == ["left"])


def test_nothing_waits_for_the_files_of_the_next_pair(
    view: mw.RatingView, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = answer_with_slow_files(view, monkeypatch)
    is_free = view.lock.acquire(timeout=5)  # a callback would wait for it, and the kernel with it
    go.set()
    assert is_free
    view.lock.release()


def test_the_panel_shows_the_newest_run_and_what_is_known(there: tuple[mw.Workspace, mw.Run]) -> None:
    ws, run = there
    panel = StudyPanel(ws)
    until(lambda: panel.view is not None)
    assert panel.choice.value == run.id
    study = panel.view.study
    if study.question is None:
        study.ask("mode", "pro", "std", planned=8)
    pair = study.next_pair("ana")
    assert pair is not None
    study.rate(pair, "left")
    panel.redraw()
    assert "What each setting costs" in panel._answer.value
    assert "<td>0.0914</td>" in panel._answer.value  # a price a second, of which two digits tell little
    assert "How the motion" not in panel._answer.value  # nothing was measured
    for row in study.rows():
        contents = row.clip_sha or "", row.result_sha or ""
        ws.log_store.fidelity.add(contents, VERSION, enough_motion=True, timing=0.9, lag_ms=12.0)
    panel.redraw()
    assert "How the motion" in panel._answer.value
    for words in ("timing", "lag, ms", "Quality"):
        assert f"<td>{words}</td>" in panel._answer.value
    panel.close()


def test_a_run_without_pairs_says_so(ws: mw.Workspace) -> None:
    panel = StudyPanel(ws)
    assert "no sweep to study" in panel._none.value
    panel.close()


def slow_results(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event]:
    """Hold the files of a pair back; return what says that they are asked for, and what lets them come."""
    begun, go, result_of = threading.Event(), threading.Event(), ws.result_of

    def late(row: Any) -> Any:
        begun.set()
        go.wait(60)
        return result_of(row)

    monkeypatch.setattr(ws, "result_of", late)
    return begun, go


def answer_with_slow_files(view: mw.RatingView, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Answer, and return once the files of the next pair are looked for: they come when the event is set."""
    begun, go = slow_results(view.ws, monkeypatch)
    told = {"type": "answer", "choice": "tie", "serial": view.player.serial, "seconds": 4.2, "plays": 2}
    view.player._on_message(view.player, told, [])
    assert begun.wait(60)
    return go


def test_a_pair_that_is_drawn_anew_while_the_next_one_comes_keeps_its_own_number(
    view: mw.RatingView, study: mw.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = answer_with_slow_files(view, monkeypatch)
    view.motion.value = True  # which shows the pair before it once more
    shown = view.player.serial
    go.set()
    until(lambda: "motion" in view.player.pair)
    assert view.player.serial > shown, "an answer to the one is none to the other"


def test_a_view_that_is_closed_while_a_pair_comes_leaves_no_clip_behind(
    view: mw.RatingView, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = answer_with_slow_files(view, monkeypatch)
    closing = threading.Thread(target=view.close)
    closing.start()
    until(lambda: view.closed)
    go.set()
    closing.join(60)
    with view.lock:  # what was under way has ended
        assert list((view.ws.folder / "blind").iterdir()) == []


def test_the_answer_stands_below_the_ratings_as_soon_as_its_tab_is_opened(
    there: tuple[mw.Workspace, mw.Run],
) -> None:
    ws, run = there
    study = mw.Study(ws, run)
    if study.question is None:
        study.ask("mode", "pro", "std", planned=8)
    pair = study.next_pair("dora")
    assert pair is not None
    study.rate(pair, "left")
    panel = StudyPanel(ws, watch=False)  # as in a Studio
    panel.look()
    until(lambda: "What each setting costs" in panel._answer.value)
    panel.close()


def two_runs(ws: mw.Workspace) -> tuple[str, str]:
    """Write down two runs without a cell; return their ids, the newer first."""
    told = {"endpoint": "sandbox", "account": "sandbox", "axes": "{}", "cells": "[]"}
    for run_id in ("run-old", "run-new"):
        ws.log_store.sweeps.save({"id": run_id, **told})
    newer, older = ws.log_store.sweeps.ids()
    return newer, older


def test_the_ratings_are_those_of_the_chosen_run_however_fast_it_is_chosen(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, older = two_runs(ws)
    panel = StudyPanel(ws, run=older)
    until(lambda: panel.view is not None)
    taken, take = threading.Event(), panel._take
    monkeypatch.setattr(panel, "_take", lambda study: (take(study), taken.set()))
    with panel.lock:  # both come while nothing can be drawn
        panel.choice.value = newer
        panel.choice.value = older
    assert taken.wait(60)
    assert panel.view is not None
    assert panel.view.study.id == panel.choice.value == older
    panel.close()


def test_the_chosen_run_stays_while_others_appear_even_more_than_are_offered(
    ws: mw.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion_widgets.widgets.study_panel.RUNS", 1)
    _, older = two_runs(ws)
    panel = StudyPanel(ws, run=older)
    until(lambda: panel.view is not None)
    assert panel.choice.value == older
    told = {"endpoint": "sandbox", "account": "sandbox", "axes": "{}", "cells": "[]"}
    ws.log_store.sweeps.save({"id": "run-newest", **told})
    panel.redraw()
    assert {one for _, one in panel.choice.options} == {"run-newest", older}
    assert panel.choice.value == older
    assert panel.view is not None
    assert panel.view.study.id == older
    panel.close()
    with pytest.raises(mw.LogError, match="run-none"):
        StudyPanel(ws, run="run-none")


def test_results_that_differ_in_nothing_leave_nothing_to_ask(there: tuple[mw.Workspace, mw.Run]) -> None:
    ws, run = there
    study = mw.Study(ws, run.jobs[0], name="alone")
    view = mw.RatingView(study)
    until(lambda: view._none.layout.display != "none")
    assert view._form.layout.display == "none"
    view._ask()  # as a page that is behind would
    view.rater.value = "bo"
    until(lambda: view.notice.value.endswith("></div>"))
    assert study.question is None
    assert view.player.pair == {}
    view.close()
