"""Destinations for publishing, published files, and when a signed link says that it expires."""

from __future__ import annotations

import calendar
import contextlib
import hashlib
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.core.visitor import in_visitor_mode
from motion_widgets.endpoint.responses import redact
from motion_widgets.publishing.file_server import hide

__all__ = [
    "DAY", "JOB", "LIFE", "SIGNED_MOST", "UPLOAD_LIFE", "Destination", "Published", "expires_of", "hours",
]  # fmt: skip

DAY = 86_400.0
UPLOAD_LIFE = 3 * DAY
"""s that the link of an uploaded image lives (`endpoint/API.md` section 6)."""
LIFE = DAY
"""s that any other link lives by default."""
SIGNED_MOST = 7 * DAY
"""s; the longest lifetime that S3 and Google sign for."""
JOB = 2 * 3600.0
"""s that a link must still live when a job is submitted: jobs of an hour were seen, and may fetch it late."""

Kind = Literal["endpoint", "store", "command", "serve", "result"]
_STORE = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]", re.IGNORECASE)
_SETTINGS = re.compile(r"""^(?:\s*\w+=(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])*(?=\s|$))+""")
"""``NAME=value`` before a command, quoted or not."""
_CALENDAR = 253_402_300_800
"""Unix s at which the year 9999 ends, and with it every calendar here."""
_SIGNED_AT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Destination:
    """A destination, as a person wrote it."""

    kind: Kind
    to: str = field(repr=False)
    """As written; a shell command may contain a password."""
    label: str
    """How it is shown: without password and query."""

    @classmethod
    def read(cls, to: object) -> Destination:
        """Parse a destination.

        Raises
        ------
        RequestError
            It is not one, or strangers drive this kernel and it is not the sandbox.
        """
        text = to.strip() if isinstance(to, str) else ""
        try:
            return cls._read(text)
        except ValueError as error:  # an address with half of an IPv6 host's brackets
            raise RequestError.of("publish_where", found=redact(text)[:80]) from error

    @classmethod
    def _read(cls, text: str) -> Destination:
        if text == "endpoint":
            return cls("endpoint", text, say("place_endpoint"))
        if text.startswith("result:") and text[7:].strip():
            return cls("result", text, text)
        if in_visitor_mode():
            raise RequestError.of("visitor_place")
        if text == "serve" or text.startswith("serve:"):
            address = text[6:].strip()
            host = urlsplit(address).hostname if address else None
            if address and (not address.startswith(("https://", "http://")) or not host):
                raise RequestError.of("publish_where", found=redact(text)[:80])
            return cls("serve", text, say("place_serve", host=host or "localhost"))
        if "{path}" in text:
            return cls("command", text, say("place_command", program=_program(text)))
        if _STORE.match(text) and not text.lower().startswith(("http://", "https://")):
            parts = urlsplit(text)
            bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            return cls("store", text, bare)
        raise RequestError.of("publish_where", found=redact(text)[:80])

    @property
    def digest(self) -> str:
        """A short hash that identifies the destination without revealing it."""
        return hashlib.sha256(self.to.encode()).hexdigest()[:16]

    @property
    def life(self) -> float | None:
        """Default lifetime of a link there, in s. None: until the file is removed there."""
        return {"endpoint": UPLOAD_LIFE, "store": LIFE, "serve": LIFE}.get(self.kind)


@dataclass(frozen=True)
class Published:
    """A local file that has been published.

    >>> published = ws.publish(samples.image)
    >>> published.url.startswith("http")
    True
    """

    url: str
    """The link. It may be signed, so whoever has it has access to the file."""
    expires: float | None
    """When the link expires (unix s). None: it does not say."""
    sha: str
    """SHA-256 of the content, lower-case hex."""
    name: str
    """Its name there, derived from the content, not from the local file's name."""
    size: int
    """Bytes."""
    to: str
    """The destination, as it is shown."""

    def lives(self, seconds: float) -> bool:
        """Return whether, as far as is known, the link lives for at least `seconds` s from now on."""
        return self.expires is None or self.expires >= time.time() + seconds

    def close(self) -> None:
        """Remove the file from this machine's small server. What is stored elsewhere is not removed."""
        hide(self.url)

    def __repr__(self) -> str:
        link = urlsplit(self.url)
        return f"<Published {self.name} at {link.scheme}://{link.hostname}, {say_expiry(self.expires)}>"


def expires_of(link: str) -> float | None:
    """Return when a signed link says that it expires (unix s). None: it does not say, or says nonsense."""
    found = _expires(link)
    return found if found is not None and 0 <= found < _CALENDAR else None


def _expires(link: str) -> float | None:
    try:
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(link).query)}
    except ValueError:
        return None
    with contextlib.suppress(ValueError, OverflowError):  # the link says no time, so none is known
        for cloud in ("x-amz", "x-goog"):
            if f"{cloud}-date" in query and f"{cloud}-expires" in query:
                signed = calendar.timegm(time.strptime(query[f"{cloud}-date"], _SIGNED_AT))
                return float(signed + int(query[f"{cloud}-expires"]))
        if "sig" in query and "se" in query:  # Azure
            ends = datetime.fromisoformat(query["se"])
            return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)).timestamp()
        if "signature" in query and "expires" in query:  # S3 version 2, CloudFront, Google version 2
            return float(int(query["expires"]))
    return None


def _program(command: str) -> str:
    """Return which program a shell command runs: settings before it may hold a password."""
    words = _SETTINGS.sub("", command).split()
    return words[0][:40] if words else ""


def hours(seconds: float | None) -> str:
    """Return a lifetime in words."""
    return say("life_open") if seconds is None else say("life_hours", hours=seconds / 3600)


def say_expiry(expires: float | None) -> str:
    """Return when a link expires, in words."""
    if expires is None:
        return say("expiry_open")
    return say("expiry_at", when=datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC"))
