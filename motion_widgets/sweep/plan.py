"""From axes to a plan: every cell with its request, whether it is valid, why not, and what it costs."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.errors import RequestError
from motion_widgets.facts import Clip, Image
from motion_widgets.jobs.appraise import bound_micro
from motion_widgets.log.leases import lives
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.log.store import new_id
from motion_widgets.price import Estimate, estimate
from motion_widgets.request import WIRE_FIELDS, MotionRequest, media_name, media_source
from motion_widgets.sweep.run import Run
from motion_widgets.texts import say

if TYPE_CHECKING:
    import pandas as pd

    from motion_widgets.errors import ClipError
    from motion_widgets.log.store import Row
    from motion_widgets.rules import Finding
    from motion_widgets.workspace import Workspace

__all__ = ["Cell", "Plan", "Sweep"]

DEFAULT_AXES: Mapping[str, tuple[str, ...]] = {
    "mode": ("std", "pro"),
    "character_orientation": ("image", "video"),
}


def label(field: str, value: object) -> str:
    """Give an axis value as a person reads it."""
    if field in ("image_url", "video_url"):
        return media_name(value)
    if isinstance(value, Mapping):
        return json.dumps(dict(value), ensure_ascii=False, default=str)
    return "" if value is None else str(value)


class Sweep:
    """A request with some fields varied.

    Parameters
    ----------
    req
        What all cells share.
    axes
        Wire field = the values to try. None given: mode std/pro by orientation image/video.

    Raises
    ------
    RequestError
        An axis that is no wire field, or one without values.
    """

    def __init__(self, req: MotionRequest, **axes: Any) -> None:
        self.request = req
        self.axes: dict[str, tuple[Any, ...]] = {}
        for name, values in (axes or DEFAULT_AXES).items():
            if name not in WIRE_FIELDS:
                raise RequestError.of("axis_unknown", name=name, known=", ".join(WIRE_FIELDS))
            single = isinstance(values, str | bytes | Path | Mapping | Clip | Image) or not isinstance(
                values, Iterable
            )
            self.axes[name] = (values,) if single else tuple(values)
            if not self.axes[name]:
                raise RequestError.of("axis_empty", name=name)

    def requests(self) -> list[tuple[dict[str, Any], MotionRequest]]:
        """Give every cell's (values, request), the last axis varying fastest."""
        names = list(self.axes)
        cells = [dict(zip(names, values, strict=True)) for values in itertools.product(*self.axes.values())]
        return [(values, self.request.replace(**values)) for values in cells]

    def plan(self, ws: Workspace) -> Plan:
        """Measure, check and price every cell for a workspace; nothing is sent."""
        return Plan(self, ws)


class _Measured(NamedTuple):
    """A cell's request with what was measured of its media, which it then carries."""

    request: MotionRequest
    clip: Clip | ClipError | None
    image: Image | ClipError | None


def _measured(ws: Workspace, req: MotionRequest, known: dict[object, Any]) -> _Measured:
    """Measure a cell's media, each file or link once for all cells."""
    changes: dict[str, Any] = {}
    found: list[Any] = []
    for name, other in (("video_url", "image_url"), ("image_url", "video_url")):
        value = getattr(req, name)
        source = value if isinstance(value, Clip | Image) else (name, media_source(value))
        if source not in known:
            known[source] = next((one for one in ws.measure(req.replace(**{other: None})) if one), None)
        found.append(known[source])
        if isinstance(known[source], Clip | Image):
            changes[name] = known[source]
    return _Measured(req.replace(**changes), *found)


@dataclass(frozen=True)
class Cell:
    """One combination of a sweep."""

    values: dict[str, Any]
    """The axes' values, by wire field."""
    request: MotionRequest
    key: str
    status: str
    """``"new"`` (will be paid for), ``"done"``, ``"running"``, ``"unknown"``, ``"invalid"``, ``"double"``."""
    reason: str
    """Why it is not new, or what to know about it; ``""``: nothing."""
    estimate: Estimate | None
    """None: it cannot be priced."""
    findings: tuple[Finding, ...] = ()
    job_id: str | None = None
    """The job that already stands for it; of a new cell one that was never sent. None: there is none."""

    @property
    def labels(self) -> dict[str, str]:
        """The axes' values as a person reads them."""
        return {name: label(name, value) for name, value in self.values.items()}


