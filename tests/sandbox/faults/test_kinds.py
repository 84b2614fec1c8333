"""The table of kinds is consistent, documented and played."""

from __future__ import annotations

from pathlib import Path

from motion_widgets.sandbox.faults.kinds import KINDS, PARAMETERS, Kind
from motion_widgets.sandbox.faults.rule import CALLS
from tests.sandbox.faults import document


def test_every_default_is_allowed_and_every_parameter_used():
    used = {name for kind in KINDS.values() for name in kind.parameters}
    assert used == set(PARAMETERS)
    for name, kind in KINDS.items():
        for parameter, default in kind.parameters.items():
            assert default in (None, ..., [], {}) or PARAMETERS[parameter].fits(default), (name, parameter)
        assert set(kind.on) <= set(CALLS)


def test_the_document_lists_every_kind_as_it_is():
    """Run `python -m tests.sandbox.faults.document`, and say in the document what a new kind does."""
    text = document.DOCUMENT.read_text("utf-8")
    assert document.render(text) == text
    assert document.TODO not in text


def test_a_kind_that_the_document_lacks_is_added_to_it(monkeypatch):
    monkeypatch.setitem(KINDS, "made_up", Kind(on=("submit",), parameters={"part": 0.5, "code": ...}))
    row = "| `made_up` | `submit` | `part = 0.5`, `code` (required) | TODO: say what happens |"
    assert row in document.render(document.DOCUMENT.read_text("utf-8")).splitlines()


def test_every_kind_is_played_by_a_test_of_this_folder():
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in KINDS if f'"kind": "{name}"' not in tests] == []
