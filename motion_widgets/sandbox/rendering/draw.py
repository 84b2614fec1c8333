"""Drawing a result: the reference image, moved along the clip's own motion, marked SANDBOX in every frame.

What the request asked for is real in the file. Mode: the short side is 360 px for ``std``, 540 px for
``pro``. Orientation: ``image`` keeps the image's aspect, ``video`` takes the clip's, fits the image into it
and leans it as the clip moves. Sound: the clip's audio, or no audio stream at all. The length is the clip's,
the frame rate the clip's within 24-30 per s. H.264, yuv420p, even sides, header in front.
"""

from __future__ import annotations

import importlib
import itertools
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_widgets.sandbox.measure import Unreadable, ffmpeg, measure_clip
from motion_widgets.sandbox.rendering import motion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]
    Mark = tuple[slice, slice, NDArray[np.uint16], NDArray[np.uint16]]
    """Rows, columns, share of the picture that shows through (of 256), and what is added."""

__all__ = ["SHORT_SIDE", "DrawError", "draw"]

SHORT_SIDE = {"std": 360, "pro": 540}
"""Short side of a result in px, by mode."""

_OVERSCAN = {"image": 1.15, "video": 1.25}  # size of the picture relative to the frame; leaning takes more
_LEAN = 0.2  # share of its offset by which a leaning picture's top moves ahead and its foot lags behind
_BANDS = 24  # rows are shifted in bands: slices, not resampling
_LOW_TEXTURE = 6.0  # grey levels; below this a shift of the picture would hardly be visible
_AUDIO_DEADLINE = 60.0  # s

_importing = threading.Lock()


class DrawError(Exception):
    """The image or the clip cannot be decoded, so the task fails and is refunded."""


class _Cancelled(Exception):  # noqa: N818 - not an error
    """The sandbox is stopping."""


