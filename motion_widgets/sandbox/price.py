"""Prices, and the unit in which the sandbox counts money."""

from __future__ import annotations

import math

__all__ = ["MODELS", "PRICES", "UNITS", "billed_seconds", "price", "usd"]

UNITS = 100_000
"""Money is counted in whole 1/100,000 USD: every price has five decimals, so no sum is ever rounded."""

PRICES = {
    ("kling-v2-6-motion-control", "std"): 5_712,
    ("kling-v2-6-motion-control", "pro"): 9_144,
    ("kling-v3-motion-control", "std"): 10_288,
    ("kling-v3-motion-control", "pro"): 13_712,
}
"""`UNITS` per second of the reference video by model and mode, as of 2026-10."""

MODELS = tuple(dict.fromkeys(model for model, _ in PRICES))


def billed_seconds(length: float) -> int:
    """Return the whole seconds billed for `length` s, rounded half up: 9.066 s is 9 and 9.5 s is 10."""
    return math.floor(length + 0.5 + 1e-6)  # 9.5 read from a header is not exactly 9.5


def price(model: str, mode: str, length: float) -> int:
    """Return the charge in `UNITS` for a clip of `length` s."""
    return PRICES[model, mode] * billed_seconds(length)


def usd(units: int) -> float:
    """Return an amount of `UNITS` in USD, as the wire shows it."""
    return units / UNITS
