"""What a request is worth before it is sent: measured, checked and priced, and held against a bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from motion_widgets.core.errors import ClipError, RequestError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.request.findings import Findings
from motion_widgets.request.media_source import media_kind, media_source
from motion_widgets.request.price import Estimate, Prices, estimate, require_bound
from motion_widgets.request.request import MotionRequest, require_request
from motion_widgets.request.rules import check
from motion_widgets.workspace.inputs import columns_of, keep_inputs, own_name, require_writable
from motion_widgets.workspace.rotated_key import RotatedKey
from motion_widgets.workspace.settings import own_prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from motion_widgets.log.store import Log
    from motion_widgets.workspace.connection import Connection

__all__ = ["Preparation"]

_Fact = TypeVar("_Fact", Clip, Image)


class Preparation:
    """Measures, checks and prices requests for the endpoint that a workspace is at.

    Parameters
    ----------
    folder, log
        The workspace's.
    connection
        Where it is.

    Attributes
    ----------
    prices
        What a second costs.
    """

    def __init__(self, folder: Path, log: Log, connection: Connection) -> None:
        self._folder, self._log, self._connection = folder, log, connection
        self.prices: Prices = own_prices(folder)
        self.rotated = RotatedKey(log, connection)

    def measure(self, req: MotionRequest) -> tuple[Clip | ClipError | None, Image | ClipError | None]:
        """Measure a request's clip and image; an error stands in for what could not be measured.

        Touches disk or network. None: the request names no file and no link.
        """
        require_request(req)
        return self._measured(req.video_url, measure_clip), self._measured(req.image_url, measure_image)

    def check(self, req: MotionRequest) -> Findings:
        """Measure a request's media and find all that is wrong with it."""
        return self.judge(req, *self.measure(req))

    def judge(
        self,
        req: MotionRequest,
        clip: Clip | ClipError | None,
        image: Image | ClipError | None,
        *,
        hosted: bool | None = None,
        shots: Shots | None = None,
    ) -> Findings:
        """Find all that is wrong with a request whose media were measured.

        Parameters
        ----------
        hosted
            Whether there is a place to publish clips. None: it is looked up, which touches the disk.
        shots
            What `measure_shots` saw, for hints.
        """
        target = self._connection.target
        findings = check(req, clip=clip, image=image, live=target.live, shots=shots)
        moot = {"link_private"} if target.here else set()  # an endpoint on this machine reaches its links
        if (self._connection.links.publish_to is not None) if hosted is None else hosted:
            moot.add("clip_needs_hosting")
        return Findings(one for one in findings if one.code not in moot)

    def estimate(self, req: MotionRequest) -> Estimate:
        """Measure a request's clip and estimate what it costs."""
        clip = self._measured(require_request(req).video_url, measure_clip)
        return estimate(req, clip, prices=self.prices)

    def prepare(self, req: MotionRequest) -> tuple[dict[str, Any], Estimate]:
        """Measure, check and price a request; return the log's columns for it.

        Raises
        ------
        RequestError
            The request has errors; all findings are in `findings`.
        """
        clip, image = self.measure(req)
        findings = self.judge(req, clip, image)
        errors = [finding.message for finding in findings if finding.severity == "error"]
        if errors:
            error = RequestError.of("request_errors", count=len(errors), messages=" ".join(errors))
            error.findings = tuple(findings)
            raise error
        cost = estimate(req, clip, prices=self.prices)
        target = self._connection.target
        where = {
            "endpoint": target.endpoint, "account": self._connection.account, "sandbox": not target.live,
        }  # fmt: skip
        return {**where, **columns_of(req, clip, image, cost)}, cost

    def plan_job(
        self, req: MotionRequest, known: dict[Path, tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        """Return the log's columns of a valid request, copies of its local media kept. Nothing is sent.

        `known`: what was kept just now, by file (see `keep_inputs`).

        Raises
        ------
        RequestError
            The request has errors, or a local file would become public without consent.
        LogError
            The folder takes no files.
        """
        values, _ = self.prepare(req)
        return {**values, **self.keep(req, known)}

    def keep(self, req: MotionRequest, known: dict[Path, tuple[str, str]] | None = None) -> dict[str, Any]:
        """Keep copies of a request's local media, to whose publishing somebody agreed; as `plan_job`."""
        self._connection.links.require_consent(req)
        return keep_inputs(self._log, self._folder, req, known)

    def require_bound(self, cost: Estimate, bound: float | None) -> None:
        """Raise BudgetError unless a price fits what may be spent (a live endpoint needs a bound)."""
        require_bound(cost, bound, live=self._connection.target.live)

    def require_unpaid(self, keys: Iterable[str]) -> None:
        """Raise RequestError where content was sent with another key (`RotatedKey.require_unpaid`)."""
        self.rotated.require_unpaid(keys)

    def require_ready(self) -> None:
        """Raise unless the key is there and the results folder takes files; nothing is paid for in vain."""
        if self._connection.target.live:
            self._connection.target.need_key()
        require_writable(self._folder / "results")

    def _measured(self, value: object, measure: Callable[..., _Fact]) -> _Fact | ClipError | None:
        """Measure what a field names. None: it names no file and no link."""
        if isinstance(value, Clip | Image):
            return cast("_Fact", value)
        source, kind = media_source(value), media_kind(value)
        if source is None or kind not in ("link", "path"):
            return None
        try:  # an endpoint elsewhere reaches nothing inside, and nobody may look there by asking for it
            where = Path(source) if kind == "path" else source
            fact = measure(where, hash_content=kind == "path", public=not self._connection.target.here)
        except ClipError as error:
            return error
        return replace(fact, name=own_name(self._log, self._folder, fact))
