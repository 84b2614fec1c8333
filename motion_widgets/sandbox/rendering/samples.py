"""The sandbox's own public media, to try the endpoint with: a drawn figure, and clips in which it dances."""

from __future__ import annotations

import math
import subprocess
from typing import TYPE_CHECKING

from motion_widgets.sandbox.measure import ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

__all__ = ["SAMPLES", "draw_sample"]

SAMPLES = {"figure.png": "image/png", "clip-6s.mp4": "video/mp4", "clip-12s.mp4": "video/mp4"}
"""Content types by name."""

_SIZE = (480, 640)  # px
_FPS = 24


def draw_sample(name: str, path: Path) -> None:
    """Draw the sample of that name to `path`."""
    if name == "figure.png":
        _figure(0.0, "#d9643a").save(path, "PNG")
        return
    length = 6 if name == "clip-6s.mp4" else 12
    width, height = _SIZE
    command = [
        *(ffmpeg(), "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(_FPS), "-i", "pipe:0"),
        *("-f", "lavfi", "-i", f"sine=frequency=330:duration={length}", "-af", "volume=0.2", "-c:a", "aac"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-t", str(length), "-movflags", "+faststart", "-f", "mp4", str(path)),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 - fixed program
        assert process.stdin is not None
        for index in range(length * _FPS):
            process.stdin.write(_figure(index / _FPS, "#3a6ea5").tobytes())
        process.stdin.close()
        if process.wait(60):
            raise OSError(f"ffmpeg could not write the sample {name}")


def _figure(time: float, shirt: str) -> Image:
    """Return one person, head to foot, `time` s into a dance that alternates between calm and lively."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, "#e8e4da")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 520, 480, 640), fill="#b9a98c")
    for window in range(30, 480, 84):
        pen.rectangle((window, 60, window + 44, 150), fill="#cfd8dc", outline="#90a4ae", width=3)
    lively = 0.35 + 0.65 * max(0.0, math.sin(time * 0.9)) ** 2 if time else 0.0
    swing = math.sin(time * 4.2) * lively
    x, y = 240 + 60 * swing, 300 - 14 * abs(math.sin(time * 4.2)) * lively
    for side in (-1, 1):
        foot = 240 + side * 46 + 20 * swing
        pen.line((x + side * 18, y + 100, foot, 560), fill="#37474f", width=26)
        pen.ellipse((foot - 24, 548, foot + 24, 574), fill="#212121")
        lift = 0.9 + side * 0.9 * swing + 0.5 * lively * math.sin(time * 2.1)
        hand_x = x + side * 110 * math.cos(lift - 0.9)
        hand_y = y - 20 + 110 * math.sin(1.2 - 1.6 * lively + lift - 0.9)
        pen.line((x + side * 42, y - 40, hand_x, hand_y), fill=shirt, width=22)
        pen.ellipse((hand_x - 15, hand_y - 15, hand_x + 15, hand_y + 15), fill="#f0c8a0")
    pen.rounded_rectangle((x - 50, y - 60, x + 50, y + 110), 26, fill=shirt)
    head = x + 12 * swing
    pen.ellipse((head - 44, y - 160, head + 44, y - 64), fill="#f0c8a0", outline="#5d4037", width=3)
    pen.pieslice((head - 46, y - 166, head + 46, y - 76), 180, 360, fill="#5d4037")
    for side in (-1, 1):
        pen.ellipse((head + side * 16 - 5, y - 116, head + side * 16 + 5, y - 104), fill="#212121")
    pen.arc((head - 20, y - 106, head + 20, y - 78), 20, 160, fill="#8d3b2e", width=4)
    return image
