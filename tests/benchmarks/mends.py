"""How long each mend takes beside plain ffmpeg doing the same work, run in turns; part of ``ROOM=media``."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from PIL import Image

import motion_widgets as mw
from motion_widgets.media.ffmpeg import ffmpeg_exe
from motion_widgets.media.probe.moviepy_check import load_moviepy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROUNDS = 3
TARGET = "<= 1.3"
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac")
_SOURCE = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
# With the exact curves, as mends: the quick ones take half the time, and make blue 35 levels too bright.
_HDR = (
    "zscale=agamma=false:t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=0.8:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
_X265 = (
    "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1",
    "-c:a", "aac",
)  # fmt: skip
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "3M", "-c:a", "libopus")
_IN_HLG = "color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
KINDS: dict[str, tuple[str, ...]] = {
    "720p.mp4": _SOURCE,
    "720p.webm": _VP9,
    "hevc.mov": (*_X265, "-pix_fmt", "yuv420p"),
    "hlg.mov": ("-vf", f"format=yuv420p10le,setparams={_IN_HLG}", *_X265),
}
"""How a clip of 6 s of each kind is encoded."""
_COPY = ("-c", "copy", "-movflags", "+faststart")
ROWS: list[tuple[str, str, dict[str, object], tuple[str, ...], tuple[str, ...]]] = [
    ("720p.mp4", "trim_clip", {"start": 1.0, "length": 4.9}, ("-ss", "1", "-t", "4.9"), _X264),
    ("720p.mp4", "hold_clip", {"length": 7.0}, (), ("-vf", "tpad=stop_mode=clone:stop_duration=1", *_X264)),
    ("720p.mp4", "convert_clip", {}, (), _X264),
    ("720p.mp4", "scale_clip", {"width": 960}, (), ("-vf", "scale=960:540", *_X264)),
    ("720p.mp4", "fit_clip", {"aspect": 1.0, "how": "crop"}, (), ("-vf", "crop=720:720", *_X264)),
    ("720p.mp4", "fit_clip", {"aspect": 1.0, "how": "pad"}, (), ("-vf", "pad=1280:1280:0:280", *_X264)),
    ("720p.mp4", "mute_clip", {}, (), ("-an", *_COPY)),
    ("720p.mp4", "strip_clip", {}, (), ("-map_metadata", "-1", *_COPY)),
    ("720p.webm", "convert_clip", {}, (), _X264),
    ("hevc.mov", "convert_clip", {}, (), _X264),
    ("hevc.mov", "trim_clip", {"start": 1.0, "length": 4.9}, ("-ss", "1", "-t", "4.9"), _X264),
    ("hlg.mov", "convert_clip", {}, (), ("-vf", _HDR, *_X264)),
]
"""A kind, a mend of it, and what ffmpeg is given before and behind its input for the same work."""


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg alone."""
    command = [ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def seconds(call: Callable[[], object]) -> float:
    """Time one call in s."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def beside(
    ours: Callable[[Path], object], theirs: Callable[[Path], object], folder: Path
) -> tuple[float, float]:
    """Return the medians in s of two ways to the same file, taken in turns."""
    mine, plain = [], []
    for number in itertools.count():
        to = folder / str(number)
        to.mkdir()
        mine.append(seconds(lambda to=to: ours(to)))
        plain.append(seconds(lambda to=to: theirs(to)))
        if len(mine) == ROUNDS:
            return statistics.median(mine), statistics.median(plain)
    raise AssertionError


def rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Return rows of figure, measured, beside it, target."""
    load_moviepy()
    for name, coded in KINDS.items():
        drawn = ("-f", "lavfi", "-t", 6, "-i", "testsrc2=s=1280x720:r=30")
        heard = ("-f", "lavfi", "-t", 6, "-i", "sine")
        ffmpeg(*drawn, *heard, *coded, folder / name)
    for number, (name, mend, parameters, before, behind) in enumerate(ROWS):
        where = folder / f"row{number}"
        where.mkdir()
        source, operation = folder / name, mw.Operation(mend, parameters)
        ours, plain = beside(
            lambda to, source=source, operation=operation: mw.mend(source, operation, to=to),
            lambda to, source=source, before=before, behind=behind: ffmpeg(
                *before, "-i", source, *behind, to / "plain.mp4"
            ),
            where,
        )
        what = f"{operation.name}{' ' + str(parameters['how']) if 'how' in parameters else ''}, {name}, 6 s"
        yield what, f"{ours / plain:.2f} times", f"ffmpeg alone {plain:.2f} s", TARGET
    yield from _others(folder)


def _others(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """What has no equal in plain ffmpeg."""
    clip, image = folder / "720p.mp4", folder / "image.webp"
    Image.effect_noise((3000, 4000), 60).convert("RGB").save(image)
    mw.mute_clip(clip)
    yield (
        "the same mend again, found by content",
        f"{seconds(lambda: mw.mute_clip(clip)) * 1e3:.0f} ms",
        "",
        "",
    )
    yield "stillest 4.9 s of 6 s", f"{seconds(lambda: mw.stillest(clip, 4.9)):.1f} s", "", ""
    yield "convert_image, WebP of 12 megapixels", f"{seconds(lambda: mw.convert_image(image)):.1f} s", "", ""
