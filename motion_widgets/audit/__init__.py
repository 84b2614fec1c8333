"""Looking back at what was done: keys that got into files, the log against the bill, the first live contact.

Nothing here spends money, except the one job of `firstcontact`, which goes the ordinary way. Reports come as
lines of text, so that the terminal only prints them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """What a command has to say, and its exit code: 0 nothing is wrong, 1 something is."""

    lines: tuple[str, ...]
    code: int
