"""A drawn character and two clips of it moving, made by code when first needed.

With them everything can be tried without a file of one's own, and none of them is stored in the project.
Drawing takes some seconds, so a copy stays in the user's cache for the next folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import tempfile
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.files import copy_whole, whole_file
from motion_widgets.media import ffmpeg

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

__all__ = ["Pose", "SampleMedia", "draw_backdrop", "draw_figure", "draw_once", "sample_media"]

_SKY, _GROUND, _SHADOW = ((222, 232, 244), (246, 238, 228)), (214, 204, 190), (190, 179, 165)
_SKIN, _HAIR, _SHIRT, _TROUSERS, _DARK = "#e8b796", "#4a3328", "#2f7f86", "#394867", "#2b2b33"
_SHIRT_DARK, _TROUSERS_DARK, _CHEEK, _MOUTH = "#266a70", "#303d58", "#e0a085", "#a5523f"
_Point = tuple[float, float]


class Pose(NamedTuple):
    """How the figure stands.

    A limb is given by the angles of its two parts, in radians: 0 hangs straight down, positive points right.
    """

    left_arm: tuple[float, float] = (-0.35, -0.2)
    right_arm: tuple[float, float] = (0.35, 0.2)
    left_leg: tuple[float, float] = (-0.1, -0.05)
    right_leg: tuple[float, float] = (0.1, 0.05)
    lean: float = 0.0
    """Angle of the torso, in radians."""
    sway: float = 0.0
    """Offset to the right, as a share of the width."""
    bob: float = 0.0
    """Offset downwards, as a share of the height."""
    nod: float = 0.0
    """Angle of the head, in radians."""


def draw_backdrop(width: int, height: int) -> Picture:
    """Return a soft background: a graded wall, the floor, a shadow."""
    from PIL import Image, ImageDraw, ImageFilter

    column = Image.new("RGB", (1, height))
    for y in range(height):
        part = y / height
        column.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(*_SKY, strict=True)))
    picture = column.resize((width, height))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0.86 * height, width, height), fill=_GROUND)
    draw.ellipse((0.22 * width, 0.885 * height, 0.78 * width, 0.935 * height), fill=_SHADOW)
    return picture.filter(ImageFilter.GaussianBlur(width / 120))


def draw_figure(picture: Picture, pose: Pose) -> None:
    """Draw the figure into a picture, in place and at its full height."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = height / 100
    hip = (width * (0.5 + pose.sway), height * (0.56 + pose.bob))
    neck = _end(hip, math.pi + pose.lean, 26 * unit)
    for leg, side in ((pose.left_leg, -1), (pose.right_leg, 1)):
        joint, thigh, shin = _moved(hip, side * 4 * unit, 0), (17, 6.4, _TROUSERS), (17, 5, _TROUSERS_DARK)
        x, y = _moved(_limb(draw, joint, leg, (thigh, shin), unit), side * unit, 0)
        draw.ellipse((x - 3.2 * unit, y - 0.6 * unit, x + 3.2 * unit, y + 3 * unit), fill=_DARK)
    # The shirt is narrower than the line of the shoulders and ends above the hips, at the belt.
    _bar(draw, _end(hip, math.pi + pose.lean, 6 * unit), _end(neck, pose.lean, 5 * unit), 12 * unit, _SHIRT)
    left, right = (_moved(neck, side * 4.6 * unit, 1.4 * unit) for side in (-1, 1))
    _bar(draw, left, right, 5 * unit, _SHIRT)
    _bar(draw, _moved(hip, -3.4 * unit, 0), _moved(hip, 3.4 * unit, 0), 7.2 * unit, _TROUSERS)
    _bar(draw, _end(neck, 0.0, 0.5 * unit), _end(neck, math.pi + pose.nod / 2, 6 * unit), 4 * unit, _SKIN)
    _head(draw, _end(neck, math.pi + pose.nod, 12 * unit), unit)
    for arm, side in ((pose.left_arm, -1), (pose.right_arm, 1)):
        shoulder, sleeve = _moved(neck, side * 5.6 * unit, 1.2 * unit), (10, 4.6, _SHIRT_DARK)
        hand = _limb(draw, shoulder, arm, (sleeve, (8.5, 3.8, _SKIN)), unit)
        draw.ellipse(_disc(hand, 2.6 * unit), fill=_SKIN)


def _moved(point: _Point, right: float, down: float) -> _Point:
    return point[0] + right, point[1] + down


def _end(start: _Point, angle: float, length: float) -> _Point:
    return _moved(start, math.sin(angle) * length, math.cos(angle) * length)


def _disc(centre: _Point, radius: float) -> tuple[float, float, float, float]:
    return (*_moved(centre, -radius, -radius), *_moved(centre, radius, radius))


def _bar(draw: ImageDraw, start: _Point, end: _Point, thickness: float, fill: str) -> None:
    """Draw a bar with round ends."""
    draw.line((*start, *end), fill=fill, width=round(thickness))
    for point in (start, end):
        draw.ellipse(_disc(point, thickness / 2), fill=fill)


def _limb(
    draw: ImageDraw,
    start: _Point,
    angles: tuple[float, float],
    parts: tuple[tuple[float, float, str], tuple[float, float, str]],
    unit: float,
) -> _Point:
    """Draw two bars, each (length, thickness, fill), with a joint between them, and return the limb's end."""
    (upper_length, upper_thickness, upper_fill), (lower_length, lower_thickness, lower_fill) = parts
    joint = _end(start, angles[0], upper_length * unit)
    end = _end(joint, angles[1], lower_length * unit)
    _bar(draw, joint, end, lower_thickness * unit, lower_fill)
    _bar(draw, start, joint, upper_thickness * unit, upper_fill)
    return end


