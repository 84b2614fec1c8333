"""Where a workspace's media become public: the person's choice and consent, and the last look at a link.

Nothing leaves this machine without consent, which is given for a destination and may be taken back. A link
is looked at before it is paid for; the sandbox gets its media as they are.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.messages import say
from motion_widgets.publishing.destination import Destination, Published, hours
from motion_widgets.publishing.link_check import LinkChecker
from motion_widgets.publishing.publisher import LinkCache, Publisher
from motion_widgets.request.media_source import media_kind, media_name
from motion_widgets.workspace.settings import choose, chosen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.log.store import Log
    from motion_widgets.request.findings import Finding
    from motion_widgets.request.request import MotionRequest
    from motion_widgets.workspace.settings import Target

__all__ = ["MissingConsent", "PublicLinks"]

_UPLOAD = Destination.read("endpoint")


@dataclass(frozen=True)
class MissingConsent:
    """A consent that is still missing."""

    field: str
    """The wire field whose file would become public; ``""``: any file."""
    name: str
    """What a person calls the file."""
    place: Destination
    life: float | None = None
    """s that were asked for. None: as is usual there."""

    @property
    def sentence(self) -> str:
        """What would become public, where and for how long."""
        return say(
            "consent_what", name=self.name, place=self.place.label, life=hours(self.life or self.place.life)
        )


class PublicLinks:
    """Publishing for one workspace at one endpoint.

    Parameters
    ----------
    folder
        The workspace's folder.
    log
        Where earlier results are found.
    target
        The endpoint.
    clock
        By how much its time runs faster; above 1 on the sandbox only.
    """

    def __init__(self, folder: Path, log: Log, target: Target, *, clock: float = 1.0) -> None:
        self._folder = folder
        self._log = log
        self._target = target
        self.publisher = Publisher(LinkCache(folder), here=target.here, clock=clock)
        self._link_checker = LinkChecker(public=not target.here)

    # What a person chose.

    @property
    def publish_to(self) -> str | None:
        """Where local clips of a live endpoint are published. None: nowhere."""
        to = chosen(self._folder).get("publish_to")
        return to if isinstance(to, str) else None

    @publish_to.setter
    def publish_to(self, to: str | None) -> None:
        place = Destination.read(to) if to is not None else None
        if place is not None and place.kind in ("endpoint", "result"):
            raise RequestError.of("publish_default", place=place.label)
        choose(self._folder, publish_to=place.to if place is not None else None)

    def consent(self, *to: str, given: bool = True) -> None:
        """Remember that media may become public at destinations (none named: all that jobs use), or may not.

        Raises
        ------
        RequestError
            One is not a destination.
        """
        places = [Destination.read(one) for one in to] or self._defaults()
        held = self._consents()
        for place in places:
            if given:
                held[self._consent_key(place)] = place.label
            else:
                held.pop(self._consent_key(place), None)
        choose(self._folder, consent=held or None)

    def consented(self, place: Destination) -> bool:
        """Return whether a file may be published at a place: it stays on this machine, or a person agreed."""
        stays = (place.kind == "endpoint" and self._target.here) or place.to == "serve"
        return stays or place.kind == "result" or self._consent_key(place) in self._consents()

    def asked(self, req: MotionRequest) -> list[MissingConsent]:
        """Return the consents that submitting a request still needs; none if nothing leaves this machine."""
        if not self._target.live:
            return []
        to, missing = self.publish_to, []
        places = {"image_url": _UPLOAD, "video_url": Destination.read(to) if to else None}
        for field, place in places.items():
            value = getattr(req, field)
            if place is not None and media_kind(value) == "path" and not self.consented(place):
                name = value.name if isinstance(value, Clip | Image) else media_name(value)
                missing.append(MissingConsent(field, name, place))
        return missing

    def require_consent(self, req: MotionRequest) -> None:
        """Raise RequestError where a local file of a request would become public without consent."""
        for one in self.asked(req):
            raise RequestError.of("consent_missing", what=one.sentence, how="ws.consent(), or --consent")

    def _defaults(self) -> list[Destination]:
        to = self.publish_to
        return [_UPLOAD, *([Destination.read(to)] if to else [])]

    def _consents(self) -> dict[str, str]:
        held = chosen(self._folder).get("consent")
        return dict(held) if isinstance(held, dict) else {}

    def _consent_key(self, place: Destination) -> str:
        return f"{place.digest}@{self._target.endpoint}" if place.kind == "endpoint" else place.digest

    # What jobs and people ask for.

    async def publish(
        self,
        path: Path,
        place: Destination,
        *,
        client: EndpointClient | None,
        consent: bool = False,
        **wishes: Any,
    ) -> Published:
        """Publish a file that does not change, as `Publisher.publish` does, if a person agreed.

        Raises
        ------
        RequestError
            Nobody agreed, or it cannot be published.
        """
        if not (consent or self.consented(place)):
            asked = MissingConsent("", wishes.get("called") or path.name, place, wishes.get("life"))
            raise RequestError.of("consent_missing", what=asked.sentence, how="consent=True, ws.consent(to)")
        return await self.publisher.publish(path, place, client=client, **wishes)

    async def link_for(self, client: EndpointClient, field: str, path: Path, name: str) -> str:
        """Return the link under which a job's local file is fetched.

        Raises
        ------
        RequestError
            A clip, and nowhere to publish it; or as `publish` raises.
        """
        to = self.publish_to if field == "video_url" else "endpoint"
        if to is None:
            raise RequestError.of("clip_needs_hosting", name=name)
        return (await self.publish(path, Destination.read(to), client=client, called=name)).url

    async def look(self, wire: Mapping[str, Any]) -> list[Finding]:
        """Look at a request's links before it is paid for; return what is doubtful.

        Raises
        ------
        RequestError
            A link is dead, dies too soon or leads to something else; all findings are in `findings`.
        """
        cover = self.publisher.cover
        found = await asyncio.gather(
            self._link_checker("image_url", wire["image_url"], cover=cover),
            self._link_checker("video_url", wire["video_url"], cover=cover),
        )
        findings = [one for ones in found for one in ones]
        errors = [one.message for one in findings if one.severity == "error"]
        if errors:
            error = RequestError.of("links_unfit", messages=" ".join(errors))
            error.findings = tuple(findings)
            raise error
        return findings

    def result(self, job_id: str, sha: str | None = None) -> Published:
        """Return the link of an earlier result, while it lives.

        Parameters
        ----------
        job_id
            Whose result.
        sha
            The content that is wanted. None: whatever it is.

        Raises
        ------
        RequestError
            There is no such result, it is another content, or its link is dead or dies too soon.
        """
        try:
            row = self._log.jobs.get(job_id)
        except LogError as error:
            raise RequestError.of("result_none", id=job_id) from error
        links = json.loads(row.links or "[]")
        same = (row.endpoint, bool(links), row.result_sha is not None)
        if same != (self._target.endpoint, True, True):
            raise RequestError.of("result_none", id=job_id)
        if sha is not None and sha != row.result_sha:
            raise RequestError.of("result_other", id=job_id)
        expires = (row.expires_at or 0) / 1e6
        if expires < time.time() + self.publisher.cover:
            raise RequestError.of("result_dies", id=job_id)
        place = Destination.read(f"result:{job_id}")
        return Published(
            url=links[0], expires=expires, sha=row.result_sha or "", name=f"{job_id}.mp4",
            size=row.result_size or 0, to=place.label,
        )  # fmt: skip
