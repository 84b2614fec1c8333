"""The axes of a sweep and their values in people's words."""

from __future__ import annotations

from motion_widgets.core.messages import say
from motion_widgets.widgets.row_text import short_model

__all__ = ["axis_head", "axis_value", "axis_word"]


def axis_word(field: str) -> str:
    """Return what a wire field is called, as it begins a line."""
    return say(f"axis_{field}").capitalize()


def axis_value(field: str, value: str) -> str:
    """Return a value in a word or two, beside the name of its axis; ``""``: it is not set."""
    if field == "character_orientation" and value in ("image", "video"):
        return say(f"history_faces_{value}")
    if field == "keep_original_sound" and value in ("yes", "no"):
        return say(f"axis_sound_{value}")
    if field == "model":
        return short_model(value)
    return value


def axis_head(field: str, value: str) -> str:
    """Return a value in words that say by themselves which axis it is of."""
    if field == "character_orientation" and value in ("image", "video"):
        return say("axis_head_faces", how=say(f"faces_{value}"))
    return axis_value(field, value)
