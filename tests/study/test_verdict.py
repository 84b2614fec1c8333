"""When a study stops: hardly ever for a difference that is not there, and soon for one that is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from motion_widgets.study.pairs import matched
from motion_widgets.study.preference import Scores
from motion_widgets.study.ratings import looks_of, scored, scores_of
from motion_widgets.study.verdict import Verdict, _unshown, look, verdict
from tests.study import people
from tests.study.conftest import rate_all
from tests.study.test_preference import STUDIES
from tests.study.test_preference import scores_of as simulated


def stopped(said, rounds):
    """Return which studies end as "preferred", and by how many ratings each ended."""
    blocks = said.scores.shape[1]
    ended = np.zeros(len(said.scores), bool)
    used = np.full(len(said.scores), blocks * rounds)
    for number in range(1, rounds + 1):
        now = look(simulated(said, number), number == rounds) & ~ended
        used[now] = blocks * number
        ended |= now
    return ended, used


@pytest.mark.parametrize("noise", people.NOISES)
@pytest.mark.parametrize(
    ("media", "rounds", "raters"),
    [(people.apart(6), 8, 2), (people.apart(12), 4, 2), (people.apart(24), 2, 1),
     (people.crossed(3, 4), 4, 1)],
    ids=["6 x 8", "12 x 4", "24 x 2", "3 images of 4 clips"],
)  # fmt: skip
def test_no_difference_is_called_one_in_at_most_5_5_percent(media, rounds, raters, noise):
    said = people.study(
        np.random.default_rng(7), STUDIES, *media, rounds, effect=0.0, noise=noise, raters=raters
    )
    assert stopped(said, rounds)[0].mean() <= 0.055


def test_a_clear_preference_is_found_and_mostly_early():
    said = people.study(np.random.default_rng(8), STUDIES, *people.apart(12), 4, effect=2.0, noise="mid")
    assert 0.74 < said.truth < 0.84
    ended, used = stopped(said, 4)
    assert ended.mean() >= 0.9
    assert used.mean() <= 34


def rounds_of(*scores, blocks=4):
    """Return looks at a study of some blocks, in which all blocks of a round score the same."""
    rated = [[(f"b{block}", score, block, block) for block in range(blocks)] for score in scores]
    looks = [Scores.of(itertools.chain(*rated[: number + 1])) for number in range(len(scores))]
    sums, counts, wins, losses = (
        np.array([getattr(one, name) for one in looks]) for name in ("sums", "counts", "wins", "losses")
    )
    each = np.arange(blocks)
    return Scores(sums.reshape(-1, blocks), counts.reshape(-1, blocks), wins, losses, each, each)


@pytest.mark.parametrize("score", [1, 0])
@pytest.mark.parametrize(
    ("blocks", "rounds", "last", "ends"),
    [
        (7, 1, True, False), (8, 1, True, True), (8, 1, False, True),  # of 7 ratings nothing is said
        (1, 1000, False, False), (1, 1000, True, False), (2, 30, False, True),  # one block is no end
        (3, 3, False, False), (3, 3, True, True),  # 97 % excludes 50 %, 99 % does not
    ],
)  # fmt: skip
def test_a_look_ends_a_study_from_these_numbers_on(blocks, rounds, last, ends, score):
    all_in_all = Scores.of((f"b{one}", score, one, one) for one in range(blocks) for _ in range(rounds))
    assert bool(look(all_in_all, last)) is ends


@pytest.mark.parametrize(
    ("low", "high", "used", "kind"),
    [
        (0.40, 0.60, 8, "alike"), (0.39, 0.60, 8, "not_shown"), (0.40, 0.61, 8, "not_shown"),
        (0.45, 0.55, 7, "few"), (0.0, 0.6, 8, "not_shown"), (0.0, 0.61, 8, "few"),
    ],
)  # fmt: skip
def test_what_is_said_where_no_difference_was_shown(low, high, used, kind):
    assert _unshown(Verdict("open", 0.5, low, high, 4, False, used, Scores.of([]))) == kind


@pytest.mark.parametrize(
    ("scores", "planned", "kind", "rounds", "early"),
    [
        ((1, 1, 1, 1), 4, "preferred", 2, True),
        ((1, 1), 2, "preferred", 2, False),
        ((0, 0, 0, 0), 4, "preferred", 2, True),
        ((1,), 1, "few", 1, False),
        ((), 3, "open", 0, False),
        ((0.5, 0.5), 3, "open", 2, False),
        ((1, 0, 1, 0), 4, "not_shown", 4, False),
        ((0.5,) * 20, 20, "alike", 20, False),
    ],
)
def test_what_is_said(scores, planned, kind, rounds, early):
    found = verdict(rounds_of(*scores), planned)
    assert (found.kind, found.rounds, found.early) == (kind, rounds, early)


def test_rounds_after_the_end_change_nothing():
    looks = rounds_of(1, 1, 1, 0, 0, 0, 0, 0)
    early = verdict(looks, 8)
    assert (early.kind, early.rounds, early.rate, early.used) == ("preferred", 2, 1.0, 8)
    planned = verdict(rounds_of(0.5, 0.5, 1, 1, 1), 2)
    assert (planned.rounds, planned.rate, planned.used) == (2, 0.5, 8)


def test_only_the_planned_end_takes_the_wider_level():
    looks = rounds_of(1, 1, 1, blocks=3)
    assert [verdict(looks, planned).kind for planned in (3, 4)] == ["preferred", "open"]
    assert not verdict(looks, 3).early


def test_the_looks_are_the_scores_of_the_ratings_until_then(study):
    rate_all(study, lambda _: "left", raters=("ana", "bo"))
    it = study.material()
    pairs = matched(it.results, "mode", "pro", "std")
    rated, rounds = scored(it.counted, pairs)
    assert rounds == 2
    looks = looks_of(rated, rounds)
    for number in (1, 2):
        made = looks.row(number - 1)
        alone = scores_of([one for one in rated if one.round <= number])
        assert made.sums.tolist() == alone.sums.tolist()
        assert made.counts.tolist() == alone.counts.tolist()
        assert (made.wins, made.losses) == (alone.wins, alone.losses)
    assert looks_of([], 0).counts.shape == (0, 0)
