"""From a clip to a path: how strongly and which way it moves, and where a picture must be to move alike.

Energy is the mean absolute difference of two grey frames, one frame and 0.1 s apart. The path is found step
by step: of a few places that the picture could move to, it takes the one where the picture itself changes as
much as the clip did, so busy and calm pictures follow a clip equally well.
"""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.measure import ClipFacts, ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int32]

__all__ = ["MotionProfile", "MovablePicture", "measure_motion", "plan_path"]

_SMALL = 64  # px, long side at which motion is measured
_STEP = 0.1  # s between the frames that are compared
_DEADLINE = 90.0  # s to decode at most 30 s of video
_FLOOR = 0.6  # share of the calmest moment's energy that is noise rather than motion
_REACH = 0.6  # share of the margin that the liveliest 0.1 s may move the picture
_GAIN = 6.0  # at most, so that the grain of a still clip is not amplified into motion
_CANDIDATES = (0.0, 0.35, 0.65, 0.85, 1.0, 1.2, 1.5, 2.0)  # multiples of the expected step


@dataclass(frozen=True, slots=True)
class MotionProfile:
    """A clip's motion, per frame.

    `changes` holds, by gap in frames, the change since that many frames before, in grey levels of 255. The
    gaps are one frame and about 0.1 s (two and three frames at 25 per s). `heading` is the dominant direction
    over the longest gap as a unit vector (x right, y down).
    """

    changes: dict[int, Floats]
    heading: Floats


