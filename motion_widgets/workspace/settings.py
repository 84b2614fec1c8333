"""What a person chose for a folder (``workspace.json``): endpoint, where to publish, consents."""

from __future__ import annotations

import json
import secrets
import threading
from typing import TYPE_CHECKING, Any

from motion_widgets.core.files import PRIVATE, write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["choose", "chosen", "sandbox_account"]

_FILE = "workspace.json"
_lock = threading.Lock()


def chosen(folder: Path) -> dict[str, Any]:
    """Return all that was chosen; empty where the file is missing or odd."""
    try:
        held = json.loads((folder / _FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def choose(folder: Path, **changes: Any) -> None:
    """Write choices down beside the earlier ones; None takes one back.

    Only its owner may read the file: a command of the user's own may hold a password.
    """
    with _lock:
        held = {name: value for name, value in (chosen(folder) | changes).items() if value is not None}
        write_whole(folder / _FILE, json.dumps(held, ensure_ascii=False), mode=PRIVATE)


def sandbox_account(folder: Path) -> str:
    """Return the name of a folder's own sandbox in a log that other folders share.

    Each folder has a sandbox of its own, which knows nothing of another one's tasks.
    """
    if not isinstance(chosen(folder).get("sandbox"), str):
        choose(folder, sandbox=f"sandbox {secrets.token_hex(4)}")
    return str(chosen(folder)["sandbox"])  # read again: another process may have been first
