"""Audits: keys in files, the log against the account, the first contact with an endpoint.

They may import all but `widgets` and `cli`. Nothing is spent, except on the one job of `first_contact`,
which is submitted like any other. Read `key_scan`, `reconcile` or `first_contact`; each returns a `Report`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """The lines that a command prints, and its exit code: 0 if nothing is wrong, else 1."""

    lines: tuple[str, ...]
    code: int
