"""The version of this package; `pyproject.toml` says the same, and a test compares them."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.2.0"
