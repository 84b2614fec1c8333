"""A workspace on the sandbox for widgets without a kernel; samples are drawn once."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest
from ipywidgets.widgets.widget import _instances

import motion_widgets as mw
from motion_widgets.widgets.base import Panel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEADLINE = 60.0


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, or fail; what made it true has drawn all that it draws when this returns."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.01)
    panels = [one for one in list(_instances.values()) if isinstance(one, Panel)]
    for lock in (lock for one in panels for lock in (one._refreshing, one.lock)):
        if lock.acquire(timeout=1.0):  # a test may hold a drawing up itself
            lock.release()


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the samples."""
    from motion_widgets.media.samples import sample_media

    folder = tmp_path_factory.mktemp("drawn")
    sample_media(folder)
    return folder


@pytest.fixture
def ws(tmp_path: Path, drawn: Path) -> Iterator[mw.Workspace]:
    """A fresh workspace on a fast sandbox."""
    shutil.copytree(drawn, tmp_path / "samples")
    with mw.Workspace(tmp_path, endpoint="sandbox", speed=200) as opened:
        yield opened
