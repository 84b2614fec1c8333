"""What a value of `image_url` or `video_url` is: a link or a file, its name, and a link's identity."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from motion_widgets.core.facts import Clip, Image
from motion_widgets.core.paths import readable, typed_path
from motion_widgets.request.limits import LONGEST_TEXT

__all__ = ["MEDIA", "link_identity", "media_kind", "media_name", "media_source"]

MEDIA = (("image_url", "image"), ("video_url", "clip"))
"""The wire fields of media, and how what is known of each is called: the log's columns begin so."""
_SIGNATURE_PREFIXES = ("x-amz-", "x-goog-", "x-oss-", "x-cos-", "x-obs-", "x-tos-", "q-")
"""How the query parameters (lower case) begin that sign a link at S3, Google, Aliyun, Tencent, …"""
_CLASSIC = (
    "signature expires policy key-pair-id hash-algorithm awsaccesskeyid googleaccessid ossaccesskeyid "
    "security-token"
)
"""S3 version 2, CloudFront, Google version 2, Aliyun."""
_AZURE = (
    "sig se st sp sv sr ss srt si sdd spr sip ses skoid sktid skt ske sks skv saoid suoid scid sduoid skdutid"
)
_SIGNING = tuple(
    (frozenset(evidence.split()), frozenset(dropped.split()))
    for evidence, dropped in (
        ("signature", _CLASSIC),
        ("sig sv", _AZURE),
        ("token expires", "token expires token_path"),  # content networks
    )
)
"""By which parameters together a link is seen to be signed, and which of its parameters only sign it.

A lone ``token`` or ``sp`` may say which file is meant, so that it stays part of the identity.
"""
_SIGNED_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
"""A JSON web token, by which Supabase and others sign a link."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def media_kind(value: object) -> Literal["missing", "link", "scheme", "path", "type", "long"]:
    """Return what a value of `image_url` or `video_url` is.

    ``"link"`` is http(s); ``"scheme"`` any other address, ``data:`` included; ``"long"`` a text that is too
    long to be either or a path; ``"type"`` neither text nor path nor a measured clip or image.
    """
    source = media_source(value)
    if source is None:
        return "type" if value is not None and not isinstance(value, str) else "missing"
    head = source[:12].lower()
    if len(source) > LONGEST_TEXT and not head.startswith("data:"):
        return "long"
    if head.startswith(("http://", "https://")):
        return "link"
    if "://" in source[:32] or head.startswith("data:"):
        return "scheme"
    return "path"


def media_source(value: object) -> str | None:
    """Return the path or link behind a value, a typed one as it was meant. None: there is none."""
    if isinstance(value, Clip | Image):
        return value.source or None
    if isinstance(value, Path):
        return str(value)
    return (typed_path(value) or None) if isinstance(value, str) else None


def media_name(value: object) -> str:
    """Return what a person calls the file behind a path or link: no folders, no query."""
    return readable(_name(value))


def _name(value: object) -> str:
    source = media_source(value)
    if source is None:
        return ""
    if media_kind(source) == "link":
        try:
            parts = urlsplit(source)
        except ValueError:
            return source[:80]
        return parts.path.rstrip("/").rsplit("/", 1)[-1] or parts.netloc
    return PureWindowsPath(source).name or source


def _unsigned(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the parameters that only sign a link."""
    names = {name.lower() for name, _ in query}
    signing = {one for evidence, dropped in _SIGNING if evidence <= names for one in dropped}
    return [
        (name, value)
        for name, value in query
        if name.lower() not in signing
        and not name.lower().startswith(_SIGNATURE_PREFIXES)
        and not (name.lower() == "token" and _SIGNED_TOKEN.fullmatch(value))
    ]


def link_identity(link: str) -> str:
    """Return scheme, host, path and query without what only signs it."""
    try:
        parts = urlsplit(link)
        query = urlencode(sorted(_unsigned(parse_qsl(parts.query, keep_blank_values=True))))
        host = parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(parts.scheme, "/"))
    except ValueError:  # an address that cannot be taken apart still has an identity
        return f"link:{link}"
    return f"link:{parts.scheme}://{host}{parts.path or '/'}?{query}"
