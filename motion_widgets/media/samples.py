"""A drawn character and two clips of it moving, made by code at first use.

They let every part be tried without a file of one's own; nothing of them is stored in the project.
"""

from __future__ import annotations

import math
import os
import tempfile
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.media import ffmpeg
from motion_widgets.media.tile_clips import ENCODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

__all__ = ["Pose", "SampleMedia", "draw_figure", "sample_media"]

FPS = 30
CLIP_SIDES = (540, 960)
IMAGE_SIDES = (720, 1280)
_RATE = 44_100
_SKY, _GROUND = ((222, 232, 244), (246, 238, 228)), (214, 204, 190)
_SKIN, _HAIR, _SHIRT, _TROUSERS, _SHOE = "#e8b796", "#4a3328", "#2f7f86", "#394867", "#2b2b33"
_SHIRT_DARK, _TROUSERS_DARK = "#266a70", "#303d58"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMedia:
    """Paths of the samples."""

    image: Path
    clip_6s: Path
    clip_12s: Path


class Pose(NamedTuple):
    """How the figure stands; angles in radians, 0 hangs straight down, positive to the right."""

    left_arm: tuple[float, float] = (-0.35, -0.2)
    right_arm: tuple[float, float] = (0.35, 0.2)
    left_leg: tuple[float, float] = (-0.1, -0.05)
    right_leg: tuple[float, float] = (0.1, 0.05)
    lean: float = 0.0
    sway: float = 0.0
    """Sideways, as a part of the width."""
    bob: float = 0.0
    """Downwards, as a part of the height."""
    nod: float = 0.0


def sample_media(folder: Path) -> SampleMedia:
    """Return the samples in a folder, making those that are missing.

    Parameters
    ----------
    folder
        Where they are kept; it is made if need be.

    Returns
    -------
    SampleMedia
        ``figure.png`` (720x1280), ``wave-6s.mp4`` and ``dance-12s.mp4`` (540x960, 30 fps, with sound).
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    media = SampleMedia(
        image=folder / "figure.png", clip_6s=folder / "wave-6s.mp4", clip_12s=folder / "dance-12s.mp4"
    )
    _made(media.image, _write_figure)
    _made(media.clip_6s, lambda path: _write_clip(path, 6, _wave))
    _made(media.clip_12s, lambda path: _write_clip(path, 12, _dance))
    return media


def _made(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and rename it, so that nobody meets half of one."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_figure(path: Path) -> None:
    from PIL import Image

    width, height = IMAGE_SIDES
    large = _backdrop(width * 2, height * 2)
    draw_figure(large, Pose())
    large.resize((width, height), Image.Resampling.LANCZOS).save(path, "PNG")


def _write_clip(path: Path, seconds: int, pose_at: Callable[[float], Pose]) -> None:
    width, height = CLIP_SIDES
    backdrop = _backdrop(width, height)
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
        tune = Path(folder, "tune.wav")
        _write_tune(tune, seconds)
        picture = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{width}x{height}",
            "-r",
            str(FPS),
            "-i",
            "-",
        ]
        # AAC packs 1024 samples, so its last packet would reach beyond the picture: end it just before.
        sound = ["-i", f"file:{tune}", "-c:a", "aac", "-b:a", "64k", "-flags:a", "+bitexact"]
        options = [*picture, *sound, *ENCODE, "-frames:v", str(seconds * FPS), "-f", "mp4", f"file:{path}"]
        with ffmpeg.running(options, name=path.name, deadline=120.0, write=True) as pipe:
            for index in range(seconds * FPS):
                frame = backdrop.copy()
                draw_figure(frame, pose_at(index / FPS))
                pipe.write(frame.tobytes())


def _write_tune(path: Path, seconds: int) -> None:
    """Write a soft sine melody, 50 ms shorter than the picture."""
    notes = (261.6, 329.6, 392.0, 523.3, 440.0, 392.0, 329.6, 293.7)
    beat = _RATE // 2
    # One period of each note's envelope is computed once and repeated; a whole tune would cost a second.
    tones = [
        array(
            "h",
            (
                int(7000 * math.sin(2 * math.pi * note * i / _RATE) * min(1, i / 800) * (1 - i / beat) ** 1.5)
                for i in range(beat)
            ),
        ).tobytes()
        for note in notes
    ]
    count = int((seconds - 0.05) * _RATE)
    samples = b"".join(tones[index % len(tones)] for index in range(2 * seconds))[: 2 * count]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples)


def _pace(t: float, period: float) -> float:
    """Return a phase that runs slowly and fast in turn, 0.25 to 1.75 times the mean."""
    return t - 0.75 * period / (2 * math.pi) * math.sin(2 * math.pi * t / period)


def _wave(t: float) -> Pose:
    """Stand and wave: calm at first, quickly in the middle."""
    beat = 2 * math.pi * _pace(t, 6.0)
    return Pose(
        left_arm=(-0.3 + 0.06 * math.sin(beat / 2), -0.2),
        right_arm=(2.3 + 0.2 * math.sin(beat), 2.9 + 0.6 * math.sin(beat + 0.6)),
        lean=0.04 * math.sin(beat / 2),
        sway=0.015 * math.sin(beat / 2),
        nod=0.08 * math.sin(beat),
    )


def _dance(t: float) -> Pose:
    """Step and swing all limbs, in slow and fast passages."""
    beat = 2 * math.pi * _pace(t, 4.0)
    swing, other = math.sin(beat), math.cos(beat)
    return Pose(
        left_arm=(-1.0 - 0.8 * swing, -1.5 - 1.0 * swing),
        right_arm=(1.0 - 0.8 * swing, 1.5 - 1.0 * swing),
        left_leg=(-0.18 + 0.28 * swing, 0.05 + 0.2 * max(0.0, -swing)),
        right_leg=(0.18 + 0.28 * swing, -0.05 - 0.2 * max(0.0, swing)),
        lean=0.05 * swing,
        sway=0.015 * math.sin(beat / 2),
        bob=0.012 * abs(other),
        nod=0.12 * other,
    )


def _backdrop(width: int, height: int) -> Picture:
    """Draw the soft background: a graded wall, the floor, a shadow."""
    from PIL import Image, ImageDraw, ImageFilter

    column = Image.new("RGB", (1, height))
    for y in range(height):
        part = y / height
        column.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(*_SKY, strict=True)))
    picture = column.resize((width, height))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0.86 * height, width, height), fill=_GROUND)
    draw.ellipse((0.22 * width, 0.885 * height, 0.78 * width, 0.935 * height), fill=(190, 179, 165))
    return picture.filter(ImageFilter.GaussianBlur(width / 120))


def draw_figure(picture: Picture, pose: Pose) -> None:
    """Draw the figure into a picture, as tall as it, in place."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = height / 100
    hip = (width * (0.5 + pose.sway), height * (0.56 + pose.bob))
    neck = _end(hip, math.pi + pose.lean, 26 * unit)
    for leg, side in ((pose.left_leg, -1), (pose.right_leg, 1)):
        joint = (hip[0] + side * 4 * unit, hip[1])
        x, y = _limb(
            draw,
            joint,
            leg,
            (17 * unit, 17 * unit),
            thick=(6.4 * unit, 5 * unit),
            fills=(_TROUSERS, _TROUSERS_DARK),
        )
        draw.ellipse(
            (x - 3.2 * unit + side * unit, y - 0.6 * unit, x + 3.2 * unit + side * unit, y + 3 * unit),
            fill=_SHOE,
        )
    # The shirt is narrower than the shoulders' line and ends above the hips, under the belt.
    _line(draw, _end(hip, math.pi + pose.lean, 6 * unit), _end(neck, pose.lean, 5 * unit), 12 * unit, _SHIRT)
    _line(
        draw,
        (neck[0] - 4.6 * unit, neck[1] + 1.4 * unit),
        (neck[0] + 4.6 * unit, neck[1] + 1.4 * unit),
        5 * unit,
        _SHIRT,
    )
    _line(draw, (hip[0] - 3.4 * unit, hip[1]), (hip[0] + 3.4 * unit, hip[1]), 7.2 * unit, _TROUSERS)
    _line(draw, _end(neck, 0.0, 0.5 * unit), _end(neck, math.pi + pose.nod / 2, 6 * unit), 4 * unit, _SKIN)
    _head(draw, _end(neck, math.pi + pose.nod, 12 * unit), unit)
    for arm, side in ((pose.left_arm, -1), (pose.right_arm, 1)):
        shoulder = (neck[0] + side * 5.6 * unit, neck[1] + 1.2 * unit)
        hand = _limb(
            draw,
            shoulder,
            arm,
            (10 * unit, 8.5 * unit),
            thick=(4.6 * unit, 3.8 * unit),
            fills=(_SHIRT_DARK, _SKIN),
        )
        draw.ellipse(_disc(hand, 2.6 * unit), fill=_SKIN)