def _head(draw: ImageDraw, centre: _Point, unit: float) -> None:
    x, y = centre
    draw.ellipse((x - 6.4 * unit, y - 8 * unit, x + 6.4 * unit, y + 5 * unit), fill=_HAIR)
    draw.ellipse((x - 5.4 * unit, y - 6 * unit, x + 5.4 * unit, y + 6.6 * unit), fill=_SKIN)
    draw.pieslice((x - 6 * unit, y - 8.2 * unit, x + 6 * unit, y + 2 * unit), 180, 360, fill=_HAIR)
    for side in (-1, 1):
        draw.ellipse(_disc((x + side * 2.2 * unit, y), 0.75 * unit), fill=_DARK)
        draw.ellipse(_disc((x + side * 3.4 * unit, y + 2.3 * unit), 0.9 * unit), fill=_CHEEK)
    mouth = (x - 2 * unit, y + unit, x + 2 * unit, y + 4.2 * unit)
    draw.arc(mouth, 20, 160, fill=_MOUTH, width=round(0.5 * unit) or 1)


FPS = 30
CLIP_SIDES = (540, 960)
IMAGE_SIDES = (720, 1280)
_SAMPLE_RATE = 44_100


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMedia:
    """Paths of the samples."""

    image: Path
    clip_6s: Path
    clip_12s: Path


def sample_media(folder: Path) -> SampleMedia:
    """Return the samples in a folder, making those that are missing.

    Parameters
    ----------
    folder
        Where they are kept; created if it does not exist.

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
    draw_once(media.image, _write_image)
    draw_once(media.clip_6s, lambda path: _write_clip(path, 6, _wave))
    draw_once(media.clip_12s, lambda path: _write_clip(path, 12, _dance))
    return media


def draw_once(path: Path, draw: Callable[[Path], None], *code: str) -> None:
    """Draw a file unless it is there; `code` are the modules that do it, beside those of this room."""
    if path.exists():
        return
    cached = _cache(*code) / path.name
    with contextlib.suppress(OSError):  # not drawn yet, or not to be read: it is drawn
        copy_whole(cached, path)
        return
    with whole_file(path) as partial:
        draw(partial)
    with contextlib.suppress(OSError):  # a home that takes no files: it is drawn again next time
        cached.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_whole(path, cached)


@functools.cache
def _cache(*code: str) -> Path:
    """Return the folder of the user's cache for what this very code draws."""
    from platformdirs import user_cache_path

    files = (__file__, ffmpeg.__file__, *code)
    drawn_by = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:16]
    return user_cache_path("motion-widgets", appauthor=False) / f"samples-{drawn_by}"


def _write_image(path: Path) -> None:
    from PIL import Image

    width, height = IMAGE_SIDES
    large = draw_backdrop(width * 2, height * 2)
    draw_figure(large, Pose())
    large.resize((width, height), Image.Resampling.LANCZOS).save(path, "PNG")


def _write_clip(path: Path, seconds: int, pose_at: Callable[[float], Pose]) -> None:
    width, height = CLIP_SIDES
    backdrop = draw_backdrop(width, height)
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
        tune = Path(folder, "tune.wav")
        _write_tune(tune, seconds)
        frames = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
        sound = ["-i", f"file:{tune}", "-c:a", "aac", "-b:a", "64k", "-flags:a", "+bitexact"]
        output = [*ffmpeg.H264, "-frames:v", str(seconds * FPS), "-f", "mp4", f"file:{path}"]
        arguments = [*frames, *sound, *output]
        with ffmpeg.running(arguments, name=path.name, deadline=120.0, write=True) as stdin:
            for index in range(seconds * FPS):
                frame = backdrop.copy()
                draw_figure(frame, pose_at(index / FPS))
                stdin.write(frame.tobytes())


def _write_tune(path: Path, seconds: int) -> None:
    """Write a soft sine melody as a WAV file.

    It ends 50 ms before the picture: AAC packs 1024 samples at once, so its last packet would reach beyond.
    """
    notes = (261.6, 329.6, 392.0, 523.3, 440.0, 392.0, 329.6, 293.7)
    beat = _SAMPLE_RATE // 2

    def tone(note: float) -> bytes:
        turn = 2 * math.pi * note / _SAMPLE_RATE
        samples = (math.sin(turn * i) * min(1, i / 800) * (1 - i / beat) ** 1.5 for i in range(beat))
        return array("h", (int(7000 * sample) for sample in samples)).tobytes()

    tones = [tone(note) for note in notes]
    count = int((seconds - 0.05) * _SAMPLE_RATE)
    samples = b"".join(tones[index % len(tones)] for index in range(2 * seconds))[: 2 * count]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLE_RATE)
        file.writeframes(samples)


def _phase(t: float, period: float) -> float:
    """Return a phase in rad that runs slow and fast in turn, at 0.25 to 1.75 times its mean speed."""
    return 2 * math.pi * t - 0.75 * period * math.sin(2 * math.pi * t / period)


def _wave(t: float) -> Pose:
    """Stand and wave: calmly at first, quickly in the middle."""
    beat = _phase(t, 6.0)
    return Pose(
        left_arm=(-0.3 + 0.06 * math.sin(beat / 2), -0.2),
        right_arm=(2.3 + 0.2 * math.sin(beat), 2.9 + 0.6 * math.sin(beat + 0.6)),
        lean=0.04 * math.sin(beat / 2),
        sway=0.015 * math.sin(beat / 2),
        nod=0.08 * math.sin(beat),
    )


def _dance(t: float) -> Pose:
    """Step and swing all limbs, in slow and fast passages."""
    beat = _phase(t, 4.0)
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
