"""Clips side by side in one file, each under its label."""

from __future__ import annotations

import io
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.media import ffmpeg
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["label", "montage"]

_CAP = 36
"""Cells; more cannot be told apart."""
_BAR = 36


def montage(
    cells: Sequence[tuple[str, str | Path]],
    columns: int,
    out: Path,
    *,
    height: int = 480,
    fps: float = 30.0,
    deadline: float = 300.0,
) -> Path:
    """Write a comparison clip: all cells on one clock, a shorter clip holds its last frame.

    Parameters
    ----------
    cells
        Label and local clip, row by row.
    columns
        How many stand side by side.
    out
        The mp4 to write; it appears complete or not at all.
    height
        Of a picture, in px; all cells are as wide as the first clip, with bars where another differs.
    fps
        Frames per second.
    deadline
        Seconds after which ffmpeg is killed.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    ClipError
        A cell is no clip, or cannot be decoded.
    ValueError
        There is no cell, or more than 36.
    """
    if not 1 <= len(cells) <= _CAP:
        raise ValueError(f"a montage holds 1 to {_CAP} clips, not {len(cells)}")
    columns = max(1, min(columns, len(cells)))
    paths = [ffmpeg.checked(path) for _, path in cells]
    clips = [measure_clip(path, confirm=False) for path in paths]
    height = max(32, height // 2 * 2)
    width = max(32, round(height * clips[0].aspect / 2) * 2)
    length = max(clip.video_length or clip.length for clip in clips)
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
        inputs: list[str] = []
        for path in paths:
            inputs += ffmpeg.clip_input(path)
        for index, (text, _) in enumerate(cells):
            bar = Path(folder, f"{index}.png")
            bar.write_bytes(label(text, width))
            inputs += ["-protocol_whitelist", "file", "-f", "image2", "-i", f"file:{bar}"]
        chain = _chain(len(cells), columns, width=width, height=height, fps=fps, length=length)
        # Beside its place, so that the renaming stays on one disk.
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        options = ["-filter_complex", chain, "-map", "[all]", "-an", *ENCODE, "-t", f"{length:.3f}"]
        try:
            ffmpeg.run([*inputs, *options, "-f", "mp4", f"file:{part}"], name=out.name, deadline=deadline)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    return out


ENCODE = [
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
]
"""How this room writes H.264: plays everywhere, starts at once, the same bytes each time."""


def _chain(count: int, columns: int, *, width: int, height: int, fps: float, length: float) -> str:
    """Return ffmpeg's filters: each clip fitted and labelled, then laid out in rows."""
    parts = []
    for index in range(count):
        parts.append(
            f"[{index}:v]fps={fps:g},scale={width}:{height}:force_original_aspect_ratio=decrease,"
            f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x15171c,setsar=1,format=yuv420p,"
            f"tpad=stop_mode=clone:stop_duration={length:.3f}[p{index}]"
        )
        parts.append(f"[{count + index}:v]loop=-1:1,fps={fps:g},setsar=1,format=yuv420p[l{index}]")
        parts.append(f"[l{index}][p{index}]vstack=shortest=1[c{index}]")
    cell = height + _BAR
    places = "|".join(f"{i % columns * width}_{i // columns * cell}" for i in range(count))
    if count == 1:
        parts.append("[c0]null[laid]")
    else:
        joined = "".join(f"[c{index}]" for index in range(count))
        parts.append(f"{joined}xstack=inputs={count}:layout={places}:fill=0x15171c[laid]")
    parts.append(f"[laid]trim=duration={length:.3f}[all]")
    return ";".join(parts)


def label(text: str, width: int, height: int = _BAR) -> bytes:
    """Draw a label as a PNG bar; text that does not fit is cut with an ellipsis.

    Pillow draws it, for ffmpeg's own text filter reads escapes and files out of the text.
    """
    from PIL import Image, ImageDraw, ImageFont

    bar = Image.new("RGB", (width, height), "#15171c")
    draw = ImageDraw.Draw(bar)
    font = ImageFont.load_default(size=math.floor(height * 0.5))
    shown = " ".join(text.split()) or " "
    room = width - 16
    if draw.textlength(shown, font=font) > room:
        while shown and draw.textlength(shown + "…", font=font) > room:
            shown = shown[:-1]
        shown += "…"
    draw.text((width / 2, height / 2), shown, font=font, fill="#f2f2f2", anchor="mm")
    out = io.BytesIO()
    bar.save(out, "PNG")
    return out.getvalue()
