"""What a person chose for a folder: the endpoint, where to publish, consents, prices, what was open there.

Choices are kept in ``workspace.json`` and count only where this user made them (`core.signed_file`): a folder
that somebody sent opens as new. What each person had open (``workspace.view.….json``) is kept apart: looking
at a folder chooses nothing.

A key in the environment alone makes nothing live: an endpoint is live because a person named it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.core.errors import LogError, RequestError
from motion_widgets.core.files import alone
from motion_widgets.core.forks import new_lock
from motion_widgets.core.hashing import sha256_of
from motion_widgets.core.hidden import variable
from motion_widgets.core.hosts import is_loopback
from motion_widgets.core.messages import say
from motion_widgets.core.signed_file import read_json, read_signed, write_signed
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.endpoint.api_key import (
    ENVIRONMENT_KEY,
    Secret,
    find_key,
    fingerprint,
    forget_key,
    has_keyring,
    origin_of,
    salted_fingerprint,
)
from motion_widgets.endpoint.client import LIVE_URL, EndpointClient, base_of
from motion_widgets.endpoint.errors import AuthError
from motion_widgets.log.names import current_person
from motion_widgets.request.price import PRICES, Prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from motion_widgets.endpoint.transport import Answer

    OnAnswer = Callable[[httpx.Request, Answer], None]

__all__ = [
    "Target", "accept_prices", "choose", "chosen", "forget_kept_key", "keep_view",
    "kept_view", "live_url", "own_prices", "remembered", "sandbox_account", "target_of", "unbelieved",
]  # fmt: skip

_FILE = "workspace.json"
_SET_ASIDE = "workspace.untrusted.json"
_LOCK = ".workspace.lock"
_PRICES = "prices.toml"
_STEERING = ("publish_to", "consent", "prices")
_lock = new_lock()


def chosen(folder: Path) -> dict[str, Any]:
    """Return all that this user chose; empty where the file is missing or not this user's."""
    return read_signed(folder / _FILE) or {}


def choose(folder: Path, **changes: Any) -> None:
    """Write choices down beside the earlier ones; None takes one back.

    What somebody else chose is not taken over; it is kept under another name, to be looked at.
    Only its owner may read the file: a command of the user's own may hold a password.
    """
    with _lock, alone(folder / _LOCK):
        _choose(folder, changes)


def _choose(folder: Path, changes: dict[str, Any]) -> None:
    file = folder / _FILE
    if _steers(read_json(file)) and read_signed(file) is None:
        with contextlib.suppress(OSError):  # it is lost then, which harms nobody
            file.replace(folder / _SET_ASIDE)
    held = {name: value for name, value in (chosen(folder) | changes).items() if value is not None}
    write_signed(file, held)


def unbelieved(folder: Path) -> Iterator[str]:
    """Yield a sentence for each file of a folder that would steer money or links and is not this user's."""
    file, prices = folder / _FILE, folder / _PRICES
    if _steers(read_json(file)) and read_signed(file) is None:
        yield say("choices_foreign", name=file, kept=_SET_ASIDE)
    if prices.is_file() and own_prices(folder) is PRICES:
        yield say("prices_foreign", name=prices, date=PRICES.date)


def own_prices(folder: Path) -> Prices:
    """Return the folder's price table, where this user accepted it as it is; else the one that is shipped."""
    accepted, file = chosen(folder).get("prices"), folder / _PRICES
    with contextlib.suppress(OSError):  # a table that cannot be read is none
        if accepted is not None and sha256_of(file) == accepted:
            return Prices.load(file)
    return PRICES


def accept_prices(folder: Path) -> Prices:
    """Let a folder's price table count, as it is now, because its user said so.

    Raises
    ------
    RequestError
        It cannot be read.
    """
    found = Prices.load(folder / _PRICES)
    choose(folder, prices=sha256_of(folder / _PRICES))
    return found


def sandbox_account(folder: Path) -> str:
    """Return the name of a folder's own sandbox in a log that other folders share.

    Each folder has a sandbox of its own, which knows nothing of another one's tasks. Whoever wrote it down,
    it steers no money, so it is believed.
    """
    found = _kept_account(folder)
    if found is None:
        with _lock, alone(folder / _LOCK):
            found = _kept_account(folder)  # another process may have been first
            if found is None:
                found = f"sandbox {secrets.token_hex(4)}"
                _choose(folder, {"sandbox": found})
    return found


def _kept_account(folder: Path) -> str | None:
    found = str(read_json(folder / _FILE).get("sandbox"))
    return found if re.fullmatch(r"sandbox [0-9a-f]{8}", found) else None


