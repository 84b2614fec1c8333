"""How long mending takes, against ffmpeg doing the same trim alone.

Run it by hand: ``python -m tests.benchmarks.bench_mend``. It prints figures and asserts nothing.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

import motion_widgets as mw
from motion_widgets.media.ffmpeg import ffmpeg_exe
from motion_widgets.media.probe.moviepy_import import load_moviepy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIDES = "1280x720"


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg alone."""
    command = [ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def seconds(call: Callable[[], object]) -> float:
    """Time one call in s."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    load_moviepy()
    clip, image = folder / "clip.mp4", folder / "image.webp"
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    drawn = ["-f", "lavfi", "-t", 12, "-i", f"testsrc2=s={SIDES}:r=30"]
    ffmpeg(*drawn, "-f", "lavfi", "-t", 12, "-i", "sine=f=440", *coded, clip)
    Image.effect_noise((3000, 4000), 60).convert("RGB").save(image)
    ours = seconds(lambda: mw.trim_clip(clip, 1, length=9.9))
    alone = [*("-ss", 1, "-i", clip, "-t", 9.9), *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18")]
    theirs = seconds(lambda: ffmpeg(*alone, "-c:a", "aac", folder / "alone.mp4"))
    yield f"trim_clip to 9.9 s, {SIDES}", f"{ours:.1f} s", f"ffmpeg alone {theirs:.1f} s", "<= 2 times"
    again = seconds(lambda: mw.trim_clip(clip, 1, length=9.9))
    yield "the same again, found by content", f"{again * 1e3:.0f} ms", "", ""
    yield "stillest 9.9 s of 12 s", f"{seconds(lambda: mw.stillest(clip)):.1f} s", "", ""
    yield "mute_clip, picture copied", f"{seconds(lambda: mw.mute_clip(clip)) * 1e3:.0f} ms", "", ""
    yield "convert_image, WebP of 12 megapixels", f"{seconds(lambda: mw.convert_image(image)):.1f} s", "", ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="motion-widgets-bench-") as name:
        for figure, measured, beside, target in rows(Path(name)):
            print(f"{figure:52} {measured:>12}  {beside:24} {target}")
