"""Ask moviepy for a clip's length, without letting it near the clip itself.

moviepy runs ffmpeg and reads the figures out of what it prints. Here ffmpeg gets a temporary file of the
sanitised header, a forced demuxer and a deadline; moviepy's parser then reads the text as it always does.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.media.ffmpeg import cpu_limit, input_options
from motion_widgets.media.probe.moviepy_import import load_moviepy, wait_for_moviepy
from motion_widgets.media.probe.sanitise import sanitised
from motion_widgets.media.subprocesses import kill_after

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["moviepy_length"]

_NO_MEDIA = ("-probesize", "32", "-analyzeduration", "0")
"""There are no samples to look at; without this, ffmpeg tries the first ones and complains about each."""


def moviepy_length(
    ftyp: bytes,
    moov: bytes,
    *,
    sidx: Iterable[bytes] = (),
    moofs: Iterable[bytes] = (),
    deadline: float = 5.0,
) -> float | None:
    """Return the length in s that moviepy reads from a header, in 10 ms steps.

    Parameters
    ----------
    ftyp, moov, sidx, moofs
        Payloads of the boxes; the latter two of a fragmented file.
    deadline
        Seconds after which ffmpeg is killed. Importing moviepy, once per process, has a deadline of its own.

    Returns
    -------
    float | None
        None: moviepy could not read it, or not in time.
    """
    if not wait_for_moviepy():
        return None
    try:
        reader = load_moviepy()
        moofs = list(moofs)
        with tempfile.TemporaryDirectory(prefix="motion-widgets-") as folder:
            path = Path(folder, "header.mp4")
            path.write_bytes(sanitised(ftyp, moov, sidx, moofs))
            options = [*cpu_limit(deadline), *(() if moofs else _NO_MEDIA), *input_options(path)]
            process = subprocess.Popen(  # noqa: S603 - moviepy's own ffmpeg, on a file of ours
                [reader.FFMPEG_BINARY, "-hide_banner", "-nostdin", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            with kill_after(process, deadline) as limit:
                printed = process.communicate()[1].decode("utf-8", "ignore")
            if limit.passed:
                return None
            return float(reader.FFmpegInfosParser(printed, str(path)).parse()["duration"])
    except Exception:  # noqa: BLE001 - moviepy fails in many ways (OSError, KeyError, …): then there is no figure
        return None