class Plan:
    """What a sweep would do, and cost, before it does it.

    Attributes
    ----------
    cells
        In the order of the axes.
    """

    def __init__(self, sweep: Sweep, ws: Workspace) -> None:
        self.sweep = sweep
        self._ws = ws
        measured: dict[object, Any] = {}
        drafts = [(values, _measured(ws, req, measured)) for values, req in sweep.requests()]
        keys = [facts.request.key for _, facts in drafts]
        earlier = ws.log_store.latest(ws.endpoint, ws.account, list(dict.fromkeys(keys)))
        first: dict[str, int] = {}
        self.cells: list[Cell] = []
        for number, ((values, facts), key) in enumerate(zip(drafts, keys, strict=True), 1):
            self.cells.append(self._cell(values, facts, key, earlier.get(key), first.get(key)))
            first.setdefault(key, number)

    def _cell(
        self, values: dict[str, Any], facts: _Measured, key: str, row: Row | None, twin: int | None
    ) -> Cell:
        ws, req = self._ws, facts.request
        findings = ws.judge(req, facts.clip, facts.image)
        try:
            cost: Estimate | None = estimate(req, facts.clip, prices=ws.prices)
        except RequestError:
            cost = None
        errors = [one.message for one in findings if one.severity == "error"]
        warnings = [one.message for one in findings if one.severity == "warning"]
        status, reason = "new", " ".join(warnings)
        job_id = str(row["id"]) if row is not None and row["state"] not in RETRYABLE else None
        if errors:
            status, reason, job_id = "invalid", " ".join(errors), None
        elif twin is not None:
            status, reason, job_id = "double", say("cell_double", number=twin), None
        elif row is not None and job_id is not None:
            if row["state"] in (State.COLLECTED, State.EXPIRED, State.VANISHED):
                status, reason = "done", say("cell_done", id=job_id, state=row["state"])
            elif row["state"] == State.UNKNOWN:
                status, reason = "unknown", say("cell_unknown", id=job_id)
            elif row["state"] != State.PLANNED or lives(row):
                status, reason = "running", say("cell_running", id=job_id)
            else:  # written down, never sent, driven by nobody: running it pays for it now
                reason = " ".join([say("cell_planned", id=job_id), *warnings])
        return Cell(values, req, key, status, reason, cost, tuple(findings), job_id)

    @property
    def cost(self) -> Estimate:
        """What the new cells will cost together."""
        return self._sum([cell for cell in self.cells if cell.status == "new"])

    def _sum(self, cells: Sequence[Cell]) -> Estimate:
        costs = [cell.estimate for cell in cells if cell.estimate is not None]
        return Estimate(
            round(sum(one.low for one in costs), 6),
            round(sum(one.high for one in costs), 6),
            seconds_low=sum(one.seconds_low for one in costs),
            seconds_high=sum(one.seconds_high for one in costs),
            length_unknown=any(one.length_unknown for one in costs),
            prices_date=self._ws.prices.date,
        )

    def frame(self) -> pd.DataFrame:
        """Give one row per cell: the axes, status, reason, estimate (USD), job_id."""
        import pandas as pd

        rows = [
            {
                **cell.labels,
                "status": cell.status,
                "reason": cell.reason,
                "estimate_low": cell.estimate.low if cell.estimate else None,
                "estimate_high": cell.estimate.high if cell.estimate else None,
                "job_id": cell.job_id,
            }
            for cell in self.cells
        ]
        texts = [*self.sweep.axes, "status", "reason", "job_id"]
        frame = pd.DataFrame(
            rows, columns=[*self.sweep.axes, "status", "reason", "estimate_low", "estimate_high", "job_id"]
        )
        return frame.astype(
            {**dict.fromkeys(texts, "string"), "estimate_low": "float64", "estimate_high": "float64"}
        )

    def run(self, budget: float | None = None, *, new: bool = False) -> Run:
        """Run the valid cells; cells already run are attached to, not paid for again.

        Parameters
        ----------
        budget
            USD that the whole run may cost; it stops before this, not after. Required on a live endpoint.
        new
            Pay for a further repeat of every cell.

        Returns
        -------
        Run
            At once; it goes on in the background. The same plan again gives the same run.

        Raises
        ------
        BudgetError
            No budget on a live endpoint, or one that does not hold a single cell.
        RequestError
            No cell is valid.
        """
        ws = self._ws
        valid = [cell for cell in self.cells if cell.status not in ("invalid", "double")]
        if not valid:
            raise RequestError.of("no_valid_cell", reason=self.cells[0].reason)
        paid = [cell for cell in valid if new or cell.status == "new"]
        if budget is not None:
            bound_micro(budget)
        if paid:
            least = min((self._sum([cell]) for cell in paid), key=lambda one: one.high_micro)
            ws.require_bound(self._sum(paid) if budget is None else least, budget)
            ws.require_ready()
        run_id = new_id("run") if new else run_id_of(ws, [cell.key for cell in valid])
        return Run.begin(ws, run_id, valid, axes=self.sweep.axes, budget=budget, new=new)

    def __repr__(self) -> str:
        counts = {
            status: sum(cell.status == status for cell in self.cells)
            for status in ("new", "done", "running", "unknown", "invalid", "double")
        }
        told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return f"<Plan of {len(self.cells)} cells: {told}; {self.cost}>"


def run_id_of(ws: Workspace, keys: Sequence[str]) -> str:
    """Give the id under which the same cells on the same endpoint are always found again."""
    text = json.dumps([ws.endpoint, ws.account, sorted(keys)])
    return "run-" + hashlib.sha256(text.encode()).hexdigest()[:16]
