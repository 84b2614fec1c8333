"""Displacements: no folds, nothing from beyond the border, pauses stay pauses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets.sandbox.motion.displace import activity, displaced
from motion_widgets.sandbox.motion.mesh import Mesh, Placement

FPS = 24.0


def smooth_noise(seed, frames, mesh, size):
    chance = np.random.default_rng(seed)
    field = chance.normal(0, size, (frames, mesh.rows + 1, mesh.columns + 1, 2)).astype(np.float32)
    return np.cumsum(field, axis=1) / 3  # neighbours are alike, rows far apart are not


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 9999), size=st.sampled_from([0.001, 0.01, 0.1]), tall=st.booleans())
def test_no_cell_folds_and_nothing_from_beyond_the_border_is_seen(seed, size, tall):
    mesh = Mesh(*((360, 640) if tall else (640, 360)))
    places = displaced(smooth_noise(seed, 30, mesh, size), np.ones(30, np.float32), mesh, FPS)
    corners = np.stack(np.broadcast_arrays(mesh.xs, mesh.ys[:, None]), axis=-1) - places * mesh.height
    assert (corners >= 0).all()
    assert (corners <= (mesh.width, mesh.height)).all()
    right, below = np.diff(corners, axis=2)[:, :-1], np.diff(corners, axis=1)[:, :, :-1]
    areas = right[..., 0] * below[..., 1] - right[..., 1] * below[..., 0]
    assert areas.min() > 0
    assert not places[:, (0, -1)].any()
    assert not places[:, :, (0, -1)].any()


def test_a_pause_stays_a_pause():
    mesh = Mesh(360, 640)
    flow = np.zeros((60, mesh.rows + 1, mesh.columns + 1, 2), np.float32)
    flow[1:10, 10:14, 5:9, 0] = 0.004
    active = np.where(np.arange(60) < 10, 1.0, 0.0).astype(np.float32)
    places = displaced(flow, active, mesh, FPS)
    assert places[10].any()
    assert (places[10:] == places[10]).all()


def test_what_moves_on_fades_what_was():
    mesh = Mesh(360, 640)
    flow = np.zeros((60, mesh.rows + 1, mesh.columns + 1, 2), np.float32)
    flow[1:10, 10:14, 5:9, 0] = 0.004
    places = displaced(flow, np.ones(60, np.float32), mesh, FPS)
    assert 0 < np.abs(places[-1]).max() < 0.2 * np.abs(places[9]).max()


def test_activity_is_1_at_lively_moments():
    wanted = np.ones((40, 4, 4), np.float32)
    wanted[20:] = 0
    active = activity(wanted)
    assert active[5] == pytest.approx(1, abs=0.01)
    assert active[30] == 0


@pytest.mark.parametrize("sides", [(360, 640), (640, 360), (360, 360), (144, 360)])
def test_the_middle_of_the_motion_lies_in_the_middle_of_the_picture(sides):
    wanted = np.zeros((3, 32, 18), np.float32)
    wanted[:, 20:24, 2:6] = 10
    laid = Placement(Mesh(*sides), wanted).change(wanted)[0]
    rows, columns = np.indices(laid.shape) + 0.5
    assert np.average(rows, weights=laid) == pytest.approx(laid.shape[0] / 2, abs=0.6)
    assert np.average(columns, weights=laid) == pytest.approx(laid.shape[1] / 2, abs=0.6)


def test_the_flow_grows_with_the_motion_it_is_laid_over():
    wanted = np.zeros((3, 32, 18), np.float32)
    wanted[:, 12:20, 6:12] = 10
    flow = np.zeros((3, 32, 18, 2), np.float32)
    flow[..., 0] = 2.0
    small, large = (Placement(Mesh(*sides), wanted).flow(flow) for sides in ((180, 320), (360, 640)))
    middle = small.shape[1] // 2, small.shape[2] // 2
    assert small[1][middle][0] == pytest.approx(large[1][middle][0], rel=0.01), "in heights of the picture"
    assert small[1][middle][0] > 2 / 128
    assert small[1][middle][1] == 0
