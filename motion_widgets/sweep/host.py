"""What a sweep needs of a workspace, so that this room need not know that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from motion_widgets.jobs.job import JobHost

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from motion_widgets.core.errors import ClipError
    from motion_widgets.core.facts import Clip, Image
    from motion_widgets.log.view import LogView
    from motion_widgets.request.findings import Finding
    from motion_widgets.request.price import Estimate, Prices
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.sweep.design import Design

__all__ = ["PricedPlan", "SweepHost"]


class Preparation(Protocol):
    """Measuring, judging and writing requests down."""

    def measure(self, req: MotionRequest) -> tuple[Clip | ClipError | None, Image | ClipError | None]:
        """Measure a request's clip and image."""

    def judge(
        self, req: MotionRequest, clip: Clip | ClipError | None, image: Image | ClipError | None
    ) -> list[Finding]:
        """Find all that is wrong with a request whose media were measured."""

    def plan_job(
        self, req: MotionRequest, known: dict[Path, tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        """Return the log's columns of a valid request, copies of its local media kept."""

    def require_bound(self, cost: Estimate, bound: float | None) -> None:
        """Raise BudgetError unless a price fits what may be spent."""

    def require_unpaid(self, keys: Iterable[str]) -> None:
        """Raise RequestError where content was sent with another key of this endpoint."""

    def require_ready(self) -> None:
        """Raise unless the key is there and the results folder takes files."""


class Connection(Protocol):
    """The endpoint that a workspace is at."""

    def drives_any(self, job_ids: Iterable[str]) -> bool:
        """Return whether this process is at work on any of some jobs."""

    def watch(self, job_ids: Iterable[str]) -> None:
        """Note that somebody waits for jobs."""


class PricedPlan(Protocol):
    """A plan, to those who make one without knowing its class; `Plan` says it all."""

    @property
    def cost(self) -> Estimate:
        """What the new cells will cost together."""

    def frame(self) -> pd.DataFrame:
        """Return one row per cell."""

    def for_budget(self, budget: float, *, seed: int = 0) -> Any:
        """Return what a budget buys."""

    def run(
        self, budget: float | None = None, *, new: bool = False, stop_after: tuple[int, float] | None = None
    ) -> Any:
        """Run the valid cells."""


class SweepHost(JobHost, Protocol):
    """A workspace."""

    log: LogView

    @property
    def connection(self) -> Connection:
        """The endpoint that it is at."""

    @property
    def preparation(self) -> Preparation:
        """What measures and judges for that endpoint."""

    @property
    def endpoint(self) -> str:
        """``"sandbox"``, ``"apimart"`` or a base address."""

    @property
    def account(self) -> str:
        """Under which name the log keeps the account."""

    @property
    def live(self) -> bool:
        """Whether submitting spends real money."""

    @property
    def prices(self) -> Prices:
        """What a second costs."""

    def plan(self, design: Design) -> PricedPlan:
        """Measure, check and price every cell of a design; nothing is sent."""
