"""Clips side by side in one file, each under its label."""

from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.files import whole_file
from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import even_width
from motion_widgets.media.probe.measure import measure_clip

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["label", "montage"]

MOST_CELLS = 36
"""More clips on one screen cannot be told apart."""
LABEL_HEIGHT = 36
"""px"""
BACKGROUND = "15171c"


def montage(
    cells: Sequence[tuple[str, str | Path]],
    columns: int,
    out: Path,
    *,
    height: int = 480,
    fps: float = 30.0,
    deadline: float = 300.0,
) -> Path:
    """Write a comparison clip: all cells start together, and shorter ones hold their last frame.

    Parameters
    ----------
    cells
        Label and local clip, row by row; `columns` of them side by side.
    out
        The mp4 to write; it appears complete or not at all. It is returned, absolute.
    height, fps
        Of a picture, in px and frames per s. All cells are as wide as the first; others get bars.
    deadline
        Seconds after which ffmpeg is killed.

    Raises
    ------
    ClipError
        A cell is not a clip, or cannot be decoded.
    ValueError
        There are no cells, or more than 36.
    """
    if not 1 <= len(cells) <= MOST_CELLS:
        raise ValueError(f"a montage holds 1 to {MOST_CELLS} clips, not {len(cells)}")
    clips = [measure_clip(path, confirm=False) for _, path in cells]
    height = max(32, height // 2 * 2)
    width = max(32, even_width(clips[0], height))
    length = max(clip.video_length or clip.length for clip in clips)
    filters = _filters(len(cells), columns, width=width, height=height, fps=fps, length=length)
    options = ["-filter_complex", filters, "-map", "[all]", "-an", *ffmpeg.H264, "-t", f"{length:.3f}"]
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder, whole_file(out) as partial:
        inputs = [option for clip in clips for option in ffmpeg.input_options(Path(clip.source))]
        inputs += _label_inputs([text for text, _ in cells], width, Path(folder))
        ffmpeg.run([*inputs, *options, "-f", "mp4", f"file:{partial}"], name=out.name, deadline=deadline)
    return out


def _label_inputs(texts: Sequence[str], width: int, folder: Path) -> list[str]:
    """Write the labels into a folder and return the options that open them."""
    inputs = []
    for index, text in enumerate(texts):
        bar = folder / f"{index}.png"
        bar.write_bytes(label(text, width))
        inputs += ffmpeg.input_options(bar, "image2")
    return inputs


def _filters(count: int, columns: int, *, width: int, height: int, fps: float, length: float) -> str:
    """Return ffmpeg's filter graph: scale and label each clip, then lay the cells out in rows."""
    scale = f"scale={width}:{height}:force_original_aspect_ratio=decrease"
    pad = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x{BACKGROUND}"
    hold = f"tpad=stop_mode=clone:stop_duration={length:.3f}"
    columns = max(1, min(columns, count))
    parts = []
    for index in range(count):
        parts += [
            f"[{index}:v]fps={fps:g},{scale},{pad},setsar=1,format=yuv420p,{hold}[p{index}]",
            f"[{count + index}:v]loop=-1:1,fps={fps:g},setsar=1,format=yuv420p[l{index}]",
            f"[l{index}][p{index}]vstack=shortest=1[c{index}]",
        ]
    cell = height + LABEL_HEIGHT
    places = "|".join(f"{i % columns * width}_{i // columns * cell}" for i in range(count))
    if count == 1:
        parts.append("[c0]null[laid]")
    else:
        joined = "".join(f"[c{index}]" for index in range(count))
        parts.append(f"{joined}xstack=inputs={count}:layout={places}:fill=0x{BACKGROUND}[laid]")
    parts.append(f"[laid]trim=duration={length:.3f}[all]")
    return ";".join(parts)


def label(text: str, width: int, height: int = LABEL_HEIGHT) -> bytes:
    """Return a label as a PNG bar; text that does not fit is cut with an ellipsis.

    Pillow draws it, because ffmpeg's own text filter reads escapes and file names from the text.
    """
    from PIL import Image, ImageDraw, ImageFont

    bar = Image.new("RGB", (width, height), f"#{BACKGROUND}")
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
