"""From motion to places: where each node of the mesh is in every frame, without folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.motion.read import smoothed

if TYPE_CHECKING:
    from motion_widgets.sandbox.motion.mesh import Mesh
    from motion_widgets.sandbox.motion.read import Floats

__all__ = ["activity", "displaced"]

_FASTEST = 0.6  # heights per s
_FARTHEST = 0.08  # heights
_OFTEN = 0.95  # share of the time in which a node's displacement is below that without being held
_LEAK = 1.2  # per s, at the clip's full activity
_ROOM = 0.6  # share of a node's distance from the picture's border: nothing from beyond is ever seen
_SLOPE = 0.3  # of neighbouring nodes' displacements; steeper ones are smoothed
_STEEPEST = 1.6  # times that: what is steeper even then scales the frame down; below 0.5 nothing can fold
_SMOOTHINGS = 6


def activity(wanted: Floats) -> Floats:
    """Return how much the clip moves at each moment: 1 at the 90 % quantile."""
    series = wanted.mean(axis=(1, 2))
    lively = float(np.quantile(series, 0.9))
    return smoothed(np.clip(series / max(lively, 1e-6), 0, 1.5), 5)


def displaced(flow: Floats, active: Floats, mesh: Mesh, fps: float) -> Floats:
    """Return the nodes' displacements, (frames, rows + 1, columns + 1, 2), in heights: right and down.

    They are carried along and fade while the clip moves, so a pause stays a pause.
    """
    steps = _shortened(flow * mesh.border[..., None], _FASTEST / fps)
    keep = np.exp(-active * _LEAK / fps)
    far = np.quantile(_lengths(_accumulated(steps, keep, mesh)), _OFTEN, axis=0)[..., 0]
    # Less all the time, rather than standing still at the end of every swing, which would look early.
    steps *= (_FARTHEST / np.maximum(_around(far), _FARTHEST))[..., None]
    return _unfolded(_shortened(_accumulated(steps, keep, mesh), _FARTHEST), mesh)


def _accumulated(steps: Floats, keep: Floats, mesh: Mesh) -> Floats:
    places = np.zeros_like(steps)
    spacing = np.array(mesh.spacing, np.float32)
    for index in range(1, len(steps)):
        step = steps[index]
        places[index] = keep[index] * _carried(places[index - 1], step / spacing) + step
    return places


def _around(field: Floats) -> Floats:
    """Return the largest of each node's neighbours and itself, smoothed."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(field, 2, mode="edge"), (3, 3))
    largest = windows.max(axis=(-1, -2))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(largest, (3, 3)).mean(axis=(-1, -2)))


def _lengths(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True)))


def _shortened(vectors: Floats, longest: float) -> Floats:
    return np.asarray(vectors * np.minimum(1, longest / np.maximum(_lengths(vectors), 1e-9)), np.float32)


def _carried(field: Floats, step: Floats) -> Floats:
    """Return a field's value where each node was before a step (in nodes), bilinearly."""
    rows, columns = field.shape[:2]
    x = np.clip(np.arange(columns) - step[..., 0], 0, columns - 1.001)
    y = np.clip(np.arange(rows)[:, None] - step[..., 1], 0, rows - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, down = (x - left)[..., None], (y - top)[..., None]
    upper = field[top, left] * (1 - right) + field[top, left + 1] * right
    lower = field[top + 1, left] * (1 - right) + field[top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _unfolded(places: Floats, mesh: Mesh) -> Floats:
    """Smooth displacements where neighbours differ so much that the picture would fold or tear."""
    for _ in range(_SMOOTHINGS):
        steep = _steepness(places, mesh) > _SLOPE
        frames = np.flatnonzero(steep.any(axis=(1, 2)))
        if not len(frames):
            break
        some = places[frames]
        padded = np.pad(some, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="edge")
        mean = (padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]) / 4
        places[frames] = np.where(steep[frames, ..., None], (some + mean) / 2, some)
    places = np.clip(places, -_ROOM * mesh.room, _ROOM * mesh.room) * (mesh.border[..., None] > 0)
    worst = _steepness(places, mesh).max(axis=(1, 2))
    scale = np.minimum(1, _STEEPEST * _SLOPE / np.maximum(worst, 1e-9))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(scale, 4, mode="edge"), 9).min(axis=1)
    # No frame exceeds its own limit, whatever the smoothing says.
    return np.asarray(places * np.minimum(scale, smoothed(around, 9))[:, None, None, None], np.float32)


def _steepness(places: Floats, mesh: Mesh) -> Floats:
    """Return the largest slope towards a neighbour, by node."""
    across, down = mesh.spacing
    right = np.abs(np.diff(places, axis=2)).max(axis=-1) / across
    below = np.abs(np.diff(places, axis=1)).max(axis=-1) / down
    steep = np.zeros(places.shape[:3], np.float32)
    for part, slope in (
        (steep[:, :, 1:], right),
        (steep[:, :, :-1], right),
        (steep[:, 1:], below),
        (steep[:, :-1], below),
    ):
        np.maximum(part, slope, out=part)
    return steep
