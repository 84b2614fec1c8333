"""What an audit found, ready for the terminal."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """The lines that a command prints, and its exit code: 0 if nothing is wrong, else 1."""

    lines: tuple[str, ...]
    code: int
