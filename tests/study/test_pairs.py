"""Which pair is next: matched, no block twice running, sides balanced in blocks, raters and rounds."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets.study import Study
from motion_widgets.study.pairs import Pair, draw, matched, overview


def pairs_of(blocks, each=1):
    def one(name):
        return SimpleNamespace(id=name)

    return [Pair(f"b{n}", one(f"a{n}-{k}"), one(f"z{n}-{k}")) for n in range(blocks) for k in range(each)]


def rated_by(pairs, turns, seed=3):
    """Let raters take turns as listed; return what each was shown."""
    rows, shown, sessions = [], [], {}
    for rater in turns:
        session = sessions.setdefault(rater, [])
        drawn = draw(
            pairs, rows, rater, seed=seed, session=[frozenset((one.left, one.right)) for one in session],
            last=session[-1].block if session else "",
        )  # fmt: skip
        if drawn is not None:
            session.append(drawn)
            shown.append(drawn)
            rows.append(SimpleNamespace(left_job_id=drawn.left, right_job_id=drawn.right, rater=rater))
    return shown


@given(
    st.integers(2, 9), st.integers(1, 3), st.lists(st.sampled_from("xyz"), max_size=60), st.integers(0, 99)
)
@settings(max_examples=25, deadline=None)
def test_whoever_takes_turns_sees_no_pair_twice_and_no_block_twice_running(blocks, each, turns, seed):
    shown = rated_by(pairs_of(blocks, each), turns, seed)
    for rater in "xyz":
        mine = [one for one in shown if one.rater == rater]
        assert [one.place for one in mine] == list(range(1, len(mine) + 1))
        assert len({frozenset((one.left, one.right)) for one in mine}) == len(mine)
        fresh = Counter(one.block for one in mine)
        if max(fresh.values(), default=0) < each:  # with other blocks left there is always another one
            assert all(one.block != other.block for one, other in pairwise(mine))


def leans(shown, of):
    """Return by group how much more often A was on the left than on the right."""
    found = Counter()
    for one in shown:
        found[of(one)] += 1 if one.left.startswith("a") else -1
    return found


@given(st.integers(1, 6), st.booleans(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_sides_are_balanced_within_each_block_each_rater_and_each_round(couples, in_turns, seed):
    turns = ["ana", "bo"] * (4 * couples)
    shown = rated_by(pairs_of(2 * couples, each=2), turns if in_turns else sorted(turns), seed)
    assert set(leans(shown, lambda one: one.block).values()) == {0}
    assert set(leans(shown, lambda one: one.rater).values()) == {0}
    if not in_turns:
        assert set(leans(shown, lambda one: (one.rater, one.round)).values()) == {0}


def test_who_takes_turns_has_no_side_of_their_own_in_any_round():
    found = Counter()
    for seed in range(100):
        found.update(
            leans(rated_by(pairs_of(4), ["ana", "bo"] * 4, seed), lambda one: (one.rater, one.round))
        )
    assert all(abs(total) <= 60 for total in found.values())  # of 200; by chance up to 42 in 99.7 %


def test_a_second_rater_sees_the_first_round_from_the_other_side():
    pairs = pairs_of(6)
    shown = rated_by(pairs, ["ana"] * 6 + ["bo"] * 6)
    side = {(one.rater, one.block): one.left.startswith("a") for one in shown}
    assert all(side["ana", f"b{n}"] != side["bo", f"b{n}"] for n in range(6))
    assert sum(side["ana", f"b{n}"] for n in range(6)) == 3


def test_each_round_has_every_block_once():
    shown = rated_by(pairs_of(5, each=3), ["ana", "bo", "cy"] * 5)
    for start in (0, 5, 10):
        assert len({one.block for one in shown[start : start + 5]}) == 5
        assert {one.round for one in shown[start : start + 5]} == {start // 5 + 1}


def test_the_drawing_can_be_drawn_again_and_another_study_draws_another():
    turns = ["ana"] * 8
    assert rated_by(pairs_of(8), turns, 1) == rated_by(pairs_of(8), turns, 1)
    assert rated_by(pairs_of(8), turns, 1) != rated_by(pairs_of(8), turns, 2)


@pytest.fixture
def mixed(host, put):
    rows = put(
        *[(mode, clip, {"character_orientation": way, "repeat": repeat})
          for clip in range(2) for mode in ("std", "pro") for way in ("image", "video") for repeat in (1, 2)],
        ("pro", 7), ("std", 8, {"state": "failed"}), ("pro", 8),
    )  # fmt: skip
    return Study(host, rows).material().results


def test_matched_pairs_differ_in_the_axis_alone_and_repeats_are_paired_one_to_one(mixed):
    pairs = matched(mixed, "mode", "pro", "std")
    assert len(pairs) == 8
    for pair in pairs:
        assert (pair.a.settings["mode"], pair.b.settings["mode"]) == ("pro", "std")
        assert pair.a.others("mode") == pair.b.others("mode")
        assert pair.a.repeat == pair.b.repeat
    ids = [one.id for pair in pairs for one in (pair.a, pair.b)]
    assert len(set(ids)) == len(ids)


def test_an_overview_pairs_different_settings_of_a_block(mixed):
    pairs = overview(mixed)
    assert len(pairs) == 2 * (8 * 7 // 2 - 4)  # without the repeats of one setting
    assert all(pair.a.block() == pair.b.block() == pair.block for pair in pairs)
