"""A small JSON file beside each result: the request, its price, and where it came from.

A sidecar holds no secret: links are kept without their queries, media by name and content hash. Nothing is
written into the video itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import RequestError
from motion_widgets.core.files import write_whole
from motion_widgets.core.logging import going_on
from motion_widgets.core.money import to_usd
from motion_widgets.endpoint.responses import redact
from motion_widgets.jobs.stored_file import stored_file, stored_input
from motion_widgets.request.fields import FIELD
from motion_widgets.request.media_source import MEDIA, media_kind, media_name
from motion_widgets.request.request import MotionRequest

if TYPE_CHECKING:
    from motion_widgets.log.rows import JobRow

__all__ = ["is_sidecar", "read_sidecar", "request_of", "write_sidecar"]

FORMAT = 1
_MOST = 1 << 20
"""Bytes of a sidecar that are read at most."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


def write_sidecar(row: JobRow, root: Path) -> None:
    """Write the sidecar of a collected job. A disk that does not accept it costs no result."""
    result = stored_file(root, row.result_path)
    if result is None:
        return
    with going_on("write a sidecar"):
        # Written outside the folder of the results, so that whoever reads that finds complete files only.
        write_whole(result.with_suffix(".json"), redact(_written(_content(row))), folder=root)


def read_sidecar(path: Path, root: Path | None = None) -> MotionRequest:
    """Read a sidecar (or the one beside a result) back into a request.

    Parameters
    ----------
    root
        The workspace's folder, where copies of the inputs are. None: the folder above the sidecar's.

    Returns
    -------
    MotionRequest
        A draft: local media by the path of their copies where these are here and unchanged, else by name;
        links without their queries. `check` says what is missing.

    Raises
    ------
    RequestError
        The file is missing, or not a sidecar.
    """
    place = path.with_suffix(".json") if path.name else path  # a folder such as "." has no suffix
    folder = root if root is not None else place.absolute().parent.parent
    try:
        wire, media = _loaded(place)
    except _UNREADABLE as error:
        reason = str(getattr(error, "strerror", None) or error)[:200]
        raise RequestError.of("sidecar_unreadable", name=place.name or str(place), reason=reason) from error
    given = {name: value for name, value in wire.items() if name in FIELD and FIELD[name].holds(value)}
    for field, kind in MEDIA:
        if media_kind(given.get(field)) in ("path", "scheme"):  # nobody else's sidecar names a file of ours
            kept = media.get(kind) if isinstance(media, dict) else None
            copy = stored_input(folder, kept.get("path"), kept.get("sha")) if isinstance(kept, dict) else None
            given[field] = str(copy) if copy is not None else Path(str(given[field])).name
    return MotionRequest.from_wire(given)


def request_of(row: JobRow, folder: Path) -> MotionRequest:
    """Return the request of a job: local media by the paths of their copies, else by name."""
    req = row.request
    given = {}
    for field, kind in MEDIA:
        if media_kind(getattr(req, field)) in ("path", "scheme"):  # no row names a file outside the folders
            copy = stored_input(folder, getattr(row, f"{kind}_path"), getattr(row, f"{kind}_sha"))
            given[field] = str(copy) if copy is not None else media_name(getattr(req, field))
    return req.replace(**given)


def _loaded(place: Path) -> tuple[dict[str, Any], object]:
    with place.open("rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError(f"> {_MOST:,} B")
    about = json.loads(content)
    if about["format"] != FORMAT or not isinstance(about["request"], dict):
        raise ValueError("format")
    return about["request"], about.get("media")


def _content(row: JobRow) -> dict[str, Any]:
    request: dict[str, Any] = dict(row.request.to_wire())
    for field in ("image_url", "video_url", "webhook"):
        if media_kind(request.get(field)) == "link":
            request[field] = request[field].partition("?")[0].partition("#")[0]
    media = {}
    for field, kind in MEDIA:
        kept = {one: getattr(row, f"{kind}_{one}") for one in ("name", "sha", "path")}
        if kept["sha"]:
            request[field] = kept["name"]
            media[kind] = kept
    prices = {"estimate_low": row.estimate_low, "estimate_high": row.estimate_high, "cost": row.cost}
    usd = {name: None if micro is None else to_usd(micro) for name, micro in prices.items()}
    return {
        "format": FORMAT, "request": request, "media": media, "key": row.key, "job": row.id,
        "task": row.task_id, "endpoint": row.endpoint, "sandbox": row.sandbox, **usd,
        "prices_date": row.prices_date, "toolkit_version": row.toolkit_version,
        "result": {"sha": row.result_sha, "size": row.result_size},
    }  # fmt: skip


def _written(content: dict[str, Any]) -> str:
    """Return JSON for people to read, one field per line."""
    lines = [
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in content.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def is_sidecar(path: Path) -> bool:
    """Return whether a file reads as a sidecar; nothing else is kept as JSON."""
    try:
        _loaded(path)
    except _UNREADABLE:
        return False
    return True
