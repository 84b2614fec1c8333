"""What of a key is left in a text: found by brute force, so that it shares nothing with what conceals."""

from __future__ import annotations

import base64

LENGTH = 12
"""Characters; fewer of a random key give nothing away."""


def traces(text: str, key: str) -> list[str]:
    """Return every stretch of a key's spellings that a text holds, in upper or lower case."""
    ways = [key, key[::-1], key.encode().hex()]
    ways += [base64.b64encode(shift + key.encode()).decode()[4:-4] for shift in (b"", b"?", b"??")]
    lower = text.lower()
    pieces = {way[at : at + LENGTH].lower() for way in ways for at in range(len(way) - LENGTH + 1)}
    return sorted(piece for piece in pieces if piece in lower)
