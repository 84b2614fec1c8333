"""The API key: where it is looked for, and an object that never shows it.

A key is read from `key=`, then the environment, then the system keyring, then (only when asked to) the
terminal. It leaves this room only inside a request to the origin it belongs to.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from motion_widgets.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ENVIRONMENT_KEY", "Secret", "find_key", "fingerprint", "forget_key", "origin_of", "store_key"]

ENVIRONMENT_KEY = "APIMART_API_KEY"
_SERVICE = "motion-widgets"
_KEY_SHORT = 8
"""Characters; no real key is shorter, and less would be found in ordinary words."""


class Secret:
    """A key that no repr, vars, pickle, copy or traceback shows."""

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        value = value.strip() if isinstance(value, str) else ""
        # Otherwise the HTTP library would raise an error that quotes the header.
        if not value or not all("!" <= char <= "~" for char in value):
            value = ""  # verbose tracebacks show the locals of this frame
            raise RequestError.of("key_malformed")

        def reveal() -> str:  # a closure, so that no attribute holds the text itself
            return value

        self._reveal: Callable[[], str] = reveal

    def reveal(self) -> str:
        """Return the key, to go straight into a request's header."""
        return self._reveal()

    def conceal(self, text: str) -> str:
        """Replace the key in a text, in case a server sends it back; a very short one could be any word."""
        key = self._reveal()
        return text.replace(key, "<secret>") if len(key) >= _KEY_SHORT else text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, default ports filled in.

    Raises
    ------
    RequestError
        The address names no host, or a port that cannot be.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        host = None
    if not host:
        raise RequestError.of("endpoint_wrong", found=url.partition("?")[0].rpartition("@")[2])
    return f"{parts.scheme}://{host}:{port}"


def _keyring_get(origin: str) -> str | None:
    try:
        import keyring

        return keyring.get_password(_SERVICE, origin)
    except Exception:  # noqa: BLE001 - a keyring fails in as many ways as there are systems
        return None


def find_key(
    base_url: str, *, key: str | Secret | None = None, environment: bool = True, ask: bool = False
) -> Secret | None:
    """Look for the key of an endpoint: `key`, then environment, then keyring, then the terminal.

    Parameters
    ----------
    base_url
        The endpoint's address; the keyring keeps a key per origin.
    key
        Given outright.
    environment
        Whether the key in ``APIMART_API_KEY`` is for this endpoint.
    ask
        Prompt on the terminal if no key is found elsewhere.

    Returns
    -------
    Secret or None
        None: no key was found.

    Raises
    ------
    RequestError
        What was found is not a valid key, or `base_url` is not an address.
    """
    if isinstance(key, Secret):
        return key
    if key is None:
        origin = origin_of(base_url)
        key = os.environ.get(ENVIRONMENT_KEY, "").strip() if environment else ""
        key = key or (_keyring_get(origin) or "").strip()
        if not key and ask:
            key = getpass.getpass(f"API key for {urlsplit(base_url).hostname}: ").strip()
        if not key:
            return None
    box = [key]
    del key  # verbose tracebacks show the locals of this frame
    return Secret(box.pop())


def store_key(base_url: str, key: Secret) -> bool:
    """Store a key in the system keyring. False: this machine has no working keyring."""
    try:
        import keyring

        keyring.set_password(_SERVICE, origin_of(base_url), key.reveal())
    except Exception:  # noqa: BLE001
        return False
    return True


def forget_key(base_url: str) -> bool:
    """Remove a key from the system keyring. False: it held none."""
    try:
        import keyring

        keyring.delete_password(_SERVICE, origin_of(base_url))
    except Exception:  # noqa: BLE001
        return False
    return True


def fingerprint(key: Secret, salt: str) -> str:
    """Return a short salted hash, so that the log can tell accounts apart without holding a key."""
    return "acct-" + hmac.new(salt.encode(), key.reveal().encode(), hashlib.sha256).hexdigest()[:12]
