"""Where files lie: on a network drive, in a folder that a service syncs, inside the workspace or not."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

__all__ = ["inside", "is_database", "network_drive", "plain_id", "synced_by"]

MOUNTS = Path("/proc/mounts")
"""Linux's table of what is mounted where; elsewhere only Windows' network paths are known."""

_NETWORK = frozenset(
    [
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs",
        "davfs", "ncpfs", "gpfs", "beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone",
        "fuse.s3fs", "fuse.davfs2", "fuse.gcsfuse", "fuse.blobfuse2",
    ]
)  # fmt: skip
"""File systems whose shared memory or locks do not hold between machines."""

_SERVICES = (
    ("onedrive", "OneDrive"),
    ("dropbox", "Dropbox"),
    ("icloud", "iCloud"),
    ("mobile documents", "iCloud"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
)
"""How the names of synced folders begin, lower case: "OneDrive - Company", "Dropbox (Me)", …"""


def network_drive(path: Path) -> str | None:
    """Return the kind of network drive that a path is on. None: it is on none that can be seen."""
    if str(path).startswith(("\\\\", "//")):
        return "UNC"
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    place = path.resolve()
    best, kind = -1, ""
    for line in mounts:
        words = line.split(" ")
        if len(words) < 3:
            continue
        root = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), words[1]))
        if place.is_relative_to(root) and len(root.parts) >= best:  # a later mount hides an earlier one
            best, kind = len(root.parts), words[2]
    return kind if kind in _NETWORK else None


def synced_by(path: Path) -> str | None:
    """Return the name of the service that syncs the folder of a path. None: none that its name tells."""
    for part in path.parent.parts:
        for begins, service in _SERVICES:
            if part.lower().startswith(begins):
                return service
    return None


def is_database(path: Path) -> bool:
    """Return whether a path is a SQLite file: no export may take a log's place."""
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def plain_id(name: str) -> bool:
    """Return whether an id that came from elsewhere may become the name of a result's file."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}", name) is not None


def inside(name: str) -> bool:
    """Return whether a path that came from elsewhere is one below a folder, on every system."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    bad = windows.is_absolute() or windows.drive or path.is_absolute() or "\\" in name or "\0" in name
    return bool(path.parts) and not bad and ".." not in path.parts
