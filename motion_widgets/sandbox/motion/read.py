"""A clip's frames, small and grey, without pumping brightness, and where and when they change."""

from __future__ import annotations

import subprocess
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.measure import ClipFacts, ffmpeg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

__all__ = ["CELL", "STRETCH", "Footage", "cell_means", "read_footage", "smoothed"]

CELL = 4
"""Side of a cell in px."""
STRETCH = 150
"""Frames that are worked on at once, which bounds the memory."""
_LONG = 128  # px, long side at which motion is seen
_STEP = 0.1  # s between the frames whose difference counts as change
_DEADLINE = 90.0  # s to decode at most 30 s of video
_CUT, _CUT_RATIO, _CUT_REACH = 15.0, 4.0, 8  # grey levels; times the median of so many frames on each side
_CALM, _CALM_FACTOR, _GRAIN = 0.05, 1.2, 0.5  # what is taken off as noise: a quantile, times; grey levels


def read_footage(clip: Path, facts: ClipFacts, fps: float, frames: int) -> Footage | None:
    """Return `frames` frames of a clip, the last one repeated where it is shorter.

    None: nothing could be decoded.
    """
    scale, unit = _LONG / max(facts.width, facts.height), 2 * CELL
    width, height = (max(unit, unit * round(side * scale / unit)) for side in (facts.width, facts.height))
    command = [
        *(ffmpeg(), "-loglevel", "error", "-nostdin", "-protocol_whitelist", "file", "-f", "mov"),
        *("-i", str(clip.resolve()), "-map", "0:V:0", "-frames:v", str(frames)),
        *("-vf", f"fps={fps},scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "pipe:1"),
    ]
    try:
        run = subprocess.run(command, capture_output=True, timeout=_DEADLINE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return None
    count = len(run.stdout) // (width * height)
    if not count:
        return None
    grey = np.frombuffer(run.stdout, np.uint8, count * width * height).reshape(count, height, width)
    return Footage(grey[np.minimum(np.arange(frames), count - 1)], fps)


class Footage:
    """Grey frames, (frames, rows, columns), whose sides are multiples of two cells."""

    def __init__(self, grey: Pixels, fps: float) -> None:
        self.grey = grey
        self.fps = fps
        self.gap = max(1, round(_STEP * fps))
        """Frames between the two whose difference counts as change."""

    def __len__(self) -> int:
        return len(self.grey)

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.grey.shape[2], self.grey.shape[1]

    def part(self, first: int, last: int) -> Floats:
        """Return frames `first` to `last` (excluded) in grey levels, without pumping brightness."""
        return np.asarray(self.grey[first:last] * self._gains[first:last, None, None], np.float32)

    def stretches(self, before: int) -> Iterator[tuple[int, int, int]]:
        """Yield stretches as (where to read from, first frame, end): with `before` frames ahead of each."""
        for first in range(0, len(self), STRETCH):
            yield max(0, first - before), first, min(len(self), first + STRETCH)

    @cached_property
    def cuts(self) -> NDArray[np.bool_]:
        """Whether a new shot begins, by frame."""
        steps = np.zeros(len(self), np.float32)
        for begin, _, end in self.stretches(1):
            seen = self.part(begin, end)
            changes = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2))
            steps[end - len(changes) : end] = changes
        around = np.pad(steps, _CUT_REACH, mode="reflect" if len(self) > _CUT_REACH else "edge")
        windows = np.lib.stride_tricks.sliding_window_view(around, 2 * _CUT_REACH + 1)
        return np.asarray((steps > _CUT) & (steps > _CUT_RATIO * np.median(windows, axis=1)))

    @cached_property
    def wanted(self) -> Floats:
        """Change over 0.1 s per frame and cell in grey levels, above noise; all 0 where nothing moves."""
        width, height = self.sides
        change = np.zeros((len(self), height // CELL, width // CELL), np.float32)
        for begin, _, end in self.stretches(self.gap):
            seen = self.part(begin, end)
            if len(seen) > self.gap:
                cells = cell_means(np.abs(seen[self.gap :] - seen[: -self.gap]))
                change[end - len(cells) : end] = cells
        calm = np.quantile(change[self.gap :], _CALM, axis=0) if len(self) > self.gap else 0.0
        change = np.maximum(change - _CALM_FACTOR * np.asarray(calm, np.float32) - _GRAIN, 0.0)
        for cut in np.flatnonzero(self.cuts):
            change[cut : cut + self.gap] = 0.0
        still = float(np.quantile(change.mean(axis=(1, 2)), 0.98)) < _CALM
        return np.zeros_like(change) if still else change

    @cached_property
    def _gains(self) -> Floats:
        """By what each frame is multiplied: the brightness that goes up and down within a second."""
        count, height, width = self.grey.shape
        rows, columns = (np.linspace(0, side, 9).astype(int)[:-1] for side in (height, width))
        sums = np.add.reduceat(np.add.reduceat(self.grey, rows, axis=1, dtype=np.float32), columns, axis=2)
        logs = np.log(sums.reshape(count, -1) + 64.0)
        steps = np.median(np.diff(logs, axis=0), axis=1)
        steps[np.abs(steps) > 0.25] = 0.0  # a cut, not a flicker
        level = np.concatenate([[0.0], np.cumsum(steps)])
        return np.asarray(np.exp(smoothed(level, round(self.fps)) - level), np.float32)


def cell_means(frames: Floats, cell: int = CELL) -> Floats:
    """Return the means over the cells of frames, (frames, rows, columns)."""
    count, height, width = frames.shape
    blocks = frames.reshape(count, height // cell, cell, width // cell, cell)
    return np.asarray(blocks.mean(axis=(2, 4)))


def smoothed(series: NDArray[np.floating], length: int) -> Floats:
    """Return a running mean along the first axis over about `length` frames; the ends are repeated."""
    reach = length // 2
    if not reach:
        return np.asarray(series, np.float32)
    edges = [(reach + 1, reach)] + [(0, 0)] * (series.ndim - 1)
    sums = np.cumsum(np.pad(series, edges, mode="edge"), axis=0, dtype=np.float64)
    return np.asarray((sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1), np.float32)
