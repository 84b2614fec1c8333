"""Carry out a mend: a new file, complete or not there at all, and its provenance."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from motion_widgets.core.arguments import require_path
from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.files import move_if_free, size_of
from motion_widgets.core.messages import say
from motion_widgets.core.paths import readable, typed_path
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.source import hash_of, local_path
from motion_widgets.media.repair.clips import CLIP_OPERATIONS, clip_parameters, write_clip
from motion_widgets.media.repair.images import IMAGE_OPERATIONS, image_parameters, write_image
from motion_widgets.media.repair.judge import require_no_worse
from motion_widgets.media.repair.operation import PARAMETERS, Mend, Operation
from motion_widgets.media.repair.progress import Progress

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ["mend"]


class _Target(NamedTuple):
    """Where the new file goes."""

    path: Path
    """An image gets its suffix when it has been encoded."""
    reusable: bool
    """Its name is made of its content, so a file of that name is the same mend."""


def mend(
    source: str | Path | Clip | Image,
    operation: Operation,
    *,
    to: str | Path | None = None,
    progress: Callable[[float], None] | None = None,
    cancel: threading.Event | None = None,
    deadline: float = 600.0,
) -> Mend:
    """Make a mended copy of a local file.

    Parameters
    ----------
    source
        A local path, or what was measured of one. It is only read.
    operation
        What to do.
    to
        The file to write, or a folder: one that exists, or a text that ends in ``/``. There the name is made
        of the content and the same mend is reused. None: the source's folder.
    progress, cancel
        Called on this thread with a share from 0 to 1; set from another thread to stop.
    deadline
        Seconds for everything, after which ffmpeg is killed.

    Returns
    -------
    Mend
        The provenance; its `measure()` returns the `Clip` or `Image` of the new file.

    Raises
    ------
    ClipError
        The source cannot be mended, the result would be refused though the source is not, `to` exists
        already, the mend was cancelled or too slow, or the disk is full. No file is left then.

    Examples
    --------
    >>> done = mw.mend(samples.clip_12s, mw.Operation("trim_clip", {"start": 0.0, "length": 9.9}))
    >>> done.kind, done.source_name
    ('clip', 'dance-12s.mp4')
    """
    path = _checked(source, operation)
    name = source.name if isinstance(source, Clip | Image) else path.name
    steps = Progress(name, progress, cancel, deadline)
    try:
        return _mend(path, operation, to, steps)
    except ClipError as error:
        if error.code != "decode_slow":  # it names the time that was left for one step, not that for all
            raise
        raise steps.too_slow() from error


def _checked(source: str | Path | Clip | Image, operation: Operation) -> Path:
    """Return the path of a source, if it and the operation are known."""
    if not isinstance(operation, Operation):
        raise ClipError.of("not_an_operation", found=type(operation).__name__)
    known = (*CLIP_OPERATIONS, *IMAGE_OPERATIONS)
    if operation.name not in known:
        raise ClipError.of("mend_unknown", found=operation.name, known=", ".join(known))
    if not operation.is_complete:
        given = operation.parameters
        found = json.dumps(dict(given) if isinstance(given, Mapping) else given, default=repr)[:100]
        if operation.name not in PARAMETERS:
            raise ClipError.of("mend_no_parameters", operation=operation.name, found=found)
        takes = ", ".join(sorted(frozenset().union(*PARAMETERS[operation.name])))
        raise ClipError.of("mend_parameters", operation=operation.name, found=found, known=takes)
    path = local_path(source)
    if path is None:
        where = source.source if isinstance(source, Clip | Image) else str(source)
        raise ClipError.of("mend_needs_file", found=where[:60])
    return path


def _mend(path: Path, operation: Operation, to: str | Path | None, progress: Progress) -> Mend:
    progress.step(0.0)
    sha = hash_of(path)
    is_clip = operation.kind == "clip"
    parameters = clip_parameters(operation, path, progress) if is_clip else image_parameters(operation)
    operation = Operation(operation.name, parameters)
    target = _target(path, progress.name, sha, operation, to)
    result = _existing(target.path) if target.reusable else None
    if result is None:
        result = _write(operation, path, target, progress)
        if hash_of(path) != sha:
            result.unlink(missing_ok=True)
            raise ClipError.of("mend_changed", name=progress.name)
    progress.finish()
    return Mend(
        kind=operation.kind, operation=operation.name, parameters=operation.parameters,
        source_sha=sha, source_name=readable(progress.name), source_path=str(path),
        result_sha=hash_of(result), result_name=result.name, result_path=str(result),
    )  # fmt: skip


def _target(path: Path, name: str, sha: str, operation: Operation, to: str | Path | None) -> _Target:
    if to:
        require_path(to, ClipError)
    text = typed_path(to) if isinstance(to, str) else os.fspath(to or path.parent)
    where = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100
    is_folder = to is None or where.is_dir()
    if not is_folder and os.path.lexists(where):
        raise ClipError.of("mend_exists", name=where.name)
    if is_folder or text.endswith(("/", os.sep)):
        return _Target(where / operation.file_name(name, sha), reusable=True)
    return _Target(where, reusable=False)


def _existing(target: Path) -> Path | None:
    """Return the file that the same mend made earlier. None: there is none."""
    places = (target, *(target.with_name(target.name + suffix) for suffix in (".jpg", ".png")))
    return next((place for place in places if place.is_file() and size_of(place)), None)


def _write(operation: Operation, path: Path, target: _Target, progress: Progress) -> Path:
    """Write the new file in a hidden folder beside its place, check it, and put it there."""
    place, write = target.path, write_clip if operation.kind == "clip" else write_image
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # In a folder of our own, ffmpeg writes under names of our own, and all of it is removed.
        with tempfile.TemporaryDirectory(prefix=".mend-", dir=place.parent) as folder:
            partial = write(operation, path, Path(folder), progress)
            after = _measured(operation, partial, progress.name)
            require_no_worse(operation, _before(operation, path), after)
            progress.step(0.99)  # the last moment to cancel: nothing is left then
            if operation.kind == "image":
                bare = place.name if target.reusable else place.stem
                place = place.with_name(bare + partial.suffix)
            return _put(partial, place, reusable=target.reusable)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ClipError.of("mend_unwritable", name=place.name, reason=reason, detail=str(error)) from error


def _before(operation: Operation, path: Path) -> Clip | Image | ClipError:
    """Return what is known of the source, or why it cannot be measured."""
    try:
        return measure_image(path) if operation.kind == "image" else measure_clip(path, confirm=False)
    except ClipError as error:
        return error


def _measured(operation: Operation, partial: Path, name: str) -> Clip | Image:
    """Measure what was written; raise ClipError if it is incomplete, as on a full disk."""
    reason, detail = say("mend_incomplete"), ""
    try:
        if operation.kind == "image":
            return measure_image(partial)
        clip = measure_clip(partial, confirm=False)
        if not clip.truncated:
            return clip
    except ClipError as error:
        detail = str(error)
    raise ClipError.of("mend_failed", name=name, reason=reason, detail=detail)


def _put(partial: Path, place: Path, *, reusable: bool) -> Path:
    """Put a file in its place without replacing what may be there."""
    if not move_if_free(partial, place) and not reusable:
        raise ClipError.of("mend_exists", name=place.name)
    return place
