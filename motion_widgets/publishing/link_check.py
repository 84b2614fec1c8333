"""Check a link before it is paid for: that it works, for long enough, and is a clip or an image."""

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

__all__ = ["LinkChecker", "check_link"]

Field = Literal["image_url", "video_url"]
SECONDS = 20.0
_HEAD = 512
"""Bytes to ask for: enough to tell a clip or an image from a page."""
_GOOD_FOR = 300.0
"""s until a good link is checked again; a sweep sends the same links often."""
_MANY = 1000
_GONE = (401, 403, 404, 410)
"""HTTP statuses that the endpoint would get as well."""
_MEDIA = {"image_url": ("jpeg", "png"), "video_url": ("mp4", "unknown")}
"""What the first bytes may look like; those of an unknown format may still be a clip's."""


async def check_link(
    field: Field, link: str, *, cover: float, public: bool, seconds: float = SECONDS
) -> list[Finding]:
    """Ask a link for its first bytes, redirects hop by hop, and return what is wrong with it.

    Parameters
    ----------
    field
        The wire field that holds the link.
    link
        The link.
    cover
        s that it must live from now on.
    public
        The endpoint is elsewhere, so it cannot reach private addresses.
    seconds
        Total deadline.

    Returns
    -------
    list of Finding
        Errors if the endpoint would fetch nothing or something else, warnings if that is uncertain, and a
        hint if the host does not support Range.
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
    """Return the severity: an error if the endpoint must see it too, a warning if perhaps only we do."""
    passing = error.code == "link_dead" and error.params.get("status") not in _GONE
    return (
        "warning"
        if passing or error.code in ("link_settings", "link_unreachable", "link_slow", "link_answer")
        else "error"
    )


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


class LinkChecker:
    """Checks links, and remembers the good ones for some minutes. Belongs to one event loop.

    A link with mere hints counts as good. Any thread may call `known`.
    """

    def __init__(self, *, public: bool) -> None:
        self._public = public
        self._good: dict[tuple[Field, str], tuple[float, list[Finding]]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def known(self, field: Field, link: str, *, cover: float) -> list[Finding] | None:
        """Return what is remembered of a good link: at most hints. None: the link has to be checked."""
        expires = expires_of(link)
        until, hints = self._good.get((field, link), (0.0, []))
        lives = expires is None or expires >= time.time() + cover
        return hints if until > time.monotonic() and lives else None

    async def __call__(self, field: Field, link: str, *, cover: float) -> list[Finding]:
        """Return what is wrong with a link, as `check_link` does."""
        async with self._turns.setdefault(link, asyncio.Lock()):
            hints = self.known(field, link, cover=cover)
            if hints is not None:
                return hints
            found = await check_link(field, link, cover=cover, public=self._public)
            if all(one.severity == "hint" for one in found):
                if len(self._good) > _MANY:
                    self._good.clear()
                    self._turns.clear()
                self._good[field, link] = time.monotonic() + _GOOD_FOR, found
            return found
