"""Measure many clips at once, on threads or any executor: a frame with one row per source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.arguments import require_path
from motion_widgets.core.errors import ClipError
from motion_widgets.core.facts import Clip
from motion_widgets.core.hosts import is_link
from motion_widgets.core.messages import say
from motion_widgets.core.paths import readable, typed_path
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.sniff import name_of
from motion_widgets.media.progress_bar import reporting

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from motion_widgets.media.progress_bar import Report

__all__ = ["COLUMNS", "measure_clips"]

_DTYPES = {"str": "string", "float": "float64", "int": "Int64", "bool": "boolean"}
COLUMNS = {one.name: _DTYPES[str(one.type).removesuffix(" | None")] for one in fields(Clip)}
COLUMNS |= {"error_code": "string", "error": "string"}
"""Every column of the frame, in order, with its dtype: those of a `Clip`, then what went wrong."""


def measure_clips(
    sources: Iterable[str | Path | bytes],
    executor: Executor | None = None,
    *,
    batch: int = 64,
    confirm: bool = True,
    deadline: float = 20.0,
    hash_content: bool = False,
    progress: Report | bool | None = None,
) -> pd.DataFrame:
    """Measure many clips, each as `measure_clip` does.

    Parameters
    ----------
    sources
        Local paths, the files' bytes, or http(s) links. Paths are relative to this process's folder.
    executor
        Does the work: any `concurrent.futures.Executor`, such as Dask's
        ``client.get_executor(pure=False)``, whose workers can read the files. It is left open.
        None: threads of this process.
    batch
        Sources that a worker of the given executor takes at a time, at most.
    confirm, deadline, hash_content
        As for `measure_clip`; the deadline (s) is for each link.
    progress
        Called on this thread with (done, all) after each batch. None: a bar in a notebook or terminal.
        False: nothing.

    Returns
    -------
    pandas.DataFrame
        One row per source in their order, with the columns and dtypes of `COLUMNS`. If a source could not
        be measured, ``error_code`` and ``error`` say why, and the measured columns are missing.

    Examples
    --------
    >>> mw.measure_clips([samples.clip_6s, samples.clip_12s], progress=False)["length"].tolist()
    [6.0, 12.0]
    """
    import pandas as pd

    if isinstance(sources, str | bytes | os.PathLike) or not isinstance(sources, Iterable):
        raise ClipError.of("not_sources", found=type(sources).__name__)
    todo = [_absolute(source) for source in sources]
    options = {"confirm": confirm, "deadline": deadline, "hash_content": hash_content}
    with reporting(progress, len(todo)) as report:
        if executor is not None:
            rows = _spread(todo, executor, max(1, batch), options, report)
        else:
            rows = _on_threads(todo, options, report)
    data = {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in COLUMNS.items()}
    return pd.DataFrame(data)


def _on_threads(todo: Sequence[str | bytes], options: dict[str, Any], report: Report) -> list[dict[str, Any]]:
    # As many as keep this machine busy: each ffmpeg takes a core, links only wait.
    threads = min(32, 2 * (os.cpu_count() or 1) + 2)
    own = ThreadPoolExecutor(threads, thread_name_prefix="motion-widgets-measure")
    try:
        return _spread(todo, own, 4, options, report)
    finally:
        own.shutdown(cancel_futures=True)


def _absolute(source: str | Path | bytes) -> str | bytes:
    """Return a source with its path made absolute: a worker may run in another folder."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    require_path(source, ClipError)
    text = typed_path(source) if isinstance(source, str) else os.fspath(source)
    if isinstance(source, str) and is_link(text):
        return text
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError:  # no such user, so `~name` is a name like any other
        return text


def _spread(
    todo: Sequence[str | bytes], executor: Executor, batch: int, options: dict[str, Any], report: Report
) -> list[dict[str, Any]]:
    """Submit the batches and put their rows into place as they come in."""
    rows: list[dict[str, Any]] = [{} for _ in todo]
    spans = [(at, todo[at : at + batch]) for at in range(0, len(todo), batch)]
    futures = {executor.submit(_measure_batch, part, options): (at, part) for at, part in spans}
    done = 0
    try:
        for future in as_completed(futures):
            at, part = futures[future]
            try:
                found = future.result()
            except Exception as error:  # noqa: BLE001 - a worker died; how that shows depends on the executor
                reason = type(error).__name__
                said = say("corpus_worker", reason=reason)
                found = [{**_named(one), "error_code": "corpus_worker", "error": said} for one in part]
            rows[at : at + len(part)] = found
            done += len(part)
            report(done, len(todo))
    finally:
        for future in futures:
            future.cancel()
    return rows


def _measure_batch(sources: Sequence[str | bytes], options: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure on a worker; rows are plain values, which every executor can send."""
    return [_row(source, options) for source in sources]


def _row(source: str | bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        where = Path(source) if isinstance(source, str) and not is_link(source) else source
        clip: Clip = measure_clip(where, **options)
    except ClipError as error:
        return {**_named(source), "error_code": error.code, "error": str(error)}
    facts = {name: getattr(clip, name) for name in Clip.__dataclass_fields__}
    return {**facts, "source": readable(clip.source)}  # a frame's text takes nothing else


def _named(source: str | bytes) -> dict[str, Any]:
    if isinstance(source, bytes):
        return {"source": "bytes", "name": "bytes"}
    name = name_of(source) if is_link(source) else Path(source).name
    return {"source": readable(source), "name": readable(name)}
