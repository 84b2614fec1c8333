"""Fetching what a link in a request leads to, over real HTTP, within bounds.

These are the only requests that the sandbox ever makes. Its own media are fetched the same way; a link that
still carries the port of an earlier process is pointed at the present one. A link may lead to this machine,
as the sandbox is on it; a redirect from elsewhere may not.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from motion_widgets.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from motion_widgets.sandbox.store import Store

__all__ = ["Fetcher"]

_DEADLINE = 60.0  # s for one link, redirects and slow servers included
_REDIRECTS = 3
_NAT64, _UNICAST = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2000::/3")


class Fetcher:
    """Fetches links into the store's ``inputs/``, each file named after its content.

    `base` returns the present base address, `is_own` whether a path is one of this sandbox's own files. With
    `public`, nothing else that is inside is fetched.
    """

    def __init__(
        self, store: Store, base: Callable[[], str], is_own: Callable[[str], bool], *, public: bool = False
    ) -> None:
        self._store = store
        self._public = public
        self._base = base
        self._is_own = is_own

    def fetch(self, link: str, field: str, limit: int) -> Path:
        """Fetch `link` (of the request's `field`), at most `limit` bytes, and return the stored file.

        Raises
        ------
        ApiError
            400: not reachable, not 200, larger than `limit` bytes, too slow, or a redirect leads inside.
        """
        import httpx

        deadline = time.monotonic() + _DEADLINE
        inside = False
        try:
            url = httpx.URL(self._present(link))
            for hop in range(_REDIRECTS + 1):
                addresses, led = _addresses(url), inside
                inside = any(map(_is_inside, addresses))
                if inside and ((hop and not led) or (self._public and not self._serves(url))):
                    raise ApiError.invalid(f"{field} {'redirects' if hop else 'leads'} to a private network.")
                with _asked(url, addresses) as response:
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

    def _serves(self, url: httpx.URL) -> bool:
        return str(url).startswith(f"{self._base()}/")


def _is_proxied(url: httpx.URL) -> bool:
    """Return whether the environment's proxy is asked; never for a link to this machine."""
    has_proxy = not {url.scheme, "all"}.isdisjoint(getproxies())
    return has_proxy and not _is_loopback(url.host) and not proxy_bypass(url.host)


def _addresses(url: httpx.URL) -> list[str]:
    """Return where a link leads, as looked up from here. Empty: only the proxy may know."""
    import httpx

    try:
        found = socket.getaddrinfo(url.raw_host.decode(), url.port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if _is_proxied(url):
            return []
        raise httpx.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@contextmanager
def _asked(url: httpx.URL, addresses: list[str]) -> Iterator[httpx.Response]:
    """Ask one hop at the first address that listens: it is not looked up again, unless by a proxy."""
    import httpx

    if _is_proxied(url):
        with httpx.stream("GET", url, timeout=10.0) as response:
            yield response
        return
    named = {"Host": url.netloc.decode()}
    with httpx.Client(trust_env=False, verify=httpx.create_ssl_context(), timeout=10.0) as client:
        for left in range(len(addresses) - 1, -1, -1):
            request = client.build_request(
                "GET", url.copy_with(host=addresses[-1 - left]), headers=named,
                extensions={"sni_hostname": url.raw_host.decode()},
            )  # fmt: skip
            try:
                response = client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if not left:
                    raise
            else:
                try:
                    yield response
                finally:
                    response.close()
                return


def _is_inside(text: str) -> bool:
    """Return whether an address, or the IPv4 address that it stands for, is not a public one."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        forwarded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        inner = address.ipv4_mapped or address.sixtofour or forwarded
        if inner is None and address not in _UNICAST:
            return True
        return not (inner or address).is_global
    return not address.is_global or address.is_multicast


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
