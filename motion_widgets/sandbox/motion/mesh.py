"""A mesh over the picture, and how what is seen in the clip's cells is laid over it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.motion.read import CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from motion_widgets.sandbox.motion.read import Floats

__all__ = ["Mesh", "Placement"]

_LONG = 24  # cells of the mesh on the long side
_BORDER = 2  # rows of nodes on each side that fade to 0, so that the picture's border stays
_FILL = 0.44  # share of the picture that the clip's moving part, two standard deviations, is spread over
_FIT = (0.6, 1.8)  # limits of that, relative to the clip's frame fitted into the picture
_SPREAD = 2.0  # cells; standard deviation by which the flow is smoothed


class Mesh:
    """A mesh over a picture of `width` x `height` px, both even; its nodes lie on even px."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        size = max(width, height) / _LONG
        self.columns, self.rows = (max(4, round(side / size)) for side in (width, height))
        """Cells each way."""
        self.xs, self.ys = (
            2 * np.rint(np.linspace(0, side / 2, cells + 1)).astype(int)
            for side, cells in ((width, self.columns), (height, self.rows))
        )
        """Places of the nodes in px."""

    @property
    def spacing(self) -> tuple[float, float]:
        """Distance of the nodes across and down, in heights."""
        return self.width / self.columns / self.height, 1 / self.rows

    @cached_property
    def border(self) -> Floats:
        """What a node may move, (rows + 1, columns + 1): 0 on the border, 1 inside."""
        ways = []
        for cells in (self.rows, self.columns):
            inwards = np.minimum(np.arange(cells + 1), np.arange(cells + 1)[::-1])
            ways.append(np.clip(inwards / _BORDER, 0, 1))
        return np.asarray(np.outer(*ways), np.float32)

    @cached_property
    def room(self) -> Floats:
        """Distance of each node from the border, (rows + 1, columns + 1, 2): across and down, in heights."""
        across, down = (np.minimum(nodes, nodes[-1] - nodes) / self.height for nodes in (self.xs, self.ys))
        return np.stack(np.broadcast_arrays(across, down[:, None]), axis=-1).astype(np.float32)


class Placement:
    """Lays a clip's cells over a mesh: the middle of its motion on the middle of the picture.

    Parameters
    ----------
    mesh
        Of the picture.
    wanted
        Change per frame and cell of the clip.
    """

    def __init__(self, mesh: Mesh, wanted: Floats) -> None:
        rows, columns = wanted.shape[1:]
        total = wanted.sum(axis=0, dtype=np.float64)
        (x, wide), (y, tall) = (_middle(total.sum(axis=axis)) for axis in (0, 1))
        fit = min(mesh.width / (columns * CELL), mesh.height / (rows * CELL))
        scale = _FILL * min(mesh.width / (2 * wide * CELL), mesh.height / (2 * tall * CELL))
        self._scale = float(np.clip(scale, _FIT[0] * fit, _FIT[1] * fit))  # px of the picture per px
        self._mesh = mesh
        self._across = _reading(mesh.xs, mesh.width / 2, self._scale * CELL, x, columns)
        self._down = _reading(mesh.ys, mesh.height / 2, self._scale * CELL, y, rows)

    def change(self, wanted: Floats) -> Floats:
        """Return the wanted change in the mesh's cells, (frames, rows, columns)."""
        down, across = ((nodes[1:] + nodes[:-1]) / 2 for nodes in (self._down, self._across))
        return np.asarray(down @ wanted @ across.T)

    def flow(self, flow: Floats) -> Floats:
        """Return the flow at the mesh's nodes, (frames, rows + 1, columns + 1, 2), in heights a frame."""
        down, across = (way @ _gaussian(way.shape[1]) for way in (self._down, self._across))
        laid = np.stack([down @ flow[..., axis] @ across.T for axis in (0, 1)], axis=-1)
        return np.asarray(laid * (self._scale / self._mesh.height), np.float32)


def _middle(weights: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of a place, in cells; the frame's own where nothing moves."""
    places = np.arange(len(weights)) + 0.5
    if weights.sum() <= 0:
        weights = np.ones(len(weights))
    mean = float(np.average(places, weights=weights))
    return mean, max(0.5, float(np.sqrt(np.average((places - mean) ** 2, weights=weights))))


def _reading(nodes: NDArray[np.intp], middle: float, size: float, mean: float, cells: int) -> Floats:
    """Return the weights, (nodes, cells), that read a row of cells at the nodes; 0 outside of the clip."""
    places = mean + (nodes - middle) / size - 0.5
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(cells))), np.float32)


def _gaussian(cells: int) -> Floats:
    """Return the weights that smooth a row of cells."""
    apart = np.arange(cells)[:, None] - np.arange(cells)
    weights = np.exp(-(apart**2) / (2 * _SPREAD**2))
    return np.asarray(weights / weights.sum(axis=1).max(), np.float32)
