"""A drawn character and two clips of it moving, made by code when first needed.

With them everything can be tried without a file of one's own, and none of them is stored in the project.
"""

from __future__ import annotations

import math
import tempfile
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.files import whole_file
from motion_widgets.media import ffmpeg
from motion_widgets.media.figure import Pose, draw_backdrop, draw_figure

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SampleMedia", "sample_media"]

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
    _write_once(media.image, _write_image)
    _write_once(media.clip_6s, lambda path: _write_clip(path, 6, _wave))
    _write_once(media.clip_12s, lambda path: _write_clip(path, 12, _dance))
    return media


def _write_once(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file unless it is there."""
    if path.exists():
        return
    with whole_file(path) as partial:
        write(partial)


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
