"""Every code has a sentence, every sentence can be said, and whoever says it gives what it needs."""

from __future__ import annotations

import ast
import string
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import motion_widgets
from motion_widgets.core.messages import MESSAGES, ROOMS, say

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(motion_widgets.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts)
NOT_PUT_IN = {"fixes", "detail"}


def fields(template: str) -> dict[str, str]:
    """Return the fields of a template with their format."""
    return {name: spec or "" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


def test_a_code_belongs_to_one_room() -> None:
    counts = Counter(code for room in ROOMS for code in room.MESSAGES)
    assert {code: count for code, count in counts.items() if count > 1} == {}
    assert MESSAGES.keys() == counts.keys()
    files = {path.stem for path in (PACKAGE / "core" / "messages").glob("*.py")} - {"__init__"}
    assert files == {room.__name__.rpartition(".")[2] for room in ROOMS}, (
        "every file is joined into the table"
    )


@pytest.mark.parametrize("code", MESSAGES)
def test_every_template_formats(code: str) -> None:
    names = fields(MESSAGES[code])
    assert all(name.isidentifier() for name in names), "fields have names, and nothing is looked up in them"
    values = {name: 1 if spec and spec[-1] in ",dfg%" else "\u202e{x}<b>" for name, spec in names.items()}
    said = say(code, **values)
    assert said
    assert "{{" not in said
    for name, spec in names.items():
        assert spec or str(values[name]) in said


def calls(path: Path) -> Iterator[tuple[str, set[str], bool, int]]:
    """Return every sentence that a module uses: its code, its values, whether more by ``**``, the line."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        place = {"say": 0, "of": 0, "fix": 0, "fault": 0, "find": 2}.get(name)
        if place is None or len(node.args) <= place:
            continue
        given = {one.arg for one in node.keywords if one.arg} - NOT_PUT_IN
        for code in ast.walk(node.args[place]):
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and code.value in MESSAGES:
                yield code.value, given, any(one.arg is None for one in node.keywords), node.lineno
            elif code is node.args[place] and isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value, given, True, node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_whoever_says_a_sentence_gives_what_it_needs(path: Path) -> None:
    for code, given, open_ended, line in calls(path):
        assert code in MESSAGES, f"{path.name}:{line} says {code}, which has no sentence"
        missing = set(fields(MESSAGES[code])) - given
        assert open_ended or not missing, f"{path.name}:{line} says {code} without {missing}"


def test_sentences_of_findings_end_with_a_next_step() -> None:
    """An error names the value, the limit and the next step, so it is two sentences, or one and a half."""
    rules = [code for path in (PACKAGE / "request" / "rules.py",) for code, *_ in calls(path)]
    said = {code for code in rules if not code.startswith(("fix_", "the_", "a_", "length_"))}
    assert len(said) > 30
    for code in said:
        text = MESSAGES[code]
        assert text.endswith("."), code
        assert text.count(". ") + text.count("; ") >= 1, code


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert say("no such code", x=1) == "no such code"
