"""Where mends are written."""

from __future__ import annotations

import pytest


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
