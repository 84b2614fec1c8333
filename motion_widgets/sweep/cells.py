"""The cells of a plan: each measured, checked and priced, and held against what the log has of it.

Thousands of cells share a few values, so whatever depends on some of them alone is judged once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_widgets.core.errors import RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.messages import say
from motion_widgets.log.leases import is_leased
from motion_widgets.log.states import RETRYABLE, State
from motion_widgets.request.fields import FIELDS, WIRE_FIELDS
from motion_widgets.request.media_source import media_source
from motion_widgets.request.price import Estimate, estimate
from motion_widgets.request.request import MotionRequest
from motion_widgets.sweep.design import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from motion_widgets.core.errors import ClipError
    from motion_widgets.log.rows import AttemptRow
    from motion_widgets.request.findings import Finding
    from motion_widgets.sweep.design import Design
    from motion_widgets.sweep.host import SweepHost

__all__ = ["Cell", "appraised"]

_MEDIA = (("video_url", "image_url"), ("image_url", "video_url"))


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
    repeat: int | None = None
    """Which repeat of this content it is, from 1. None: the one that stands for it."""
    order: int = 0
    """Its place in the running order, from 1."""
    number: int = 0
    """Its number in the plan, from 1, which it keeps in a part of the plan and in a run."""

    @property
    def labels(self) -> dict[str, str]:
        """The axes' values as a person reads them."""
        return {name: label(name, value) for name, value in self.values.items()}


class _Verdict(NamedTuple):
    """What is wrong with requests that differ in nothing that matters here."""

    findings: tuple[Finding, ...]
    errors: str
    warnings: str


class _Judge:
    """Measures, checks and prices drafts, each distinct thing once; as the workspace would one by one."""

    def __init__(self, ws: SweepHost) -> None:
        self._ws = ws
        self._media: dict[object, Any] = {}
        self._verdicts: dict[tuple[object, ...], _Verdict] = {}
        self._prompts: dict[object, bool] = {}
        self._costs: dict[tuple[object, ...], Estimate | None] = {}
        self._alive: list[object] = []  # what is remembered by its id must not make room for another

    def media(self, req: MotionRequest, name: str, other: str) -> Clip | Image | ClipError | None:
        """Measure one of a request's media."""
        value = getattr(req, name)
        source = value if isinstance(value, Clip | Image) else (name, media_source(value))
        if source not in self._media:
            found = self._ws.preparation.measure(req.replace(**{other: None}))
            self._media[source] = next((one for one in found if one), None)
        found_one: Clip | Image | ClipError | None = self._media[source]
        return found_one

    def verdict(self, req: MotionRequest, clip: Any, image: Any) -> _Verdict:
        """Judge a request whose media were measured."""
        if not self._plain_prompt(req.prompt):  # its findings stand among the others, in the form's order
            return _summed(self._ws.preparation.judge(req, clip, image))
        shared = [getattr(req, field.name) for field in FIELDS if not field.free_text]
        memory = tuple(map(self._same, (*shared, clip, image)))
        if memory not in self._verdicts:
            self._verdicts[memory] = _summed(self._ws.preparation.judge(req, clip, image))
        return self._verdicts[memory]

    def _plain_prompt(self, prompt: object) -> bool:
        memory = self._same(prompt)
        if memory not in self._prompts:
            alone = self._ws.preparation.judge(MotionRequest(prompt=prompt), None, None)
            self._prompts[memory] = all(one.field != "prompt" for one in alone)
        return self._prompts[memory]

    def cost(self, req: MotionRequest, clip: Any) -> Estimate | None:
        """Price a request. None: there is no price for it."""
        memory = tuple(map(self._same, (req.model, req.mode, req.character_orientation, req.video_url, clip)))
        if memory not in self._costs:
            try:
                self._costs[memory] = estimate(req, clip, prices=self._ws.prices)
            except RequestError:
                self._costs[memory] = None
        return self._costs[memory]

    def _same(self, value: object) -> object:
        """Return by what a value is known again: text as such, anything else as this very object."""
        if value is None or isinstance(value, str):
            return value
        self._alive.append(value)
        return id(value)


def _summed(findings: list[Finding]) -> _Verdict:
    texts = [
        " ".join(one.message for one in findings if one.severity == severity)
        for severity in ("error", "warning")
    ]
    return _Verdict(tuple(findings), *texts)


def appraised(sweep: Design, ws: SweepHost) -> list[Cell]:
    """Measure, check and price every cell of a sweep, and look each up in the log; nothing is sent."""
    judge = _Judge(ws)
    own = {name: getattr(sweep.request, name) for name in WIRE_FIELDS}
    drafts: list[Cell] = []
    keys: dict[int, str] = {}
    for values, repeat, order, number in sweep.draws():
        known = keys.get(id(values))  # repeats share their values
        fields = {**own, **values}
        req = MotionRequest(**fields)
        clip, image = (judge.media(req, name, other) for name, other in _MEDIA)
        if isinstance(clip, Clip | Image):
            fields["video_url"] = clip
        if isinstance(image, Clip | Image):
            fields["image_url"] = image
        req = MotionRequest(**fields)
        key = keys[id(values)] = known or req.key
        found = judge.verdict(req, clip, image)
        status, reason = ("invalid", found.errors) if found.errors else ("new", found.warnings)
        cost = judge.cost(req, clip)
        drafts.append(
            Cell(values, req, key, status, reason, cost, found.findings, None, repeat, order, number)
        )
    standing = ws.log_store.jobs.repeats(ws.endpoint, ws.account, list(dict.fromkeys(keys.values())))
    first: dict[tuple[str, int | None], int] = {}
    cells = []
    for cell in drafts:
        twin = first.setdefault((cell.key, cell.repeat), cell.number)
        cells.append(_placed(cell, standing.get(cell.key, ()), twin if twin != cell.number else None))
    return cells


def _placed(cell: Cell, rows: Sequence[AttemptRow], twin: int | None) -> Cell:
    """Return what the log already has of a cell."""
    if cell.status == "invalid" or (twin is None and not rows):
        return cell
    if twin is not None:
        return replace(cell, status="double", reason=say("cell_double", number=twin))
    mine = [row for row in rows if cell.repeat in (None, row.repeat) and row.state not in RETRYABLE]
    row = max(mine, key=lambda one: int(one.repeat), default=None)
    if row is None:
        return cell
    job_id = str(row.id)
    if row.state in (State.COLLECTED, State.EXPIRED, State.VANISHED):
        status, reason = "done", say("cell_done", id=job_id, state=row.state)
    elif row.state == State.UNKNOWN:
        status, reason = "unknown", say("cell_unknown", id=job_id)
    elif row.state != State.PLANNED or is_leased(row):
        status, reason = "running", say("cell_running", id=job_id)
    else:  # written down, never sent, driven by nobody: running it pays for it now
        status, reason = "new", " ".join([say("cell_planned", id=job_id), cell.reason]).rstrip()
    return replace(cell, status=status, reason=reason, job_id=job_id)
