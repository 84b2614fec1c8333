"""Clips and pictures drawn small, and what the warp makes of each pair of them: no file, no encoder."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageFilter

from motion_widgets.media import samples
from motion_widgets.media.samples import Pose, draw_backdrop, draw_figure
from motion_widgets.sandbox.motion.learn import follow
from motion_widgets.sandbox.motion.mesh import Mesh
from motion_widgets.sandbox.motion.read import Footage
from motion_widgets.sandbox.motion.warp import WarpedPicture
from motion_widgets.sandbox.rendering.samples import _figure
from motion_widgets.study.fidelity.curves import match
from motion_widgets.study.fidelity.direction import ways
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.place import where
from motion_widgets.study.fidelity.timing import changes, when

FPS, FRAMES = 24.0, 96
CLIPS = ("wave", "dance", "steps")
PICTURES = ("figure", "person", "texture")


class Curves(NamedTuple):
    """When, where and which way frames move."""

    timing: np.ndarray
    place: np.ndarray
    direction: np.ndarray


def curves(grey):
    """Return the curves of grey frames, (frames, rows, columns)."""
    change = changes(steady(grey, FPS), FPS)
    return Curves(when(change, FPS), where(change, FPS), ways(grey, FPS))


def scores(clip, result):
    """Return timing, place and direction between the curves of a clip and of a result."""
    return tuple(match(one, other).correlation for one, other in zip(clip, result, strict=True))


def drawn_frame(name, time):
    """Return a frame of a clip at `time` s, 160 px high."""
    if name == "steps":
        return _figure(time, "#3a6ea5").convert("L").resize((120, 160), Image.Resampling.BOX)
    frame = BACKDROP.copy()
    draw_figure(frame, {"wave": samples._wave, "dance": samples._dance}[name](time))
    return frame.convert("L").resize((90, 160), Image.Resampling.BOX)


BACKDROP = draw_backdrop(270, 480)


@pytest.fixture(scope="session")
def clips():
    """Three clips of 4 s by name, as grey frames: (frames, 160 rows, columns)."""
    start = 1.0
    return {
        name: np.stack([np.asarray(drawn_frame(name, start + index / FPS)) for index in range(FRAMES)])
        for name in CLIPS
    }


def footage_of(grey):
    """Return grey frames as the sandbox sees a clip."""
    small = [Image.fromarray(one).resize((one.shape[1] * 4 // 5 // 8 * 8, 128)) for one in grey]
    return Footage(np.stack([np.asarray(one) for one in small]), FPS)


@pytest.fixture(scope="session")
def footages(clips):
    return {name: footage_of(grey) for name, grey in clips.items()}


@pytest.fixture(scope="session")
def pictures():
    """Three pictures by name, 160 px on the long side: two drawn ones, and one that is texture all over."""
    figure = BACKDROP.copy()
    draw_figure(figure, Pose())
    noise = np.random.default_rng(5).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    texture = Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC)
    return {
        "figure": figure.resize((90, 160), Image.Resampling.BOX),
        "person": _figure(0.0, "#d9643a").resize((120, 160), Image.Resampling.BOX),
        "texture": texture.filter(ImageFilter.GaussianBlur(1)),
    }


def bent(picture, footage, **how):
    """Return the brightness of a picture's frames, bent as the clip moves."""
    mesh = Mesh(*picture.size)
    warped = WarpedPicture(picture, mesh)
    places = follow(footage, warped.small, mesh, **how)
    return np.stack([planes[0] for planes in warped.frames(places)])


@pytest.fixture(scope="session")
def results(pictures, footages):
    """results(picture, clip): the frames of a picture with a clip, by their names; each made once."""
    return functools.cache(lambda picture, clip: bent(pictures[picture], footages[clip]))