def _steers(choices: dict[str, Any]) -> bool:
    return choices.get("endpoint", "sandbox") != "sandbox" or any(name in choices for name in _STEERING)


def kept_view(folder: Path) -> dict[str, Any]:
    """Return what was kept of this person's last view; empty: nothing was.

    Raises
    ------
    LogError
        The file is damaged, or this user did not write it here.
    """
    file = _view_file(folder)
    found = read_signed(file)
    if found is None and file.exists():
        raise LogError.of("view_foreign", name=file.name)
    return found or {}


def keep_view(folder: Path, view: dict[str, Any]) -> None:
    """Write down what is open; a folder that takes no files forgets it, which harms nobody."""
    with contextlib.suppress(OSError):  # as said
        write_signed(_view_file(folder), view)


def _view_file(folder: Path) -> Path:
    person = hashlib.sha256(current_person().encode()).hexdigest()[:8]
    return folder / f"workspace.view.{person}.json"


BASE_URL = "APIMART_BASE_URL"


@dataclass
class Target:
    """An endpoint as the log names it, and how it is reached."""

    endpoint: str
    """``"sandbox"``, ``"apimart"`` or a base address."""
    base_url: str = ""
    """Empty for the sandbox, whose port changes."""
    given: Secret | None = field(default=None, repr=False)
    on_answer: OnAnswer = field(default=lambda *_: None, repr=False)
    """Called with each request and what was answered, both without the key."""

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

    @property
    def account(self) -> str:
        """The name under which every log keeps this account: a fingerprint of the key and the origin.

        The provider counts as one origin, by whichever address it is reached.
        """
        if not self.live:
            return "sandbox"
        secret, url = self.secret, LIVE_URL if self.endpoint == "apimart" else self.base_url
        return fingerprint(secret, url) if secret is not None else "no key"

    def account_before(self, salt: str) -> str:
        """Return the name that an older version gave this account in a log with a salt of its own."""
        return salted_fingerprint(self.need_key(), salt)

    def client(self) -> EndpointClient:
        """Make a client of the live endpoint."""
        return EndpointClient(self.base_url, self.need_key(), on_answer=self.on_answer)


def target_of(endpoint: str, secret: Secret | None) -> Target:
    """Read what a person gave as an endpoint.

    Raises
    ------
    RequestError
        It is none, came without a key, or a key must not be sent there; or strangers drive this kernel.
    """
    if endpoint == "sandbox":
        return Target("sandbox")
    if in_visitor_mode():
        raise RequestError.of("visitor_endpoint")
    if endpoint == "apimart":
        return Target("apimart", _checked(live_url()), secret)
    if not isinstance(endpoint, str) or not endpoint.lower().startswith(("https://", "http://")):
        raise RequestError.of("endpoint_wrong", found=str(endpoint)[:80])
    base_url = _checked(endpoint)
    if secret is None:
        raise RequestError.of("key_missing", host=urlsplit(base_url).hostname, variable="key=")
    # The provider's own address is the provider, however it was given: its jobs are never paid for twice.
    return Target("apimart" if base_url == LIVE_URL else base_url, base_url, secret)


def live_url() -> str:
    """Return the address of the live endpoint, which the environment may change."""
    return variable(BASE_URL) or LIVE_URL


def forget_kept_key(base_url: str) -> tuple[bool, str]:
    """Remove an endpoint's key from the keyring; return whether there was one, and a sentence on where.

    Raises
    ------
    RequestError
        `base_url` is not an address.
    """
    place = origin_of(base_url)
    done = forget_key(base_url)
    if has_keyring():
        said = say("key_forgotten" if done else "key_not_kept", place=place)
    else:
        said = say("keyring_missing")
    if variable(ENVIRONMENT_KEY) and base_url == live_url():
        said += " " + say("key_in_environment", variable=ENVIRONMENT_KEY)
    return done, said


def remembered(folder: Path) -> str:
    """Return what a person last switched a folder to: ``"apimart"``, else the sandbox."""
    return "apimart" if chosen(folder).get("endpoint") == "apimart" else "sandbox"


def _checked(url: str) -> str:
    """Return a base address in its one spelling: lower-case origin, no default port, no query, no call."""
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
    base_url = f"{parts.scheme}://{host}{base_of(parts.path)}"
    if parts.scheme != "https" and not is_loopback(base_url):
        raise RequestError.of("endpoint_not_https", url=f"{parts.scheme}://{host}")
    return base_url
