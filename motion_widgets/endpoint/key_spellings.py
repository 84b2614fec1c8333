"""How a key may be written in a text, so that it is found and concealed however a peer or a file spells it.

A text is read in several views: as it is, and again with escapes undone and with everything left out that a
reader does not see (tags, terminal sequences, signs without width, the quotes between two halves of a
literal), until nothing changes any more. Every view knows where its characters stand in the original.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["KEY_SHORT", "Found", "View", "find_spellings", "replace_spellings", "spellings", "views"]

KEY_SHORT = 8
"""Characters; no real key is shorter, and less would be found in ordinary words."""
PIECE = 12
"""Characters; a piece of a spelling that is as long gives a part of the key away."""
DISTINCT = 6
"""Different characters that a piece has at least; one with fewer is no part of a random key."""
PASSES = 6
"""Escapes within escapes that are undone."""

_NOT_SEEN = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffd\U000e0000-\U000e0fff"
)
"""Control characters, signs without width or of a direction, and what stands for a character that is none."""
_FIRST = re.compile(rf"""[<\\%&"'`{_NOT_SEEN}]""")
"""What `_UNSEEN` may begin with; to look for that alone is much faster."""
_UNSEEN = re.compile(
    rf"""
    \x1b\[[0-?]*[ -/]*[@-~] | \x9b[0-?]*[ -/]*[@-~]       # terminal sequences
    | \x1b\][^\x07\x1b]{{0,300}}(?:\x07|\x1b\\) | \x1b[@-Z\\^_]
    | <[^<>]{{1,500}}>                                    # a tag
    | (?P<code>\\+(?:u(?P<u>[0-9a-fA-F]{{4}})|x(?P<x>[0-9a-fA-F]{{2}})|0?(?:33|e(?=\[))))
    | \\+(?P<quoted>[/"']) | (?P<slashes>\\{{2,}})
    | (?P<bytes>(?:%(?:25)*[89a-fA-F][0-9a-fA-F])+) | %(?:25)*(?P<url>[0-7][0-9a-fA-F])
    | (?P<entity>&(?:\#[0-9]{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});?)
    # Between two halves of a literal: side by side, added or in a list, or put into names line after line.
    | (?:["'`] (?: [ \t\r\n\\+.,&()\[\]]{{0,200}}
      | [ \t]{{0,40}}[;\r\n][ \t\r\n;]{{0,40}}[A-Za-z_][\w.]{{0,60}}[ \t]{{0,10}}\+?=[ \t(]{{0,20}} )
      [rRbBuUfF]{{0,2}}["'`])+
    | (?:(?![\x1b\x9b])[{_NOT_SEEN}])+ | [\x1b\x9b]       # a run is one match: there may be a million
    """,
    re.VERBOSE,
)
_HIGH = re.compile(r"%(?:25)*([89a-fA-F][0-9a-fA-F])")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Found(NamedTuple):
    """A spelling of a key, or a piece of one, in a text."""

    start: int
    end: int
    encoding: str
    """``""``, ``"json"``, ``"url"``, ``"html"``, ``"hex"``, ``"base64"`` or ``"reversed"``."""


