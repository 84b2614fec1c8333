"""Import moviepy in the background, and keep the `.env` that it looks for out of `os.environ`."""

from __future__ import annotations

import importlib
import sys
import threading
import types
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["load_moviepy", "wait_for_moviepy", "warm"]

IMPORT_DEADLINE = 60.0
"""Seconds that importing moviepy may take; it takes 0.6 on an idle machine."""
_READER = "moviepy.video.io.ffmpeg_reader"

_thread_lock = threading.Lock()
_import_lock = threading.Lock()
_thread: threading.Thread | None = None


def warm() -> threading.Thread:
    """Start importing moviepy in the background, once per process, and return the thread that does it."""
    global _thread  # noqa: PLW0603 - one per process
    with _thread_lock:
        if _thread is None:
            _thread = threading.Thread(target=_load_quietly, name="motion-widgets-moviepy", daemon=True)
            _thread.start()
        return _thread


def _load_quietly() -> None:
    # Whoever needs moviepy imports it again and meets the error there.
    with suppress(Exception):
        load_moviepy()


def wait_for_moviepy() -> bool:
    """Return whether moviepy is imported, or could at least be tried, within 60 s."""
    if _READER in sys.modules:
        return True
    thread = warm()
    thread.join(IMPORT_DEADLINE)
    return not thread.is_alive()


def load_moviepy() -> types.ModuleType:
    """Import moviepy and return its ffmpeg reader."""
    with _import_lock, _without_dotenv():
        return importlib.import_module(_READER)


@contextmanager
def _without_dotenv() -> Iterator[None]:
    """Let `dotenv` find nothing on this thread; other threads meet the real one.

    `moviepy.config` loads the nearest `.env`, in a notebook from the working directory upwards.
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