_Point = tuple[float, float]


def _end(start: _Point, angle: float, length: float) -> _Point:
    return start[0] + math.sin(angle) * length, start[1] + math.cos(angle) * length


def _disc(centre: _Point, radius: float) -> tuple[float, float, float, float]:
    return centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius


def _line(draw: ImageDraw, start: _Point, end: _Point, thick: float, fill: str) -> None:
    """Draw a bar with round ends."""
    draw.line((*start, *end), fill=fill, width=round(thick))
    for point in (start, end):
        draw.ellipse(_disc(point, thick / 2), fill=fill)


def _limb(
    draw: ImageDraw,
    start: _Point,
    angles: tuple[float, float],
    lengths: tuple[float, float],
    *,
    thick: tuple[float, float],
    fills: tuple[str, str],
) -> _Point:
    """Draw two bars with a joint between, the lower first; give where the limb ends."""
    joint = _end(start, angles[0], lengths[0])
    end = _end(joint, angles[1], lengths[1])
    _line(draw, joint, end, thick[1], fills[1])
    _line(draw, start, joint, thick[0], fills[0])
    return end


def _head(draw: ImageDraw, centre: _Point, unit: float) -> None:
    x, y = centre
    draw.ellipse((x - 6.4 * unit, y - 8 * unit, x + 6.4 * unit, y + 5 * unit), fill=_HAIR)
    draw.ellipse((x - 5.4 * unit, y - 6 * unit, x + 5.4 * unit, y + 6.6 * unit), fill=_SKIN)
    draw.pieslice((x - 6 * unit, y - 8.2 * unit, x + 6 * unit, y + 2 * unit), 180, 360, fill=_HAIR)
    for side in (-1, 1):
        draw.ellipse(_disc((x + side * 2.2 * unit, y), 0.75 * unit), fill="#2b2b33")
        draw.ellipse(_disc((x + side * 3.4 * unit, y + 2.3 * unit), 0.9 * unit), fill="#e0a085")
    draw.arc(
        (x - 2 * unit, y + unit, x + 2 * unit, y + 4.2 * unit),
        20,
        160,
        fill="#a5523f",
        width=round(0.5 * unit) or 1,
    )
