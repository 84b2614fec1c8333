"""Every sentence a person reads, by code and parameters.

English now. A sentence names the value, the limit and the next step. Values from outside are put in
as plain text; whoever shows them in HTML escapes the whole sentence (`widgets/_html.py`).
"""

from __future__ import annotations

from typing import Any

__all__ = ["TEXTS", "say"]

TEXTS: dict[str, str] = {}


def say(code: str, /, **params: Any) -> str:
    """Give the sentence for `code`, or the code itself where a sentence is missing."""
    template = TEXTS.get(code)
    return template.format(**params) if template is not None else code
