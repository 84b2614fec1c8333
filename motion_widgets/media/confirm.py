"""Let moviepy confirm a length, without letting it near the clip itself.

It sees a temporary file of the sanitised header, and its ffmpeg ends at a deadline.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import threading
import time
import types
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.media.children import Child, cpu_limit
from motion_widgets.media.sanitise import sanitised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["load_moviepy", "moviepy_length", "warm"]

IMPORT_DEADLINE = 60.0
"""Seconds that importing moviepy may take; it needs 0.6 on a free machine."""

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
    """Give the length that moviepy reads from a header, in s (10 ms steps).

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
        parse = _own_parser(load_moviepy(), deadline)
        with tempfile.NamedTemporaryFile(prefix="motion-widgets-", suffix=".mp4", delete=False) as file:
            path = Path(file.name)
            file.write(sanitised(ftyp, moov, sidx, moofs))
        length = parse(str(path))["duration"]
    except Exception:  # noqa: BLE001 - it fails in ways of its own (OSError, KeyError, …): no figure
        return None
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
    return float(length)


def load_moviepy() -> types.ModuleType:
    """Import moviepy's reader, keeping a `.env` of the folder out of `os.environ`."""
    with _import_lock, _no_dotenv():
        return importlib.import_module("moviepy.video.io.ffmpeg_reader")


def _own_parser(reader: types.ModuleType, deadline: float) -> Callable[[str], dict[str, Any]]:
    """Give moviepy's `ffmpeg_parse_infos`, whose child process obeys a deadline.

    moviepy offers no time-out and no handle. So its function runs as it is, but sees our `Popen` where
    it looks for `sp.Popen`: its globals are copied, and nothing of moviepy is changed.
    """
    end = time.monotonic() + deadline

    class Timed(Child):
        def __init__(self, command: list[str], **options: Any) -> None:
            # The demuxer is forced: whatever the bytes look like, ffmpeg follows no link in them.
            hardened = ["-nostdin", *cpu_limit(deadline), "-protocol_whitelist", "file", "-f", "mov"]
            super().__init__([command[0], *hardened, *command[1:]], **options)

        def communicate(
            self,
            input: Any = None,  # noqa: A002 - Popen's name
            timeout: float | None = None,  # noqa: ARG002 - moviepy gives none; ours is the deadline
        ) -> tuple[Any, Any]:
            try:
                return super().communicate(input, max(0.0, end - time.monotonic()))
            finally:
                if self.poll() is None:
                    self.kill()
                    super().communicate()

    shim = types.SimpleNamespace(
        **{name: getattr(subprocess, name) for name in ("PIPE", "DEVNULL", "STDOUT")}
    )
    shim.Popen = Timed
    function = reader.ffmpeg_parse_infos
    return types.FunctionType(
        function.__code__, {**vars(reader), "sp": shim}, function.__name__, function.__defaults__
    )


@contextmanager
def _no_dotenv() -> Iterator[None]:
    """Give moviepy's import a `dotenv` that finds nothing; other threads meet the real one.

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
