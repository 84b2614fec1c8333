"""Where requests go: the endpoint, its base address, the key that belongs there, and the account's name.

A key in the environment alone makes nothing live: an endpoint is live because a person named it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.messages import say
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY, Secret, find_key, fingerprint
from motion_widgets.endpoint.client import LIVE_URL, EndpointClient
from motion_widgets.endpoint.errors import AuthError
from motion_widgets.workspace.settings import choose, chosen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    OnResponse = Callable[[httpx.Request, httpx.Response], None]

__all__ = ["BASE_URL", "Target", "keep_in_mind", "remembered", "target_of"]

BASE_URL = "APIMART_BASE_URL"


@dataclass
class Target:
    """An endpoint as the log names it, and how it is reached."""

    endpoint: str
    """``"sandbox"``, ``"apimart"`` or a base address."""
    base_url: str = ""
    """Empty for the sandbox, whose port changes."""
    given: Secret | None = field(default=None, repr=False)
    on_response: OnResponse = field(default=lambda *_: None, repr=False)
    """Called with each request (without the key) and its response before the body is read."""

    @property
    def live(self) -> bool:
        """Whether submitting spends real money."""
        return self.endpoint != "sandbox"

    @property
    def here(self) -> bool:
        """Whether the endpoint is on this machine, so that it reaches this machine's links."""
        return not self.live or is_loopback(self.base_url)

    @property
    def secret(self) -> Secret | None:
        """The key of the live endpoint. None: there is none, or this is the sandbox."""
        if not self.live:
            return None
        if self.given is None:
            self.given = find_key(self.base_url, environment=self.endpoint == "apimart")
        return self.given

    def need_key(self) -> Secret:
        """Return the key.

        Raises
        ------
        AuthError
            There is none.
        """
        secret = self.secret
        if secret is None:
            host = urlsplit(self.base_url).hostname
            raise AuthError(
                say("key_missing", host=host, variable=ENVIRONMENT_KEY), code="key_missing", kind="auth"
            )
        return secret

    def account(self, salt: str) -> str:
        """Return the name under which the log keeps this account: a salted fingerprint of the key."""
        if not self.live:
            return "sandbox"
        secret = self.secret
        return fingerprint(secret, salt) if secret is not None else "no key"

    def client(self) -> EndpointClient:
        """Make a client of the live endpoint."""
        return EndpointClient(self.base_url, self.need_key(), on_response=self.on_response)


def target_of(endpoint: str, secret: Secret | None) -> Target:
    """Read what a person gave as an endpoint.

    Raises
    ------
    RequestError
        It is none, came without a key, or a key must not be sent there.
    """
    if endpoint == "sandbox":
        return Target("sandbox")
    if endpoint == "apimart":
        return Target("apimart", _checked(os.environ.get(BASE_URL) or LIVE_URL), secret)
    if not isinstance(endpoint, str) or not endpoint.lower().startswith(("https://", "http://")):
        raise RequestError.of("endpoint_wrong", found=str(endpoint)[:80])
    base_url = _checked(endpoint)
    if secret is None:
        raise RequestError.of("key_missing", host=urlsplit(base_url).hostname, variable="key=")
    # The provider's own address is the provider, however it was given: its jobs are never paid for twice.
    return Target("apimart" if base_url == LIVE_URL else base_url, base_url, secret)


def remembered(folder: Path) -> str:
    """Return what a person last switched a folder to: ``"apimart"``, else the sandbox."""
    return "apimart" if chosen(folder).get("endpoint") == "apimart" else "sandbox"


def keep_in_mind(folder: Path, target: Target) -> None:
    """Write down what a person switched a folder to."""
    choose(folder, endpoint=target.endpoint)


def _checked(url: str) -> str:
    """Return a base address in its one spelling: lower-case origin, no default port, query or ``/v1``."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.username is not None or parts.password is not None:
        raise RequestError.of("endpoint_wrong", found=f"{url.split(':', 1)[0]}://…")
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != {"https": 443, "http": 80}.get(parts.scheme):
        host = f"{host}:{port}"
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    base_url = f"{parts.scheme}://{host}{path}"
    if parts.scheme != "https" and not is_loopback(base_url):
        raise RequestError.of("endpoint_not_https", url=f"{parts.scheme}://{host}")
    return base_url
