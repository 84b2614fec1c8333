"""Hashes of files, and when they are read again."""

from __future__ import annotations

from motion_widgets.core.hashing import sha256_of


def test_sha256_is_read_again_when_the_file_changed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = sha256_of(path)
    assert sha256_of(path) == first
    path.write_bytes(b"another")
    assert sha256_of(path) != first
