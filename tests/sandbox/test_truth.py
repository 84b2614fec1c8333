"""What is planted is found in results; where nothing is planted, nothing differs."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter

import numpy as np
import pytest

import motion_widgets as mw
from motion_widgets.sandbox import TRUTH, Plant, simulated_answer
from motion_widgets.sandbox.motion.learn import follow
from motion_widgets.sandbox.motion.mesh import Mesh
from motion_widgets.sandbox.motion.warp import WarpedPicture
from motion_widgets.sandbox.rendering.draw import _blurred
from motion_widgets.sandbox.store import Store
from motion_widgets.sandbox.tasks import Task
from motion_widgets.sandbox.truth import planted
from motion_widgets.study.fidelity.amount import amount
from motion_widgets.study.fidelity.curves import match
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.picture import blur
from motion_widgets.study.fidelity.timing import timing
from tests.sandbox.conftest import until
from tests.sandbox.motion.conftest import FPS, bent, clips, curves, footages, pictures  # noqa: F401 - fixtures

SETTINGS = [(mode, orientation) for mode in ("std", "pro") for orientation in ("image", "video")]


def test_delays_add_up_and_amounts_multiply():
    truth = {"std": Plant(late=0.1, amount=0.5), "video": Plant(late=0.05, amount=0.5, blur=1.0)}
    assert planted(truth, "std", "video") == Plant(late=pytest.approx(0.15), amount=0.25, blur=1.0)
    assert planted(truth, "pro", "image") == Plant()


@pytest.mark.parametrize(("mode", "orientation"), SETTINGS)
def test_nothing_is_planted_without_a_truth(mode, orientation):
    assert planted(None, mode, orientation) == Plant()


@pytest.fixture(scope="module")
def places(pictures, footages):  # noqa: F811 - fixtures
    """Displacements of the figure with the wave, by plant and seed."""
    picture = pictures["figure"]
    mesh = Mesh(*picture.size)
    small = WarpedPicture(picture, mesh).small
    made = {}

    def make(plant=None, seed=0):
        if (plant, seed) not in made:
            made[plant, seed] = follow(footages["wave"], small, mesh, plant, seed)
        return made[plant, seed]

    return make


def test_a_seed_changes_nothing_where_nothing_is_planted(places):
    assert (places(Plant(), 1) == places(Plant(), 2)).all()
    assert (places(Plant(), 1) == places()).all()


def test_delay_and_amount_are_those_that_are_planted(places):
    found = places(Plant(late=0.125, amount=0.5))
    assert np.allclose(found[3:], 0.5 * places()[:-3])


@pytest.mark.parametrize("seed", range(3))
def test_a_turned_flow_is_the_same_for_a_seed_and_goes_another_way(places, seed):
    one, plain = places(Plant(turned=0.8), seed), places()
    assert (one != places(Plant(turned=0.8), seed + 1)).any()
    steps, turned = (np.diff(found, axis=0).reshape(-1, 2) for found in (plain, one))
    agreement = (steps * turned).sum() / np.sqrt((steps**2).sum() * (turned**2).sum())
    assert 0.1 < agreement < 0.9


def test_the_measures_find_all_that_is_planted(clips, pictures, footages):  # noqa: F811 - fixtures
    clip, picture = clips["wave"], pictures["figure"]
    plain, image = (bent(picture, footages["wave"], plant=plant) for plant in (Plant(), TRUTH["image"]))
    std = bent(_blurred(picture, TRUTH["std"].blur), footages["wave"], plant=TRUTH["std"])
    before, after = (timing(clip, FPS, result, FPS) for result in (plain, image))
    assert after.lag - before.lag == pytest.approx(TRUTH["image"].late, abs=0.03)
    way = curves(clip).direction
    first, second = (match(way, curves(result).direction).correlation for result in (plain, image))
    assert second < first - 0.05
    assert amount(steady(std, FPS), FPS) < 0.9 * amount(steady(plain, FPS), FPS)
    assert blur(std[::12]) > blur(plain[::12]) + 0.02


def test_simulated_people_prefer_what_is_planted():
    chance = random.Random(4)
    told = Counter(simulated_answer(("pro", "image"), ("std", "image"), chance) for _ in range(4000))
    one, other = np.exp(TRUTH["pro"].strength / 2), np.exp(-TRUTH["pro"].strength / 2)
    assert told["left"] / 4000 == pytest.approx(0.92 * one / (one + other + 0.5), abs=0.03)
    assert told["both_bad"] / 4000 == pytest.approx(0.08, abs=0.02)
    assert told["tie"] / 4000 == pytest.approx(0.92 * 0.5 / (one + other + 0.5), abs=0.02)


def test_simulated_people_prefer_nothing_without_a_truth():
    chance = random.Random(4)
    told = Counter(simulated_answer(("pro", "image"), ("std", "video"), chance, None) for _ in range(4000))
    assert abs(told["left"] - told["right"]) < 4 * np.sqrt(4000)


def test_a_workspaces_sandbox_plants_what_it_is_told(tmp_path, monkeypatch):
    told = [TRUTH, None, {"std": Plant(blur=3.0)}]
    asked = []
    monkeypatch.setattr(
        "motion_widgets.sandbox.rendering.worker.draw",
        lambda _image, _clip, target, **options: (
            target.write_bytes(b"mp4")
            and target.is_relative_to(tmp_path.resolve())  # no other sandbox of this process draws it
            and asked.append(options["truth"])
        ),
    )
    with mw.Workspace(tmp_path, endpoint="sandbox") as ws:
        box = ws.connection.sandbox
        assert box.truth == TRUTH
        with contextlib.closing(Store(box.folder)) as store:
            for count, box.truth in enumerate(told, 1):
                now = time.time()
                store.tasks.add(
                    Task(
                        id=f"task_{count}", model="m", mode="std", orientation="image", sound=False,
                        watermark=False, image="i", clip="c", length=3.0, charge=1, created=now, due=now,
                        life=60.0,
                    )
                )  # fmt: skip
                until(lambda count=count: len(asked) == count)
    assert asked == told
