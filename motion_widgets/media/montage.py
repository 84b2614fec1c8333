"""Clips side by side in one file, each under its label."""

from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.core.files import whole_file
from motion_widgets.core.messages import say
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import BT709, to_bt709
from motion_widgets.media.decode import even_width, frames, opened
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.progress_bar import reporting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.core.facts import Clip
    from motion_widgets.media.progress_bar import Report

__all__ = ["label", "montage"]

MOST_CELLS = 36
"""More clips on one screen cannot be told apart."""
LABEL_HEIGHT = 36
"""px"""
BACKGROUND = "15171c"
GIF_BYTES = 10_000_000
"""Bytes of a GIF where nobody says: what chats and trackers take."""
GIF_WIDTH, GIF_LEAST = 960, 64
"""px of a GIF: at most, and so few that nothing smaller is tried."""
GIF_FPS = 5.0
"""Pictures a second of a GIF, at least."""


def montage(
    cells: Sequence[tuple[str, str | Path]],
    columns: int,
    out: Path,
    *,
    height: int = 480,
    fps: float = 30.0,
    most: int | None = None,
    progress: Report | bool | None = False,
    deadline: float = 300.0,
) -> Path:
    """Write a comparison clip: all cells start together, and shorter ones hold their last frame.

    A GIF plays where no video does, but is larger and has 256 colours.

    Parameters
    ----------
    cells
        Label and local clip, row by row; `columns` of them side by side.
    out
        The mp4 to write, or by its ending the GIF, complete or not at all; returned, absolute.
    height, fps
        Of a picture, in px and frames per s. All cells are as wide as the first; others get bars.
    most
        Bytes that a GIF may have; it is made smaller and slower until it has no more. None: 10 MB.
    progress
        Called with (done, all) in tenths of a second of the clip. True: a bar. None: a bar in a notebook or
        terminal.
    deadline
        Seconds after which ffmpeg is killed.

    Raises
    ------
    ClipError
        A cell is not a clip, or cannot be decoded; no GIF is that small.
    ValueError
        There are no cells, or more than 36.
    """
    out = Path(out).absolute()
    if out.suffix.lower() == ".gif":
        with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
            whole = montage(
                cells, columns, Path(folder) / f"{out.stem}.mp4", height=height, fps=fps, progress=progress,
                deadline=deadline,
            )  # fmt: skip
            return _gif(whole, out, most or GIF_BYTES, deadline)
    if not 1 <= len(cells) <= MOST_CELLS:
        raise ValueError(f"a montage holds 1 to {MOST_CELLS} clips, not {len(cells)}")
    clips = [measure_clip(path, confirm=False) for _, path in cells]
    height = max(32, height // 2 * 2)
    width = max(32, even_width(clips[0], height))
    length = max(clip.video_length or clip.length for clip in clips)
    filters = _filters(clips, columns, width=width, height=height, fps=fps, length=length)
    options = ["-filter_complex", filters, "-map", "[all]", "-an", *ffmpeg.H264, "-t", f"{length:.3f}"]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder, whole_file(out) as partial:
        inputs = [option for clip in clips for option in opened(clip)[0]]
        inputs += _label_inputs([text for text, _ in cells], width, Path(folder))
        try:
            _write([*inputs, *options, "-f", "mp4", f"file:{partial}"], out.name, length, progress, deadline)
        except ClipError as error:
            if error.code == "not_decodable":
                for clip in clips:  # the one that it is raises the same, under its own name
                    _decode(clip)
            raise
    return out


def _write(
    arguments: list[str], name: str, length: float, progress: Report | bool | None, deadline: float
) -> None:
    """Run ffmpeg and report how far it is, in tenths of a second of what it writes."""
    count = max(1, round(10 * length))

    def told(done: int, count: int) -> str:
        return say("montage_progress", name=name, share=100 * done // count)

    reports = ["-progress", "pipe:1", "-stats_period", "0.2", *arguments]
    with (
        reporting(progress, count, told) as report,
        ffmpeg.running(reports, name=name, deadline=deadline) as stdout,
    ):
        for line in stdout:
            key, _, value = line.partition(b"=")
            if key == b"out_time_us" and value.strip().isdigit():
                report(min(count, int(value) // 100_000), count)
        report(count, count)


def _gif(clip: Path, out: Path, most: int, deadline: float) -> Path:
    """Write a clip as a GIF of at most so many bytes: of 12 frames a second, then smaller, then fewer."""
    width = int(measure_clip(clip, confirm=False).width)
    wide, fps = min(width, GIF_WIDTH), 12.0
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as partial:
        while True:
            # One palette for all frames, and a dither that stays where it is: another would not compress.
            filters = (
                f"fps={fps:g},scale={wide}:-2:flags=lanczos,split[a][b];[a]palettegen=max_colors=128[p];"
                "[b][p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
            )
            ffmpeg.run(
                [*ffmpeg.input_options(clip), "-filter_complex", filters, "-f", "gif", f"file:{partial}"],
                name=out.name, deadline=deadline,
            )  # fmt: skip
            size = partial.stat().st_size
            if size <= most:
                return out
            if wide <= GIF_LEAST and fps <= GIF_FPS:
                raise ClipError.of("montage_gif", name=out.name, most=most, least=size)
            share = max(0.3, 0.9 * (most / size) ** 0.5)
            wide, fps = max(GIF_LEAST, int(wide * share) // 2 * 2), max(GIF_FPS, fps * 0.8)


def _decode(clip: Clip) -> None:
    for _ in frames(clip.source, 16, 1.0):
        pass


def _label_inputs(texts: Sequence[str], width: int, folder: Path) -> list[str]:
    """Write the labels into a folder and return the options that open them."""
    inputs = []
    for index, text in enumerate(texts):
        bar = folder / f"{index}.png"
        bar.write_bytes(label(text, width))
        inputs += ffmpeg.input_options(bar, "image2")
    return inputs


def _filters(
    clips: Sequence[Clip], columns: int, *, width: int, height: int, fps: float, length: float
) -> str:
    """Return ffmpeg's filter graph: scale and label each clip, then lay the cells out in rows."""
    scale = f"scale={width}:{height}:force_original_aspect_ratio=decrease"
    pad = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x{BACKGROUND}"
    hold = f"tpad=stop_mode=clone:stop_duration={length:.3f}"
    count = len(clips)
    columns = max(1, min(columns, count))
    parts = []
    for index, clip in enumerate(clips):
        _, named = opened(clip)
        shown = ",".join([*named, "scale=iw*sar:ih", scale, *to_bt709(clip.transfer), pad])
        parts += [
            f"[{index}:V]fps={fps:g},{shown},setsar=1,{BT709},{hold}[p{index}]",
            f"[{count + index}:v]loop=-1:1,fps={fps:g},setsar=1,{BT709}[l{index}]",
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
