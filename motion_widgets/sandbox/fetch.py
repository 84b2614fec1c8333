"""Fetching what a link in a request leads to, over real HTTP, within bounds.

These are the only requests that the sandbox ever makes. Its own media are fetched the same way; a link that
still carries the port of an earlier process is pointed at the present one.
"""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from motion_widgets.sandbox.store import Store

__all__ = ["Fetcher"]

_DEADLINE = 60.0  # s for one link, redirects and slow servers included
_REDIRECTS = 3


class Fetcher:
    """Fetches links into the store's ``inputs/``, each file named after its content.

    `base` returns the present base address, `is_own` whether a path is one of this sandbox's own files.
    """

    def __init__(self, store: Store, base: Callable[[], str], is_own: Callable[[str], bool]) -> None:
        self._store = store
        self._base = base
        self._is_own = is_own

    def fetch(self, link: str, field: str, limit: int) -> Path:
        """Fetch `link` (of the request's `field`), at most `limit` bytes, and return the stored file.

        Raises
        ------
        ApiError
            400: not reachable, not 200, larger than `limit` bytes or too slow.
        """
        import httpx

        deadline = time.monotonic() + _DEADLINE
        try:
            url = httpx.URL(self._present(link))
            for _ in range(_REDIRECTS + 1):
                # A loopback link never goes through a proxy, others as the environment says.
                proxied = not _is_loopback(url.host)
                with httpx.stream("GET", url, trust_env=proxied, timeout=10.0) as response:
                    if response.has_redirect_location:
                        url = url.join(response.headers["location"])
                        if url.scheme not in {"http", "https"}:
                            raise ApiError.invalid(f"{field} redirects to something that is not http(s).")
                        continue
                    return self._save(response, field, limit, deadline)
            raise ApiError.invalid(f"{field} redirects more than {_REDIRECTS} times.")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = type(error).__name__
            raise ApiError.invalid(
                f"{field} could not be fetched ({reason}). The link must be publicly reachable."
            ) from None

    def _save(self, response: httpx.Response, field: str, limit: int, deadline: float) -> Path:
        if response.status_code != 200:
            raise ApiError.invalid(
                f"{field} could not be fetched: its host answered HTTP {response.status_code}. "
                "The link must be publicly reachable."
            )
        too_large = ApiError.invalid(f"{field} is larger than {limit // 1_000_000} MB.")
        with self._store.incoming_file(limit, too_large) as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                if time.monotonic() > deadline:
                    raise ApiError.invalid(f"{field} could not be fetched within {_DEADLINE:.0f} s.")
            file.close()
            return file.path.replace(self._store.folder / "inputs" / file.name)

    def _present(self, link: str) -> str:
        """Return `link`, or for one of the sandbox's own files its present address."""
        parts = urlsplit(link)
        if _is_loopback(parts.hostname or "") and self._is_own(parts.path):
            return self._base() + parts.path
        return link


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
