"""What a request is worth before it is sent: measured, checked and priced, and held against a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import ClipError, RequestError
from motion_widgets.core.facts import Clip, Image, Shots
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.request.media_source import media_kind, media_source
from motion_widgets.request.price import Estimate, Prices, estimate
from motion_widgets.request.rules import check
from motion_widgets.workspace.inputs import columns_of

if TYPE_CHECKING:
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.request.rules import Finding
    from motion_widgets.workspace.endpoint_choice import Target

__all__ = ["Appraiser", "judge"]


class Appraiser:
    """Measures, checks and prices requests.

    Parameters
    ----------
    prices
        What a second costs.
    """

    def __init__(self, prices: Prices) -> None:
        self.prices = prices

    def measure(self, req: MotionRequest) -> tuple[Clip | ClipError | None, Image | ClipError | None]:
        """Measure a request's clip and image; an error stands in for what could not be measured.

        Touches disk or network. None: the request names no file and no link.
        """
        clip = self._one(req.video_url, measure_clip)
        image = self._one(req.image_url, measure_image)
        return clip, image  # type: ignore[return-value]

    def _one(self, value: object, how: Any) -> Clip | Image | ClipError | None:
        if isinstance(value, Clip | Image):
            return value
        source, kind = media_source(value), media_kind(value)
        if source is None or kind not in ("link", "path"):
            return None
        try:
            measured: Clip | Image = how(source, hash_content=kind == "path")
        except ClipError as error:
            return error
        return measured

    def check(self, req: MotionRequest, target: Target, *, hosted: bool) -> list[Finding]:
        """Measure a request's media and find all that is wrong with it, for an endpoint; as `judge`."""
        return judge(req, *self.measure(req), target, hosted=hosted)

    def estimate(self, req: MotionRequest) -> Estimate:
        """Measure a request's clip and estimate what it costs."""
        return estimate(req, self._of_clip(req), prices=self.prices)

    def _of_clip(self, req: MotionRequest) -> Clip | ClipError | None:
        return self._one(req.video_url, measure_clip)  # type: ignore[return-value]

    def prepare(self, req: MotionRequest, target: Target, *, hosted: bool) -> tuple[dict[str, Any], Estimate]:
        """Measure, check (as `judge`) and price a request; give the log's columns for its content.

        Raises
        ------
        RequestError
            The request has errors; all findings are in `findings`.
        """
        clip, image = self.measure(req)
        findings = judge(req, clip, image, target, hosted=hosted)
        errors = [finding.message for finding in findings if finding.severity == "error"]
        if errors:
            error = RequestError.of("request_errors", count=len(errors), messages=" ".join(errors))
            error.findings = tuple(findings)
            raise error
        cost = estimate(req, clip, prices=self.prices)
        return columns_of(req, clip, image, cost), cost


def judge(
    req: MotionRequest,
    clip: Clip | ClipError | None,
    image: Image | ClipError | None,
    target: Target,
    *,
    hosted: bool,
    shots: Shots | None = None,
) -> list[Finding]:
    """Find all that is wrong with a request for an endpoint; one on this machine reaches its links.

    `hosted`: a person chose where local clips are published. `shots`: as `check` takes them.
    """
    findings = check(req, clip=clip, image=image, live=target.live, shots=shots)
    if hosted:
        findings = [one for one in findings if one.code != "clip_needs_hosting"]
    if target.here:
        findings = [one for one in findings if one.code != "link_private"]
    return findings
