"""The mark of a row: reached or not, from what is printed."""

from __future__ import annotations

import pytest

from tests.benchmarks.reached import reached


@pytest.mark.parametrize(
    ("measured", "beside", "target", "mark"),
    [
        ("8.2 ms", "json 6.9 ms", "<= 60 ms", "yes"),
        ("111 ms", "", "<= 1 s", "yes"),
        ("1,111 ms", "", "<= 1 s", "no"),
        ("25 µs", "", "<= 100 µs", "yes"),
        ("1.26 times", "ffmpeg alone 1.58 s", "<= 1.3", "yes"),
        ("1.34 times", "ffmpeg alone 1.58 s", "<= 1.3", "no"),
        ("7.9", "VideoFileClip 190.8 ms", ">= 5", "yes"),
        ("246 ms", "an empty log 77 ms: 3.18 times", "<= 1.5 times", "no"),
        ("20 / 27 ms", "bare Text and Label 16 / 23: 1.18 times", "<= 1.5 times", "yes"),
        ("0.30 s (30 us a cell)", "ParameterGrid 9 ms", "<= 1 s", "yes"),
        ("46 KB and 1", "", "<= 45 KB and 1", "no"),
        ("40 KB and 2", "", "<= 45 KB and 1", "no"),
        ("65 MB", "", "<= 80 MB", "yes"),
        ("x1.10", "alone 3.0 s", "<= x1.2", "yes"),
        ("1.45 x", "one at a time 9 s", ">= 1.3 x", "yes"),
        ("0.89", "", "about 1: linear", ""),
        ("no Chromium", "", "<= 1 s", ""),
        ("0.4 s", "", "<= 1 s: reached", ""),
        ("65 MB", "import ipywidgets 21 MB", "", ""),
    ],
)
def test_a_mark_follows_from_the_figures(measured, beside, target, mark):
    assert reached(measured, beside, target) == mark
