"""Make a picture change where, when and as much as a clip does, whatever its own texture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.motion.displace import activity, displaced
from motion_widgets.sandbox.motion.flow import cell_flow
from motion_widgets.sandbox.motion.mesh import Placement
from motion_widgets.sandbox.motion.read import STRETCH, cell_means, smoothed
from motion_widgets.sandbox.truth import Plant

if TYPE_CHECKING:
    from motion_widgets.sandbox.motion.mesh import Mesh
    from motion_widgets.sandbox.motion.read import Floats, Footage

__all__ = ["SMALL_CELL", "follow"]

SMALL_CELL = 4
"""Px of the small picture in a cell of the mesh, each way."""
_ROUNDS = 3
_RATIO, _POWER, _GAIN = 4.0, 0.6, 6.0  # limits of one round's correction, its exponent, limit of all
_FLOOR = 0.05  # share of the usual change below which differences do not count
_WAVER = 0.6  # s for which a turned flow keeps its way
_LEAST = 0.02  # grey levels; the usual change is no less


def follow(footage: Footage, small: Floats, mesh: Mesh, plant: Plant | None = None, seed: int = 0) -> Floats:
    """Return the displacements of a picture's nodes that let it move as the clip does.

    Parameters
    ----------
    footage
        The clip.
    small
        The picture in grey levels, `SMALL_CELL` px to a cell of the mesh.
    mesh
        Of the picture.
    plant, seed
        Errors to make on purpose.

    Returns
    -------
    ndarray
        (frames, rows + 1, columns + 1, 2), in heights of the picture, to the right and down.
    """
    seen = footage.wanted
    if not seen.any():
        return np.zeros((len(footage), mesh.rows + 1, mesh.columns + 1, 2), np.float32)
    placement = Placement(mesh, seen)
    flow, wanted, active = placement.flow(cell_flow(footage)), placement.change(seen), activity(seen)
    plant = plant or Plant()
    flow = _turned(flow, plant.turned, footage.fps, seed)
    floor = _FLOOR * max(_LEAST, float(np.quantile(wanted, 0.9)))
    gain = np.ones_like(wanted)
    for _ in range(_ROUNDS):
        places = displaced(flow * _at_nodes(gain)[..., None], active, mesh, footage.fps)
        ratio = (wanted + floor) / (_change(small, places, mesh, footage.gap) + floor)
        gain *= smoothed(np.clip(ratio, 1 / _RATIO, _RATIO) ** _POWER, 5)
        gain = np.clip(gain, 1 / _GAIN, _GAIN)
    places = plant.amount * displaced(flow * _at_nodes(gain)[..., None], active, mesh, footage.fps)
    return np.asarray(places[np.maximum(np.arange(len(places)) - round(plant.late * footage.fps), 0)])


def _turned(flow: Floats, angle: float, fps: float, seed: int) -> Floats:
    """Return a flow turned by an angle (rad) that wavers about 0, with a standard deviation of `angle`."""
    if not angle:
        return flow
    wave = np.hanning(max(3, round(_WAVER * fps)) + 2)
    noise = np.random.default_rng(seed).standard_normal(len(flow) + len(wave) - 1)
    turns = angle * np.convolve(noise, wave / np.sqrt((wave**2).sum()), mode="valid")[:, None, None]
    right, down = flow[..., 0], flow[..., 1]
    turned = (right * np.cos(turns) - down * np.sin(turns), right * np.sin(turns) + down * np.cos(turns))
    return np.stack(turned, axis=-1).astype(np.float32)


def _at_nodes(cells: Floats) -> Floats:
    """Return the mean of the cells around each node."""
    padded = np.pad(cells, [(0, 0), (1, 1), (1, 1)], mode="edge")
    rows = padded[:, 1:] + padded[:, :-1]
    return np.asarray((rows[:, :, 1:] + rows[:, :, :-1]) / 4)


def _change(small: Floats, places: Floats, mesh: Mesh, gap: int) -> Floats:
    """Return how much the warped picture changes over `gap` frames, in the mesh's cells."""
    change = np.zeros((len(places), mesh.rows, mesh.columns), np.float32)
    down, across = (_between(cells) for cells in (mesh.rows, mesh.columns))
    scale = mesh.rows * SMALL_CELL  # px of the small picture in a height
    scale_across = mesh.columns * SMALL_CELL * mesh.height / mesh.width
    for first in range(gap, len(places), STRETCH):
        some = places[first - gap : first + STRETCH]
        right, below = (down @ some[..., axis] @ across.T for axis in (0, 1))
        warped = _looked_up(small, np.asarray(right * scale_across), np.asarray(below * scale))
        change[first : first + STRETCH] = cell_means(np.abs(warped[gap:] - warped[:-gap]), SMALL_CELL)
    return change


def _between(cells: int) -> Floats:
    """Return the weights that read a row of nodes at the small picture's px."""
    places = (np.arange(cells * SMALL_CELL) + 0.5) / SMALL_CELL
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(cells + 1))), np.float32)


def _looked_up(small: Floats, right: Floats, below: Floats) -> Floats:
    """Return the picture after each px has moved by `right` and `below` px, bilinearly."""
    height, width = small.shape
    x = np.clip(np.arange(width, dtype=np.float32) - right, 0, width - 1.01)
    y = np.clip(np.arange(height, dtype=np.float32)[:, None] - below, 0, height - 1.01)
    left, top = x.astype(np.int32), y.astype(np.int32)
    x, y = x - left, y - top
    flat, at = small.ravel(), top * width + left
    upper = flat[at] * (1 - x) + flat[at + 1] * x
    lower = flat[at + width] * (1 - x) + flat[at + width + 1] * x
    return np.asarray(upper * (1 - y) + lower * y)
