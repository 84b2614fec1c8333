"""Extending a run: its cells read back from the log, and more of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.request.findings import show
from motion_widgets.sweep.design import Design

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from motion_widgets.log.rows import JobRow
    from motion_widgets.request.request import MotionRequest

__all__ = ["extended"]

_KEPT = {"image_url": "image", "video_url": "clip"}


def extended(
    folder: Path,
    rows: Sequence[JobRow],
    axes_of_run: Iterable[str],
    axes: Mapping[str, Any],
    repeats: int | None,
) -> Design:
    """Return the design of a run's cells, with further values of axes and further repeats.

    `rows` are its jobs, whose copies of local media are in `folder`.
    """
    if repeats is not None and (isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1):
        raise RequestError.of("repeats_wrong", found=show(repeats))
    base = _request(folder, rows[0])
    more = Design(base, **axes).axes if axes else {}
    names = list(dict.fromkeys([*axes_of_run, *more]))
    cells: dict[str, dict[str, Any]] = {}
    there: dict[str, set[int]] = {}
    for row in rows:
        req = _request(folder, row)
        cells[row.key] = {name: getattr(req, name) for name in names}
        there.setdefault(row.key, set()).add(int(row.repeat))
    listed = [(values, there[key]) for key, values in cells.items()]
    for name, values in more.items():
        listed += [({**cell, name: value}, set[int]()) for value in values for cell, _ in listed]
    most = max([repeats or 1, *map(len, there.values())])
    return Design.listed(base, _unique(base, listed, most))


def _unique(
    base: MotionRequest, listed: list[tuple[dict[str, Any], set[int]]], repeats: int
) -> list[dict[str, Any]]:
    """Return every combination once, with its repeats; the first of two alike has them."""
    seen: set[str] = set()
    chosen: list[tuple[dict[str, Any], list[int]]] = []
    for values, have in listed:
        key = base.replace(**values).key
        if key in seen:
            continue
        seen.add(key)
        free = (number for number in range(1, repeats + len(have) + 1) if number not in have)
        chosen.append((values, sorted([*have, *(next(free) for _ in range(repeats - len(have)))])))
    if repeats == 1:
        return [{**values, "repeat": None if numbers == [1] else numbers[0]} for values, numbers in chosen]
    return [{**values, "repeat": numbers[turn]} for turn in range(repeats) for values, numbers in chosen]


def _request(folder: Path, row: JobRow) -> MotionRequest:
    """Read a job's request back from its row; of local media the file itself, else the copy that was kept."""
    media: dict[str, Path] = {}
    for field, kept in _KEPT.items():
        copy = getattr(row, f"{kept}_path")
        if copy:
            path = Path(getattr(row, field)).expanduser()
            try:
                same = sha256_of(path) == getattr(row, f"{kept}_sha")
            except OSError:
                same = False
            media[field] = path if same else folder / copy
    return row.request.replace(**media)
