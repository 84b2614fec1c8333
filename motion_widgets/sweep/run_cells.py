"""The cells of a run: which it has, which are sent at what they cost now, and more of them."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.money import ZERO, Micro, to_usd, total
from motion_widgets.jobs.context import error_columns
from motion_widgets.jobs.sidecar import request_of
from motion_widgets.log.leases import is_leased
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.request.fields import FIELD
from motion_widgets.request.findings import show
from motion_widgets.request.media_source import MEDIA, media_kind
from motion_widgets.request.price import Estimate, bound_micro, sum_of
from motion_widgets.sweep.design import Design, label, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from motion_widgets.log.jobs import Jobs
    from motion_widgets.log.rows import JobRow, SweepRow
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep.cells import Cell
    from motion_widgets.sweep.host import SweepHost

__all__ = [
    "CellGroup", "PricedCell", "billed", "cells_of", "extended", "price_anew", "price_of", "write_cells",
    "write_run",
]  # fmt: skip

CellGroup = Literal["planned", "failed", "unknown"]
_GROUPS: dict[str, frozenset[State]] = {
    "planned": frozenset([State.PLANNED]),
    "failed": RETRYABLE - {State.WRITTEN_OFF} | {State.PLANNED},
    "unknown": frozenset([State.UNKNOWN]),
}
"""States of the cells that are sent; those that failed, together with what is still planned."""
_PRICED = ("model", "mode", "character_orientation", "video_url", "clip_sha", "clip_path")
"""Columns on which a price depends."""


@dataclass(frozen=True)
class PricedCell:
    """A cell that is to be sent."""

    row: JobRow
    """Its last attempt."""
    values: dict[str, Any] = field(default_factory=dict)
    """What it asks for and costs now, as columns of the log."""
    error: RequestError | None = None
    """Why it cannot be sent. None: it can."""


def write_run(
    ws: SweepHost, run_id: str, cells: Sequence[Cell], *, axes: Mapping[str, Sequence[Any]],
    budget: float | None, new: bool, stop_after: tuple[int, float] | None, keep: bool,
) -> None:  # fmt: skip
    """Write a run and all its jobs down, all or nothing; `keep` leaves a budget there."""
    known: dict[Path, tuple[str, str]] = {}
    planned = [
        (
            cell.labels,
            {
                **ws.preparation.plan_job(cell.request, known),
                **({"repeat": cell.repeat} if cell.repeat else {}),
            },
        )
        for cell in cells
    ]
    shown = {name: [label(name, value) for value in values] for name, values in axes.items()}
    # Live without a budget there is nothing to pay for yet; what comes later needs one.
    limit = bound_micro(budget) if budget is not None else ZERO if ws.live else None
    ws.log_store.sweeps.add(
        {
            "id": run_id, "endpoint": ws.endpoint, "account": ws.account,
            "axes": json.dumps(shown, ensure_ascii=False),
            "stop_after": json.dumps(stop_after) if stop_after is not None else None,
        },
        planned, limit=limit, keep=keep or (budget is None and ws.live), new=new,
        order=[cell.order for cell in cells], numbers=[cell.number for cell in cells],
    )  # fmt: skip


def cells_of(row: SweepRow, jobs: Jobs) -> tuple[dict[str, list[str]], list[dict[str, Any]]]:
    """Return a run's axes and cells: fields that there are, and cells whose job is in the log.

    A log may have been damaged, or made by others: its other cells are a run all the same.
    """
    axes = {name: values for name, values in json.loads(row.axes).items() if name in FIELD}
    cells = json.loads(row.cells)
    here = jobs.present([cell["job_id"] for cell in cells])
    for place, cell in enumerate(cells, 1):
        cell.setdefault("number", place)  # an older version did not write it
        values = {name: label for name, label in cell["values"].items() if name in FIELD}
        cell["values"] = dict.fromkeys(axes, "") | values
    return axes, [cell for cell in cells if cell["job_id"] in here]


def billed(ws: SweepHost, run_id: str, cells: Sequence[dict[str, Any]]) -> tuple[Micro, Micro]:
    """Return what a run's own attempts at its cells were billed, and what those that others made."""
    attempts = ws.log_store.jobs.attempts([cell["job_id"] for cell in cells])
    rows = [(row.sweep_id == run_id, row.cost) for several in attempts for row in several]
    return total(cost for own, cost in rows if own), total(cost for own, cost in rows if not own)


def price_of(ws: SweepHost, what: CellGroup, rows: Sequence[JobRow]) -> Estimate:
    """Return what sending cells would cost now; what has no price cannot be sent."""
    if not isinstance(what, str) or what not in _GROUPS:
        raise RequestError.of("group_wrong", found=show(what), known=", ".join(_GROUPS))
    known: dict[tuple[object, ...], Estimate | None] = {}
    costs = []
    for row in rows:
        if row.state in _GROUPS[what] and row.drivable:
            alike = tuple(getattr(row, name) for name in _PRICED)
            if alike not in known:
                known[alike] = ws.submission.price(row)
            costs.append(known[alike])
    return sum_of([one for one in costs if one is not None], ws.prices)


