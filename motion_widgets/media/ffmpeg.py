"""Run the bundled ffmpeg on local files: with a forced demuxer, without links, and under a deadline.

No child process outlives its deadline, or this process.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import IO, TYPE_CHECKING, cast

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "H264", "PICTURE", "Deadline", "cpu_limit", "failure", "ffmpeg_exe", "input_options", "kill_after",
    "named", "run", "running",
]  # fmt: skip

_running: set[subprocess.Popen[bytes]] = set()
_exiting = False

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # they are the parent's to end


@dataclass(slots=True)
class Deadline:
    """The moment at which a child process is killed."""

    process: subprocess.Popen[bytes]
    passed: bool = False
    """The process was killed because its time was up."""

    def enforce(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.passed = True
            self.process.kill()


@contextmanager
def kill_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Deadline]:
    """Kill a child process after `seconds`, when the block is left, or when this process exits.

    The process is gone and its pipes are closed when the block has been left.
    """
    deadline = Deadline(process)
    timer = threading.Timer(seconds, deadline.enforce)
    timer.daemon = True
    timer.start()
    _running.add(process)
    if _exiting:  # a daemon thread started it after the others were killed
        process.kill()
    try:
        yield deadline
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        _running.discard(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):  # the process was ended; a broken pipe is no news
                    pipe.close()


@atexit.register
def _kill_all() -> None:
    global _exiting  # noqa: PLW0603 - daemon threads still run, and may start another
    _exiting = True
    for process in list(_running):
        process.kill()
        process.wait()


H264 = [
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
]
"""Options for an mp4 that plays everywhere, starts at once, and has the same bytes each time."""


PICTURE = "0:V:0"
"""The picture to decode or copy: the first one that is neither cover art nor a picture of a chapter."""
MOST_PIXELS = 40_000_000
"""Pixels of a frame that are decoded, more than 8K; a small file can state frames of a GB each."""


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
    return [
        *("-protocol_whitelist", "file", "-max_pixels", str(MOST_PIXELS)),
        *("-f", demuxer, "-i", f"file:{path}"),
    ]


def failure(name: str, printed: str) -> ClipError:
    """Return the error of an ffmpeg that failed to write a file, with the reason that it printed."""
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        reason = os.strerror(code)
        if reason in printed:
            return ClipError.of("mend_unwritable", name=name, reason=reason, detail=printed)
    return ClipError.of(
        "mend_failed", name=name, reason=_reason(name, printed) or say("encoder_ended"), detail=printed
    )


def named(printed: str, path: str | Path, name: str) -> str:
    """Return what ffmpeg printed, with a name in place of a path, in which there may be blanks."""
    plain = str(path).removeprefix("file:")
    return printed.replace(f"file:{plain}", f"“{name}”").replace(plain, f"“{name}”")


def _reason(name: str, printed: str) -> str:
    """Return what ffmpeg printed is wrong, under the user's name of the file; empty if it printed nothing."""
    # The first line says what is wrong, the others what follows from it; paths are of our own folders.
    lines = (re.sub(r"^(\[[^\]]*\]\s*)+", "", line.strip()) for line in printed.splitlines())
    first = next((line for line in lines if line), "")
    return re.sub(r"(file:)?/[^\s:'\"]+", f"“{name}”", first)[:120].rstrip(".: ")


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


def _printed(errors: IO[bytes]) -> str:
    """Return the beginning and the end of what ffmpeg printed; between them, a damaged clip can fill MB."""
    length = errors.seek(0, os.SEEK_END)
    errors.seek(0)
    text = errors.read(4096)
    errors.seek(max(len(text), length - 4096))
    return (text + errors.read()).decode("utf-8", "replace")


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
            with suppress(BrokenPipeError):  # it ended early, as its return code tells
                yield stream
                stream.close()
            process.wait()
        detail = _printed(errors)
    if limit.passed:
        raise ClipError.of("decode_slow", name=name, seconds=f"{deadline:g}")
    if process.returncode:
        for option, path in pairwise(arguments):
            if path.startswith("file:"):  # a file that is read has the user's name
                detail = named(detail, path, path.rpartition("/")[2] if option == "-i" else name)
        reason = _reason(name, detail) or say("decoder_ended")
        raise ClipError.of("not_decodable", name=name, reason=reason, detail=detail)
