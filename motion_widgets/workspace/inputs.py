"""What goes into a job: the log's columns of a request, copies of its local media, and their publishing."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.files import partial_file, whole_file
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.money import to_micro
from motion_widgets.core.paths import readable
from motion_widgets.core.version import __version__
from motion_widgets.core.visitor import may_read
from motion_widgets.jobs.stored_file import stored_input
from motion_widgets.media.probe.sniff import SNIFFED, ending_of, looks_like
from motion_widgets.media.repair.operation import Operation
from motion_widgets.request.fields import FIELD
from motion_widgets.request.media_source import MEDIA, media_kind, media_name, media_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.log.rows import JobRow
    from motion_widgets.log.store import Log
    from motion_widgets.request.findings import Finding
    from motion_widgets.request.price import Estimate
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.public_links import PublicLinks

__all__ = [
    "columns_of", "keep_input", "keep_inputs", "known_as", "make_folder", "own_name", "require_writable",
    "wire_of",
]  # fmt: skip


def columns_of(req: MotionRequest, clip: object, image: object, cost: Estimate) -> dict[str, Any]:
    """Return the log's columns of a request: wire fields, key, what was measured, what it may cost."""
    wire = {name: FIELD[name].to_column(value) for name, value in req.to_wire().items()}
    columns = {
        **wire, "key": req.key,
        "image_name": media_name(req.image_url), "clip_name": media_name(req.video_url),
        "estimate_low": to_micro(cost.low), "estimate_high": cost.high_micro, "prices_date": cost.prices_date,
        "toolkit_version": __version__,
    }  # fmt: skip
    if isinstance(clip, Clip):
        columns |= {
            "clip_length": clip.length, "clip_moviepy_length": clip.moviepy_length, "clip_width": clip.width,
            "clip_height": clip.height, "clip_fps": clip.fps, "clip_size": clip.size,
            "clip_has_audio": clip.has_audio,
        }  # fmt: skip
    if isinstance(image, Image):
        columns |= {
            "image_width": image.width, "image_height": image.height, "image_size": image.size,
            "image_format": image.format,
        }  # fmt: skip
    return columns


def keep_inputs(
    log: Log, folder: Path, req: MotionRequest, known: dict[Path, tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Keep copies of a request's local media, by content; return the columns that say where.

    Parameters
    ----------
    known
        What was kept just now, by file, for thousands of requests that share a few. None: nothing.

    Raises
    ------
    RequestError
        A file cannot be read, or is no longer the one that was measured.
    LogError
        The folder takes no files.
    """
    known = {} if known is None else known
    columns: dict[str, Any] = {}
    for field, name in MEDIA:
        value = getattr(req, field)
        if media_kind(value) != "path":
            continue
        path = Path(str(media_source(value))).expanduser()
        if path not in known:
            known[path] = keep_input(log, folder, path, media_name(value))
        relative, sha = known[path]
        if isinstance(value, Clip | Image) and value.sha256 not in (None, sha):
            raise RequestError.of("input_changed", name=media_name(value))
        columns |= {f"{name}_path": relative, f"{name}_sha": sha}
        own = known_as(log, folder, path, sha)
        if own is not None:
            columns[f"{name}_name"] = own
    return columns


def own_name(log: Log, folder: Path, fact: Clip | Image) -> str:
    """Return what a person calls a measured file: the names of our own files are made of their content."""
    known = None if fact.sha256 is None else known_as(log, folder, Path(fact.source), fact.sha256)
    return known or fact.name


def known_as(log: Log, folder: Path, path: Path, sha: str) -> str | None:
    """Return what a person calls a file of ours: a copy, or what a repair made. None: it is none of ours."""
    if path.stem == sha[:20]:
        return log.files.name_of(sha)
    if path.parent == folder / "mended":
        for row in log.mends.find(result_sha=sha)[-1:]:
            source = row.source_name or path.name
            return Operation(row.operation, row.parameters).own_name(source, path.suffix)
    return None


def make_folder(folder: Path) -> None:
    """Make a folder, or raise LogError in words."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def require_writable(folder: Path) -> None:
    """Raise LogError unless a folder takes files."""
    with _writing(folder), partial_file(folder):
        pass


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn a folder's refusal into the sentence for it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogError.of("folder_unwritable", name=str(folder), reason=reason) from error


def keep_input(log: Log, folder: Path, path: Path, name: str) -> tuple[str, str]:
    """Copy a file into the folder under its content's hash; return the path relative to it, and the hash.

    Raises
    ------
    RequestError
        It cannot be read or is not a visitor's, is neither a clip nor an image, or changes meanwhile.
    LogError
        The folder takes no files.
    """
    if not may_read(path):
        raise RequestError.of("visitor_file", name=name)
    try:
        sha = sha256_of(path)
        with path.open("rb") as file:
            head = file.read(SNIFFED)
    except OSError as error:
        raise RequestError.of("input_unreadable", name=name, reason=error.strerror or str(error)) from error
    name = known_as(log, folder, path, sha) or name
    kind = looks_like(head)
    if kind.kind not in ("clip", "image"):
        raise RequestError.of("input_kind", name=name, found=kind.label)
    target = folder / "inputs" / f"{sha[:20]}{ending_of(head)}"
    if stored_input(folder, target.relative_to(folder).as_posix(), sha) is None:
        with _writing(target.parent), whole_file(target) as partial:
            shutil.copyfile(path, partial)
            if sha256_of(partial) != sha:
                raise RequestError.of("input_changed", name=name)
    relative = target.relative_to(folder).as_posix()
    log.files.add_input(sha, name=readable(name), size=target.stat().st_size, path=relative)
    return relative, sha


async def wire_of(
    client: EndpointClient, row: JobRow, folder: Path, *, links: PublicLinks | None
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the JSON body of a job, its local media published, and what is doubtful of its links.

    Parameters
    ----------
    client
        The endpoint.
    row
        The job.
    folder
        What the copies' paths are relative to.
    links
        Where media become public. None: the sandbox takes them as they are, and nothing leaves this machine.

    Raises
    ------
    RequestError
        A local file's copy is not here or has changed, a file cannot be published, or a link is dead or leads
        to something else.
    """
    published: dict[str, Any] = {}
    for field, medium in MEDIA:
        published[field], copy = getattr(row, field), getattr(row, f"{medium}_path")
        name = getattr(row, f"{medium}_name") or media_name(published[field])
        if media_kind(published[field]) != "link":
            path = await asyncio.to_thread(stored_input, folder, copy, getattr(row, f"{medium}_sha"))
            if path is None:
                raise RequestError.of("input_missing", name=name)
            if links is None:
                published[field] = await client.host(path, path.suffix)
            else:
                published[field] = await links.link_for(client, field, path, name)
    wire: dict[str, Any] = dict(row.request.replace(**published).to_wire())
    return wire, await links.look(wire) if links is not None else []
