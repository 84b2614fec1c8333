"""Find API keys in a text, however they are encoded: the keys of this machine, and what looks like a key.

A known key lives in closures only, as in `endpoint.api_key`: no attribute, repr or traceback of these objects
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
    from collections.abc import Iterable, Iterator

__all__ = ["KeyFinder", "Match", "known_keys", "masked", "read_text"]

SHORTEST_KEY = 8
"""Characters; a shorter "key" is an ordinary word and is not searched for."""
SHOWN = 4
"""Characters of a key that are shown."""
DEPTH = 4
"""Nested encodings that are decoded, such as base64 of JSON of HTML."""
LONG_LINE = 100_000
"""Characters; in a longer line only URL escapes are followed into further encodings."""
ENTROPY = 3.2
"""Bits per character; a placeholder that a person typed has fewer, a random key has more."""

_KEY_LIKE = re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{17,200}")
_BEARER = re.compile(r"(?i)\bbearer[ \t]+([A-Za-z0-9._~+/-]{16,400}={0,2})")
_PLACEHOLDER = re.compile(r"(?i)your|example|placeholder|redacted|dummy|x{6}|\.\.\.")
_SANDBOX = "sandbox-"
"""How a sandbox's own token begins; it opens nothing outside this machine."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_BASE64_LINES = re.compile(r"(?:[A-Za-z0-9+/]{60,76}(?:\r?\n|\\n))+[A-Za-z0-9+/]+={0,2}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\"\\]))")


@dataclass(frozen=True)
class Match:
    """A key in a text; never the key itself."""

    position: int
    """Index of the key's first character, or of the encoded piece of text that holds it."""
    masked: str
    known: bool
    """Whether it is a key of this machine rather than something that looks like one."""
    encoding: str
    """``"base64"``, ``"json"``, ``"url"``, ``"html"`` or ``"hex"``, joined by ``+``, the outermost first.

    ``""``: none.
    """


def masked(key: str) -> str:
    """Return the last characters of a key, or none of a short one."""
    return "…" + (key[-SHOWN:] if len(key) >= 3 * SHOWN else "")


def known_keys() -> list[Secret]:
    """Return the keys in the environment and the keyring, for the provider's address and a configured one."""
    found: list[Secret] = []
    for base_url in dict.fromkeys((os.environ.get(BASE_URL) or LIVE_URL, LIVE_URL)):
        for environment in (True, False):
            with contextlib.suppress(RequestError):  # malformed: no key, so nothing to look for
                secret = find_key(base_url, environment=environment)
                if secret is not None and all(secret.reveal() != one.reveal() for one in found):
                    found.append(secret)
    return found


