"""Checksums that a server states in its headers, and comparing a file with them.

Without any, flipped bits inside the media data (``mdat``) go unnoticed: the file's boxes are intact, and a
player shows a blemish at most.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["mismatch", "sums_of"]

_SIZES = {"sha512": 64, "sha256": 32, "sha1": 20, "md5": 16}
"""Bytes of the supported hashes, the strongest first."""
_NAMES = {"sha-512": "sha512", "sha-256": "sha256", "sha": "sha1", "md5": "md5"}
_PLAIN = {"content-md5": "md5", "x-amz-checksum-sha256": "sha256", "x-amz-checksum-sha1": "sha1"}
_LISTS = ("digest", "repr-digest", "content-digest", "x-goog-hash")
_PAIR = re.compile(r"\s*([A-Za-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/]+=*):?\s*(?:[,;]|$)")
_STORES = ("x-amz-request-id", "x-oss-request-id", "x-cos-request-id")
"""Headers of the stores whose ETags are MD5s; elsewhere an ETag may only look like one."""
_ENCRYPTED = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
)


def sums_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums of the whole content that the headers of a 200 state: `hashlib` name to hex.

    Parameters
    ----------
    headers
        Either case-insensitive, or with lower-case names.

    Returns
    -------
    dict
        Empty if nothing unambiguous is stated. An ETag counts if it looks like an MD5 and comes from a store
        that makes them so; those of encrypted storage and of multipart uploads (``…-3``) do not.
    """
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        return {}
    said = [(kind, headers.get(name, "")) for name, kind in _PLAIN.items()]
    for name in _LISTS:
        said += [(_NAMES.get(key.lower(), ""), value) for key, value in _PAIR.findall(headers.get(name, ""))]
    sums = {kind: found for kind, value in said if (found := _hex(kind, value))}
    etag = headers.get("etag", "")
    stored = any(map(headers.get, _STORES)) and not any(map(headers.get, _ENCRYPTED))
    if not sums and stored and re.fullmatch(r'"[0-9A-Fa-f]{32}"', etag):
        sums["md5"] = etag.strip('"').lower()
    return sums


def mismatch(path: Path, sums: Mapping[str, str]) -> str:
    """Return the name of the strongest stated checksum if the file does not match it, else ``""``."""
    for kind in _SIZES:
        if kind in sums:
            with path.open("rb") as file:
                made = hashlib.file_digest(file, functools.partial(hashlib.new, kind, usedforsecurity=False))
            return "" if made.hexdigest() == sums[kind] else kind
    return ""


def _hex(kind: str, value: str) -> str:
    """Return base64 as hex. ``""``: it is not a checksum of this kind."""
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == _SIZES.get(kind) else ""
