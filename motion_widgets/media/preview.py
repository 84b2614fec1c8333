"""Small pictures of clips and images for people to look at, also before and after a mend."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

from motion_widgets.core.arguments import count_of
from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip
from motion_widgets.core.messages import say
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import to_bt709
from motion_widgets.media.decode import ONLY_PICTURE, even_width, opened
from motion_widgets.media.probe.image import bound_pixels, broken_image, eight_bit, open_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.source import local_file, unreadable
from motion_widgets.media.repair.operation import Mend

__all__ = ["before_after", "filmstrip", "strip_times", "thumbnail"]


def filmstrip(path: str | Path, frames: int = 6, height: int = 72, deadline: float = 10.0) -> bytes:
    """Return evenly spaced frames of a clip side by side.

    Parameters
    ----------
    path
        A local mp4 or mov.
    frames
        How many, 1 to 60.
    height
        Height of the strip in px.
    deadline
        Seconds after which ffmpeg is killed.

    Returns
    -------
    bytes
        A JPEG.

    Raises
    ------
    ClipError
        As for `decode.frames`.
    """
    clip = measure_clip(path, confirm=False)
    frames, height = max(1, min(60, frames)), max(8, min(2160, height)) // 2 * 2
    # Each frame stands in the middle of its step: the very first and last ones are often black.
    rate = frames / max(0.04, clip.video_length or clip.length)
    scale = f"scale={even_width(clip, height)}:{height}"
    source, shown = opened(clip)
    steps = [*shown, f"fps={rate:.6f}:round=near:start_time=0", scale, *to_bt709(clip.transfer)]
    filters = ",".join([*steps, f"tile={frames}x1:padding=2", "scale=out_color_matrix=bt601:out_range=pc"])
    output = [*ONLY_PICTURE, "-vf", filters, "-frames:v", "1", "-q:v", "4", "-f", "mjpeg", "-"]
    strip = ffmpeg.run([*source, *output], name=clip.name, deadline=deadline)
    if not strip:
        raise ClipError.of("not_decodable", name=clip.name, reason=say("no_frame"))
    return strip


def thumbnail(source: str | Path | bytes, height: int = 120) -> bytes:
    """Return a small copy of an image.

    Parameters
    ----------
    source
        A local path, or the file's bytes.
    height
        Height in px; a smaller image is not enlarged.

    Returns
    -------
    bytes
        A JPEG, or a PNG if the image has transparency.

    Raises
    ------
    ClipError
        The file is not an image, or decoding it takes too much memory.
    """
    from PIL import ImageOps

    if isinstance(source, bytes):
        file: IO[bytes] = io.BytesIO(source)
        name = "bytes"
        if not source:
            raise ClipError.of("empty_file", name=name)
    else:
        path, _ = local_file(source)
        name = path.name
        try:
            file = path.open("rb")
        except OSError as error:
            raise unreadable(name, error) from error
    with file, open_image(file, name) as image:
        # The height alone cannot bound a JPEG yet: EXIF may still swap the sides.
        bound_pixels(image, name, side=height * 2)
        try:
            small = eight_bit(image)
            small.thumbnail((height * 8, height * 8))
            small = ImageOps.exif_transpose(small)
            small.thumbnail((height * 8, height))
            transparent = small.mode in {"RGBA", "LA", "PA"} or "transparency" in small.info
            small = small.convert("RGBA" if transparent else "RGB")
        except Exception as error:  # Pillow fails in many ways on broken files; it is said
            raise broken_image(name, error) from error
    out = io.BytesIO()
    if transparent:
        small.save(out, "PNG")
    else:
        small.save(out, "JPEG", quality=85)
    return out.getvalue()


def strip_times(clip: Clip, frames: int = 6) -> tuple[float, ...]:
    """Return the times in s of the pictures of ``filmstrip(path, frames)``.

    >>> mw.strip_times(mw.measure_clip(samples.clip_6s), frames=3)
    (1.0, 3.0, 5.0)
    """
    if not isinstance(clip, Clip):
        raise ClipError.of("not_a_clip", found=type(clip).__name__)
    frames = min(60, count_of(frames))
    step = (clip.video_length or clip.length) / frames
    return tuple(step * (number + 0.5) for number in range(frames))


def before_after(mend: Mend, frames: int = 6, height: int = 72) -> tuple[bytes | None, bytes | None]:
    """Return pictures of a mend's source and result: two filmstrips, or two small images.

    Parameters
    ----------
    mend
        The mend.
    frames
        Number of pictures in each filmstrip.
    height
        Height in px.

    Returns
    -------
    tuple of bytes or None
        JPEG or PNG. None for a file that has gone, or whose format (WebM, HEIC) is not drawn here.

    Examples
    --------
    >>> done = mw.mend(samples.image, mw.Operation("scale_image", {"least": 900}))
    >>> before, after = mw.before_after(done)
    >>> before is not None, after is not None
    (True, True)
    """
    if not isinstance(mend, Mend):
        raise ClipError.of("not_a_mend", found=type(mend).__name__)
    frames, height = count_of(frames), count_of(height)

    def shown(path: str) -> bytes | None:
        try:
            if mend.kind == "clip":
                return filmstrip(Path(path), frames, height)
            return thumbnail(Path(path), height)
        except (ClipError, OSError):
            return None

    return shown(mend.source_path), shown(mend.result_path)