def measure_motion(clip: Path, facts: ClipFacts, fps: float, frames: int) -> MotionProfile | None:
    """Return how a clip moves, decoded small and grey. None: nothing could be decoded."""
    scale = _SMALL / max(facts.width, facts.height)
    width, height = max(8, round(facts.width * scale)), max(8, round(facts.height * scale))
    command = [
        *(ffmpeg(), "-loglevel", "error", "-nostdin", "-protocol_whitelist", "file", "-f", "mov"),
        *("-i", str(clip.resolve()), "-map", "0:v:0", "-frames:v", str(frames)),
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
    seen = grey[np.minimum(np.arange(frames), count - 1)].astype(np.float32)
    gaps = sorted({1, math.floor(_STEP * fps + 0.1), math.ceil(_STEP * fps - 0.1)})
    return MotionProfile({gap: _changes(seen, gap) for gap in gaps}, _headings(seen, gaps[-1]))


class MovablePicture:
    """A grey picture, (rows, columns), larger than its window of `width` x `height` px.

    It quickly computes what the window shows at an offset; (0, 0) is the middle.
    """

    def __init__(self, grey: NDArray[np.uint8], width: int, height: int) -> None:
        # A summed-area table: sums over blocks are four slices, whatever the block.
        sums = np.cumsum(np.cumsum(grey, axis=0, dtype=np.int32), axis=1, dtype=np.int32)
        self._sums: Ints = np.pad(sums, ((1, 0), (1, 0)))
        self._block = max(1, max(width, height) // _SMALL)
        self._rows, self._columns = height // self._block, width // self._block
        self._left, self._top = (grey.shape[1] - width) // 2, (grey.shape[0] - height) // 2

    def view(self, place: Floats) -> Ints:
        """Return the window's blocks, summed, when the picture has moved by `place` (px, x then y)."""
        left, top = self._left - round(float(place[0])), self._top - round(float(place[1]))
        block = self._block
        rows = slice(top, top + self._rows * block + 1, block)
        columns = slice(left, left + self._columns * block + 1, block)
        return np.asarray(np.diff(np.diff(self._sums[rows, columns], axis=0), axis=1))

    def change(self, one: Ints, other: Ints) -> float:
        """Return the mean absolute difference of two views in grey levels."""
        return float(np.abs(one - other).mean()) / self._block**2

    def response(self, distances: Floats) -> Floats:
        """Return the change when shifted by each distance (px): the least over four directions."""
        rows = []
        for angle in np.arange(4) * np.pi / 4:
            half = np.array([np.cos(angle), np.sin(angle)]) / 2
            rows.append([self.change(self.view(-half * far), self.view(half * far)) for far in distances])
        # It is inverted later, so it must rise.
        return np.asarray(np.maximum.accumulate(np.min(rows, axis=0)) + distances * 1e-6)


def plan_path(motion: MotionProfile, picture: MovablePicture, margin: tuple[float, float]) -> Floats:
    """Return the picture's offset from the middle in every frame: px, (frames, 2), x then y.

    It never leaves `margin` (px per axis): it turns round instead, and so keeps its speed.
    """
    frames, longest = len(motion.heading), max(motion.changes)
    places = np.zeros((frames, 2))
    wanted = {gap: _without_floor(change, gap) for gap, change in motion.changes.items()}
    top = float(np.quantile(wanted[longest], 0.98))
    if top <= 0:
        return places
    distances = np.linspace(0, 2 * min(margin), 16)
    response = picture.response(distances)
    gain = min(_GAIN, float(np.interp(min(margin) * _REACH, distances, response)) / top)
    views = [picture.view(places[0])] * longest  # of the latest frames, the newest last
    limits, turn = np.array(margin), np.ones(2)
    for index in range(1, frames):
        aims = [(views[-gap], float(change[index]) * gain, gap) for gap, change in wanted.items()]
        near = float(wanted[1][index]) * gain
        step = motion.heading[index] * float(np.interp(near, response, distances))
        best = (float("inf"), places[index - 1], views[-1], turn)
        for place, way in _candidates(places[index - 1], step, turn, limits):
            view = picture.view(place)
            # Single frames count half as much as 0.1 s; turning round without need costs a little.
            miss = sum(abs(picture.change(view, old) - aim) / (1 + (gap == 1)) for old, aim, gap in aims)
            miss += 0.05 * near * (way is not turn)
            if miss < best[0]:
                best = (miss, place, view, way)
        _, places[index], view, turn = best
        views = [*views[1:], view]
    return places


def _candidates(here: Floats, step: Floats, turn: Floats, limits: Floats) -> list[tuple[Floats, Floats]]:
    """Return places within the limits to move to from `here`, each with its turn."""
    found = []
    for way in (turn, -turn, turn * (-1, 1), turn * (1, -1)):
        for part in _CANDIDATES if way is turn else _CANDIDATES[2::2]:
            place = here + way * step * part
            if (np.abs(place) <= limits).all():
                found.append((place, way))
    return found


def _without_floor(energy: Floats, first: int) -> Floats:
    """Return the energy above the noise of even the calmest moment."""
    if len(energy) <= first:
        return energy
    return np.maximum(energy - _FLOOR * float(np.quantile(energy[first:], 0.02)), 0.0)


def _changes(grey: NDArray[np.float32], gap: int) -> Floats:
    """Return the mean absolute difference from `gap` frames before (at the start, from the first)."""
    before = np.maximum(np.arange(len(grey)) - gap, 0)
    return np.array([np.abs(grey[i] - grey[j]).mean() for i, j in enumerate(before)], dtype=np.float64)


def _headings(grey: NDArray[np.float32], gap: int) -> Floats:
    """Return the dominant direction of motion per frame, by least squares over the whole frame."""
    headings = np.zeros((len(grey), 2))
    heading = np.array([1.0, 0.0])
    for index in range(len(grey)):
        here, before = grey[index], grey[max(0, index - gap)]
        down, right = np.gradient((here + before) / 2)
        change = here - before
        cross = (right * down).sum()
        system = np.array([[(right * right).sum() + 1, cross], [cross, (down * down).sum() + 1]], np.float64)
        flow = np.linalg.solve(system, -np.array([(right * change).sum(), (down * change).sum()], np.float64))
        size = float(np.hypot(*flow))
        if size > 1e-3:
            # Most of the last heading is kept, so that one noisy frame does not throw the picture about.
            mixed = heading * 0.7 + flow / size * 0.3
            heading = mixed / max(float(np.hypot(*mixed)), 1e-6)
        headings[index] = heading
    return headings
