# ruff: noqa: E501
"""What a value of a medium is, what it is called, and that a link is the same one however it is signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.core.facts import Clip, Image
from motion_widgets.request.limits import LONGEST_TEXT
from motion_widgets.request.media_source import link_identity, media_kind, media_name, media_source

IMAGE = Image(source="/pictures/hero.png", name="hero.png", format="png", width=1, height=1)
CLIP = Clip(source="bytes", name="bytes", format="mp4", length=1.0, width=1, height=1)
LINK = "https://bucket.example/clips/dance.mp4"
SIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb&X-Amz-Date=20261201T120000Z&X-Amz-Expires=60&X-Amz-Signature=s",
    "x-goog-signature=s&x-goog-date=d", "x-oss-signature=s", "q-sign-algorithm=sha1&q-signature=s",
    "Signature=s&Expires=1&Key-Pair-Id=k", "Signature=s&Expires=1&AWSAccessKeyId=k", "sig=s&sv=v&se=e&sp=r&sr=b",
    "token=abc&expires=1&token_path=/", "token=eyJhbGci.eyJ1cmwi.c2lnbg",
)  # fmt: skip
"""Queries by which storage hosts sign a link."""
TELLING = (
    "v=2",
    "id=7",
    "token=abc",
    "sp=r",
    "expires=1",
    "sv=1",
    "signed=yes",
    "token=eyJhbGci.short",
    "Policy=x",
)
"""Queries that may say which file is meant."""


@pytest.mark.parametrize(
    ("value", "kind", "source", "name"),
    [
        (None, "missing", None, ""), ("", "missing", None, ""), ("  ", "missing", None, ""),
        (5, "type", None, ""), (["hero.png"], "type", None, ""), (b"hero.png", "type", None, ""),
        ("https://h.example/a/hero.png?x=1", "link", "https://h.example/a/hero.png?x=1", "hero.png"),
        ("HTTPS://h.example/a/", "link", "HTTPS://h.example/a/", "a"), ("https://h.example", "link", "https://h.example", "h.example"),
        ("https://[half/hero.png", "link", "https://[half/hero.png", "https://[half/hero.png"),
        ("ftp://h/hero.png", "scheme", "ftp://h/hero.png", "hero.png"), ("data:image/png;base64,AA", "scheme", "data:image/png;base64,AA", "png;base64,AA"),
        ("s3://b/hero.png", "scheme", "s3://b/hero.png", "hero.png"), ("hero.png", "path", "hero.png", "hero.png"),
        ("C:\\ana\\hero.png", "path", "C:\\ana\\hero.png", "hero.png"), (Path("/a/hero.png"), "path", "/a/hero.png", "hero.png"),
        (IMAGE, "path", "/pictures/hero.png", "hero.png"), (CLIP, "path", "bytes", "bytes"), ("x" * (LONGEST_TEXT + 1), "long", "x" * (LONGEST_TEXT + 1), "x" * (LONGEST_TEXT + 1)),
    ],
)  # fmt: skip
def test_what_a_value_is(value, kind, source, name):
    assert (media_kind(value), media_source(value)) == (kind, source)
    assert media_name(value) == name


@pytest.mark.parametrize("signed", SIGNED)
@pytest.mark.parametrize("more", ["", "v=2"])
def test_a_signature_is_no_part_of_a_link(signed, more):
    plain = f"{LINK}?{more}".rstrip("?")
    assert link_identity(f"{LINK}?{'&'.join(filter(None, (more, signed)))}") == link_identity(plain)
    assert link_identity(f"{LINK}?{'&'.join(filter(None, (signed, more)))}") == link_identity(plain)


@pytest.mark.parametrize("query", TELLING)
def test_what_only_looks_like_a_signature_stays(query):
    """Two clips behind one address would otherwise be one, and the second never made."""
    assert link_identity(f"{LINK}?{query}") != link_identity(LINK)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://H.Example/a", "https://h.example/a"), ("https://h.example:443/a", "https://h.example/a"),
        ("http://h.example:80/a", "http://h.example/a"), ("https://h.example", "https://h.example/"),
        ("https://h/a?x=1&y=2", "https://h/a?y=2&x=1"), ("https://h/a#t=3", "https://h/a"), ("HTTPS://h/a", "https://h/a"),
    ],
)  # fmt: skip
def test_spellings_of_one_address(one, other):
    assert link_identity(one) == link_identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/a", "http://h/a"), ("https://h/a", "https://h/A"), ("https://h/a", "https://h/a/"), ("https://h:8443/a", "https://h/a"),
        ("https://h/a?x=1", "https://h/a?x=2"), ("https://h/a?x=", "https://h/a"), ("https://h:80/a", "https://h/a"), ("https://[a", "https://[b"),
    ],
)  # fmt: skip
def test_addresses_of_two_files(one, other):
    assert link_identity(one) != link_identity(other)


@given(
    st.text(max_size=30), st.lists(st.tuples(st.text("abxyz", min_size=1), st.text(max_size=5)), max_size=4)
)
def test_any_link_has_an_identity_that_does_not_hang_on_the_order_of_its_query(path, query):
    from urllib.parse import quote, urlencode

    base = f"https://h.example/{quote(path)}"
    names = [name for name, _ in query]
    straight, turned = (f"{base}?{urlencode(pairs)}" for pairs in (query, query[::-1]))
    assert link_identity(straight).startswith("link:")
    if len(set(names)) == len(names):
        assert link_identity(straight) == link_identity(turned)
