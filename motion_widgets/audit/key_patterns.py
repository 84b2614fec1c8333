"""Finding API keys in a text, whatever it was wrapped in: the ones known here, and what looks like one.

A known key lives in closures only, as in `endpoint.secret`: no attribute, repr or traceback of these objects
shows it.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import math
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from motion_widgets.core.errors import RequestError
from motion_widgets.endpoint.api_key import Secret, find_key
from motion_widgets.endpoint.client import LIVE_URL
from motion_widgets.workspace.endpoint_choice import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Found", "Seeker", "keys_of_this_machine", "masked", "read_text"]

KEY_SHORT = 8
"""Characters; a shorter "key" is an ordinary word and is not looked for."""
TAIL = 4
"""Characters of a key that are shown."""
LAYERS = 4
"""Wrappings within each other that are taken off: base64 of JSON of HTML, say."""
LONG = 100_000
"""Characters; a longer line is not taken apart in every way, only in the likely one."""
BITS = 3.2
"""Bits a character; what a person writes in place of a key has fewer, what a machine drew has more."""

_LOOKS = re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{17,200}")
_BEARER = re.compile(r"(?i)\bbearer[ \t]+([A-Za-z0-9._~+/-]{16,400}={0,2})")
_STAND_IN = re.compile(r"(?i)your|example|placeholder|redacted|dummy|x{6}|\.\.\.")
_OURS = "sandbox-"
"""How a sandbox's own token begins; it opens nothing outside this machine."""
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_PACKED_LINES = re.compile(r"(?:[A-Za-z0-9+/]{60,76}(?:\r?\n|\\n))+[A-Za-z0-9+/]+={0,2}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\"\\]))")


@dataclass(frozen=True)
class Found:
    """A key in a text; never the key itself."""

    position: int
    """Of the first character in the text, or of the wrapping that holds it."""
    masked: str
    known: bool
    """It is the key of this machine, not only like one."""
    wrapping: str
    """``""`` (plain), ``"base64"``, ``"json"``, ``"url"``, ``"html"``, ``"hex"``; outermost first."""


def masked(key: str) -> str:
    """Show the last characters of a key, and none of a short one."""
    return "…" + (key[-TAIL:] if len(key) >= 3 * TAIL else "")


def keys_of_this_machine() -> list[Secret]:
    """Return the keys in the environment and the keyring, for the provider's address and the set one."""
    found: list[Secret] = []
    for base_url in dict.fromkeys((os.environ.get(BASE_URL) or LIVE_URL, LIVE_URL)):
        for environment in (True, False):
            with contextlib.suppress(RequestError):  # malformed: no key, so nothing to look for
                secret = find_key(base_url, environment=environment)
                if secret is not None and all(secret.reveal() != one.reveal() for one in found):
                    found.append(secret)
    return found


