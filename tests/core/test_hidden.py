"""What the environment says is read and set in one place, and given back as it was."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from motion_widgets.core.hidden import variable_set

NAME = "MOTION_WIDGETS_TRIED"


@pytest.mark.parametrize("before", [None, "", "0"])
def test_a_variable_is_set_for_a_block_only(monkeypatch, before):
    monkeypatch.delenv(NAME, raising=False)
    if before is not None:
        monkeypatch.setenv(NAME, before)
    with suppress(ZeroDivisionError), variable_set(NAME, "1"):
        assert os.environ[NAME] == "1"
        1 / 0  # noqa: B018
    assert os.environ.get(NAME) == before
