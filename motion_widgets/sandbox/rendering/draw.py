"""Drawing a result: the reference image, bent as the clip moves, marked SANDBOX in every frame.

What the request asked for is real in the file. Mode: the short side is 360 px for ``std``, 540 px for
``pro``. Orientation: ``image`` keeps the image's aspect, ``video`` takes the clip's and fits the image into
it. Sound: the clip's audio, or no audio stream at all. The length is the clip's, the frame rate the clip's
within 24-30 per s. H.264, yuv420p, even sides, header in front.
"""

from __future__ import annotations

import functools
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from motion_widgets.sandbox.measure import Unreadable, ffmpeg, measure_clip, picture_file
from motion_widgets.sandbox.motion import displace, flow, learn, mesh, read, warp
from motion_widgets.sandbox.rendering.kept import KeptResults, content_key
from motion_widgets.sandbox.truth import Plant, planted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from PIL.Image import Image

    Pixels = NDArray[np.uint8]
    Mark = tuple[slice, slice, NDArray[np.uint16], NDArray[np.uint16]]
    """Rows, columns, share of the picture that shows through (of 256), and what is added."""

__all__ = ["CODE", "SHORT_SIDE", "DrawError", "draw"]

CODE = (__file__, *(str(module.__file__) for module in (displace, flow, learn, mesh, read, warp)))
"""The files whose code makes the pictures."""

SHORT_SIDE = {"std": 360, "pro": 540}
"""Short side of a result in px, by mode."""

_MOST_PIXELS = 64_000_000  # of an image; decoding them takes some 256 MB
_AUDIO_DEADLINE = 60.0  # s
_KEPT = KeptResults()