class Seeker:
    """Looks for keys in texts.

    Parameters
    ----------
    secrets
        The known keys. One shorter than 8 characters is not looked for.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._secrets = tuple(one for one in secrets if len(one.reveal()) >= KEY_SHORT)
        self._finders = tuple(_finder(one) for one in self._secrets)

    def __len__(self) -> int:
        return len(self._finders)

    def conceal(self, text: str) -> str:
        """Take everything that is, or looks like, a key out of a text that is to be shown."""
        for secret in self._secrets:
            text = secret.conceal(text)
        return _BEARER.sub(_unlike, _LOOKS.sub(_unlike, text))

    def find(self, text: str) -> list[Found]:
        """Find every key in a text; one that stands there in several wrappings is given once a place."""
        found: dict[tuple[int, str], Found] = {}
        for one in self._layer(text, 0, ()):
            found.setdefault((one.position, one.masked), one)
        # A known key looks like a key as well: what is only alike is not said twice.
        known = {one.masked for one in found.values() if one.known}
        there = {one.position for one in found.values() if one.known}
        kept = [
            one for one in found.values() if one.known or not (one.masked in known or one.position in there)
        ]
        return sorted(kept, key=lambda one: one.position)

    def _layer(
        self, text: str, position: int, wrapping: tuple[str, ...], *, deeper: bool = True
    ) -> Iterator[Found]:
        """Look at a text as it is, and at all that is wrapped in it, of which `position` is the place."""
        own = not wrapping
        for find in self._finders:
            for at, kind, shown in find(text):
                how = "+".join((*wrapping, *([kind] if kind else [])))
                yield Found(at if own else position, shown, known=True, wrapping=how)
        for at, key in _alike(text):
            yield Found(at if own else position, masked(key), known=False, wrapping="+".join(wrapping))
        if deeper and len(wrapping) < LAYERS:
            for at, kind, inner, onward in _unwrapped(text):
                yield from self._layer(inner, at if own else position, (*wrapping, kind), deeper=onward)


def _finder(secret: Secret) -> Callable[[str], list[tuple[int, str, str]]]:
    """Make what finds one key: (position, wrapping, masked) of each place."""

    def find(text: str) -> list[tuple[int, str, str]]:
        key = secret.reveal()
        places = []
        for kind, needle in _spellings(key):
            at = text.find(needle)
            while at >= 0:
                places.append((at, kind, masked(key)))
                at = text.find(needle, at + len(needle))
        return places

    return find


def _spellings(key: str) -> list[tuple[str, str]]:
    """Return the fixed ways in which a key may be written, without those that are its plain self."""
    raw = key.encode()
    ways = [("", key), ("json", json.dumps(key)[1:-1]), ("json", key.replace("/", "\\/"))]
    ways += [
        ("url", quote(key, safe="")),
        ("html", html.escape(key)),
        ("hex", raw.hex()),
        ("hex", raw.hex().upper()),
    ]
    for shift in range(3):  # inside something longer it may begin at any of three places of a group of four
        packed = base64.b64encode(b"\0" * shift + raw)
        whole = packed[math.ceil(shift * 8 / 6) : (shift + len(raw)) * 8 // 6].decode()
        ways += [("base64", whole), ("base64", whole.translate(str.maketrans("+/", "-_")))]
    return [(kind, way) for kind, way in dict.fromkeys(ways) if way != key or not kind]


def _alike(text: str) -> Iterator[tuple[int, str]]:
    """Return what looks like a key: (position, text)."""
    for match in _LOOKS.finditer(text):
        if _drawn(match[0]):
            yield match.start(), match[0]
    for match in _BEARER.finditer(text):
        if not match[1].startswith(("sk-", _OURS)) and _drawn(match[1]):
            yield match.start(1), match[1]


def _unlike(match: re.Match[str]) -> str:
    key = match[match.lastindex or 0]
    return match[0].replace(key, masked(key)) if _drawn(key) else match[0]


def _drawn(token: str) -> bool:
    """Return whether a machine drew a token: letters and digits in one piece, no two alike."""
    if _STAND_IN.search(token) or not any(
        len(part) >= 10 and any(map(str.isdigit, part)) and any(map(str.isalpha, part))
        for part in re.split(r"[-_.~+/=]", token)
    ):
        return False
    body = token.removeprefix("sk-")
    shares = [count / len(body) for count in Counter(body).values()]
    return -sum(share * math.log2(share) for share in shares) >= BITS


def _unwrapped(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Return what is wrapped in a text: (position, kind, inner text, whether to go on into it)."""
    start = 0
    for line in text.splitlines(keepends=True):
        if "\\" in line or "&" in line or "%" in line:
            yield from _plainer(start, line)
        start += len(line)
    for match in _PACKED.finditer(text):
        yield from _unpacked(match.start(), match[0])
    for match in _PACKED_LINES.finditer(text):
        yield from _unpacked(match.start(), re.sub(r"\s|\\n", "", match[0]))


def _plainer(start: int, line: str) -> Iterator[tuple[int, str, str, bool]]:
    """Take escapes off one after the other, in the two orders that matter."""
    given = {line}
    steps = (("json", _json), ("html", html.unescape), ("url", unquote))
    for order in (steps, (steps[1], steps[0], steps[2])):
        inner, kinds = line, ""
        for kind, step in order:
            inner, before = step(inner), inner
            kinds = "+".join(filter(None, (kinds, kind))) if inner != before else kinds
            if inner not in given:
                given.add(inner)
                yield start, kinds, inner, len(line) < LONG or kind == "url"


def _json(line: str) -> str:
    return _ESCAPED.sub(_unescaped, line)


def _unescaped(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    return chr(int(number, 16)) if number else match[3]


def _unpacked(position: int, packed: str) -> Iterator[tuple[int, str, str, bool]]:
    bare = packed.rstrip("=").translate(str.maketrans("-_", "+/"))
    bare = bare[:-1] if len(bare) % 4 == 1 else bare
    content = base64.b64decode(bare + "=" * (-len(bare) % 4))
    try:
        yield position, "base64", content.decode("utf-8"), True
    except UnicodeDecodeError:  # a picture, say: looked at as it is, but not unwrapped any further
        yield position, "base64", read_text(content), False


def read_text(content: bytes) -> str:
    """Read bytes as text, whatever they are: UTF-8, UTF-16, or byte by byte."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(0) * 3 > len(content):
        return content.replace(b"\0", b"").decode("latin-1")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
