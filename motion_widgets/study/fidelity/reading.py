"""Read a file once, in one pass of ffmpeg: small grey frames, a dozen larger ones, and its sound."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.hashing import sha256_of
from motion_widgets.media import ffmpeg
from motion_widgets.media.colours import to_bt709
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.study.fidelity.direction import SIDE
from motion_widgets.study.fidelity.sound import SAMPLES

if TYPE_CHECKING:
    from motion_widgets.core.facts import Clip
    from motion_widgets.study.fidelity.curves import Grey
    from motion_widgets.study.fidelity.sound import Wave

__all__ = ["Frames", "read"]

SMALL, LARGE = 96, 512
"""px of the longer side of all frames, and of some."""
_SOME = 12
_FPS_MOST = 60.0
_LONGEST = 60
"""s that are read of a file."""
_DEADLINE = 120.0


@dataclass(frozen=True)
class Frames:
    """What is read of a file."""

    sha: str
    """SHA-256 of its content."""
    length: float
    """s."""
    fps: float
    """Frames per s of `grey`, at a constant rate; the file's own up to 60."""
    grey: Grey
    """All frames, 96 px on the longer side."""
    large: Grey
    """About 12 frames, 512 px on the longer side."""
    flow: Grey | None
    """All frames, 160 px on the longer side. None: not asked for."""
    wave: Wave | None
    """8,000 samples per s, mono, -1 to 1. None: it has no sound."""


def read(path: str | Path, *, flow: bool = False) -> Frames:
    """Read a local clip once.

    Raises
    ------
    ClipError
        It is no clip, or cannot be decoded, or not in time.
    """
    import numpy as np

    clip = measure_clip(path, confirm=False)
    fps = min(clip.fps or 30.0, _FPS_MOST)
    every = max(1, round(min(clip.length, _LONGEST) * fps / _SOME))
    with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
        outputs = {name: Path(folder) / name for name in ("large", "flow", "wave")}
        arguments = _arguments(clip, fps, every, outputs, flow=flow)
        small = ffmpeg.run(arguments, name=clip.name, deadline=_DEADLINE)
        made = {name: one.read_bytes() if one.exists() else b"" for name, one in outputs.items()}
    sound = np.frombuffer(made["wave"], np.int16).astype(np.float32)
    sound /= 32768
    return Frames(
        sha256_of(Path(clip.source)), clip.length, fps, _frames(clip, small, SMALL),
        _frames(clip, made["large"], LARGE), _frames(clip, made["flow"], SIDE) if flow else None,
        sound if clip.has_audio else None,
    )  # fmt: skip


def _sides(clip: Clip, longer: int) -> tuple[int, int]:
    """Return width and height in px; a header can state sides of 65,535 x 1 px."""
    scale = longer / max(clip.width, clip.height)
    return max(8, round(clip.width * scale)), max(8, round(clip.height * scale))


def _arguments(clip: Clip, fps: float, every: int, outputs: dict[str, Path], *, flow: bool) -> list[str]:
    """Return ffmpeg's arguments; the small frames go to stdout."""
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray"]
    wanted = [("small", SMALL, ""), ("large", LARGE, f"select='not(mod(n\\,{every}))',")]
    wanted += [("flow", SIDE, "")] if flow else []
    light = "".join(f",{one}" for one in to_bt709(clip.transfer))
    names = "".join(f"[{name}0]" for name, *_ in wanted)
    graph = [f"[{ffmpeg.PICTURE}]fps={fps:.6f}:start_time=0,split={len(wanted)}{names}"]
    for name, longer, chosen in wanted:
        width, height = _sides(clip, longer)
        graph.append(f"[{name}0]{chosen}scale={width}:{height}:flags=area{light},format=gray[{name}]")
    # One core for a file: several files are read beside each other.
    arguments = ["-threads", "1", "-t", str(_LONGEST), *ffmpeg.input_options(Path(clip.source))]
    arguments += ["-filter_complex", ";".join(graph)]
    for name, *_ in wanted:
        arguments += ["-map", f"[{name}]", *raw, "pipe:1" if name == "small" else f"file:{outputs[name]}"]
    if clip.has_audio:
        sound = ["-map", "0:a:0", "-ac", "1", "-ar", str(SAMPLES), "-f", "s16le", "-c:a", "pcm_s16le"]
        arguments += [*sound, f"file:{outputs['wave']}"]
    return arguments


def _frames(clip: Clip, raw: bytes, longer: int) -> Grey:
    import numpy as np

    width, height = _sides(clip, longer)
    count = len(raw) // (width * height)
    return np.frombuffer(raw, np.uint8, count * width * height).reshape(count, height, width)
