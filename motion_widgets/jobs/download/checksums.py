"""What a server says of a file's content: hashes in its headers, and whether a file has them.

Without any, bits that flipped inside the pictures (``mdat``) are not found: the file's boxes are whole all
the same, and a player shows a blemish at most.
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
"""Bytes of the hashes that are understood, the strongest first."""
_NAMES = {"sha-512": "sha512", "sha-256": "sha256", "sha": "sha1", "md5": "md5"}
_PLAIN = {"content-md5": "md5", "x-amz-checksum-sha256": "sha256", "x-amz-checksum-sha1": "sha1"}
_LISTS = ("digest", "repr-digest", "content-digest", "x-goog-hash")
_PAIR = re.compile(r"\s*([A-Za-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/]+=*):?\s*(?:[,;]|$)")
_STORES = ("x-amz-request-id", "x-oss-request-id", "x-cos-request-id")
"""By which headers the stores show themselves whose ETags are MD5s; elsewhere one only looks like it."""
_ENCRYPTED = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
)


def sums_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of the whole content that the headers of a 200 state: name for `hashlib` to hex.

    Parameters
    ----------
    headers
        Names in any case where the mapping does not care, else lower case.

    Returns
    -------
    dict
        Empty where nothing unambiguous is said. An ETag counts where it has the form of an MD5 and comes from
        a store that makes them so; encrypted storage does not, and checksums of checksums (``…-3``) never do.
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
    """Compare a file with the strongest hash that was stated; give its name. ``""``: nothing is wrong."""
    for kind in _SIZES:
        if kind in sums:
            with path.open("rb") as file:
                made = hashlib.file_digest(file, functools.partial(hashlib.new, kind, usedforsecurity=False))
            return "" if made.hexdigest() == sums[kind] else kind
    return ""


def _hex(kind: str, value: str) -> str:
    """Turn base64 into hex. ``""``: it is no hash of this kind."""
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == _SIZES.get(kind) else ""
