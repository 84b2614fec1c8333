"""Drawing: a picture that stands still is left alone, one that moves does so by what the mesh says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from motion_widgets.sandbox.motion.mesh import Mesh
from motion_widgets.sandbox.motion.warp import WarpedPicture
from tests.sandbox.motion.conftest import bent, curves, scores


def still(mesh):
    return np.zeros((1, mesh.rows + 1, mesh.columns + 1, 2), np.float32)


@pytest.mark.parametrize("sides", [(90, 160), (162, 90), (122, 122)])
def test_without_displacement_the_picture_is_as_it_is(pictures, sides):
    picture, mesh = pictures["texture"].resize(sides), Mesh(*sides)
    warped = WarpedPicture(picture, mesh)
    (frame,) = warped.frames(still(mesh))
    ranges = ((219, 16, 0), (224, 128, 128), (224, 128, 128))
    full = [
        (1.0 * plane - middle) * (255 / span) + to
        for plane, (span, middle, to) in zip(frame, ranges, strict=True)
    ]
    planes = [Image.fromarray(np.rint(plane.clip(0, 255)).astype(np.uint8)).resize(sides) for plane in full]
    seen = np.asarray(Image.merge("YCbCr", planes).convert("RGB"), float)
    assert np.abs(seen - np.asarray(picture, float)).mean() < 8, "colour is at half size"


@pytest.mark.parametrize("way", [(1, 0), (0, 1), (-1, -1)])
def test_what_is_displaced_is_seen_there(pictures, way):
    picture = pictures["figure"].resize((180, 320))
    mesh = Mesh(180, 320)
    warped = WarpedPicture(picture, mesh)
    places = still(mesh)
    places[0, 8:17, 4:11] = np.array(way) * 4 / 320
    (moved, *_), (plain, *_) = next(warped.frames(places)), next(warped.frames(still(mesh)))
    rows, columns = slice(130, 190), slice(70, 110)
    shifted = plain[130 - 4 * way[1] : 190 - 4 * way[1], 70 - 4 * way[0] : 110 - 4 * way[0]]
    assert np.abs(moved[rows, columns].astype(int) - shifted).max() <= 1
    assert (moved[:10] == plain[:10]).all()
    assert (moved[-10:] == plain[-10:]).all()


def test_a_frame_may_be_written_to(pictures):
    mesh = Mesh(90, 160)
    warped = WarpedPicture(pictures["figure"], mesh)
    first = next(warped.frames(still(mesh)))
    before = [plane.copy() for plane in first]
    for plane in first:
        plane[...] = 0
    assert all((one == two).all() for one, two in zip(next(warped.frames(still(mesh))), before, strict=True))


@pytest.mark.parametrize("color", ["white", "black", "teal"])
def test_a_flat_picture_is_woven_so_that_its_motion_is_seen(color, clips, footages):
    picture = Image.new("RGB", (90, 160), color)
    timing, place, direction = scores(curves(clips["dance"]), curves(bent(picture, footages["dance"])))
    assert min(timing, place) > 0.7
    assert direction > 0.4


def test_texture_is_left_as_it_is(pictures):
    picture = pictures["texture"]
    plain = np.rint(np.asarray(picture.convert("YCbCr").split()[0]) * (219 / 255) + 16)
    mesh = Mesh(*picture.size)
    frame = next(WarpedPicture(picture, mesh).frames(still(mesh)))[0]
    assert np.abs(frame - plain).max() <= 1
