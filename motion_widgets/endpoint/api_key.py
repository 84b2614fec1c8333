"""The API key: where it is looked for, and an object that never shows it.

A key is read from `key=`, then the environment, then the system keyring, then (only when asked to) the
terminal. It leaves this room only inside a request to the origin it belongs to.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import re
from functools import cache
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hidden import hidden, variable
from motion_widgets.core.logging import report
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.endpoint.key_spellings import replace_spellings, spellings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ENVIRONMENT_KEY", "Secret", "find_key", "fingerprint", "forget_key", "has_keyring", "origin_of",
    "salted_fingerprint", "secret_of", "store_key",
]  # fmt: skip

ENVIRONMENT_KEY = "APIMART_API_KEY"
_SERVICE = "motion-widgets"
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^=]")
"""A line of a shell or of an ``.env`` file; keys in base64 have equals signs at their end only."""
_LONGEST = 4096
"""Characters of the longest key; something else was pasted if there are more."""
_PLACEHOLDER = re.compile(r"(?i)^[<{\[$%]|(?:^|[-_])your[-_]|^your\w*key$|^(?:sk-)?(.)\1{3,}$")
"""What documentation writes for a key: a word in brackets, a variable, ``YOUR_API_KEY``, ``sk-xxxx``."""


class Secret:
    """A key that no repr, vars, pickle, copy or traceback shows."""

    __slots__ = ("__weakref__", "_reveal", "_spellings")

    def __init__(self, value: str) -> None:
        value = value.strip() if isinstance(value, str) else ""
        # Otherwise the HTTP library would raise an error that quotes the header.
        wrong = _what_is_wrong(value)
        if wrong:
            value = ""  # verbose tracebacks show the locals of this frame
            raise RequestError.of(wrong)

        def reveal() -> str:  # a closure, so that no attribute holds the text itself
            return value

        self._reveal: Callable[[], str] = reveal
        self._spellings = cache(lambda: spellings(value))

    def reveal(self) -> str:
        """Return the key, to go straight into a request's header."""
        return self._reveal()

    def conceal(self, text: str) -> str:
        """Replace the key in a text, in case a server sends it back, in any spelling and in long pieces.

        A key of less than 8 characters could be any word, and is left.
        """
        return replace_spellings(text, self._spellings(), "<secret>")

    def spellings(self) -> list[tuple[str, str]]:
        """Return the ways in which the key may be written, with their encodings."""
        return self._spellings()

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def _what_is_wrong(value: str) -> str:
    """Return the code of the sentence on what stands where a key should. ``""``: it may be one."""
    if not value or not all("!" <= char <= "~" for char in value):
        code = "key_malformed"
    elif len(value) > _LONGEST:
        code = "key_long"
    elif {value[0], value[-1]} & set("'\"`"):
        code = "key_quoted"
    elif _ASSIGNMENT.match(value):
        code = "key_assigned"
    else:
        code = "key_placeholder" if _PLACEHOLDER.search(value) else ""
    value = ""  # as above
    return code


def secret_of(key_of: Callable[[], str | Secret | None]) -> Secret | None:
    """Return a key that a caller hides (`core.hidden`) as a secret. None: there is none."""
    given = key_of() if isinstance(key_of(), Secret | None) else Secret(str(key_of()))
    return given if isinstance(given, Secret) else None


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


def has_keyring() -> bool:
    """Return whether the package is installed through which a system's keyring is reached."""
    try:
        import keyring  # noqa: F401
    except ImportError:
        return False
    return True


def _keyring_get(origin: str) -> str | None:
    try:
        import keyring
        from keyring.errors import NoKeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(_SERVICE, origin)
    except NoKeyringError:
        return None
    except Exception as error:  # noqa: BLE001 - a keyring fails in as many ways as there are systems
        report(error, "read the keyring")
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
        None: no key was found, or strangers drive this kernel (`motion_widgets.core.visitor`).

    Raises
    ------
    RequestError
        What was found is not a valid key, or `base_url` is not an address.
    """
    if in_visitor_mode():
        return None
    if isinstance(key, Secret):
        return key
    if key is None:
        origin = origin_of(base_url)
        key = variable(ENVIRONMENT_KEY).strip() if environment else ""
        key = key or (_keyring_get(origin) or "").strip()
        if not key and ask:
            key = getpass.getpass(f"API key for {urlsplit(base_url).hostname}: ").strip()
        if not key:
            return None
    key_of = hidden(key)
    del key  # verbose tracebacks show the locals of this frame
    return Secret(key_of())


def store_key(base_url: str, key: Secret) -> bool:
    """Store a key in the system keyring. False: this machine has no working one, or strangers drive it."""
    if in_visitor_mode():
        return False
    try:
        import keyring

        keyring.set_password(_SERVICE, origin_of(base_url), key.reveal())
    except Exception:  # noqa: BLE001 - a keyring fails in many ways; the person is told that it was not kept
        return False
    return True


def forget_key(base_url: str) -> bool:
    """Remove a key from the system keyring. False: it held none."""
    try:
        import keyring

        keyring.delete_password(_SERVICE, origin_of(base_url))
    except Exception:  # noqa: BLE001 - a keyring fails in many ways; the person is told that nothing was removed
        return False
    return True


def fingerprint(key: Secret, base_url: str) -> str:
    """Return an account's name: a short hash of its key and its endpoint's origin, the same on every machine.

    It has no salt, so whoever sees a log can try out keys against it. That gives nothing away of the
    provider's keys, which are long and random; a key that a person made up, or one of a few characters, could
    be found by trying, and should not be used for an endpoint that costs money.
    """
    named = "\0".join((_SERVICE, "account", origin_of(base_url), key.reveal()))
    return "acct-" + hashlib.sha256(named.encode()).hexdigest()[:16]


def salted_fingerprint(key: Secret, salt: str) -> str:
    """Return the name that an account had in logs of before, which each had a salt of its own."""
    return "acct-" + hmac.new(salt.encode(), key.reveal().encode(), hashlib.sha256).hexdigest()[:12]