class KeyFinder:
    """Finds keys in texts.

    Parameters
    ----------
    secrets
        The known keys. One shorter than 8 characters is not searched for.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._secrets = tuple(one for one in secrets if len(one.reveal()) >= SHORTEST_KEY)

    def __len__(self) -> int:
        return len(self._secrets)

    def conceal(self, text: str) -> str:
        """Mask everything in a text that is a key or looks like one."""
        for secret in self._secrets:
            text = secret.conceal(text)
        return _BEARER.sub(_masked_match, _KEY_LIKE.sub(_masked_match, text))

    def find(self, text: str) -> list[Match]:
        """Return every key in a text, in order and once per position, however it is encoded there."""
        matches: dict[tuple[int, str], Match] = {}
        for one in self._search(text, 0, ()):
            matches.setdefault((one.position, one.masked), one)
        # A known key looks like a key as well: it is not reported twice.
        known = {one.masked for one in matches.values() if one.known}
        places = {one.position for one in matches.values() if one.known}
        kept = [
            one
            for one in matches.values()
            if one.known or not (one.masked in known or one.position in places)
        ]
        return sorted(kept, key=lambda one: one.position)

    def _search(
        self, text: str, position: int, encodings: tuple[str, ...], *, deeper: bool = True
    ) -> Iterator[Match]:
        """Search a text and everything encoded in it.

        `position` is where an encoded text stands in the outermost one.
        """
        outermost = not encodings
        for secret in self._secrets:
            for at, encoding in _occurrences(text, secret):
                how = "+".join((*encodings, *filter(None, (encoding,))))
                yield Match(at if outermost else position, masked(secret.reveal()), known=True, encoding=how)
        for at, key in _key_like(text):
            yield Match(at if outermost else position, masked(key), known=False, encoding="+".join(encodings))
        if deeper and len(encodings) < DEPTH:
            for at, encoding, inner, onward in _decoded(text):
                yield from self._search(
                    inner, at if outermost else position, (*encodings, encoding), deeper=onward
                )


def _occurrences(text: str, secret: Secret) -> list[tuple[int, str]]:
    """Return where a known key stands in a text, and in which encoding."""
    found = []
    for encoding, needle in _spellings(secret.reveal()):
        at = text.find(needle)
        while at >= 0:
            found.append((at, encoding))
            at = text.find(needle, at + len(needle))
    return found


def _spellings(key: str) -> list[tuple[str, str]]:
    """Return the ways in which a key may be written, with their encodings, without repetitions of the key."""
    raw = key.encode()
    ways = [("", key), ("json", json.dumps(key)[1:-1]), ("json", key.replace("/", "\\/"))]
    ways += [("url", quote(key, safe="")), ("html", html.escape(key))]
    ways += [("hex", raw.hex()), ("hex", raw.hex().upper())]
    for shift in range(3):  # inside a longer text it may begin at any of three offsets of a group of four
        packed = base64.b64encode(b"\0" * shift + raw)
        whole = packed[math.ceil(shift * 8 / 6) : (shift + len(raw)) * 8 // 6].decode()
        ways += [("base64", whole), ("base64", whole.translate(str.maketrans("+/", "-_")))]
    return [(encoding, way) for encoding, way in dict.fromkeys(ways) if way != key or not encoding]


def _key_like(text: str) -> Iterator[tuple[int, str]]:
    """Yield what looks like a key, with its position."""
    for match in _KEY_LIKE.finditer(text):
        if _is_random(match[0]):
            yield match.start(), match[0]
    for match in _BEARER.finditer(text):
        if not match[1].startswith(("sk-", _SANDBOX)) and _is_random(match[1]):
            yield match.start(1), match[1]


def _masked_match(match: re.Match[str]) -> str:
    key = match[match.lastindex or 0]
    return match[0].replace(key, masked(key)) if _is_random(key) else match[0]


def _is_random(token: str) -> bool:
    """Return whether a token looks random: letters and digits in one piece, few of them repeated."""
    if _PLACEHOLDER.search(token) or not any(
        len(part) >= 10 and any(map(str.isdigit, part)) and any(map(str.isalpha, part))
        for part in re.split(r"[-_.~+/=]", token)
    ):
        return False
    body = token.removeprefix("sk-")
    shares = [count / len(body) for count in Counter(body).values()]
    return -sum(share * math.log2(share) for share in shares) >= ENTROPY


def _decoded(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Yield what is encoded in a text: (position, encoding, decoded text, whether to search it for more)."""
    start = 0
    for line in text.splitlines(keepends=True):
        if "\\" in line or "&" in line or "%" in line:
            yield from _unescaped(start, line)
        start += len(line)
    for match in _BASE64.finditer(text):
        yield from _from_base64(match.start(), match[0])
    for match in _BASE64_LINES.finditer(text):
        yield from _from_base64(match.start(), re.sub(r"\s|\\n", "", match[0]))


def _unescaped(start: int, line: str) -> Iterator[tuple[int, str, str, bool]]:
    """Undo escapes one after the other, in the two orders that matter."""
    seen = {line}
    steps = (("json", _from_json), ("html", html.unescape), ("url", unquote))
    for order in (steps, (steps[1], steps[0], steps[2])):
        inner, encodings = line, ""
        for encoding, step in order:
            inner, before = step(inner), inner
            encodings = "+".join(filter(None, (encodings, encoding))) if inner != before else encodings
            if inner not in seen:
                seen.add(inner)
                yield start, encodings, inner, len(line) < LONG_LINE or encoding == "url"


def _from_json(line: str) -> str:
    def character(match: re.Match[str]) -> str:
        number = match[1] or match[2]
        return chr(int(number, 16)) if number else match[3]

    return _ESCAPED.sub(character, line)


def _from_base64(position: int, packed: str) -> Iterator[tuple[int, str, str, bool]]:
    bare = packed.rstrip("=").translate(str.maketrans("-_", "+/"))
    bare = bare[:-1] if len(bare) % 4 == 1 else bare
    content = base64.b64decode(bare + "=" * (-len(bare) % 4))
    try:
        yield position, "base64", content.decode("utf-8"), True
    except UnicodeDecodeError:  # binary data, such as an image: searched as it is, but not decoded further
        yield position, "base64", read_text(content), False


def read_text(content: bytes) -> str:
    """Decode any bytes: as UTF-8, as UTF-16, or byte by byte."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(0) * 3 > len(content):
        return content.replace(b"\0", b"").decode("latin-1")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
