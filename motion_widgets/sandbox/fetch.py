"""Fetching what a link in a request leads to, over real HTTP, within bounds.

The only requests the sandbox ever makes are these, to links somebody put into a request. The sandbox's own
media are fetched the same way; a link that still carries the port of an earlier process is led to the present
one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from motion_widgets.sandbox.measure import kind_of
from motion_widgets.sandbox.responses import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

__all__ = ["Fetched", "Fetcher"]

_DEADLINE = 60.0  # s for one link, redirects and slow servers included
_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file: where it lies inside ``inputs/`` and its size in bytes."""

    path: Path
    size: int


class Fetcher:
    """Fetches links into `folder`/inputs, each file named by its content.

    Parameters
    ----------
    folder : Path
        The sandbox's folder.
    own_base : callable
        Returns the present base address.
    is_own : callable
        Tells whether a path (``/media/…``, ``/results/…``) is one of this sandbox's own files.
    deadline : float
        Seconds for one link in all.
    """

    def __init__(
        self,
        folder: Path,
        own_base: Callable[[], str],
        is_own: Callable[[str], bool],
        deadline: float = _DEADLINE,
    ) -> None:
        self._folder = folder
        self._own_base = own_base
        self._is_own = is_own
        self._deadline = deadline
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def fetch(self, link: str, field: str, limit: int) -> Fetched:
        """Fetch `link` (of the request's `field`), reading at most `limit` + 1 bytes.

        Raises
        ------
        Refusal
            400, in words: not reachable, not 200, larger than `limit` bytes, too slow.
        """
        import httpx

        ends = time.monotonic() + self._deadline
        part = self._folder / "tmp" / f"fetch-{os.urandom(8).hex()}"
        try:
            url = httpx.URL(self._present(link))
            for _ in range(_REDIRECTS + 1):
                client = self._client(local=_is_loopback(url.host))
                with client.stream("GET", url) as answer:
                    if answer.has_redirect_location:
                        url = url.join(answer.headers["location"])
                        if url.scheme not in {"http", "https"}:
                            raise Refusal.parameter(f"{field} redirects to something that is not http(s).")
                        continue
                    return self._save(answer, part, field, limit, ends)
            raise Refusal.parameter(f"{field} redirects more than {_REDIRECTS} times.")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = type(error).__name__
            raise Refusal.parameter(
                f"{field} could not be fetched ({reason}). The link must be publicly reachable."
            ) from None
        finally:
            part.unlink(missing_ok=True)

    def _save(self, answer: httpx.Response, part: Path, field: str, limit: int, ends: float) -> Fetched:
        if answer.status_code != 200:
            raise Refusal.parameter(
                f"{field} could not be fetched: its host answered HTTP {answer.status_code}. "
                "The link must be publicly reachable."
            )
        digest, size, head = hashlib.sha256(), 0, b""
        with part.open("wb") as file:
            for chunk in answer.iter_bytes():
                size += len(chunk)
                head = (head + chunk[:16])[:16]
                if size > limit:
                    raise Refusal.parameter(f"{field} is larger than {limit // 1_000_000} MB.")
                if time.monotonic() > ends:
                    raise Refusal.parameter(f"{field} could not be fetched within {self._deadline:.0f} s.")
                digest.update(chunk)
                file.write(chunk)
        path = self._folder / "inputs" / f"{digest.hexdigest()[:32]}.{kind_of(head)[0]}"
        part.replace(path)
        return Fetched(path, size)

    def _present(self, link: str) -> str:
        """Lead a link to the sandbox's own media to the port it has now."""
        parts = urlsplit(link)
        if _is_loopback(parts.hostname or "") and self._is_own(parts.path):
            return self._own_base() + parts.path
        return link

    def _client(self, *, local: bool) -> httpx.Client:
        """Return the client for loopback (never by a proxy) or for elsewhere (as the environment says)."""
        import httpx

        with self._lock:
            if local not in self._clients:
                timeout = httpx.Timeout(min(10.0, self._deadline))
                # Making the TLS context costs some 25 ms, and loopback links hardly ever need one.
                self._clients[local] = httpx.Client(trust_env=not local, timeout=timeout)
            return self._clients[local]


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