class DrawError(Exception):
    """The image or the clip cannot be decoded, so the task fails and is refunded."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks of a result."""

    orientation: str
    mode: str
    sound: bool
    watermark: bool
    plant: Plant


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
    truth: Mapping[str, Plant] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Draw the result of a task to `target` (``.mp4``), with `truth` planted, until `cancelled` returns True.

    The same files and options give the same bytes, which are drawn once: the user's cache keeps them.

    Raises
    ------
    DrawError
        The image or the clip cannot be decoded.
    OSError
        ffmpeg could not write.
    """
    asked = _Asked(orientation, mode, sound, watermark, planted(truth, mode, orientation))
    try:
        key = content_key(image, clip, asked)
    except OSError as error:
        raise DrawError(f"the image or the clip cannot be read: {type(error).__name__}") from error
    _KEPT.write(
        f"{key}-{_drawn_by()}",
        target,
        lambda: _draw(image, clip, target, asked, cancelled, seed=int(key[:16], 16)),
    )


@functools.cache
def _drawn_by() -> str:
    """Return a digest of the code that draws: what another version drew is not taken."""
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in CODE)).hexdigest()[:16]


def _draw(
    image: Path, clip: Path, target: Path, asked: _Asked, cancelled: Callable[[], bool], *, seed: int
) -> None:
    try:
        facts = measure_clip(clip)
    except (Unreadable, OSError) as error:
        raise DrawError(f"the clip {error}") from error
    picture = _open(image)
    fps = round(min(30.0, max(24.0, facts.fps)), 2)
    # At least 3.0 s, so that a result can be the reference video of a further task.
    count = max(round(facts.length * fps), int(np.ceil(3.0 * fps)))
    footage = read.read_footage(clip, facts, fps, count)
    if footage is None:
        raise DrawError("the clip has no frame that can be decoded")
    ratio = picture.width / picture.height if asked.orientation == "image" else facts.width / facts.height
    size = _size(ratio, SHORT_SIDE[asked.mode])
    net = mesh.Mesh(*size)
    laid = _blurred(_laid_out(picture, size, asked.orientation), asked.plant.blur)
    warped = warp.WarpedPicture(laid, net)
    places = learn.follow(footage, warped.small, net, asked.plant, seed)
    frames = _marked(warped.frames(places), _marks(*size, watermark=asked.watermark), cancelled)
    if not (asked.sound and facts.has_audio):
        _write(frames, target, size, fps)
        return
    silent = target.with_name(f"silent-{target.name}")
    try:
        _write(frames, silent, size, fps)
        _add_sound(silent, clip, target, count / fps)
    finally:
        silent.unlink(missing_ok=True)


def _open(path: Path) -> Image:
    """Return the reference image decoded, upright and without transparency."""
    from PIL import Image, ImageOps

    try:
        with Image.open(picture_file(path)) as opened:
            opened.draft("RGB", (1400, 1400))  # a large JPEG is decoded no larger than is needed
            if opened.width * opened.height > _MOST_PIXELS:
                raise DrawError(f"the image has over {_MOST_PIXELS // 1_000_000} megapixels")
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


def _laid_out(picture: Image, size: tuple[int, int], orientation: str) -> Image:
    """Return the picture in its frame: filling it, or, in the clip's aspect, whole on a blurred copy."""
    from PIL import Image, ImageFilter, ImageOps

    if orientation == "image":
        return ImageOps.fit(picture, size, Image.Resampling.BILINEAR)
    ground = ImageOps.fit(picture, (size[0] // 8, size[1] // 8)).filter(ImageFilter.GaussianBlur(3))
    whole = ground.resize(size, Image.Resampling.BILINEAR)
    front = ImageOps.contain(picture, size, Image.Resampling.BILINEAR)
    whole.paste(front, ((size[0] - front.width) // 2, (size[1] - front.height) // 2))
    return whole


def _blurred(picture: Image, radius: float) -> Image:
    """Return a picture blurred by a radius in px of 640."""
    from PIL import ImageFilter

    return picture.filter(ImageFilter.GaussianBlur(radius * max(picture.size) / 640)) if radius else picture


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
    black, white = (16, 255), (235, 255)  # of brightness, limited range
    pen.text((-box[0], -box[1]), text, font=font, fill=white, stroke_width=stroke, stroke_fill=black)
    left, top = (side // 2 * 2 for side in place(wide, high))
    values = np.asarray(tile).astype(np.uint16)
    shares, ink = values[:, :, 1], values[:, :, 0] * values[:, :, 1]
    rows, columns = slice(top, top + high), slice(left, left + wide)
    return rows, columns, 256 - (shares * 256 + 127) // 255, ink


def _write(frames: Iterable[list[Pixels]], target: Path, size: tuple[int, int], fps: float) -> None:
    """Encode frames, each as its three planes, which ffmpeg takes as they are."""
    command = [
        *(ffmpeg(), "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"),
        *("-s", f"{size[0]}x{size[1]}", "-r", f"{fps}", "-i", "pipe:0", "-an", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-crf", "26", "-threads", "2", "-movflags", "+faststart"),
        *("-f", "mp4", str(target.resolve())),
    ]
    process = subprocess.Popen(  # noqa: S603 - fixed program, own path
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    try:
        for planes in frames:
            for plane in planes:
                process.stdin.write(plane.tobytes())
        process.stdin.close()
    except BaseException:  # it is raised again
        process.kill()
        raise
    finally:
        failed = process.wait()
    if failed or not target.exists() or not target.stat().st_size:
        raise OSError("ffmpeg wrote no result")


def _marked(
    frames: Iterable[list[Pixels]], marks: list[Mark], cancelled: Callable[[], bool]
) -> Iterator[list[Pixels]]:
    """Lay words over each frame's planes, in place: their brightness, and no colour beneath them."""
    for bright, *colours in frames:
        if cancelled():
            raise _Cancelled
        for rows, columns, keep, ink in marks:
            part = bright[rows, columns]
            part[...] = (part * keep + ink) >> 8
            half = keep[::2, ::2]
            for plane in colours:
                part = plane[rows.start // 2 :, columns.start // 2 :][: half.shape[0], : half.shape[1]]
                part[...] = (part * half + 128 * (256 - half)) >> 8
        yield [bright, *colours]


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