def draw(
    image: Path,
    clip: Path,
    target: Path,
    *,
    orientation: str,
    mode: str,
    sound: bool,
    watermark: bool,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Draw the result of a task to `target` (``.mp4``) until `cancelled` returns True.

    Raises
    ------
    DrawError
        The image or the clip cannot be decoded.
    OSError
        ffmpeg could not write.
    """
    try:
        facts = measure_clip(clip)
    except (Unreadable, OSError) as error:
        raise DrawError(f"the clip {error}") from error
    picture = _open(image)
    fps = round(min(30.0, max(24.0, facts.fps)), 2)
    # At least 3.0 s, so that a result can be the reference video of a further task.
    frames = max(round(facts.length * fps), int(np.ceil(3.0 * fps)))
    profile = motion.measure_motion(clip, facts, fps, frames)
    if profile is None:
        raise DrawError("the clip has no frame that can be decoded")
    aspect = picture.width / picture.height if orientation == "image" else facts.width / facts.height
    width, height = _size(aspect, SHORT_SIDE[mode])
    big = _enlarged(picture, width, height, orientation)
    path = _path(big, (width, height), profile, orientation)
    with_sound = sound and facts.has_audio
    silent = target.with_name(f"silent-{target.name}") if with_sound else target
    try:
        marks = _marks(width, height, watermark=watermark)
        pictures = _frames(big, path, (width, height), orientation, marks)
        _write(pictures, silent, (width, height), fps, cancelled)
        if with_sound:
            _add_sound(silent, clip, target, frames / fps)
    finally:
        if with_sound:
            silent.unlink(missing_ok=True)


def _open(path: Path) -> Image:
    """Return the reference image decoded, upright and without transparency."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (1400, 1400))  # a large JPEG is decoded no larger than is needed
            upright = ImageOps.exif_transpose(opened)
            clear = upright.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DrawError(f"the image cannot be decoded: {type(error).__name__}") from error
    ground = Image.new("RGBA", clear.size, "white")
    ground.alpha_composite(clear)
    return ground.convert("RGB")


def _size(aspect: float, short: int) -> tuple[int, int]:
    """Return even sides in px for an aspect, limited to 1:2.5 - 2.5:1."""
    aspect = min(2.5, max(0.4, aspect))
    long = 2 * round(short * max(aspect, 1 / aspect) / 2)
    return (long, short) if aspect >= 1 else (short, long)


def _enlarged(picture: Image, width: int, height: int, orientation: str) -> Pixels:
    """Return the picture that moves: larger than the frame, with enough texture for motion to be visible."""
    from PIL import Image, ImageFilter, ImageOps

    size = tuple(2 * round(side * _OVERSCAN[orientation] / 2) for side in (width, height))
    if orientation == "image":
        whole = ImageOps.fit(picture, (size[0], size[1]), Image.Resampling.BILINEAR)
    else:
        # No head is cut off: the whole picture, on a blurred copy that fills the clip's aspect.
        ground = ImageOps.fit(picture, (size[0] // 8, size[1] // 8)).filter(ImageFilter.GaussianBlur(3))
        whole = ground.resize((size[0], size[1]), Image.Resampling.BILINEAR)
        front = ImageOps.contain(picture, (size[0], size[1]), Image.Resampling.BILINEAR)
        whole.paste(front, ((size[0] - front.width) // 2, (size[1] - front.height) // 2))
    big = np.asarray(whole)
    short = min(width, height)
    response = _movable(big, width, height).response(np.array([0.0, short * 0.05]))
    if response[1] >= _LOW_TEXTURE:
        return big
    # A flat picture would move invisibly, so it gets a soft grid.
    period = short / 5
    rows, columns = np.ogrid[: big.shape[0], : big.shape[1]]
    waves = np.sin(rows * 2 * np.pi / period) + np.sin(columns * 2 * np.pi / period)
    grid = (np.clip(waves * 1.5, -1, 1) * 12).astype(np.int16)
    muted = np.clip(big.astype(np.int16), 12, 243)  # leaves room for the grid on pure black and white
    return (muted + grid[:, :, None]).astype(np.uint8)


def _movable(big: Pixels, width: int, height: int) -> motion.MovablePicture:
    return motion.MovablePicture(big.mean(axis=2).astype(np.uint8), width, height)


def _path(
    big: Pixels, size: tuple[int, int], profile: motion.MotionProfile, orientation: str
) -> motion.Floats:
    width, height = size
    across = (big.shape[1] - width) / 2 / (1 + _LEAN if orientation == "video" else 1)
    margin = (across - 2, (big.shape[0] - height) / 2 - 2)
    return motion.plan_path(profile, _movable(big, width, height), margin)


def _frames(
    big: Pixels,
    path: motion.Floats,
    size: tuple[int, int],
    orientation: str,
    marks: list[Mark],
) -> Iterator[Pixels]:
    """Yield all frames in one buffer that is reused. Only slices are copied; nothing is resampled."""
    width, height = size
    frame = np.empty((height, width, 3), np.uint8)
    left, top = (big.shape[1] - width) // 2, (big.shape[0] - height) // 2
    edges = np.linspace(0, height, (_BANDS if orientation == "video" else 1) + 1).astype(int)
    for x, y in path:
        row = top - round(float(y))
        for first, last in itertools.pairwise(edges):
            lean = _LEAN * x * ((first + last) / height - 1)
            column = left - round(float(x + lean))
            frame[first:last] = big[row + first : row + last, column : column + width]
        for rows, columns, keep, ink in marks:
            part = frame[rows, columns]
            part[...] = (part * keep + ink) >> 8
        yield frame


def _marks(width: int, height: int, *, watermark: bool) -> list[Mark]:
    """Return the words laid over every frame."""
    short = min(width, height)
    marks = [_word("SANDBOX", short // 8, lambda w, h: ((width - w) // 2, height - h - short // 24))]
    if watermark:
        marks.append(_word("watermark", short // 22, lambda w, _: (width - w - short // 40, short // 40)))
    return marks


def _word(text: str, size: int, place: Callable[[int, int], tuple[int, int]]) -> Mark:
    """Return a word in white with a black outline, which is legible on any background."""
    from PIL import Image, ImageDraw, ImageFont

    font, stroke = ImageFont.load_default(size), max(1, size // 9)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font=font, stroke_width=stroke)
    wide, high = int(box[2] - box[0]) + 1, int(box[3] - box[1]) + 1
    tile = Image.new("LA", (wide, high), (0, 0))
    pen = ImageDraw.Draw(tile)
    black, white = (0, 255), (255, 255)
    pen.text((-box[0], -box[1]), text, font=font, fill=white, stroke_width=stroke, stroke_fill=black)
    values = np.asarray(tile).astype(np.uint16)
    ink = values[:, :, :1] * values[:, :, 1:]
    left, top = place(wide, high)
    rows, columns = slice(top, top + high), slice(left, left + wide)
    return rows, columns, 256 - (values[:, :, 1:] * 256 + 127) // 255, ink


def _write(
    pictures: Iterator[Pixels],
    target: Path,
    size: tuple[int, int],
    fps: float,
    cancelled: Callable[[], bool],
) -> None:
    writer = _moviepy_writer()(
        str(target),
        size,
        fps,
        preset="ultrafast",
        threads=2,
        ffmpeg_params=["-crf", "26", "-movflags", "+faststart"],
    )
    with writer:
        for picture in pictures:
            if cancelled():
                raise _Cancelled
            writer.write_frame(picture)
    if not target.exists() or not target.stat().st_size:
        raise OSError("ffmpeg wrote no result")


def _add_sound(silent: Path, clip: Path, target: Path, length: float) -> None:
    """Add the clip's audio to the drawn frames, or raise a DrawError when it cannot be decoded."""
    command = [
        *(ffmpeg(), "-loglevel", "error", "-nostdin", "-y"),
        *("-protocol_whitelist", "file", "-f", "mov", "-i", str(silent.resolve())),
        *("-protocol_whitelist", "file", "-f", "mov", "-i", str(clip.resolve())),
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k"),
        *("-t", f"{length:.3f}", "-movflags", "+faststart", "-f", "mp4", str(target.resolve())),
    ]
    try:
        run = subprocess.run(  # noqa: S603 - fixed program, own paths
            command, capture_output=True, timeout=_AUDIO_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        run = None
    if run is None or run.returncode:
        raise DrawError("the clip's sound cannot be decoded")


def _moviepy_writer() -> Any:
    """Import moviepy's writer without letting it load a ``.env`` of the working directory."""
    with _importing:
        if "moviepy.config" not in sys.modules:
            import dotenv

            kept = dotenv.load_dotenv
            dotenv.load_dotenv = lambda *_args, **_kwargs: False
            try:
                importlib.import_module("moviepy.config")
            finally:
                dotenv.load_dotenv = kept
        from moviepy.video.io.ffmpeg_writer import FFMPEG_VideoWriter

    return FFMPEG_VideoWriter
