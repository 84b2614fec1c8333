"""Publish one file: reuse a link that still lives, or check the file, put it somewhere and keep the link.

Links are kept in a small file in the workspace's folder that only its owner can read, as they may be signed.
A file that another user wrote is not believed (`core.signed_file`): its links would lead to other content.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.core.errors import RequestError
from motion_widgets.core.files import alone
from motion_widgets.core.forks import new_lock
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.signed_file import read_signed, write_signed
from motion_widgets.media.probe.image import measure_image
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.sniff import SNIFFED, looks_like
from motion_widgets.publishing import file_server, object_store, shell_command
from motion_widgets.publishing.destination import DAY, JOB, LIFE, UPLOAD_LIFE, Published, expires_of
from motion_widgets.request.request import MotionRequest
from motion_widgets.request.rules import check

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.endpoint.client import EndpointClient
    from motion_widgets.publishing.destination import Destination

__all__ = ["LinkCache", "Publisher", "is_clip"]

_FIELDS = {"url": str, "sha": str, "name": str, "size": int, "to": str}
_lock = new_lock()


class LinkCache:
    """The links of one folder, kept in ``published.json`` there.

    Parameters
    ----------
    folder
        The workspace's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "published.json"

    def find(self, key: str) -> Published | None:
        """Return what was published under a key. None: nothing, or the file cannot be read."""
        return _read(self._load().get(key))

    def keep(self, key: str, published: Published) -> None:
        """Keep a link and drop expired ones; on a full disk, nothing is kept."""
        lock = self._file.with_name(".published.lock")
        with contextlib.suppress(OSError), _lock, alone(lock):  # at worst a link is made twice
            now = time.time()
            links = {one: found for one, value in self._load().items() if (found := _read(value)) is not None}
            links = {
                one: found for one, found in links.items() if found.expires is None or found.expires > now
            }
            links[key] = published
            write_signed(self._file, {one: asdict(found) for one, found in links.items()})

    def _load(self) -> dict[str, Any]:
        return read_signed(self._file) or {}


def _read(value: object) -> Published | None:
    """Return an entry. None: this version did not write it."""
    if not isinstance(value, dict) or not all(
        isinstance(value.get(one), kind) for one, kind in _FIELDS.items()
    ):
        return None
    expires = value.get("expires")
    if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int | float)):
        return None
    return Published(**{one: value[one] for one in _FIELDS}, expires=expires)


_MARGIN = 0.02
"""Share of an upload's lifetime that is not relied on: clocks differ, and it began before the response."""
_ENDINGS = {"jpeg": ".jpg"}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_FOR_EVER = 100 * 365 * DAY
_LINK_MOST = 8000
"""Characters; no signed link is longer."""


