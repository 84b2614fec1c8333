"""What runs are called."""

from __future__ import annotations

import pytest

from motion_widgets.core.moments import moment
from motion_widgets.log.sweeps import run_name

NOW = moment("2026-05-12 15:00")
TWO = '{"mode": ["std", "pro"], "character_orientation": ["image", "video"], "prompt": ["a"]}'


@pytest.mark.parametrize(
    ("axes", "at", "name"),
    [
        (TWO, "2026-05-12 14:02", "quality \u00d7 faces \u00b7 today 14:02"),
        (TWO, "2026-05-11 09:05", "quality \u00d7 faces \u00b7 11 May 09:05"),
        ('{"prompt": ["a"]}', "2025-01-01", "prompt \u00b7 1 Jan 2025 00:00"),
        ('{"no_field": ["a", "b"]}', "2026-05-12 14:02", "one cell \u00b7 today 14:02"),
        ("{}", "2026-05-12 14:02", "one cell \u00b7 today 14:02"),
    ],
)
def test_axes_and_time_make_a_name(axes: str, at: str, name: str) -> None:
    assert run_name(None, axes, int(moment(at).timestamp() * 1e6), now=NOW) == name
    assert run_name("mine", axes, 0, now=NOW) == "mine"
