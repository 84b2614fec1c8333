"""Run the bundled ffmpeg on local files: with a forced demuxer, without links, and under a deadline."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO, TYPE_CHECKING, cast

from motion_widgets.core.errors import ClipError
from motion_widgets.media.subprocesses import kill_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["H264", "cpu_limit", "ffmpeg_exe", "input_options", "run", "running"]

H264 = [
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
]
"""Options for an mp4 that plays everywhere, starts at once, and has the same bytes each time."""


@cache
def ffmpeg_exe() -> str:
    """Return the path of the ffmpeg that comes with imageio-ffmpeg."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def cpu_limit(deadline: float) -> list[str]:
    """Return the option that makes ffmpeg stop by itself, in case this process is killed before it can do so.

    It counts CPU seconds over all cores, so ffmpeg never reaches it before `deadline` (s).
    """
    return ["-timelimit", str(int(deadline * (os.cpu_count() or 1)) + 2)]


def input_options(path: Path, demuxer: str = "mov") -> list[str]:
    """Return the options that open one local file, and nothing that the file refers to."""
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{path}"]


def run(arguments: Sequence[str], *, name: str, deadline: float) -> bytes:
    """Run ffmpeg to its end and return what it wrote to stdout.

    Parameters
    ----------
    arguments
        Inputs, options and outputs.
    name
        What an error calls the file.
    deadline
        Seconds after which ffmpeg is killed.

    Raises
    ------
    ClipError
        ``not_decodable`` if ffmpeg fails, ``decode_slow`` if the deadline passes.
    """
    with running(arguments, name=name, deadline=deadline) as stdout:
        return stdout.read()


@contextmanager
def running(
    arguments: Sequence[str], *, name: str, deadline: float, write: bool = False
) -> Iterator[IO[bytes]]:
    """Run ffmpeg while the caller reads its stdout or, with `write`, writes to its stdin.

    ffmpeg has ended when the block has been left, however it was left.

    Raises
    ------
    ClipError
        As for `run`; an exception of the caller's block takes precedence.
    """
    command = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *cpu_limit(deadline), *arguments]
    # stderr goes to a file: nothing reads a pipe meanwhile, and a full pipe would block ffmpeg.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own ffmpeg and options
            command,
            stdin=subprocess.PIPE if write else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if write else subprocess.PIPE,
            stderr=errors,
        )
        stream = cast("IO[bytes]", process.stdin if write else process.stdout)
        with kill_after(process, deadline) as limit:
            with suppress(BrokenPipeError):
                yield stream
                stream.close()
            process.wait()
        errors.seek(0)
        detail = errors.read(4096).decode("utf-8", "replace")
    if limit.passed:
        raise ClipError.of("decode_slow", name=name, seconds=f"{deadline:g}")
    if process.returncode:
        raise ClipError.of("not_decodable", name=name, detail=detail)
