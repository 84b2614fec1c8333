"""A picture in its three planes, ready to be bent by a mesh: brightness, and colour at half size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.motion.learn import SMALL_CELL
from motion_widgets.sandbox.motion.read import smoothed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL.Image import Image

    from motion_widgets.sandbox.motion.mesh import Mesh
    from motion_widgets.sandbox.motion.read import Floats

    Pixels = NDArray[np.uint8]

__all__ = ["WarpedPicture"]

_STILL = 0.1  # px; a cell whose corners are displaced by less is not drawn anew
_FLAT = 4.0  # grey levels per px of the small picture: below this a shift would hardly be seen
_WEAVE = 5.0  # grey levels that are woven into flat parts
_THREADS = 14  # of the weave on the short side
_AROUND = 6  # px of the small picture that are looked at each way for texture


class WarpedPicture:
    """A picture of `mesh`'s sides as video has it (BT.601, limited range), with a weave in its flat parts."""

    def __init__(self, picture: Image, mesh: Mesh) -> None:
        from PIL import Image

        self._mesh = mesh
        luma, *chroma = picture.convert("YCbCr").split()
        size = (mesh.width // 2, mesh.height // 2)
        small_size = (mesh.columns * SMALL_CELL, mesh.rows * SMALL_CELL)
        small = np.asarray(luma.resize(small_size, Image.Resampling.BOX), np.float32)
        strength = self._flatness(small) * _WEAVE
        # Pure white and black leave room for it.
        bright = np.clip(np.asarray(luma, np.float32) * (219 / 255) + 16, 16 + strength, 235 - strength)
        planes = [Image.fromarray(np.rint(bright + strength * self._weave()).astype(np.uint8))]
        for plane in chroma:
            half = np.asarray(plane.resize(size, Image.Resampling.BOX), np.float32)
            planes.append(Image.fromarray(np.rint((half - 128) * (224 / 255) + 128).astype(np.uint8)))
        self._planes = planes
        self.small = np.asarray(planes[0].resize(small_size, Image.Resampling.BOX), np.float32)
        """Its brightness, `SMALL_CELL` px to a cell of the mesh."""

    def frames(self, places: Floats) -> Iterator[list[Pixels]]:
        """Yield brightness and the two colours for each frame's displacements; they may be written to."""
        still = [np.asarray(plane) for plane in self._planes]
        for displaced in places:
            far = np.abs(displaced).max(axis=-1) * self._mesh.height
            corners = (far[:-1, :-1], far[1:, :-1], far[:-1, 1:], far[1:, 1:])
            moving = np.maximum.reduce(corners) >= _STILL
            yield [
                self._drawn(plane, plain, displaced, moving, 1 if index == 0 else 2)
                for index, (plane, plain) in enumerate(zip(self._planes, still, strict=True))
            ]

    def _drawn(
        self, plane: Image, plain: Pixels, displaced: Floats, moving: NDArray[np.bool_], part: int
    ) -> Pixels:
        """Return a plane of 1/`part` size with the moving cells drawn where they now are."""
        from PIL import Image

        if not moving.any():
            return plain.copy()
        mesh = self._mesh
        xs, ys = mesh.xs // part, mesh.ys // part
        # Backwards: what is seen at x lies at x - d in the picture.
        u = (xs - displaced[..., 0] * (mesh.height / part)).tolist()
        v = (ys[:, None] - displaced[..., 1] * (mesh.height / part)).tolist()
        left, top = xs.tolist(), ys.tolist()
        quads = [
            (
                (left[column], top[row], left[column + 1], top[row + 1]),
                (
                    *(u[row][column], v[row][column], u[row + 1][column], v[row + 1][column]),
                    *(u[row + 1][column + 1], v[row + 1][column + 1], u[row][column + 1], v[row][column + 1]),
                ),
            )
            for row, column in np.argwhere(moving).tolist()
        ]
        bent = plane.transform(plane.size, Image.Transform.MESH, quads, Image.Resampling.BILINEAR)
        drawn = np.array(bent)
        fixed = ~moving.repeat(np.diff(ys), axis=0).repeat(np.diff(xs), axis=1)
        np.copyto(drawn, plain, where=fixed)
        return drawn

    def _flatness(self, small: Floats) -> Floats:
        """Return how flat the picture is in one direction or both, from 0 to 1, by px."""
        from PIL import Image

        down, across = (np.asarray(np.gradient(small, axis=axis), np.float32) for axis in (0, 1))
        least = np.sqrt(np.minimum(_around(across * across), _around(down * down)))
        flat = Image.fromarray(np.clip(1 - least / _FLAT, 0, 1).astype(np.float32))
        size = (self._mesh.width, self._mesh.height)
        return np.asarray(flat.resize(size, Image.Resampling.BILINEAR))

    def _weave(self) -> Floats:
        width, height = self._mesh.width, self._mesh.height
        turn = np.float32(2 * np.pi * _THREADS / min(width, height))
        rows, columns = (np.sin(np.arange(side, dtype=np.float32) * turn) for side in (height, width))
        return np.asarray(rows[:, None] * columns)


def _around(values: Floats) -> Floats:
    """Return the means over the px around each."""
    return smoothed(smoothed(values, 2 * _AROUND).T, 2 * _AROUND).T
