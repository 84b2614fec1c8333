"""The frame of a study's results with their measures: from the log, and computed where they are not in it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError, LogError
from motion_widgets.core.messages import say
from motion_widgets.log.columns import FIDELITY, dtype
from motion_widgets.media.progress_bar import reporting
from motion_widgets.study.fidelity.direction import available
from motion_widgets.study.fidelity.measures import FLOW, VERSION, Described, compare, describe
from motion_widgets.study.fidelity.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from concurrent.futures import Executor
    from pathlib import Path

    import pandas as pd

    from motion_widgets.log.rows import JobRow
    from motion_widgets.media.progress_bar import Report
    from motion_widgets.study.host import StudyHost
    from motion_widgets.study.material import Material
    from motion_widgets.study.results import Result

    Contents = tuple[str, str]
    """The SHA-256 of a clip and of a result."""

__all__ = ["MEASURES", "contents_of", "frame", "framed", "kept"]

MEASURES = tuple(one for one in FIDELITY if one.name not in ("clip_sha", "result_sha", "version"))
"""The columns of the frame that are measured."""


def frame(
    it: Material, host: StudyHost, executor: Executor | None, progress: Report | bool | None, *,
    direction: bool,
) -> pd.DataFrame:  # fmt: skip
    """Return the frame, as `Study.fidelity` documents."""
    if direction and not available():
        raise LogError.of("flow_missing")
    have = kept(it, host, (FLOW,) if direction else (VERSION, FLOW))
    fresh, reasons = _measure(
        host, [one for one in it.results if contents_of(one.row) not in have], executor, progress,
        direction=direction,
    )  # fmt: skip
    return framed(it, {**have, **fresh}, reasons)


def framed(
    it: Material,
    have: Mapping[Contents, dict[str, Any]],
    reasons: Mapping[Contents, str] = MappingProxyType({}),
) -> pd.DataFrame:  # fmt: skip
    """Return the frame of what was measured, and why the rest was not."""
    import pandas as pd

    axes = list(it.axes)
    lines = []
    for one in it.results:
        contents = contents_of(one.row)
        values = have.get(contents, {})
        still = say("fidelity_still") if values and not values["enough_motion"] else None
        lines.append(
            {
                "id": one.id, "block": one.block(), **{axis: one.settings[axis] for axis in axes},
                "repeat": one.repeat, **{each.name: values.get(each.name) for each in MEASURES},
                "remark": reasons.get(contents, still),
            }
        )  # fmt: skip
    kinds = {"id": "string", "block": "string", **dict.fromkeys(axes, "string"), "repeat": "Int64"}
    kinds |= {each.name: dtype(each.kind) for each in MEASURES} | {"remark": "string"}
    return pd.DataFrame(
        {name: pd.Series([one[name] for one in lines], dtype=kind) for name, kind in kinds.items()}
    )


def kept(
    it: Material, host: StudyHost, versions: tuple[str, ...] = (VERSION, FLOW)
) -> dict[Contents, dict[str, Any]]:
    """Return the measures that the log has of a study's results, by contents; nothing is computed."""
    shas = [one.row.result_sha for one in it.results if one.row.result_sha]
    found = host.log_store.fidelity.of(shas, versions)
    return {both: {one.name: getattr(row, one.name) for one in MEASURES} for both, row in found.items()}


def contents_of(row: JobRow) -> Contents:
    """Return by what a result's measures are known."""
    return row.clip_sha or "", row.result_sha or ""


def _measure(
    host: StudyHost, todo: list[Result], executor: Executor | None, progress: Report | bool | None, *,
    direction: bool,
) -> tuple[dict[Contents, dict[str, Any]], dict[Contents, str]]:  # fmt: skip
    """Measure results, and keep that in the log as it comes in; return it, and why some were not measured."""
    found: dict[Contents, dict[str, Any]] = {}
    files, reasons = _files(host, todo)
    clips = {clip_sha: paths[0] for (clip_sha, _), paths in files.items()}
    count, done = len(clips) + len(files), 0
    own = ThreadPoolExecutor(os.cpu_count() or 1, "motion-widgets-fidelity") if executor is None else None
    with own or nullcontext(executor) as work, reporting(progress, count) as report:
        known: dict[str, Described | str] = {}
        for sha, clip in _each(
            work, {sha: (_described, path, sha, direction) for sha, path in clips.items()}
        ):
            known[sha] = clip
            report(done := done + 1, count)
        tasks = {
            both: (_compared, known[both[0]], paths[1], both[1], direction) for both, paths in files.items()
        }
        for both, made in _each(work, tasks):
            if isinstance(made, str):
                reasons[both] = made
            else:
                found[both] = made
                if not host.log_store.read_only:
                    host.log_store.fidelity.add(both, FLOW if direction else VERSION, **made)
            report(done := done + 1, count)
    return found, reasons


def _files(
    host: StudyHost, todo: Iterable[Result]
) -> tuple[dict[Contents, tuple[Path, Path]], dict[Contents, str]]:
    """Return where clip and result of jobs are, and why some are not to be had."""
    files: dict[Contents, tuple[Path, Path]] = {}
    reasons: dict[Contents, str] = {}
    for one in todo:
        contents, row = contents_of(one.row), one.row
        clip = host.folder / row.clip_path if row.clip_path and row.clip_sha else None
        try:
            result = host.result_of(row)
        except LogError as error:
            reasons[contents] = str(error)
            continue
        if clip is None or not clip.is_file():
            reasons[contents] = say("fidelity_no_clip", name=row.clip_name or row.video_url)
        elif result is None or not row.result_sha:
            reasons[contents] = say("fidelity_no_result")
        else:
            files[contents] = clip, result
    return files, reasons


def _each(work: Any, tasks: Mapping[Any, tuple[Any, ...]]) -> Iterator[tuple[Any, Any]]:
    """Yield what tasks give as they end, by key; a text says why one gave nothing."""
    futures = {work.submit(*task): key for key, task in tasks.items()}
    try:
        for future in as_completed(futures):
            try:
                made = future.result()
            except Exception as error:  # noqa: BLE001 - a worker died; how that shows depends on the executor
                made = say("corpus_worker", reason=type(error).__name__)
            yield futures[future], made
    finally:
        for future in futures:
            future.cancel()


def _described(path: Path, sha: str, direction: bool) -> Described | str:
    """Measure a file by itself on a worker; a text: why it cannot be."""
    try:
        found = describe(read(path, flow=direction))
    except (ClipError, OSError) as error:
        return str(error)
    return found if found.sha == sha else say("fidelity_changed", name=path.name)


def _compared(clip: Described | str, path: Path, sha: str, direction: bool) -> dict[str, Any] | str:
    """Measure a result against its clip on a worker; a text: why it cannot be."""
    result = _described(path, sha, direction) if isinstance(clip, Described) else clip
    return (
        compare(clip, result)
        if isinstance(clip, Described) and isinstance(result, Described)
        else str(result)
    )
