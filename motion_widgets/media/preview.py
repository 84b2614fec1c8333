"""Small pictures of clips and images, for people to look at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from motion_widgets.media import ffmpeg
from motion_widgets.media.probe.image import open_picture
from motion_widgets.media.probe.measure import local_file, measure_clip
from motion_widgets.media.probe.sniff import fault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["filmstrip", "thumbnail"]


def filmstrip(path: str | Path, frames: int = 6, height: int = 72, deadline: float = 10.0) -> bytes:
    """Show a clip as evenly spaced frames side by side.

    Parameters
    ----------
    path
        A local mp4 or mov.
    frames
        How many, 1 to 60.
    height
        Of the strip, in px.
    deadline
        Seconds after which ffmpeg is killed.

    Returns
    -------
    bytes
        A JPEG.

    Raises
    ------
    ClipError
        It is no clip, or cannot be decoded, or not in time.
    """
    found = ffmpeg.checked(path)
    clip = measure_clip(found, confirm=False)
    frames, height = max(1, min(60, frames)), max(8, min(2160, height)) // 2 * 2
    # Half a step in, so that no frame is the very first or last, which are often black.
    rate = frames / max(0.04, clip.video_length or clip.length)
    width = max(2, round(height * clip.aspect / 2) * 2)
    chain = f"fps={rate:.6f}:round=near:start_time=0,scale={width}:{height},tile={frames}x1:padding=2"
    options = ["-an", "-sn", "-dn", "-vf", chain, "-frames:v", "1", "-q:v", "4", "-f", "mjpeg", "-"]
    strip = ffmpeg.run([*ffmpeg.clip_input(found), *options], name=found.name, deadline=deadline)
    if not strip:
        raise fault("not_decodable", name=found.name)
    return strip


def thumbnail(source: str | Path | bytes, height: int = 120) -> bytes:
    """Show an image small.

    Parameters
    ----------
    source
        A local path, or the file's bytes.
    height
        In px; a smaller image is not enlarged.

    Returns
    -------
    bytes
        A JPEG, or a PNG where the image has transparency.

    Raises
    ------
    ClipError
        It is no image.
    """
    from PIL import ImageOps

    if isinstance(source, bytes):
        data, name = source, "bytes"
        if not data:
            raise fault("empty_file", name=name)
    else:
        path, _ = local_file(source)
        data, name = path.read_bytes(), path.name
    with open_picture(io.BytesIO(data), name) as picture:
        try:
            # A JPEG decodes at an eighth of its sides for an eighth of the work; turned ones need the width.
            picture.draft("RGB", (height * 2, height * 2))
            small = picture
            small.thumbnail((height * 8, height * 8))
            small = ImageOps.exif_transpose(small)
            small.thumbnail((height * 8, height))
            clear = small.mode in {"RGBA", "LA", "PA"} or "transparency" in small.info
            small = small.convert("RGBA" if clear else "RGB")
        except Exception as error:
            raise fault("not_image", name=name, found="a broken picture", detail=str(error)) from error
    out = io.BytesIO()
    small.save(out, "PNG" if clear else "JPEG", **({} if clear else {"quality": 85}))
    return out.getvalue()
