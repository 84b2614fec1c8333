"""Let moviepy confirm a length, without letting it near the clip itself.

It sees a temporary file of the sanitised header, and its ffmpeg ends at a deadline.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import threading
import types
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from motion_widgets.media.probe.sanitise import sanitised
from motion_widgets.media.subprocesses import Child, cpu_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["load_moviepy", "moviepy_length", "warm"]

IMPORT_DEADLINE = 60.0
"""Seconds that importing moviepy may take; it needs 0.6 on a free machine."""

_NO_MEDIA = ("-probesize", "32", "-analyzeduration", "0")
"""There are no samples to look at: without this ffmpeg tries each of the first ones, and complains of it."""

_lock = threading.Lock()
_import_lock = threading.Lock()
_warming: threading.Thread | None = None


def warm() -> threading.Thread:
    """Begin to import moviepy in the background, once per process; give the thread that does it."""
    global _warming  # noqa: PLW0603 - one per process
    with _lock:
        if _warming is None:
            _warming = threading.Thread(target=_import_quietly, name="motion-widgets-moviepy", daemon=True)
            _warming.start()
        return _warming


def _import_quietly() -> None:
    # Whoever needs it imports it again and meets the error there.
    with suppress(Exception):
        load_moviepy()


def moviepy_length(
    ftyp: bytes,
    moov: bytes,
    *,
    sidx: Iterable[bytes] = (),
    moofs: Iterable[bytes] = (),
    deadline: float = 5.0,
) -> float | None:
    """Return the length that moviepy reads from a header, in s (10 ms steps).

    Parameters
    ----------
    ftyp, moov, sidx, moofs
        The boxes' payloads; the latter two of a fragmented file.
    deadline
        Seconds after which ffmpeg is killed. Importing moviepy, once per process, has a deadline of its own.

    Returns
    -------
    float | None
        None: moviepy could not read it, or not in time.
    """
    if "moviepy.video.io.ffmpeg_reader" not in sys.modules:
        warming = warm()
        warming.join(IMPORT_DEADLINE)
        if warming.is_alive():
            return None
    path = None
    try:
        moofs = list(moofs)
        parse = _own_parser(load_moviepy(), deadline, () if moofs else _NO_MEDIA)
        clean = sanitised(ftyp, moov, sidx, moofs)
        handle, path = tempfile.mkstemp(prefix="motion-widgets-", suffix=".mp4")
        with open(handle, "wb", buffering=0) as file:  # noqa: PTH123 - it is open already
            file.write(clean)
        length = parse(path)["duration"]
    except Exception:  # noqa: BLE001 - it fails in ways of its own (OSError, KeyError, …): no figure
        return None
    finally:
        if path is not None:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - a text, as `mkstemp` gives it
    return float(length)


def load_moviepy() -> types.ModuleType:
    """Import moviepy's reader, keeping a `.env` of the folder out of `os.environ`."""
    with _import_lock, _no_dotenv():
        return importlib.import_module("moviepy.video.io.ffmpeg_reader")


def _own_parser(
    reader: types.ModuleType, deadline: float, options: Sequence[str] = ()
) -> Callable[[str], dict[str, Any]]:
    """Return moviepy's `ffmpeg_parse_infos`, whose child process obeys a deadline.

    moviepy offers no time-out and no handle. So its function runs as it is, but sees our `Popen` where
    it looks for `sp.Popen`: its globals are copied, and nothing of moviepy is changed.
    """
    shim = types.SimpleNamespace(**_PIPES, Popen=partial(_Timed, deadline=deadline, options=options))
    function = reader.ffmpeg_parse_infos
    return types.FunctionType(
        function.__code__, {**vars(reader), "sp": shim}, function.__name__, function.__defaults__
    )


_PIPES = {name: getattr(subprocess, name) for name in ("PIPE", "DEVNULL", "STDOUT")}


class _Timed(Child):
    """ffmpeg as moviepy starts it, killed after `deadline` s."""

    def __init__(self, command: list[str], *, deadline: float, options: Sequence[str], **pipes: Any) -> None:
        # The demuxer is forced: whatever the bytes look like, ffmpeg follows no link in them.
        hardened = ["-nostdin", *cpu_limit(deadline), "-protocol_whitelist", "file", "-f", "mov", *options]
        # Nothing comes on stdout, and a single pipe is read without waking up for every line in it.
        pipes["stdout"] = subprocess.DEVNULL
        super().__init__([command[0], *hardened, *command[1:]], deadline=deadline, **pipes)

    def communicate(
        self,
        input: Any = None,  # noqa: A002 - Popen's name
        timeout: float | None = None,  # noqa: ARG002 - moviepy gives none; the child has its deadline
    ) -> tuple[Any, Any]:
        try:
            said = super().communicate(input)
        finally:
            if self.poll() is None:
                self.kill()
                self.wait()
        if self.late:
            raise subprocess.TimeoutExpired(self.args, 0)
        return said


@contextmanager
def _no_dotenv() -> Iterator[None]:
    """Return moviepy's import a `dotenv` that finds nothing; other threads meet the real one.

    `moviepy.config` loads the nearest `.env`, from the working directory upwards in a notebook.
    """
    if "moviepy.config" in sys.modules:
        yield
        return
    try:
        real = importlib.import_module("dotenv")
    except ImportError:
        yield
        return
    importer = threading.get_ident()

    def find_dotenv(*args: Any, **options: Any) -> str:
        return "" if threading.get_ident() == importer else str(real.find_dotenv(*args, **options))

    def load_dotenv(*args: Any, **options: Any) -> bool:
        return threading.get_ident() != importer and bool(real.load_dotenv(*args, **options))

    stub = types.ModuleType("dotenv")
    stub.__dict__.update(find_dotenv=find_dotenv, load_dotenv=load_dotenv)
    stub.__getattr__ = lambda name: getattr(real, name)  # type: ignore[method-assign]
    sys.modules["dotenv"] = stub
    try:
        yield
    finally:
        sys.modules["dotenv"] = real
