"""How long measuring a local clip takes, moviepy's confirmation included, against `VideoFileClip`; and mends.

It prints figures and asserts nothing: ``make bench ROOM=media``.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from motion_widgets.media.ffmpeg import ffmpeg_exe
from motion_widgets.media.probe.cache import SHARED
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.moviepy_check import load_moviepy
from tests.benchmarks import mends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROUNDS = 9


def make(path: Path, *, rate: str) -> Path:
    """Make a clip of 10 s with sound at a constant bit rate."""
    picture = ["-f", "lavfi", "-t", "10", "-i", "testsrc2=s=1280x720:r=30"]
    sound = ["-f", "lavfi", "-t", "10", "-i", "sine=f=440"]
    noise = ["-vf", "noise=alls=60:allf=t"] if rate else []
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    coded += (
        ["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-nal-hrd", "cbr"]
        if rate
        else []
    )
    command = [ffmpeg_exe(), "-loglevel", "error", "-y", *picture, *sound, *noise, *coded, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def seconds(call: Callable[[], object]) -> float:
    """Time one call in s."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(path: Path) -> tuple[float, float, float]:
    """Return medians in s, taken in turn: ours, ours without moviepy, `VideoFileClip`."""
    load_moviepy()
    from moviepy import VideoFileClip

    ours, bare, theirs = [], [], []
    for _ in range(ROUNDS):
        SHARED.clear()  # or it would be known already
        ours.append(seconds(lambda: measure_clip(path)))
        SHARED.clear()
        bare.append(seconds(lambda: measure_clip(path, confirm=False)))
        theirs.append(seconds(lambda: VideoFileClip(str(path)).close()))
    return statistics.median(ours), statistics.median(bare), statistics.median(theirs)


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    for name, rate, target in [("10 s clip", "", 5), ("90 MB clip", "72M", 15)]:
        path = make(folder / "clip.mp4", rate=rate)
        ours, bare, theirs = compare(path)
        size = f"{path.stat().st_size / 1e6:.0f} MB"
        yield f"measure_clip, {name} ({size}), with moviepy", f"{ours * 1e3:.1f} ms", "", ""
        yield f"measure_clip, {name}, header only", f"{bare * 1e3:.2f} ms", "", ""
        plain = f"VideoFileClip {theirs * 1e3:.1f} ms"
        yield f"times faster, {name}", f"{theirs / ours:.1f}", plain, f">= {target}"
        path.unlink()
    yield from mends.rows(folder)
