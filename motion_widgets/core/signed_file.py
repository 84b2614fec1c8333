"""JSON files that count only where this machine's user wrote them, each at its own place.

A folder may come from anybody. What is kept in it and steers money, commands or links is believed only with
a signature of this user: HMAC-SHA256 over the file's real path and its content, with a secret in the user's
own data folder. So a file does not count that somebody else wrote, or that was copied or moved, with its
folder or without. Where no secret can be kept (a home that takes no files), it lasts as long as this process,
and so does what is signed with it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from motion_widgets.core.files import PRIVATE, move_if_free, partial_file, write_whole
from motion_widgets.core.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read_json", "read_signed", "write_signed"]

_SIGNATURE = "signature"
_SIZE = 32
"""bytes of the secret."""
_MOST = 16_000_000
"""bytes; none of these files is nearly as large."""
_lock = new_lock()
_secrets: dict[Path, bytes] = {}


def read_signed(path: Path) -> dict[str, Any] | None:
    """Return what this user wrote to a file. None: there is none, or it is not this user's."""
    held = read_json(path)
    signature = held.pop(_SIGNATURE, None)
    if not isinstance(signature, str) or not signature.isascii():
        return None
    return held if hmac.compare_digest(signature, _sign(path, held)) else None


def write_signed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object so that `read_signed` believes it; only its owner may read the file.

    Raises
    ------
    OSError
        The disk does not take it.
    """
    signed = {**content, _SIGNATURE: _sign(path, content)}
    write_whole(path, json.dumps(signed, ensure_ascii=False).encode("utf-8", "surrogatepass"), mode=PRIVATE)


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object, whoever wrote it; empty where it is missing, large or odd."""
    try:
        if path.stat().st_size > _MOST:
            return {}
        held = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _sign(path: Path, content: Mapping[str, Any]) -> str:
    place = os.path.normcase(path.parent.resolve() / path.name)
    text = json.dumps([place, content], sort_keys=True)
    return hmac.new(_secret(), text.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """Return this user's secret; where it cannot be kept, one of this process."""
    from platformdirs import user_data_path

    path = user_data_path("motion-widgets", appauthor=False) / "secret"
    with _lock:
        if path not in _secrets:
            _secrets[path] = _kept(path) or secrets.token_bytes(_SIZE)
        return _secrets[path]


def _kept(path: Path) -> bytes | None:
    """Return the secret in a file, made at first. None: the disk takes none, or it is not whole."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with partial_file(path.parent, mode=PRIVATE) as partial:
                partial.write_bytes(secrets.token_bytes(_SIZE))
                move_if_free(partial, path)  # another process may have been first
        found = path.read_bytes()
    except OSError:
        return None
    return found if len(found) == _SIZE else None