def spellings(key: str) -> list[tuple[str, str]]:
    """Return the ways in which a key may be written, in lower case, with their encodings.

    There are none of a key that could be an ordinary word.
    """
    if len(key) < KEY_SHORT:
        return []
    raw = key.encode()
    ways = [("", key), ("json", json.dumps(key)[1:-1]), ("json", key.replace("/", "\\/"))]
    ways += [("url", quote(key, safe="")), ("html", html.escape(key)), ("reversed", key[::-1])]
    ways += [("hex", raw.hex()), ("hex", raw.hex(" ")), ("hex", raw.hex(":"))]
    for shift in range(3):  # inside a longer text it may begin at any of three offsets of a group of four
        packed = base64.b64encode(b"\0" * shift + raw)
        whole = packed[math.ceil(shift * 8 / 6) : (shift + len(raw)) * 8 // 6].decode()
        ways += [("base64", whole), ("base64", whole.translate(str.maketrans("+/", "-_")))]
    ways += [("", [*views(key)][-1].text)]  # where the key itself holds what looks like an escape
    kept: dict[str, str] = {}
    for encoding, way in ways:
        if len(way) >= KEY_SHORT:  # a key full of escapes means less than it says
            kept.setdefault(way.translate(_LOWER), encoding)
    return [(encoding, way) for way, encoding in kept.items()]


def find_spellings(text: str, ways: Sequence[tuple[str, str]]) -> list[Found]:
    """Return where a text holds a spelling (`spellings`) or a piece of one, in upper or lower case."""
    found: list[Found] = []
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text.translate(_LOWER)  # some letters become two
    for encoding, way in ways:
        found += (
            Found(start, end, encoding)
            for start, end in _runs(lower, way)
            if end - start == len(way) or not _is_ordinary(text[start:end])
        )
    return found


def _runs(text: str, way: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text that equal a stretch of `way` of at least `PIECE` characters."""
    least = min(PIECE, len(way))
    size = least // 2  # as long a stretch holds a whole block, wherever it begins
    for begin in range(0, len(way) - size + 1, size):
        block = way[begin : begin + size]
        at = text.find(block)
        while at >= 0:
            left, right = begin, begin + size
            start, end = at, at + size
            while left and start and text[start - 1] == way[left - 1]:
                left, start = left - 1, start - 1
            while right < len(way) and end < len(text) and text[end] == way[right]:
                right, end = right + 1, end + 1
            if end - start >= least:
                yield start, end
            at = text.find(block, end)


def _is_ordinary(piece: str) -> bool:
    """Return whether a piece may be words: of one kind of character, or of few different ones."""
    kinds = (any(map(str.islower, piece)), any(map(str.isupper, piece)), any(map(str.isdigit, piece)))
    return sum(kinds) < 2 or len(set(piece)) < DISTINCT


def replace_spellings(text: str, ways: Sequence[tuple[str, str]], by: str) -> str:
    """Return a text in which every spelling, and every long piece of one, is replaced."""
    spans = sorted(
        view.span(one.start, one.end) for view in views(text) for one in find_spellings(view.text, ways)
    )
    parts, done = [], 0
    for start, end in spans:
        if start >= done:
            parts += [text[done:start], by]
        done = max(done, end)
    return "".join([*parts, text[done:]])


class View:
    """A text as it is read, and where its characters stand in the original.

    Parameters
    ----------
    text
        What is read.
    below
        What it was made of. None: it is the original.
    starts, origins
        Where each stretch of the text begins, here and below, with the end below of one that was replaced
        (0: the stretch is a copy).
    """

    def __init__(
        self,
        text: str,
        below: View | None = None,
        starts: Sequence[int] = (),
        origins: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.text = text
        self._below, self._starts, self._origins = below, starts, origins

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of this text begins and ends in the original."""
        if self._below is None:
            return start, end
        first, _ = self._origin(start)
        _, last = self._origin(max(end - 1, start))
        return self._below.span(first, last)

    def _origin(self, at: int) -> tuple[int, int]:
        """Return where one character begins and ends below."""
        index = bisect_right(self._starts, at) - 1
        origin, end = self._origins[index]
        if end:
            return origin, end
        origin += at - self._starts[index]
        return origin, origin + 1


def views(text: str) -> Iterator[View]:
    """Yield a text as it is, then as often as it changes with one more layer of escapes undone."""
    view: View | None = View(text)
    for _ in range(PASSES):
        if view is None:
            return
        yield view
        view = _next_view(view)


def _next_view(below: View) -> View | None:
    """Return a text with one layer undone. None: there is nothing to undo."""
    parts: list[str] = []
    starts: list[int] = []
    origins: list[tuple[int, int]] = []
    done = length = 0

    def put(part: str, origin: int, end: int) -> None:
        nonlocal length
        if part:
            parts.append(part)
            starts.append(length)
            origins.append((origin, end))
            length += len(part)

    first = _FIRST.search(below.text)
    while first is not None:
        at = first.start()
        match = _UNSEEN.match(below.text, at)
        meant = _meant(match) if match is not None else ""
        if match is None or meant == match[0]:
            at += 1
        else:
            put(below.text[done:at], done, 0)
            put(meant, at, match.end())
            at = done = match.end()
        first = _FIRST.search(below.text, at)
    if not done:
        return None
    put(below.text[done:], done, 0)
    return View("".join(parts), below, starts, origins)


def _meant(match: re.Match[str]) -> str:
    """Return what stands for an escape; nothing for what is not seen."""
    kind = match.lastgroup
    if kind == "code":
        number = match["u"] or match["x"]
        return chr(int(number, 16)) if number else "\x1b"
    if kind == "url":
        return chr(int(match["url"], 16))
    if kind == "bytes":
        return bytes.fromhex("".join(_HIGH.findall(match[0]))).decode("utf-8", "replace")
    if kind == "entity":
        return html.unescape(match[0])
    return {"quoted": match["quoted"], "slashes": "\\"}.get(kind or "", "")
