"""Results by what they were made of, in the user's cache: what is asked again is not drawn again."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["KeptResults", "content_key"]


class KeptResults:
    """A folder of the latest results, up to `most` bytes in all; without one that takes files, all are drawn.

    Parameters
    ----------
    folder
        Where they are. None: a folder of the user's cache.
    most
        Bytes.
    """

    def __init__(self, folder: Path | None = None, most: int = 64_000_000) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._drawing: dict[str, threading.Lock] = {}

    def write(self, key: str, target: Path, draw: Callable[[], None]) -> None:
        """Write the result of `key` to `target`, which `draw` does unless it is kept or being drawn."""
        with self._lock:
            alone = self._drawing.setdefault(key, threading.Lock())
        with alone:
            kept = self._place() / f"{key}.mp4"
            try:
                shutil.copyfile(kept, target)
            except OSError:  # not drawn yet, or not to be read
                draw()
                with contextlib.suppress(OSError):  # a home that takes no files: it is drawn again next time
                    self._keep(target, kept)
            else:
                with contextlib.suppress(OSError):  # it was copied; only its turn to go comes earlier
                    kept.touch()
            finally:
                with self._lock:
                    self._drawing.pop(key, None)

    def _place(self) -> Path:
        if self._folder is None:
            from platformdirs import user_cache_path

            self._folder = user_cache_path("motion-widgets", appauthor=False) / "sandbox-results"
        return self._folder

    def _keep(self, result: Path, kept: Path) -> None:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = kept.with_name(f".{uuid.uuid4().hex}.part")  # another process may keep the same
        try:
            shutil.copyfile(result, part)
            part.replace(kept)
        finally:
            part.unlink(missing_ok=True)
        files = [(one.stat().st_mtime_ns, one.stat().st_size, one) for one in kept.parent.glob("*.mp4")]
        size = sum(bytes_ for _, bytes_, _ in files)
        for _, bytes_, oldest in sorted(files):
            if size <= self._most:
                break
            oldest.unlink(missing_ok=True)
            size -= bytes_


def content_key(image: Path, clip: Path, asked: object) -> str:
    """Return a digest of two files' contents and of what is asked, whose `repr` says all."""
    whole = hashlib.sha256(repr(asked).encode())
    for path in (image, clip):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
