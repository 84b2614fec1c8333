"""Each extra's absence is told in one sentence that says what to install."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from motion_widgets.core.messages import extras as sentences
from tests.extras import EXTRAS, said_without
from tests.test_binder import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def test_every_extra_has_its_sentence_and_its_use() -> None:
    names = PROJECT["optional-dependencies"].keys()
    assert set(EXTRAS) == set(names)
    assert set(sentences.MESSAGES) == {f"{name}_missing" for name in names}
    assert all(importlib.util.find_spec(module) for _, module in EXTRAS.values()), (
        "else the next test shows nothing"
    )


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_needs_an_extra_says_so_where_it_is_not_installed(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = EXTRAS[extra][1]
    loaded = [name for name in sys.modules if name.startswith(f"{module}.")]
    for name in (module, *loaded):
        monkeypatch.setitem(sys.modules, name, None)
    assert "not installed" in said_without(extra, tmp_path) or extra == "awake"
