"""Find API keys in a text, however they are encoded: the keys of this machine, and what looks like a key.

A known key lives in closures only, as in `endpoint.api_key`: no attribute, repr or traceback of these objects
shows it.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import html
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from motion_widgets.core.errors import RequestError
from motion_widgets.endpoint.api_key import Secret, find_key
from motion_widgets.endpoint.client import LIVE_URL
from motion_widgets.endpoint.key_spellings import KEY_SHORT, View, find_spellings, views
from motion_widgets.workspace.settings import live_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["KeyFinder", "Match", "is_binary", "known_keys", "masked", "read_texts"]

SHOWN = 4
"""Characters of a key that are shown."""
DEPTH = 4
"""Nested encodings that are decoded, such as base64 of JSON of HTML."""
LONG_LINE = 100_000
"""Characters; in a longer line only URL escapes are followed into further encodings."""
ENTROPY = 3.2
"""Bits per character; a placeholder that a person typed has fewer, a random key has more."""

_USUAL = re.compile(r"[A-Za-z0-9._-]+")
_KEY_LIKE = re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{17,200}")
_BEARER = re.compile(r"(?i)\bbearer[ \t]+([A-Za-z0-9._~+/-]{16,400}={0,2})")
_PLACEHOLDER = re.compile(r"(?i)your|example|placeholder|redacted|dummy|x{6}|\.\.\.")
_SANDBOX = "sandbox-"
"""How a sandbox's own token begins; it opens nothing outside this machine."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_BASE64_LINES = re.compile(r"(?:[A-Za-z0-9+/]{60,76}(?:\r?\n|\\n))+[A-Za-z0-9+/]+={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{24,}")
_WIDE = re.compile(rb"(?:[!-~]\0){8}|(?:\0[!-~]){8}")
_CONTROLS = bytes({*range(32), 127} - {9, 10, 13, 27})
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
    """``"base64"``, ``"json"``, ``"url"``, ``"html"``, ``"hex"``, ``"reversed"`` or ``"escapes"`` (which a
    reader does not see), joined by ``+``, the outermost first.

    ``""``: none.
    """


def masked(key: str) -> str:
    """Return the last characters of a key, or none of a short one."""
    return "…" + (key[-SHOWN:] if len(key) >= 3 * SHOWN else "")


def known_keys() -> list[Secret]:
    """Return the keys in the environment and the keyring, for the provider's address and a configured one."""
    found: list[Secret] = []
    for base_url in dict.fromkeys((live_url(), LIVE_URL)):
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
        self._secrets = tuple(one for one in secrets if len(one.reveal()) >= KEY_SHORT)

        # Escaping changes it, so that what a view leaves out may be a part of it.
        self._odd = any(not _USUAL.fullmatch(one.reveal()) for one in self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def conceal(self, text: str) -> str:
        """Mask everything in a text that is a key or looks like one."""
        for secret in self._secrets:
            text = secret.conceal(text)
        return _BEARER.sub(_masked_match, _KEY_LIKE.sub(_masked_match, text))

    def find(self, text: str, *, binary: bool = False) -> list[Match]:
        """Return every key in a text, in order and once per line, however it is written there.

        In `binary` data nothing is looked for that only a reader of text would not see.
        """
        matches: dict[tuple[int, str], Match] = {}
        for one in self._search(text, 0, (), binary=binary):
            matches.setdefault((one.position, one.masked), one)
        # A known key looks like a key as well: it is not reported twice.
        known = {one.masked for one in matches.values() if one.known}
        places = {one.position for one in matches.values() if one.known}
        # Nor is one to which a view joined what stands beside it.
        whole = {one.position for one in matches.values() if not one.encoding}
        kept: dict[tuple[int, str], Match] = {}
        for one in matches.values():
            joined = one.encoding == "escapes" and one.position in whole
            if one.known or not (one.masked in known or one.position in places or joined):
                kept.setdefault((text.count("\n", 0, one.position), one.masked), one)
        return sorted(kept.values(), key=lambda one: one.position)

    def _search(
        self,
        text: str,
        position: int,
        encodings: tuple[str, ...],
        *,
        deeper: bool = True,
        binary: bool = False,
    ) -> Iterator[Match]:
        """Search a text and everything encoded in it.

        `position` is where an encoded text stands in the outermost one.
        """
        for number, view in enumerate([View(text)] if binary else views(text)):
            how = (*encodings, "escapes") if number else encodings

            def place(at: int, view: View = view) -> int:
                return position if encodings else view.span(at, at + 1)[0]

            for secret in self._secrets:
                for one in find_spellings(view.text, secret.spellings()):
                    written = "+".join((*how, *filter(None, (one.encoding,))))
                    yield Match(place(one.start), masked(secret.reveal()), known=True, encoding=written)
            for at, key in _key_like(view.text):
                yield Match(place(at), masked(key), known=False, encoding="+".join(how))
            if deeper and len(encodings) < DEPTH:
                for at, encoding, inner, onward in _decoded(view.text, escapes=self._odd and not number):
                    packed = onward and encoding in ("base64", "hex")  # of other texts there was a view
                    yield from self._search(
                        inner, place(at), (*how, encoding), deeper=onward, binary=not packed
                    )


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


def _decoded(text: str, *, escapes: bool) -> Iterator[tuple[int, str, str, bool]]:
    """Yield what is encoded in a text: (position, encoding, decoded text, whether to search it for more)."""
    start = 0
    for line in text.splitlines(keepends=True) if escapes else ():
        if "\\" in line or "&" in line or "%" in line:
            yield from _unescaped(start, line)
        start += len(line)
    for match in _HEX.finditer(text):
        with contextlib.suppress(UnicodeDecodeError):  # no text, so no key in it
            yield match.start(), "hex", bytes.fromhex(match[0][: len(match[0]) // 2 * 2]).decode(), True
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
        yield position, "base64", read_texts(content)[0], False


def read_texts(content: bytes) -> list[str]:
    """Decode any bytes in each way that they may be meant: as UTF-8 or byte by byte, and as UTF-16."""
    wide = [one for one in ("utf-16-le", "utf-16-be") if content.count(0) * 5 > len(content)]
    if content.startswith(codecs.BOM_UTF16_BE):
        wide.reverse()
    texts = [content.decode(one, "replace").removeprefix("\ufeff") for one in wide]
    try:
        return [*texts, content.decode("utf-8-sig")]
    except UnicodeDecodeError:
        narrow = content.decode("latin-1")
        return [*texts, narrow, *([narrow.replace("\0", "")] if _WIDE.search(content) else [])]


def is_binary(content: bytes) -> bool:
    """Return whether bytes are no text: neither UTF-8 nor UTF-16, and many control characters among them."""
    if content.count(0) * 5 > len(content):
        return False
    controls = len(content) - len(content.translate(None, _CONTROLS))
    return controls * 20 > len(content)
