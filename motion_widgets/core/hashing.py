"""The content of local files as a hash; what a request's identity is made of."""

from __future__ import annotations

import errno
import hashlib
import stat
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.forks import new_lock
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    import os

__all__ = ["is_settled", "sha256_of", "state_of"]

_KEPT = 512
_FRESH_NS = 2_000_000_000
"""ns; a file changed this recently may change again without its time moving (FAT counts in 2 s)."""
_cache: OrderedDict[tuple[str, int, int, int, int], str] = OrderedDict()
_lock = new_lock()


def state_of(path: Path, found: os.stat_result) -> tuple[str, int, int, int, int]:
    """Return what tells one content of a file from another without reading it."""
    return str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def is_settled(found: os.stat_result, asked: int) -> bool:
    """Return whether a file was unchanged for 2 s before `asked` (ns), so its state names its content."""
    return asked - max(found.st_mtime_ns, found.st_ctime_ns) > _FRESH_NS


def sha256_of(path: Path) -> str:
    """Hash a file's content, reading it as a stream.

    A file whose path, size, times and inode are unchanged is not read again, unless it was changed
    within the last 2 s; the last 512 hashes are kept.

    Parameters
    ----------
    path
        A local file.

    Returns
    -------
    str
        SHA-256 in lower-case hex.

    Raises
    ------
    OSError
        The file cannot be read, or is not a regular file.
    """
    path = Path(path).absolute()
    asked = time.time_ns()
    before = path.stat()
    if not stat.S_ISREG(before.st_mode):  # a pipe or a device might be read for ever
        raise OSError(errno.EINVAL, say("not_a_file"), str(path))
    key = state_of(path, before)
    with _lock:
        known = _cache.get(key)
        if known is not None:
            _cache.move_to_end(key)
            return known
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        after = path.stat()
    # A file that was just written, or while it was read, is not remembered: its key may name other content.
    if state_of(path, after) == key and is_settled(before, asked):
        with _lock:
            _cache[key] = found
            while len(_cache) > _KEPT:
                _cache.popitem(last=False)
    return found
