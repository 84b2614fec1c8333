"""Looking at a link before it is paid for: does it live, for long enough, and is it what it should be."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.errors import ClipError
from motion_widgets.core.messages import say
from motion_widgets.media.probe.http_source import LinkSource
from motion_widgets.media.probe.sniff import looks_like
from motion_widgets.publishing.destination import expires_of, say_expiry
from motion_widgets.request.findings import Finding, find
from motion_widgets.request.limits import LIMITS, MB

if TYPE_CHECKING:
    from motion_widgets.request.findings import Severity

__all__ = ["Probes", "probe"]

Field = Literal["image_url", "video_url"]
SECONDS = 20.0
_HEAD = 512
"""Bytes asked for: enough to tell a clip or a picture from a page."""
_GOOD_FOR = 300.0
"""s that a link which was found well is not asked for again; a sweep sends the same ones often."""
_MANY = 1000
_GONE = (401, 403, 404, 410)
"""Answers that anybody would get."""
_MEDIA = {"image_url": ("jpeg", "png"), "video_url": ("mp4", "unknown")}
"""What the first bytes may look like; those of an unknown format may still be a clip's."""


async def probe(
    field: Field, link: str, *, cover: float, public: bool, seconds: float = SECONDS
) -> list[Finding]:
    """Ask a link for its first bytes, redirects hop by hop, and return what is wrong with it.

    Parameters
    ----------
    field
        Which link of the request it is.
    link
        The link.
    cover
        s from now on that it must live.
    public
        The endpoint is elsewhere, so private addresses are none of its own.
    seconds
        Total deadline.

    Returns
    -------
    list of Finding
        Errors where the endpoint would fetch nothing or something else; warnings where that is not sure; a
        hint where the host serves no parts.
    """
    what = say("the_image" if field == "image_url" else "the_clip")
    expires = expires_of(link)
    if expires is not None and expires < time.time() + cover:
        when = say_expiry(expires)
        return [find(field, "error", "link_dies", what=what, when=when, hours=cover / 3600)]
    try:
        try:
            return await _look(field, link, what, public=public, seconds=seconds, whole=False)
        except ClipError as error:
            if error.code != "link_dead" or error.params.get("status") in _GONE:
                raise
        return await _look(field, link, what, public=public, seconds=seconds, whole=True)
    except ClipError as error:
        return [Finding(field, _severity(error), error.code, str(error))]


def _severity(error: ClipError) -> Severity:
    """An error where the endpoint must meet the same; what only this machine may have met is a warning."""
    passing = error.code == "link_dead" and error.params.get("status") not in _GONE
    return "warning" if passing or error.code in ("link_unreachable", "link_slow", "link_answer") else "error"


async def _look(
    field: Field, link: str, what: str, *, public: bool, seconds: float, whole: bool
) -> list[Finding]:
    source = LinkSource(link, deadline=seconds, first=_HEAD, public=public, whole=whole)
    try:
        head = await source.head(_HEAD)
        size, parts = source.size, not source.forward_only
    finally:
        await source.aclose()
    where: dict[str, Any] = {"what": what, "host": source.host}
    if not head:
        return [find(field, "error", "link_empty", **where)]
    found = looks_like(head)
    if found.id not in _MEDIA[field]:
        return [find(field, "error", "link_other", **where, found=found.label)]
    limit = LIMITS.image_bytes if field == "image_url" else LIMITS.clip_bytes
    if size is not None and size > limit:
        mb = size / MB
        return [find(field, "error", "link_large", **where, mb=mb, limit=limit // MB)]
    if not parts and field == "video_url":
        return [find(field, "hint", "link_no_parts", **where)]
    return []


class Probes:
    """Probes links, and remembers for some minutes which were well. Belongs to one event loop.

    What is only hinted at is no fault of a link, so it is remembered too. Any thread may call `known`.
    """

    def __init__(self, *, public: bool) -> None:
        self._public = public
        self._well: dict[tuple[Field, str], tuple[float, list[Finding]]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def known(self, field: Field, link: str, *, cover: float) -> list[Finding] | None:
        """Return what is remembered of a link that was well, at most hints. None: it is to be looked at."""
        expires = expires_of(link)
        until, hints = self._well.get((field, link), (0.0, []))
        lives = expires is None or expires >= time.time() + cover
        return hints if until > time.monotonic() and lives else None

    async def __call__(self, field: Field, link: str, *, cover: float) -> list[Finding]:
        """Return what is wrong with a link, as `probe` does."""
        async with self._turns.setdefault(link, asyncio.Lock()):
            hints = self.known(field, link, cover=cover)
            if hints is not None:
                return hints
            found = await probe(field, link, cover=cover, public=self._public)
            if all(one.severity == "hint" for one in found):
                if len(self._well) > _MANY:
                    self._well.clear()
                    self._turns.clear()
                self._well[field, link] = time.monotonic() + _GOOD_FOR, found
            return found
