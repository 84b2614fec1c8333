"""The one place where text from outside becomes HTML, for widgets and for pages of the log."""

from __future__ import annotations

import html
import unicodedata

__all__ = ["PLAIN", "escape", "isolate"]

PLAIN = "mathjax_ignore tex2jax_ignore"
"""Classes of an element in which MathJax, new and old, leaves ``$5 or $6`` alone."""


def escape(value: object) -> str:
    """Return `value` as text that is safe between tags and inside a quoted attribute.

    Control characters but newline and tab are dropped, and so are lone surrogates, which no page
    can be sent.
    """
    text = "".join(c for c in str(value) if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return html.escape(text, quote=True)


def isolate(value: object) -> str:
    """Return text that a person or a server wrote, escaped, in a ``<bdi>``.

    Right-to-left text keeps its direction and cannot turn round the sentence it stands in. For
    content only: inside an attribute use `escape`.
    """
    return f"<bdi>{escape(value)}</bdi>"