def price_anew(
    ws: SweepHost, what: CellGroup, rows: Sequence[JobRow], max_cost: float | None
) -> list[PricedCell]:
    """Measure, check and price cells anew; raise BudgetError where they cost more than `max_cost` (USD)."""
    agreed: list[PricedCell] = []
    costs = []
    for row in rows:
        if row.state not in _GROUPS[what] or not row.drivable or ws.runner_for(row) is None:
            continue
        if is_leased(row):  # whoever drives it agreed to it, and goes on with it
            costs.append(Micro(row.estimate_high or 0))
            continue
        try:
            values = ws.submission.renew(row)
            costs.append(values["estimate_high"])
            agreed.append(PricedCell(row, values))
        except RequestError as error:
            agreed.append(PricedCell(row, error=error))
    if max_cost is not None:
        usd = to_usd(total(costs))
        ws.preparation.require_bound(Estimate(usd, usd), max_cost)
    return agreed


def write_cells(ws: SweepHost, run_id: str, agreed: Sequence[PricedCell]) -> set[str]:
    """Write cells down as they are sent now, ended ones as new attempts; return those that cannot be."""
    log, wrong = ws.log_store, set()
    for one in agreed:
        job_id = one.row.id
        if one.row.state != State.PLANNED:
            job_id = log.jobs.add_attempt(job_id, sweep_id=run_id, budget_id=run_id, **one.values)[0].id
        elif one.error is None:
            log.jobs.renew(job_id, one.values)
        if one.error is not None:
            log.transitions.record(job_id, **error_columns(one.error))
            wrong.add(job_id)
    return wrong


def extended(
    folder: Path,
    rows: Sequence[JobRow],
    numbers: Sequence[int],
    *,
    axes_of_run: Iterable[str],
    axes: Mapping[str, Any],
    repeats: int | None,
) -> Design:
    """Return the design of a run's cells, with further values of axes and further repeats.

    `rows` are its jobs, whose copies of local media are in `folder`, and `numbers` their cells'.
    """
    if repeats is not None and (whole(repeats) or 0) < 1:
        raise RequestError.of("repeats_wrong", found=show(repeats))
    if not rows:
        raise RequestError.of("no_cell")
    base = _request(folder, rows[0])
    more = Design(base, **axes).axes if axes else {}
    names = list(dict.fromkeys([*axes_of_run, *more]))
    cells: dict[str, dict[str, Any]] = {}
    there: dict[str, dict[int, int]] = {}
    for row, number in zip(rows, numbers, strict=True):
        req = _request(folder, row)
        cells[row.key] = {name: getattr(req, name) for name in names}
        there.setdefault(row.key, {})[int(row.repeat)] = number
    listed = [(values, there[key]) for key, values in cells.items()]
    for name, values in more.items():
        listed += [({**cell, name: value}, dict[int, int]()) for value in values for cell, _ in listed]
    most = max([repeats or 1, *map(len, there.values())])
    return Design.listed(base, _unique(base, listed, most))


def _unique(
    base: MotionRequest, listed: list[tuple[dict[str, Any], dict[int, int]]], repeats: int
) -> list[dict[str, Any]]:
    """Return every combination once, with its repeats and their numbers; the first of two alike has them."""
    seen: set[str] = set()
    chosen: list[tuple[dict[str, Any], list[tuple[int, int | None]]]] = []
    for values, have in listed:
        key = base.replace(**values).key
        if key in seen:
            continue
        seen.add(key)
        free = (number for number in range(1, repeats + len(have) + 1) if number not in have)
        turns = sorted([*have, *(next(free) for _ in range(repeats - len(have)))])
        chosen.append((values, [(turn, have.get(turn)) for turn in turns]))
    if repeats == 1:
        return [
            {**values, "repeat": None if turn == 1 else turn, "number": number}
            for values, [(turn, number)] in chosen
        ]
    return [
        {**values, "repeat": turns[at][0], "number": turns[at][1]}
        for at in range(repeats)
        for values, turns in chosen
    ]


def _request(folder: Path, row: JobRow) -> MotionRequest:
    """Read a job's request back from its row; of local media the file itself, else the copy that was kept."""
    own: dict[str, Path] = {}
    for name, kept in MEDIA:
        sha, named = getattr(row, f"{kept}_sha"), getattr(row, name)
        if sha and media_kind(named) == "path":
            with contextlib.suppress(OSError):  # it is gone; the copy serves
                path = Path(named).expanduser()
                if sha256_of(path) == sha:
                    own[name] = path
    return request_of(row, folder).replace(**own)
