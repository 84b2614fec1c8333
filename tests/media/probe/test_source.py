"""Local files that people name: what is not there is said in words, and measured files are found again."""

from __future__ import annotations

import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media.probe.measure import measure_clip
from motion_widgets.media.probe.source import hash_of, local_path


def test_what_is_not_there(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for source, code in [
        (tmp_path / "none.mp4", "missing_file"),
        (str(tmp_path), "is_directory"),
        ("a\0b", "missing_file"),
        ("x" * 5000, "missing_file"),
        (tmp_path / "pipe", "not_readable"),
    ]:
        with pytest.raises(ClipError) as caught:
            measure_clip(source)
        assert (caught.value.code, caught.value.reached) == (code, False)


def test_a_measured_file_is_found_and_links_and_bytes_have_no_path(clips):
    clip = measure_clip(clips["front"], confirm=False)
    assert local_path(clip) == local_path(str(clips["front"])) == clips["front"]
    assert local_path("https://example.com/a.mp4") is None
    assert local_path(measure_clip(clips["front"].read_bytes(), confirm=False)) is None


def test_a_file_that_goes_before_it_is_hashed_is_unreadable(tmp_path):
    with pytest.raises(ClipError) as caught:
        hash_of(tmp_path / "gone.mp4")
    assert caught.value.code == "not_readable"
