"""Small pictures of clips and images for people to look at."""

from __future__ import annotations

import io
from pathlib import Path

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import NO_OTHER_STREAMS, even_width
from motion_widgets.media.probe.image import broken_image, open_image
from motion_widgets.media.probe.local_file import local_file
from motion_widgets.media.probe.measure import measure_clip

__all__ = ["filmstrip", "thumbnail"]


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
        The file is not a clip, or cannot be decoded, or not in time.
    """
    clip = measure_clip(path, confirm=False)
    frames, height = max(1, min(60, frames)), max(8, min(2160, height)) // 2 * 2
    # Each frame stands in the middle of its step: the very first and last ones are often black.
    rate = frames / max(0.04, clip.video_length or clip.length)
    scale = f"scale={even_width(clip, height)}:{height}"
    filters = f"fps={rate:.6f}:round=near:start_time=0,{scale},tile={frames}x1:padding=2"
    output = [*NO_OTHER_STREAMS, "-vf", filters, "-frames:v", "1", "-q:v", "4", "-f", "mjpeg", "-"]
    arguments = [*ffmpeg.input_options(Path(clip.source)), *output]
    strip = ffmpeg.run(arguments, name=clip.name, deadline=deadline)
    if not strip:
        raise ClipError.of("not_decodable", name=clip.name)
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
        The file is not an image.
    """
    from PIL import ImageOps

    if isinstance(source, bytes):
        data, name = source, "bytes"
        if not data:
            raise ClipError.of("empty_file", name=name)
    else:
        path, _ = local_file(source)
        data, name = path.read_bytes(), path.name
    with open_image(io.BytesIO(data), name) as image:
        try:
            # A JPEG decodes to an eighth of its sides in an eighth of the time. The height alone cannot bound
            # it yet: EXIF may still swap the sides.
            image.draft("RGB", (height * 2, height * 2))
            small = image
            small.thumbnail((height * 8, height * 8))
            small = ImageOps.exif_transpose(small)
            small.thumbnail((height * 8, height))
            transparent = small.mode in {"RGBA", "LA", "PA"} or "transparency" in small.info
            small = small.convert("RGBA" if transparent else "RGB")
        except Exception as error:
            raise broken_image(name, error) from error
    out = io.BytesIO()
    if transparent:
        small.save(out, "PNG")
    else:
        small.save(out, "JPEG", quality=85)
    return out.getvalue()
