"""A key in a text: concealed in every spelling, in pieces, and with anything between its characters."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.endpoint.api_key import Secret
from motion_widgets.endpoint.key_spellings import View, views
from tests.endpoint.traces import traces

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-V3rySecretK7yQx81mZpLw04cdeF"


def percent(text: str) -> str:
    return "".join(f"%{ord(char):02X}" for char in text)


def between(sign: str) -> Callable[[str], str]:
    return lambda key: sign.join((key[:7], key[7:19], key[19:]))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in capitals": str.upper,
    "a long beginning": lambda key: key[:14],
    "a piece": lambda key: key[9:24],
    "reversed": lambda key: key[::-1],
    "hex": lambda key: key.encode().hex(),
    "hex in capitals": lambda key: key.encode().hex().upper(),
    "hex with colons": lambda key: key.encode().hex(":"),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of the header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64, shifted": lambda key: base64.urlsafe_b64encode(f"?>{key}".encode()).decode(),
    "url": percent,
    "url, twice": lambda key: quote(percent(key)),
    "url, partly": lambda key: percent(key[:5]) + key[5:11] + percent(key[11:]),
    "json": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "json in json": lambda key: json.dumps("".join(f"\\u{ord(char):04x}" for char in key)),
    "bytes": lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    "entities": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "url of entities": lambda key: quote("".join(f"&#x{ord(char):x};" for char in key)),
    "tags inside": between("<b class='x'>"),
    "colours inside": between("\x1b[1;31m"),
    "escaped colours inside": between("\\u001b[31m"),
    "no width inside": between("\u200b\u00ad"),
    "zeros inside": "\0".join,
    "two literals": lambda key: f'"{key[:7]}" "{key[7:]}"',
    "a list": lambda key: f'["{key[:7]}", "{key[7:]}"]',
    "a sum of literals": lambda key: f"('{key[:7]}' +\n  f'{key[7:]}')",
}


@pytest.mark.parametrize("way", SPELLINGS)
def test_no_spelling_of_it_is_left(way: str) -> None:
    told = Secret(KEY).conceal(f"before {SPELLINGS[way](KEY)} after")
    assert "<secret>" in told
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert traces(told, KEY) == []


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=4))
def test_whatever_the_key_and_wherever_it_stands(seed: int, ways: list[str]) -> None:
    chance = random.Random(seed)
    key = "sk-" + "".join(chance.choices(string.ascii_letters + string.digits, k=chance.randint(24, 60)))
    text = " | ".join(SPELLINGS[way](key) for way in ways)
    assert traces(Secret(key).conceal(text), key) == []


@settings(deadline=None, max_examples=80)
@given(st.text(st.sampled_from("ab\\u0041%25&lt;<b>\"' +\x1b[31m\u200b"), max_size=60))
def test_a_view_knows_where_its_characters_stand(text: str) -> None:
    for view in views(text):
        assert isinstance(view, View)
        spans = [view.span(at, at + 1) for at in range(len(view.text))]
        assert spans == sorted(spans)
        assert all(0 <= start < end <= len(text) for start, end in spans)


@pytest.mark.parametrize(
    "text",
    [
        "kling-v2-6-motion-control", "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ", '{"data": [{"id": "x"}]}',
        "https://example.com/a%20b?x=1&amp;y=2", "", "<b>bold</b> & \x1b[31mred", "C:\\users\\x33",
    ],
)  # fmt: skip
def test_other_words_stay_as_they_are(text: str) -> None:
    assert Secret(KEY).conceal(text) == text
    assert Secret("my-motion-control-key").conceal("kling-v2-6-motion-control") == "kling-v2-6-motion-control"
    assert Secret("data").conceal(html.escape("data \x64\\u0061ta")) == html.escape("data \x64\\u0061ta")
