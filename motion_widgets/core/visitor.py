"""Visitor mode: what a kernel may reach that strangers drive, decided once and asked in every room.

Whoever opens a page of Voilà can send any message to any widget of the kernel behind it, whether it is shown
or not. So the rooms that read files, follow links, look for keys and publish ask here; widgets only hide what
would be refused. A kernel that is confined stays so until it ends, and its folder ends with it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from motion_widgets.core.forks import new_lock
from motion_widgets.core.hidden import set_variable

__all__ = [
    "Confinement",
    "confine",
    "confinement",
    "forget_secrets",
    "in_visitor_mode",
    "is_shared_page",
    "may_read",
    "must_be_public",
]

MOST = 1_000_000_000
"""Bytes of files in a visitor's folder at which no upload is taken any more."""

_SECRET = re.compile(r"^(APIMART|MOTION_WIDGETS)_|KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
"""Names in the environment that are taken away: ours, and whatever else is called a secret."""
_LOGIN = re.compile(r"://[^/?#\s]*@")
"""An address with a login, such as a database's."""
_REMOVE = """
import os, shutil, sys, time
sys.stdin.buffer.read()  # ends with the kernel, however that ends
for _ in range(100):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.exists(sys.argv[1]):
        break
    time.sleep(0.2)  # a process that the kernel started still writes
"""


@dataclass(frozen=True)
class Confinement:
    """Where a visitor's kernel is confined to."""

    folder: Path
    """Its own temporary folder, resolved, which nobody but this system user may enter."""
    origins: set[str] = field(default_factory=set)
    """Origins on this machine that it may ask all the same: its own sandbox."""

    def holds(self, path: str | Path) -> bool:
        """Return whether a file lies inside, wherever links on the way lead."""
        try:
            return Path(path).resolve().is_relative_to(self.folder)
        except (OSError, ValueError, RuntimeError):
            return False

    @property
    def left(self) -> int:
        """Bytes that may still be uploaded."""
        used = 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):  # it is gone already
                    used += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - for each MB that comes
        return MOST - used


_lock = new_lock()
_confined: list[Confinement] = []
"""None or one; it is never taken back."""


def is_shared_page() -> bool:
    """Return whether Voilà started this kernel, by what Voilà puts into its environment."""
    return os.environ.get("SERVER_SOFTWARE", "").lower().startswith("voila") or any(
        name.startswith("VOILA_") for name in os.environ
    )


def confinement() -> Confinement | None:
    """Return where this kernel is confined to. None: it is its user's own."""
    return _confined[0] if _confined else None


def in_visitor_mode() -> bool:
    """Return whether strangers drive this kernel."""
    return bool(_confined)


def forget_secrets() -> None:
    """Take every secret out of this process's environment, and so out of those that it starts."""
    for name, value in list(os.environ.items()):
        if _SECRET.search(name) or _LOGIN.search(value):
            del os.environ[name]


def confine() -> Confinement:
    """Confine this kernel for good: forget every secret, and work in a new folder that ends with the kernel.

    Raises
    ------
    OSError
        The folder cannot be made, or what removes it cannot be started.
    """
    with _lock:
        if not _confined:
            forget_secrets()
            set_variable("MOTION_WIDGETS_USER", "visitor")  # the log would name the host's user and machine
            folder = Path(tempfile.mkdtemp(prefix="motion-widgets-visitor-")).resolve()  # mode 0700
            _remove_at_end(folder)
            scratch = folder / "tmp"
            scratch.mkdir(mode=0o700)
            tempfile.tempdir = str(scratch)
            set_variable("TMPDIR", tempfile.tempdir)
            _confined.append(Confinement(folder))
        return _confined[0]


def may_read(path: str | Path) -> bool:
    """Return whether a local file may be read: any, or in visitor mode those of the visitor's own folder."""
    held = confinement()
    return held is None or held.holds(path)


def must_be_public(link: str) -> bool:
    """Return whether a link may lead to a public host only: a visitor's, unless to their own sandbox."""
    held = confinement()
    if held is None:
        return False
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}".lower() not in held.origins


def _remove_at_end(folder: Path) -> None:
    """Start a small process that outlives this one, however it ends, and then removes a folder."""
    _watching.append(
        subprocess.Popen(  # noqa: S603 - our own words and a path
            [sys.executable, "-I", "-S", "-c", _REMOVE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder.parent,
            start_new_session=True,
        )
    )


_watching: list[subprocess.Popen[bytes]] = []
"""Their standard input stays open for as long as this process lives."""
