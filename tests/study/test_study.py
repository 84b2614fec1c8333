"""A study from its question to its answer, by what the log has."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

import motion_widgets as mw
from motion_widgets.study import Study
from tests.study.conftest import rate_all


def test_a_clear_preference_is_found_and_said_with_its_price_and_its_n(study):
    rate_all(study, lambda pro: pro)
    answer = study.answer()
    assert (answer.kind, answer.a, answer.b, answer.ratings) == ("preferred", "pro", "std", 12)
    assert answer.rate == 1.0
    assert answer.text.startswith("Sandbox: pro preferred to std: 100")
    for words in (
        "at 1.60 times the price ($0.21 more a clip)", "12 ratings of 6 pairs on 6 clips by 2 raters",
        "Each further preferred clip costs $0.21 more", "Raters agreed on 6 of 6 pairs",
    ):  # fmt: skip
        assert words in answer.text
    assert study.next_step().startswith("Stop here: the question is answered.")


def test_the_preferred_one_comes_first_whichever_was_named_first(study):
    rate_all(study, lambda pro: "left" if pro == "right" else "right")
    answer = study.answer("mode")
    assert (answer.a, answer.b, answer.rate) == ("std", "pro", 1.0)
    assert "at 0.62 times the price ($0.21 less a clip)" in answer.text
    assert "std is preferred and costs no more." in answer.text


def test_ties_are_no_difference_and_never_an_equality(study):
    rate_all(study, lambda _: "tie")
    answer = study.answer()
    assert answer.rate == 0.5
    assert answer.kind in ("alike", "not_shown")
    assert "Nothing here says that the higher price buys a better clip." in answer.text
    assert not {"equal", "p-value", "No difference between"} & set(answer.text.split())


def test_nothing_is_looked_at_within_a_round(study):
    pair = study.next_pair("ana")
    study.rate(pair, "left")
    answer = study.answer()
    assert (answer.kind, answer.ratings) == ("open", 0)
    assert "1 of 12 planned ratings; 0 of 2 rounds complete" in answer.text
    assert "1 of 12 planned ratings stored; 0 of 2 rounds complete" in repr(study)


def test_another_kernel_goes_on_where_the_first_one_was(host, cells, study):
    rate_all(study, lambda pro: pro, raters=("ana",))
    again = Study(host, reversed(cells))
    assert again.question == study.question
    assert again.answer().text == study.answer().text
    assert len(again.ratings()) == 6


def test_a_question_comes_before_the_first_rating(host, cells):
    study = Study(host, cells)
    for early in (study.next_pair, study.answer):
        with pytest.raises(mw.LogError, match="before the first rating"):
            early()
    study.ask("mode", "std", "pro", planned=8)
    study.ask("mode", "pro", "std", planned=12)  # nobody rated yet
    study.rate(study.next_pair("ana"), "tie")
    study.ask("mode", "pro", "std", planned=12)  # the same one
    with pytest.raises(mw.LogError, match=r"pro or std, by “overall”, 12 ratings planned"):
        study.ask("mode", "pro", "std", planned=20)
    other = Study(host, cells, name="hands")
    other.ask("mode", "pro", "std", planned=20, criterion="hands")
    assert other.question.criterion == "hands"
    assert other.ratings() == []


def test_a_question_that_was_written_down_after_a_rating_does_not_count(host, study):
    study.rate(study.next_pair("ana"), "tie")
    host.log_store.comparisons.ask(study.id, axis="mode", a="std", b="pro", criterion="x", planned=8)
    assert (study.question.a, study.question.planned) == ("pro", 12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model", "a", "b"), "“model” does not vary among these results"),
        (("image_url", "a", "b"), "What varies: mode"),
        (("mode", "pro", "turbo"), "have pro, std"),
        (("mode", "pro", "pro"), "two different values"),
    ],
)
def test_a_wrong_question_is_refused_in_words(host, cells, arguments, words):
    with pytest.raises(mw.LogError, match=words):
        Study(host, cells).ask(*arguments)


@pytest.mark.parametrize("planned", [0, 7, 12.0, "48", None, True])
def test_a_plan_is_a_number_of_ratings(host, cells, planned):
    with pytest.raises(mw.LogError, match="plan a whole number, at least 8"):
        Study(host, cells).ask("mode", "pro", "std", planned=planned)


def test_what_has_no_matched_pair_cannot_be_asked(host, put):
    jobs = put(("std", 1), ("pro", 2))
    with pytest.raises(mw.LogError, match="differ only in mode"):
        Study(host, jobs).ask("mode", "pro", "std")


def test_rehearsals_and_live_results_do_not_go_together(host, put):
    with pytest.raises(mw.LogError, match="sandbox and live"):
        Study(host, put(("std", 1), ("pro", 1, {"sandbox": False})))


def test_a_run_is_known_by_its_id_and_its_further_cells_join(host, cells):
    def save(ids):
        written = json.dumps([{"values": {}, "job_id": one, "order": 1} for one in ids])
        host.log_store.sweeps.save(
            {"id": "run-1", "endpoint": "sandbox", "account": "sandbox", "axes": "{}", "cells": written}
        )

    save(cells[:4])
    study = Study(host, SimpleNamespace(id="run-1"))
    assert study.id == Study(host, "run-1").id == Study(host, ["run-1"]).id == "run-1"
    assert len(study.material().results) == 4
    save(cells)
    assert len(study.rows()) == 12


@pytest.mark.parametrize("source", ["run-x", "job-x", ["job-x", "job-y"]])
def test_what_the_log_does_not_have_is_named(host, source):
    with pytest.raises(mw.LogError, match=r"There is no (run|job)-x in the log"):
        Study(host, source)


@pytest.mark.parametrize("source", [7, [7], None])
def test_a_source_is_a_run_or_jobs(host, source):
    with pytest.raises(mw.LogError, match="neither a run nor jobs"):
        Study(host, source)


def test_undo_is_a_further_row_and_the_pair_comes_again(study):
    pair = study.next_pair("ana")
    study.rate(pair, "left", seconds_shown=4.5, left_plays=2, right_plays=1)
    assert study.undo("ana")
    assert study.next_pair("ana") == pair
    assert not study.undo("ana")
    said, undone = study.ratings()
    assert (said.choice, said.seconds_shown, said.left_plays) == ("left", 4.5, 2)
    assert (undone.choice, undone.supersedes) == ("undone", said.id)
    study.rate(pair, "right")
    assert study.undo("bo") is False
    assert "1 of 12" in repr(study)


def test_nobody_takes_back_what_another_said(host, study):
    study.rate(study.next_pair("ana"), "left")
    (said,) = study.ratings()
    names = ("study", "criterion", "left_job_id", "right_job_id", "block", "round", "place", "seed")
    same = {name: getattr(said, name) for name in names}
    host.log_store.comparisons.add(
        **same, rater="mallory", choice="undone", supersedes=said.id, seconds_shown=None, left_plays=None,
        right_plays=None, names_visible=False,
    )  # fmt: skip
    assert "1 of 12" in repr(study)


def test_a_rating_with_names_in_sight_is_stored_and_never_counts(study):
    for _ in range(6):
        study.rate(study.next_pair("ana"), "left", names_visible=True)
    assert len(study.ratings()) == 6
    assert "0 of 12" in repr(study)
    assert study.answer().kind == "open"


def test_by_another_criterion_is_kept_apart(study):
    study.rate(study.next_pair("ana"), "left", criterion="hands")
    assert "0 of 12" in repr(study)


@pytest.mark.parametrize("answer", ["undone", "A", "", "LEFT", None, 3])
def test_an_answer_is_one_of_five_words(study, answer):
    with pytest.raises(mw.LogError, match="left, right, tie, both_bad, skip"):
        study.rate(study.next_pair("ana"), answer)


@pytest.mark.parametrize(
    "wrong",
    [{"seconds_shown": "7"}, {"seconds_shown": -1}, {"seconds_shown": float("nan")}, {"left_plays": 1.5},
     {"right_plays": True}],
)  # fmt: skip
def test_what_is_no_number_is_not_stored(study, wrong):
    with pytest.raises(mw.LogError, match="not a number of seconds or plays"):
        study.rate(study.next_pair("ana"), "left", **wrong)
    assert study.ratings() == []


def test_a_pair_rated_again_is_one_rating_and_the_later_one(study):
    pair = study.next_pair("ana")
    study.rate(pair, "left")
    study.rate(pair, "right")
    study.rate(pair, "tie")
    first, second, third = study.ratings()
    assert (second.supersedes, third.supersedes) == (first.id, second.id)
    assert "1 of 12" in repr(study)
    assert study.next_pair("ana").place == 2
    assert study.undo("ana")  # the tie, and with it all of that pair
    assert "0 of 12" in repr(study)
    assert study.next_pair("ana") == pair


def test_only_what_was_drawn_is_rated(study):
    with pytest.raises(mw.LogError, match="not a pair of this study"):
        study.rate(("job-a", "job-b"), "left")


def test_skipped_pairs_end_a_round_and_have_no_score(study):
    pair = study.next_pair("ana")
    study.rate(pair, "skip")
    while (pair := study.next_pair("ana")) is not None:
        study.rate(pair, "tie")
    answer = study.answer()
    assert answer.ratings == 5
    assert "5 of 12 planned ratings; 1 of 2 rounds complete" in answer.text


def test_another_axis_is_for_information_only(host, put):
    jobs = put(*[
        (mode, clip, {"character_orientation": way})
        for clip in range(4) for mode in ("std", "pro") for way in ("image", "video")
    ])  # fmt: skip
    study = Study(host, jobs)
    study.ask("mode", "pro", "std", planned=8)
    assert study.answer("character_orientation").text == (
        "Sandbox: Nothing was rated that differs in character_orientation (image or video) only."
    )
    video = {one.id for one in study.material().results if one.settings["character_orientation"] == "video"}
    while (pair := study.next_pair("ana", aim="overview")) is not None:
        sides = [pair.left in video, pair.right in video]
        study.rate(pair, "tie" if sides[0] == sides[1] else "left" if sides[0] else "right")
    answer = study.answer("character_orientation")
    assert (answer.kind, answer.a, answer.rate) == ("information", "image", 0.0)
    assert "99 % interval" in answer.text
    assert "excludes 50 %" in answer.text
    frame = study.preference().set_index(["by", "axis"])
    assert frame.loc[("model", "character_orientation"), "low"] > 0.5
    assert frame.loc[("model", "character_orientation"), "a"] == "video"
    assert list(frame.loc["question"].index) == ["mode"]
    ranks = study.ranking().set_index("setting")
    assert {name.partition(" ")[0] for name in ranks.index[:2]} == {"video"}
    assert ranks["best_rank"].min() == 1


def test_the_best_is_sought_by_leader_against_challenger(host, put):
    jobs = put(*[
        (mode, clip, {"character_orientation": way})
        for clip in range(3) for mode in ("std", "pro") for way in ("image", "video")
    ])  # fmt: skip
    study = Study(host, jobs)
    study.ask("mode", "pro", "std", planned=8)
    with pytest.raises(mw.LogError, match="overview"):
        study.next_pair("ana", aim="least certain")
    setting = {one.id: one.setting(["mode", "character_orientation"]) for one in study.material().results}
    best = next(name for name in setting.values() if name.startswith("pro") and name.endswith("video"))
    shown, blocks = [], []
    while (pair := study.next_pair("ana", aim="best")) is not None:
        sides = [setting[pair.left], setting[pair.right]]
        study.rate(pair, "left" if sides[0] == best else "right" if sides[1] == best else "tie")
        shown.append(frozenset((pair.left, pair.right)))
        blocks.append((pair.block, best in sides))
    assert len(set(shown)) == len(shown)  # nobody sees a pair twice
    assert [contest for _, contest in blocks[-9:]] == [True] * 9  # all nine of the best, once it leads
    assert study.ranking()["setting"][0] == study.ranking().query("in_the_running")["setting"].iloc[0]


def test_costs_come_from_bills_and_failures_stand_apart(host, cells, put, study):
    more = Study(host, [*cells, *put(("pro", 9, {"state": "failed"}))])
    host.log_store.annotations.rate(cells[:6], usable=True)
    host.log_store.annotations.rate(cells[6:8], usable=False)
    costs = more.costs().set_index("setting")
    assert costs.loc["pro", ["results", "rated", "kept", "failed"]].tolist() == [6, 4, 3, 1]
    assert costs.loc["std", "per_second"] == pytest.approx(0.34272 / 6)
    assert costs.loc["pro", "per_kept"] == pytest.approx(4 * 0.54864 / 3)
    assert not costs["excluded"].any()
    rate_all(study, lambda pro: pro)
    assert "pro costs 1.60 times std" in study.answer().text
    assert "std is kept more often than 62.5" in study.answer().text


def test_the_next_step_is_free_first_then_a_new_clip_and_repeats_last(study):
    rate_all(study, lambda _: "tie", raters=("ana",))
    lines = study.next_step().split("\n")
    assert [line.split()[0] for line in lines] == ["Go", "First", "Then", "Your", "A"]
    assert "costs about $0.90" in lines[2]


def test_the_answer_is_drawn_with_its_n_and_nothing_of_it_is_a_tag(host, put):
    nasty = "<script>alert(1)</script>"
    jobs = put(*[("std", clip, {"prompt": words}) for clip in range(4) for words in (nasty, "b")])
    study = Study(host, jobs)
    study.ask("prompt", nasty, "b", planned=8)
    while (pair := study.next_pair("ana")) is not None:
        study.rate(pair, "left")
    page = study.answer()._repr_html_()
    assert "<script" not in page
    assert 'role="img"' in page
    assert "4 ratings" in page


def test_without_a_question_the_next_step_is_to_ask_one(host, cells):
    assert "study.ask(" in Study(host, cells).next_step()


def test_a_study_that_has_its_answer_stops(study):
    rate_all(study, lambda pro: pro)
    assert study.next_step() == "Stop here: the question is answered."


def test_a_plan_that_ends_without_an_answer_says_what_another_would_take(study):
    turns = iter(["left", "right"] * 100)
    rate_all(study, lambda _: next(turns))
    said = study.next_step()
    assert said.startswith("Stop here: ")
    assert study.answer().kind in ("not_shown", "few", "alike")


def test_clips_that_are_short_already_are_not_advised_to_be_shorter(host, put):
    jobs = put(*[(mode, clip, {"clip_length": 4.0}) for clip in range(6) for mode in ("std", "pro")])
    study = Study(host, jobs)
    study.ask("mode", "pro", "std", planned=48)
    assert "s long on average" not in study.next_step()
    unknown = put(
        *[
            (mode, clip, {"clip_length": None, "cost": None})
            for clip in range(7, 9)
            for mode in ("std", "pro")
        ]
    )
    bare = Study(host, unknown)
    bare.ask("mode", "pro", "std", planned=48)
    assert "costs about" not in bare.next_step(), "a price that nobody knows is not said"


def test_the_best_of_many_settings_made_in_std_are_taken_into_pro(host, put):
    prompts = [f"take {number}" for number in range(5)]
    jobs = put(*[("std", clip, {"prompt": prompt}) for clip in range(6) for prompt in prompts])
    study = Study(host, jobs)
    study.ask("prompt", prompts[0], prompts[1], planned=48)
    assert "into pro" not in study.next_step(), "nothing was rated yet"
    liked = {one.id: one.settings["prompt"] for one in study.material().results}
    for _ in range(40):
        pair = study.next_pair("ana", aim="overview")
        study.rate(pair, "left" if liked[pair.left] < liked[pair.right] else "right")
    last = study.next_step().split("\n")[-1]
    assert last.startswith("Then take the best into pro: ")
    assert prompts[0] in last
    assert last.count(";") <= 2, "three at most"
