"""Carry a mend out: a new file in its place, complete or not at all, and its provenance."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.hashing import sha256_of
from motion_widgets.media.probe.http_source import is_link
from motion_widgets.media.probe.measure import local_file
from motion_widgets.media.probe.sniff import fault
from motion_widgets.media.repair.clips import CLIP_OPERATIONS, settle, write_clip
from motion_widgets.media.repair.images import IMAGE_OPERATIONS, write_image
from motion_widgets.media.repair.operation import Mend, Operation
from motion_widgets.media.repair.progress import Watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = [
    "convert_clip",
    "convert_image",
    "fit_clip",
    "hold_clip",
    "mend",
    "mute_clip",
    "pad_image",
    "scale_clip",
    "scale_image",
    "shrink_image",
    "strip_clip",
    "strip_image",
    "trim_clip",
    "turn_image",
]

Source = str | Path | Clip | Image


def mend(
    source: Source,
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
        The file to write, or an existing folder to write into under a name made of the content, in which
        the same mend of the same content is found again instead of made anew. None: the source's folder.
    progress
        Called with a share from 0 to 1, on this thread.
    cancel
        Set from another thread to stop: nothing is left then.
    deadline
        Seconds for all of it; ffmpeg is killed then.

    Returns
    -------
    Mend
        The provenance; its `measure()` gives the `Clip` or `Image` of the new file.

    Raises
    ------
    ClipError
        The source is no file that can be mended, `to` exists already, the mend was cancelled or too slow,
        or the disk does not take it. No file is left then.
    """
    if operation.name not in (*CLIP_OPERATIONS, *IMAGE_OPERATIONS):
        raise fault(
            "mend_unknown", found=operation.name, known=", ".join((*CLIP_OPERATIONS, *IMAGE_OPERATIONS))
        )
    path = _local(source)
    watch = Watch(path.name, progress, cancel, deadline)
    try:
        return _mended(path, operation, to, watch)
    except ClipError as error:
        if error.code != "decode_slow":  # which speaks of one step, whose time was what was left of all
            raise
        raise watch.slow() from error


def _mended(path: Path, operation: Operation, to: str | Path | None, watch: Watch) -> Mend:
    watch.step(0.0)
    sha = _sha(path)
    settled = Operation(operation.name, _settled(operation, path, watch))
    target, reusable = _target(path, sha, settled, to)
    there = _there(target) if reusable else None
    if there is None:
        there = _make(settled, path, target, watch, reusable=reusable)
        if _sha(path) != sha:
            there.unlink(missing_ok=True)
            raise fault("mend_changed", name=path.name)
    watch.step(1.0)
    return Mend(
        kind=settled.kind, operation=settled.name, parameters=settled.parameters,
        source_sha=sha, source_name=path.name, source_path=str(path),
        result_sha=_sha(there), result_name=there.name, result_path=str(there),
    )  # fmt: skip


def _local(source: Source) -> Path:
    """Return the path of a source.

    Raises
    ------
    ClipError
        It is a link or bytes, or no file.
    """
    where = source.source if isinstance(source, Clip | Image) else source
    if isinstance(where, str) and (is_link(where) or (isinstance(source, Clip | Image) and where == "bytes")):
        raise fault("mend_needs_file", found=where[:60])
    return local_file(where)[0]


