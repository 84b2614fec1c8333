"""The gate for what comes from elsewhere: which ids and paths of foreign rows this log takes.

An imported frame, another person's log, a bundle and a sidecar are all judged here, as whoever made them may
have made them to be harmful.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from motion_widgets.core.messages import say
from motion_widgets.request.findings import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PATHS", "clean_rows", "is_safe_id", "is_safe_path"]

PATHS = {
    "jobs": ("result_path", "image_path", "clip_path"),
    "inputs": ("path",),
    "mends": ("source_path", "result_path"),
}
"""Columns that name a file below the workspace's folder."""


def is_safe_id(name: str) -> bool:
    """Return whether an id may become the name of a result's file."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}", name) is not None


def is_safe_path(name: str) -> bool:
    """Return whether a path stays below a folder, on every system."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    bad = windows.is_absolute() or windows.drive or path.is_absolute() or "\\" in name or "\0" in name
    return bool(path.parts) and not bad and ".." not in path.parts


def clean_rows(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Leave out jobs with an unsafe id and clear unsafe paths; return a sentence for each.

    Parameters
    ----------
    rows
        All rows of a foreign log, by table; changed in place.
    """
    said = [say("merge_id", found=show(row["id"])) for row in rows["jobs"] if not is_safe_id(row["id"])]
    rows["jobs"] = [row for row in rows["jobs"] if is_safe_id(row["id"])]
    return [*said, *_clear_paths(rows)]


def _clear_paths(rows: Mapping[str, Iterable[dict[str, Any]]]) -> Iterable[str]:
    for table, names in PATHS.items():
        for row in rows[table]:
            for name in names:
                if row[name] is not None and not is_safe_path(row[name]):
                    yield say("merge_path", id=row.get("id", row.get("sha")), found=row[name][:80])
                    row[name] = "" if table == "inputs" else None