class Publisher:
    """Publishes files for one endpoint. Belongs to one event loop.

    Parameters
    ----------
    cache
        The links that were made before.
    here
        The endpoint is on this machine, so links to this machine over plain http work.
    clock
        How much faster the endpoint's time runs; above 1 only on the sandbox.
    """

    def __init__(self, cache: LinkCache, *, here: bool, clock: float = 1.0) -> None:
        self._cache = cache
        self._here = here
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}

    @property
    def cover(self) -> float:
        """Seconds that a link must still live when a job is submitted."""
        return JOB / self._clock

    async def publish(
        self,
        path: Path,
        place: Destination,
        *,
        client: EndpointClient | None,
        life: float | None = None,
        wanted: str | None = None,
        called: str | None = None,
    ) -> Published:
        """Publish a file and return its link, or the one that the same bytes already have there.

        Parameters
        ----------
        path
            A local file, which does not change meanwhile.
        place
            Where to. ``"result:…"`` is not accepted here.
        client
            The endpoint, for its own upload. None: `place` is another.
        life
            s that the link should live at least. None: long enough for one job.
        wanted
            Name at the destination. None: derived from the content.
        called
            What a person calls the file. None: the path's name.

        Raises
        ------
        RequestError
            The file breaks the endpoint's rules, or the destination does not accept it.
        EndpointError
            The endpoint's upload failed.
        """
        if wanted is not None and not (isinstance(wanted, str) and _NAME.fullmatch(wanted)):
            raise RequestError.of("publish_name", found=str(wanted)[:80])
        least = self._least(place, life)
        sha = await asyncio.to_thread(sha256_of, path)
        where = f"{client.base_url} " if client is not None and place.kind == "endpoint" else ""
        key = f"{sha}:{where}{place.digest}" + (f":{wanted}" if wanted else "")
        async with self._turns.setdefault(key, asyncio.Lock()):
            if place.kind != "serve":  # a server of an earlier kernel shows nothing any more
                known = await asyncio.to_thread(self._cache.find, key)
                if known is not None and known.lives(least):
                    return known
            ending, size = await asyncio.to_thread(_require_fit, path, place, called or path.name)
            name = wanted or f"{sha[:32]}{ending}"
            made = await self._put_new(path, place, sha, size, client, life=life, least=least, name=name)
            if place.kind != "serve":
                await asyncio.to_thread(self._cache.keep, key, made)
            return made

    async def _put_new(
        self, path: Path, place: Destination, sha: str, size: int, client: EndpointClient | None,
        *, life: float | None, least: float, name: str,
    ) -> Published:  # fmt: skip
        """Put a file there, and return its link if that is one and lives for `least` s."""
        asked = life if life is not None else max(place.life or LIFE, least)
        began = time.time()
        url = await self._put(path, place, name, asked, client)
        self._require_link(url, place)
        made = Published(
            url=url, expires=self._ends(place, url, began, life, asked), sha=sha, name=name,
            size=size, to=place.label,
        )  # fmt: skip
        if not made.lives(least * (1 - _MARGIN)):
            got = (made.expires or 0.0) - time.time()
            raise RequestError.of("life_short", place=place.label, got=got, least=least)
        return made

    def _least(self, place: Destination, life: float | None) -> float:
        """Return the s that a link must live, or raise if that is impossible."""
        least = self.cover if life is None else life
        if not (isinstance(least, int | float) and 0 < least < _FOR_EVER):
            raise RequestError.of("life_wrong", found=repr(life)[:40])
        most = UPLOAD_LIFE * (1 - _MARGIN) / self._clock
        if place.kind == "endpoint" and least > most:
            raise RequestError.of("life_long", life=least / DAY, limit=most / DAY, place=place.label)
        return least

    async def _put(
        self, path: Path, place: Destination, name: str, life: float, client: EndpointClient | None
    ) -> str:
        if place.kind == "endpoint" and client is not None:
            return await client.upload_image(path)
        if place.kind == "store":
            return await asyncio.to_thread(object_store.put, place, path, name, life)
        if place.kind == "command":
            return await shell_command.run(place, path, name)
        return await asyncio.to_thread(file_server.show, place.to[6:].strip(), path, name, time.time() + life)

    def _require_link(self, url: str, place: Destination) -> None:
        """Raise unless what came back is a link that can go into a request."""
        try:
            parts = urlsplit(url)
            host, secure = parts.hostname, parts.scheme == "https"
        except ValueError:
            host, parts, secure = None, urlsplit(""), False
        plain = parts.scheme == "http" and (place.kind == "serve" or (self._here and is_loopback(url)))
        clean = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LINK_MOST
        if not (host and clean and (secure or plain)) or parts.username is not None:
            raise RequestError.of("publish_no_link", place=place.label)

    def _ends(
        self, place: Destination, url: str, began: float, life: float | None, asked: float
    ) -> float | None:
        """Return when a link expires (unix s). None: unknown."""
        if place.kind == "endpoint":
            return began + UPLOAD_LIFE * (1 - _MARGIN) / self._clock
        stated = expires_of(url)
        if stated is not None or place.kind == "command":
            return stated if stated is not None or life is None else began + life
        return began + asked


def is_clip(path: Path) -> bool:
    """Return whether a file begins like an mp4 or mov; anything else is treated as an image."""
    with path.open("rb") as file:
        return looks_like(file.read(SNIFFED)).id == "mp4"


def _require_fit(path: Path, place: Destination, name: str) -> tuple[str, int]:
    """Raise unless the model accepts this file, in words that call it `name`; return its extension and bytes.

    The endpoint's upload accepts more than the model does, and what is refused later was public in vain.
    """
    if is_clip(path):
        if place.kind == "endpoint":
            raise RequestError.of("clip_needs_hosting", name=name)
        clip = replace(measure_clip(path, confirm=False), name=name)
        findings, ending = (
            check(MotionRequest(video_url=clip, character_orientation="video"), clip=clip),
            f".{clip.format}",
        )
        field = "video_url"
    else:
        image = replace(measure_image(path), name=name)
        findings = check(MotionRequest(image_url=image), image=image)
        ending, field = _ENDINGS.get(image.format, f".{image.format}"), "image_url"
    errors = [one for one in findings if one.field == field and one.severity == "error"]
    if errors:
        messages = " ".join(one.message for one in errors)
        trouble = RequestError.of("publish_unfit", name=name, messages=messages)
        trouble.findings = tuple(errors)
        raise trouble
    return ending, path.stat().st_size