def _sha(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise fault("not_readable", reached=False, name=path.name, detail=str(error)) from error


def _settled(operation: Operation, path: Path, watch: Watch) -> dict[str, Any]:
    values = operation.parameters
    if operation.kind == "clip":
        return settle(operation.name, values, path, watch)
    if values.get("form", "png") not in {"jpeg", "png"}:
        raise fault("mend_form", found=values["form"])
    return dict(values)


def _target(path: Path, sha: str, operation: Operation, to: str | Path | None) -> tuple[Path, bool]:
    """Return where the new file goes, without an image's suffix, and whether its name tells its content."""
    where = Path(os.path.abspath(Path(to).expanduser())) if to is not None else path.parent  # noqa: PTH100
    if to is None or where.is_dir():
        return where / operation.file_name(path.name, sha), True
    if os.path.lexists(where):
        raise fault("mend_exists", name=where.name)
    return where, False


def _there(target: Path) -> Path | None:
    """Find the file that the same mend made before."""
    places = (target, *(target.with_name(target.name + suffix) for suffix in (".jpg", ".png")))
    return next((place for place in places if place.is_file() and place.stat().st_size), None)


def _make(operation: Operation, path: Path, target: Path, watch: Watch, *, reusable: bool) -> Path:
    """Write the new file in a hidden folder beside its place, then put it there."""
    write = write_clip if operation.kind == "clip" else write_image
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder of our own: ffmpeg and moviepy write under names that we chose, and all of it goes with it.
        with tempfile.TemporaryDirectory(prefix=".mend-", dir=target.parent) as folder:
            part = write(operation.name, operation.parameters, path, Path(folder), watch)
            _judge(operation, part)
            if operation.kind == "image":
                bare = target.name if reusable else target.stem
                target = target.with_name(bare + part.suffix)
            return _placed(part, target, reusable=reusable)
    except OSError as error:
        reason = error.strerror or str(error)
        raise fault("mend_unwritable", name=target.name, reason=reason, detail=str(error)) from error


def _judge(operation: Operation, part: Path) -> None:
    """Measure what was written, before it is called a result: a full disk leaves half a file.

    Raises
    ------
    ClipError
        It is no whole clip or image.
    """
    from motion_widgets.media.probe.image import measure_image
    from motion_widgets.media.probe.measure import measure_clip

    if operation.kind == "image":
        measure_image(part)
    elif measure_clip(part, confirm=False).truncated:
        raise fault("no_header", name=part.name)


def _placed(part: Path, target: Path, *, reusable: bool) -> Path:
    """Put a file in its place without replacing what may be there."""
    try:
        os.link(part, target)
    except FileExistsError as error:
        if not reusable:
            raise fault("mend_exists", name=target.name) from error
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise fault("mend_exists", name=target.name) from None
        part.replace(target)
    return target


# The operations by name. All take `to`, `progress`, `cancel` and `deadline` as `mend` does.


def _clip(source: str | Path | Clip, name: str, values: dict[str, Any], how: dict[str, Any]) -> Clip:
    return cast("Clip", mend(source, Operation(name, values), **how).measure())


def _image(source: str | Path | Image, name: str, values: dict[str, Any], how: dict[str, Any]) -> Image:
    return cast("Image", mend(source, Operation(name, values), **how).measure())


def trim_clip(
    source: str | Path | Clip,
    start: float | str = 0.0,
    end: float | None = None,
    *,
    length: float | None = None,
    **how: Any,
) -> Clip:
    """Cut a part out of a clip, exact to a frame and never longer than asked for.

    Parameters
    ----------
    source
        A local clip.
    start
        In s, or ``"stillest"``: where the part of `length` begins in which least moves.
    end
        In s. None: by `length`, else the clip's end.
    length
        In s, instead of `end`.
    how
        `to`, `progress`, `cancel` and `deadline`, as `mend` takes them.

    Raises
    ------
    ClipError
        As `mend`; ``mend_range`` where there is nothing between start and end.
    """
    if end is not None:
        if isinstance(start, str) or end <= start:
            raise fault("mend_order", start=start, end=f"{end:g}")
        length = end - start
    return _clip(source, "trim_clip", {"start": start, "length": length}, how)


def hold_clip(source: str | Path | Clip, length: float = 3.1, **how: Any) -> Clip:
    """Make a clip at least `length` s long, by holding its last frame."""
    return _clip(source, "hold_clip", {"length": length}, how)


def mute_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Take the sound out of a clip; its picture stays the same to the bit."""
    return _clip(source, "mute_clip", {}, how)


def strip_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Leave behind where and how a clip was taken; picture and sound stay the same to the bit."""
    return _clip(source, "strip_clip", {}, how)


def convert_clip(source: str | Path | Clip, **how: Any) -> Clip:
    """Write a clip (HEVC, WebM, GIF, AVI, …) as H.264 in mp4 under 100 MB, its sides within their limits."""
    return _clip(source, "convert_clip", {}, how)


def scale_clip(source: str | Path | Clip, width: int | None = None, **how: Any) -> Clip:
    """Bring the sides of a clip into 340 to 3850 px; `width` in px is kept as far as that allows."""
    return _clip(source, "scale_clip", {"width": width} if width else {}, how)


def fit_clip(source: str | Path | Clip, aspect: float, how: str = "crop", **options: Any) -> Clip:
    """Change a clip's aspect (width over height): ``"crop"`` keeps the middle, ``"pad"`` adds bars."""
    return _clip(source, "fit_clip", {"aspect": round(float(aspect), 4), "how": how}, options)


def turn_image(source: str | Path | Image, **how: Any) -> Image:
    """Turn an image's pixels as its EXIF asks, so that every reader shows it upright."""
    return _image(source, "turn_image", {}, how)


def strip_image(source: str | Path | Image, **how: Any) -> Image:
    """Leave behind where and how an image was taken (EXIF, XMP); it stays upright and keeps its colours."""
    return _image(source, "strip_image", {}, how)


def convert_image(source: str | Path | Image, form: str | None = None, **how: Any) -> Image:
    """Write an image (WebP, GIF, AVIF, HEIC, …) as ``"jpeg"`` or ``"png"``; of several frames the first.

    `form` None: JPEG, or PNG where it is drawn or transparent. A PNG over 10 MB becomes a JPEG all the
    same. HEIC needs ``pip install "motion-widgets[heic]"``.
    """
    return _image(source, "convert_image", {"form": form} if form else {}, how)


def shrink_image(source: str | Path | Image, **how: Any) -> Image:
    """Bring an image under 10 MB as a JPEG: first by quality, then by its sides."""
    return _image(source, "shrink_image", {}, how)


def scale_image(source: str | Path | Image, least: int = 340, **how: Any) -> Image:
    """Enlarge an image until its shorter side has `least` px, or reduce it to what is taken."""
    return _image(source, "scale_image", {"least": least}, how)


def pad_image(source: str | Path | Image, aspect: float | None = None, **how: Any) -> Image:
    """Add bars to an image until its aspect is `aspect`; None: the nearest that is taken, 1:2.5 to 2.5:1."""
    return _image(source, "pad_image", {"aspect": round(float(aspect), 4)} if aspect else {}, how)
