"""All measures of a file by itself, and all between a clip and a result, as the log keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.study.fidelity.amount import amount
from motion_widgets.study.fidelity.curves import gap_of, match
from motion_widgets.study.fidelity.direction import ways
from motion_widgets.study.fidelity.light import steady
from motion_widgets.study.fidelity.picture import blur, flicker, grain
from motion_widgets.study.fidelity.place import compared, where
from motion_widgets.study.fidelity.sound import sound
from motion_widgets.study.fidelity.time_kept import TimeKept, time_kept
from motion_widgets.study.fidelity.timing import changes, enough_motion, speed, when

if TYPE_CHECKING:
    from motion_widgets.study.fidelity.curves import Floats
    from motion_widgets.study.fidelity.reading import Frames
    from motion_widgets.study.fidelity.sound import Wave

__all__ = ["FLOW", "VERSION", "Described", "compare", "describe"]

VERSION = "1"
"""Of the measures: another one wherever a figure may differ, so that they are computed anew."""
FLOW = f"{VERSION}+flow"
"""The same with the direction."""
_TAIL = 0.3
"""s of a still tail from which a speed means nothing."""


@dataclass(frozen=True)
class Described:
    """What is kept of a file to compare it with another: some 400 kB."""

    sha: str
    length: float
    fps: float
    when: Floats | None
    """None, and so the next two: it has too few frames."""
    where: Floats | None
    ways: Floats | None
    amount: float | None
    time: TimeKept
    blur: float | None
    grain: float | None
    flicker: float | None
    wave: Wave | None


def describe(frames: Frames) -> Described:
    """Return the measures of a file by itself."""
    few = len(frames.grey) <= gap_of(frames.fps)
    light = steady(frames.grey, frames.fps)
    change = None if few else changes(light, frames.fps)
    return Described(
        sha=frames.sha, length=frames.length, fps=frames.fps,
        when=None if change is None else when(change, frames.fps),
        where=None if change is None else where(change, frames.fps),
        ways=None if few or frames.flow is None else ways(frames.flow, frames.fps),
        amount=amount(light, frames.fps), time=time_kept(frames.grey, frames.fps),
        blur=blur(frames.large), grain=grain(frames.large), flicker=flicker(frames.grey), wave=frames.wave,
    )  # fmt: skip


def compare(clip: Described, result: Described) -> dict[str, Any]:
    """Return the measures between a clip and its result, by the names of `columns.FIDELITY`."""
    told = clip.when is not None and enough_motion(clip.when)
    heard = sound(clip.wave, result.wave)
    return {
        "enough_motion": told, **(_motion(clip, result) if told else {}), "amount": result.amount,
        "length": result.length, "fps": result.fps, **result.time._asdict(),
        "clip_length": clip.length, "clip_fps": clip.fps, "clip_repeats": clip.time.repeats,
        "clip_cuts": clip.time.cuts, "blur": result.blur, "grain": result.grain, "flicker": result.flicker,
        "sound": heard and heard.wave, "loudness": heard and heard.loudness,
        "sound_lag_ms": heard and heard.lag * 1000,
    }  # fmt: skip


def _motion(clip: Described, result: Described) -> dict[str, Any]:
    """Return how the result's motion follows the clip's."""
    if clip.when is None or clip.where is None or result.when is None or result.where is None:
        return {}
    timed, placed = match(clip.when, result.when), compared(clip.where, result.where)
    way = None if clip.ways is None or result.ways is None else match(clip.ways, result.ways)
    if timed is None or placed is None:
        return {}
    return {
        "timing": timed.correlation, "lag_ms": timed.lag * 1000,
        "speed": speed(clip.where, result.where) if result.time.still_tail < _TAIL else None,
        "place": placed.correlation, "place_mirrored": placed.exchanged,
        "direction": way and way.correlation,
    }  # fmt: skip
