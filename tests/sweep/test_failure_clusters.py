"""Where failures of a run lie: a value is named when it stands out, and never by chance alone."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets import Sweep
from motion_widgets.sweep.failure_clusters import HARDLY, chance, clusters
from tests.jobs.endpoint import refusal

HEROES = ("hero.png", "a.png", "b.png", "c.png")
MODES = ("std", "pro")


def grid(fails, *, repeats=6, kind="moderation", heroes=HEROES):
    """12 cells a picture: which fail is said by `fails(picture, mode, number)`."""
    cells = []
    for hero, mode, number in itertools.product(heroes, MODES, range(repeats)):
        failed = fails(hero, mode, number)
        row = SimpleNamespace(state="failed" if failed else "collected", error_kind=kind if failed else None)
        cells.append(({"image_url": hero, "mode": mode}, row))
    return cells


def test_the_picture_that_fails_is_named_with_its_counts():
    found = clusters(grid(lambda hero, mode, number: hero == "hero.png" and (mode, number) != ("std", 0)))
    assert [(one.axis, one.value, one.failed, one.cells) for one in found] == [
        ("image_url", "hero.png", 11, 12)
    ]
    assert str(found[0]).startswith("hero.png failed in 11 of 12 cells; the others in 0 of 36.")
    assert "content policy" in str(found[0])


def test_two_causes_are_named_one_after_the_other():
    found = clusters(grid(lambda hero, mode, _: hero == "hero.png" or mode == "pro"))
    assert {(one.axis, one.value) for one in found} == {("image_url", "hero.png"), ("mode", "pro")}


@pytest.mark.parametrize(
    "fails",
    [lambda *_: False, lambda *_: True, lambda _h, _m, number: number == 0],
    ids=["none", "all", "evenly spread"],
)
def test_failures_that_lie_anywhere_are_no_cluster(fails):
    assert clusters(grid(fails)) == []


def test_two_cells_are_too_few_to_say_so():
    cells = grid(lambda hero, *_: hero == "hero.png", repeats=1, heroes=HEROES[:2])
    assert clusters(cells) == []


@pytest.mark.parametrize("kind", ["account", "auth", "network"])
def test_what_is_not_the_cells_own_doing_does_not_count(kind):
    assert clusters(grid(lambda hero, *_: hero == "hero.png", kind=kind)) == []


def test_cells_under_way_and_of_unknown_outcome_are_not_judged():
    cells = [
        ({"mode": mode}, SimpleNamespace(state=state, error_kind="unknown"))
        for mode, state in (("std", "unknown"), ("pro", "running"))
        for _ in range(20)
    ]
    assert clusters(cells) == []


counts = st.integers(0, 25)


@given(counts, counts, counts, counts)
def test_chance_is_that_of_drawing_without_putting_back(failed, fine, others_failed, others_fine):
    cells, others = failed + fine, others_failed + others_fine
    failures = failed + others_failed
    exact = sum(
        math.comb(cells, hit) * math.comb(others, failures - hit)
        for hit in range(failed, min(cells, failures) + 1)
    ) / math.comb(cells + others, failures)
    assert chance(failed, cells, others_failed, others) == pytest.approx(exact, rel=1e-9)


states = st.sampled_from(["failed", "rejected", "collected", "running", "unknown", "planned", "expired"])
rows = st.tuples(
    st.fixed_dictionaries({"mode": st.sampled_from(MODES), "image_url": st.sampled_from(HEROES)}),
    st.builds(
        SimpleNamespace, state=states, error_kind=st.sampled_from([None, "moderation", "account", "media"])
    ),
)


@settings(deadline=None)  # the first call may be a slow one
@given(st.lists(rows, max_size=60), st.randoms(use_true_random=False))
def test_whatever_the_run_the_counts_are_its_own_and_the_order_does_not_matter(cells, chances):
    found = clusters(cells)
    for one in found:
        assert 0 < one.failed <= one.cells
        assert one.failed * one.others >= one.others_failed * one.cells, "it fails more often than the others"
        assert chance(one.failed, one.cells, one.others_failed, one.others) < HARDLY
    if found:
        mine = [row for labels, row in cells if labels[found[0].axis] == found[0].value]
        assert found[0].failed <= sum(row.state in ("failed", "rejected", "expired") for row in mine)
    mixed = list(cells)
    chances.shuffle(mixed)
    assert clusters(mixed) == found


def test_a_run_says_it_and_so_does_its_summary(ws, req, endpoint):
    def judge(post):
        return refusal(400, message="content policy (1301)") if b'"bad"' in post.body else None

    endpoint.next_post.extend([judge] * 8)
    axes = {"prompt": ["fine", "bad"], "mode": ["std", "pro"], "character_orientation": ["image", "video"]}
    run = Sweep(req, **axes).plan(ws).run(budget=5).wait(60)
    assert [(one.axis, one.value, one.failed) for one in run.clusters()] == [("prompt", "bad", 4)]
    assert "bad failed in 4 of 4 cells; the others in 0 of 4." in run.summary()
    assert "4 rejected" in run.summary()
