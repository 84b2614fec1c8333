"""Whether a row's figure reached its target, read off both as they are printed."""

from __future__ import annotations

import re

__all__ = ["reached"]

_SCALES = {
    "": ("", 1.0), "times": ("x", 1.0), "x": ("x", 1.0), "%": ("%", 1.0),
    "us": ("s", 1e-6), "µs": ("s", 1e-6), "ms": ("s", 1e-3), "s": ("s", 1.0),
    "KB": ("B", 1e3), "kB": ("B", 1e3), "MB": ("B", 1e6), "GB": ("B", 1e9),
}  # fmt: skip
"""By unit what it measures, and how much of that it is."""
_AMOUNT = re.compile(
    r"(?<![\w.])(x?)(\d[\d,]*(?:\.\d+)?)(?: ?(times|µs|us|ms|s|[KkMG]B|%|x)(?!\w)|(?![\w.,]))"
)
_TARGET = re.compile(r"(<=|>=) (.*)")


def reached(measured: str, beside: str, target: str) -> str:
    """Return ``"yes"`` or ``"no"``; ``""`` where the target is none that can be compared, or says so itself.

    The figure is the first one of the target's kind that is measured, else that stands beside it: a ratio
    follows there what both took. Several are compared with a target's several in their order.
    """
    wanted = _TARGET.fullmatch(target)
    if wanted is None or "reached" in target:
        return ""
    found = [*_amounts(measured), *_amounts(beside)]
    for kind, limit in _amounts(wanted[2]):
        kinds = (kind, "x") if kind == "" else (kind,)  # a bare target is a count or a ratio
        at = next((place for place, (one, _) in enumerate(found) if one in kinds), None)
        if at is None:
            return ""
        figure = found.pop(at)[1]
        if not (figure <= limit if wanted[1] == "<=" else figure >= limit):
            return "no"
    return "yes"


def _amounts(text: str) -> list[tuple[str, float]]:
    """Return what a text states, each as its kind and its number in that kind's unit."""
    stated = []
    for before, number, unit in _AMOUNT.findall(text):
        kind, scale = _SCALES[unit or before]
        stated.append((kind, float(number.replace(",", "")) * scale))
    return stated
