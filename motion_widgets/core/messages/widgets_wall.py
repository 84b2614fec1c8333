"""The wall that compares results."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "wall_choice": "On the wall",
    "wall_latest": "the latest results",
    "wall_reference": "reference",
    "wall_empty": "Nothing to compare yet. Results appear here as they are collected.",
    "wall_no_clip": "no copy here",
    "wall_no_clip_why": "The reference clip was a link; no copy of it is kept.",
}
