"""Run the bundled ffmpeg on a local clip: forced demuxer, no links, killed at a deadline."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO, TYPE_CHECKING, cast

from motion_widgets.media.probe.measure import local_file
from motion_widgets.media.probe.sniff import fault
from motion_widgets.media.subprocesses import Child, cpu_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["checked", "clip_input", "ffmpeg_exe", "run", "running"]


@cache
def ffmpeg_exe() -> str:
    """Return the path of the ffmpeg that imageio-ffmpeg brings."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def checked(path: str | Path) -> Path:
    """Return the absolute path of a local file that begins like an mp4 or mov.

    Raises
    ------
    ClipError
        It is not there, or something else: ffmpeg would follow what a playlist names.
    """
    found, _ = local_file(path)
    with found.open("rb") as file:
        head = file.read(12)
    if head[4:8] not in {b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"}:
        raise fault("wrong_format", name=found.name, found="an unknown format")
    return found


def clip_input(path: Path) -> list[str]:
    """Return the options that open a checked clip and nothing else."""
    return ["-protocol_whitelist", "file", "-f", "mov", "-i", f"file:{path}"]


def run(arguments: Sequence[str], *, name: str, deadline: float) -> bytes:
    """Run ffmpeg to its end and give what it wrote to stdout; `name` is what an error speaks of.

    Raises
    ------
    ClipError
        ``not_decodable`` when it fails, ``decode_slow`` when `deadline` (s) passes; it is killed then.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Child(_command(arguments, deadline), deadline=deadline, **pipes) as process:
        try:
            out, errors = process.communicate()
        finally:
            process.kill()
    if process.late:
        raise fault("decode_slow", name=name, seconds=f"{deadline:g}")
    if process.returncode:
        raise fault("not_decodable", name=name, detail=errors.decode("utf-8", "replace")[-2000:])
    return bytes(out)


def _command(arguments: Sequence[str], deadline: float) -> list[str]:
    return [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *cpu_limit(deadline), *arguments]


@contextmanager
def running(
    arguments: Sequence[str], *, name: str, deadline: float, write: bool = False
) -> Iterator[IO[bytes]]:
    """Run ffmpeg while the caller reads its stdout, or writes to its stdin.

    However the block ends, the process is gone afterwards.

    Raises
    ------
    ClipError
        As `run`; not when the caller's block was left by an error or before the end.
    """
    # stderr goes to a file: nobody reads a pipe meanwhile, and a full one would stop ffmpeg.
    with tempfile.TemporaryFile() as errors:
        process = Child(
            _command(arguments, deadline),
            deadline=deadline,
            stdin=subprocess.PIPE if write else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if write else subprocess.PIPE,
            stderr=errors,
        )
        stream = cast("IO[bytes]", process.stdin if write else process.stdout)
        try:
            with suppress(BrokenPipeError):
                yield stream
                stream.close()
            process.wait()
        finally:
            process.kill()
            process.wait()
            with suppress(BrokenPipeError):
                stream.close()
        errors.seek(0)
        detail = errors.read(4096).decode("utf-8", "replace")
    if process.late:
        raise fault("decode_slow", name=name, seconds=f"{deadline:g}")
    if process.returncode:
        raise fault("not_decodable", name=name, detail=detail)
