"""What the environment says is read and set in one place, and given back as it was."""

from __future__ import annotations

import os
from contextlib import suppress
from types import SimpleNamespace

import pytest

from motion_widgets.core.hidden import environment, variable_set

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


class Passing(dict[str, str]):
    """Variables of which one is gone before its turn comes, as while another thread imports moviepy."""

    def __iter__(self):
        for name in list(self.keys()):
            self.pop("BRIEF", None)
            yield name

    def items(self):
        return ((name, self[name]) for name in self)


def test_a_variable_that_another_thread_takes_away_meanwhile_is_no_error(monkeypatch):
    seen = SimpleNamespace(environ=Passing(LANG="C", BRIEF="1", HOME="/", SECRET="x"))
    monkeypatch.setattr("motion_widgets.core.hidden.os", seen)
    assert environment(without="SECRET") == {"LANG": "C", "HOME": "/"}
