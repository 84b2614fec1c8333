"""Every code has a sentence, every sentence is used, and whoever says it gives what it needs."""

from __future__ import annotations

import ast
import re
import string
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import motion_widgets
from motion_widgets.core.messages import MESSAGES, ROOMS, at_terminal, say, template
from motion_widgets.core.messages.cli import AT_TERMINAL
from motion_widgets.log.columns import DICTIONARY, FIDELITY
from motion_widgets.log.rows import ComparisonRow
from motion_widgets.log.states import State
from motion_widgets.media.repair.clips import CLIP_OPERATIONS
from motion_widgets.media.repair.images import IMAGE_OPERATIONS
from motion_widgets.request.fields import FIELD
from motion_widgets.study.fidelity.difference import COLUMNS, COMPARED
from motion_widgets.study.money import Costs
from motion_widgets.widgets.page_widget import codes_in
from tests.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(motion_widgets.__file__).parent
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if "sandbox" not in path.relative_to(PACKAGE).parts and path.parent != PACKAGE / "core" / "messages"
)
CALLS = {"say": 0, "template": 0, "of": 0, "fix": 0, "fault": 0, "find": 2, "event_note": 0}
"""Functions that take a code, and which of their arguments it is."""
NOT_PUT_IN = {"fixes", "detail", "reached"}
"""Arguments of these functions that are no field of a sentence."""

MEDIA = ("image", "clip")
FAMILIES: dict[str, tuple[str, ...]] = {
    "action_*": (
        "show", "attach", "keep", "resend", "resend_live", "write_off", "go_on", "go_on_live", "retry",
        "retry_live", "edit", "decide",
    ),
    "axis_*": tuple(FIELD),
    "difference_*": ("few", "higher", "lower", "not_shown", "chart"),
    "axis_library_*": MEDIA,
    "axis_sound_*": ("yes", "no"),
    "why_*": ("moderation", "media", "parameters"),
    "axis_more_*": ("image_url", "video_url", "prompt"),
    "cli_*": (
        "demo", "studio", "sandbox", "measure", "check", "submit", "sweep", "attach", "pause", "resume",
        "log", "study", "pack", "unpack", "budget", "prices", "forget-key", "share", "scan", "reconcile",
        "check-live",
    ),
    "cli_live_*": ("image_url", "video_url"),
    "example_*": (
        "demo", "studio", "sandbox", "measure", "check", "submit", "sweep", "attach", "pause", "resume",
        "study", "log", "log_check", "log_rescue", "log_export", "log_import", "log_merge", "pack", "unpack",
        "budget", "prices", "forget-key", "share", "scan", "reconcile", "check-live",
    ),
    "cli_log_*": ("check", "rescue", "export", "import", "merge"),
    "cluster_*": ("moderation", "media", "parameters"),
    "column_*": (
        "state", "prompt", "sandbox", "created_by", "estimate", "billed", "wait", "id", "error",
        "pictures", "settings", "when", "stars", "said", "usable",
    ),
    "rating_choice_*": ("left", "right", "tie", "both_bad", "skip"),
    "contact_*": ("differences", "wrong"),
    "contact_a_*": (
        "absent", "stated", "list", "text", "percent", "fraction", "decimal", "whole", "other",
        "same_fields", "tenfold", "not_tenfold", "down", "nearest", "up", "exact", "unclear",
    ),
    "month_*": tuple(map(str, range(1, 13))),
    "held_*": ("reserved", "spent"),
    "faces_*": ("image", "video"),
    "history_faces_*": ("image", "video"),
    "kind_*": (
        "null", "boolean", "seconds", "milliseconds", "number", "link", "date", "digits", "text", "list",
        "empty", "object",
    ),
    "contact_q_*": (
        "usage", "models", "http", "place", "word", "version", "request_id", "headers", "replay", "words",
        "progress", "estimated_time", "took", "url", "expires", "language", "cost", "rounding", "credits",
        "delta_account", "delta_key", "ahead", "errors",
    ),
    "form_*": MEDIA,
    "form_*_card": MEDIA,
    "form_*_drop": MEDIA,
    "filter_*": ("tag", "since", "deleted"),
    "form_*_hint": MEDIA,
    "form_*_pick": MEDIA,
    "form_mode_*": ("std", "pro"),
    "form_orientation_*": ("image", "video"),
    "form_sound_*": ("yes", "no"),
    "form_watermark_*": ("none", "off", "on"),
    "from_*": ("request", "measured", "priced", "toolkit", "endpoint", "people"),
    "known_*": ("failed", "cancelled", "expired", "vanished", "unknown", "rejected", "written_off"),
    "library_choice_*": MEDIA,
    "made_*": (*CLIP_OPERATIONS, *IMAGE_OPERATIONS),
    "meaning_*": tuple(column.name for column in (*DICTIONARY, *FIDELITY)),
    "mend_*": tuple({*CLIP_OPERATIONS, *IMAGE_OPERATIONS} - {"fit_clip"}),
    "money_*": ("open", "billed", "refunded", "reserved", "paid"),
    "next_*": (
        "moderation", "media", "parameters", "account", "auth", "network", "unknown", "written_off",
        "gone", "planned",
        "failed_task", "rejected",
    ),
    "pick_wrong_*": MEDIA,
    "more_sound_*": ("yes", "no"),
    "more_watermark_*": ("none", "off", "on"),
    "publish_hint_*": ("store", "command", "serve", "result"),
    "publish_question_*": ("image_url", "video_url"),
    "publish_to_*": ("store", "command", "serve", "result"),
    "publish_way_*": ("store", "command", "serve", "result"),
    "rating_*": tuple(ComparisonRow.__dataclass_fields__),
    "scan_cell_*": ("attachments", "metadata"),
    "since_*": ("1", "7", "30"),
    "state_*": tuple(State),
    "study_cost_*": ("setting", *Costs.__dataclass_fields__, "failed", "excluded"),
    "study_measure_*": COMPARED,
    "study_motion_*": COLUMNS,
    "tab_*": ("create", "sweep", "compare", "study", "log"),
    "undecided_*": ("ask", "resend", "write_off"),
    "undecided_sure_*": ("resend", "write_off"),
    "undecided_yes_*": ("resend", "write_off"),
    "word_*": ("error", "warning", "hint"),
    "*_public": ("image_location", "clip_location"),
}  # fmt: skip
"""Codes that are put together: what stands in the place of the star."""


def fields(text: str) -> dict[str, str]:
    """Return the fields of a template with their format; words that go with a count are none."""
    told = [(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
    return dict.fromkeys((name for name, _ in told), "") | {
        name: spec for name, spec in told if spec and "|" not in spec
    }


@cache
def tree(path: Path) -> ast.Module:
    return parse(path.read_text("utf-8"))


def branches(code: ast.expr) -> Iterator[ast.expr]:
    """Return what an expression may be, where a condition chooses."""
    if isinstance(code, ast.IfExp):
        yield from branches(code.body)
        yield from branches(code.orelse)
    elif isinstance(code, ast.BoolOp):
        for one in code.values:
            yield from branches(one)
    elif isinstance(code, ast.Tuple | ast.List):
        for one in code.elts:
            yield from branches(one)
    else:
        yield code


def values_of(name: str, function: ast.AST) -> Iterator[ast.expr]:
    """Return what a variable of this name is set to anywhere in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.comprehension | ast.For):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.iter if isinstance(node, ast.comprehension | ast.For) else node.value
            if value is not None and any(isinstance(one, ast.Name) and one.id == name for one in targets):
                yield from branches(value)


def calls_in(part: ast.AST) -> Iterator[tuple[ast.expr, ast.Call]]:
    """Return every code that is passed on in a part of the source, and the call."""
    for node in ast.walk(part):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CALLS and len(node.args) > CALLS[name]:
                yield from ((code, node) for code in branches(node.args[CALLS[name]]))


@cache
def calls(path: Path) -> list[tuple[ast.expr, ast.Call]]:
    """Return every code that a module passes on, as the source has it, and the call."""
    return list(calls_in(tree(path)))


def variables(path: Path) -> Iterator[tuple[ast.expr, ast.Call]]:
    """Return every code that reaches a sentence through a variable of the same function, and the call."""
    for function in ast.walk(tree(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for code, call in calls_in(function):
                if isinstance(code, ast.Name):
                    yield from ((value, call) for value in values_of(code.id, function))


def pattern(code: ast.JoinedStr) -> str:
    """Return a code that is put together, with a star for each part that is not written out."""
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in code.values)


def family(found: str) -> str:
    """Return the family that a pattern of the source is of; KeyError: none."""
    return found if found in FAMILIES else {"action_**": "action_*"}[found]


def used(path: Path) -> Iterator[str]:
    """Return all codes that a module may use."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MESSAGES:
            yield node.value
    for code, _ in calls(path):
        if isinstance(code, ast.JoinedStr):
            name = family(pattern(code))
            yield from (name.replace("*", one) for one in FAMILIES[name])


def test_a_code_belongs_to_one_room() -> None:
    counts = Counter(code for room in ROOMS for code in room.MESSAGES)
    assert {code: count for code, count in counts.items() if count > 1} == {}
    assert MESSAGES.keys() == counts.keys()
    files = {path.stem for path in (PACKAGE / "core" / "messages").glob("*.py")} - {"__init__"}
    assert files == {room.__name__.rpartition(".")[2] for room in ROOMS}, "every file is joined"


def test_every_template_formats() -> None:
    for code, sentence in MESSAGES.items():
        names = fields(sentence)
        assert all(name.isidentifier() for name in names), f"{code}: nothing is looked up in a value"
        values = {name: 1 if spec and spec[-1] in ",dfg%" else "\u202e{x}<b>" for name, spec in names.items()}
        said = say(code, **values)
        assert said, code
        assert "{{" not in said, code
        for name, spec in names.items():
            assert spec or str(values[name]) in said, code


ONE = {"is", "was", "has", "does", "as", "this"}
"""Words behind a number that are no plural."""
COUNTS = re.compile(
    r"\{(?:count|all|jobs|cells|files|places|clips|pairs|ratings|raters|rounds|planned|others|shared|ties|events)"
    r"(?::,)?\}(?: [a-z]+){0,2}? ([a-z]+s)\b"
)
NEVER_ONE = {
    "doubts_stopped", "link_many_requests", "note_long", "excel_rows", "prompt_long", "clip_cuts",
    "cells_many", "label_ambiguous", "offer_several", "fraction_wide",
}  # fmt: skip
"""Sentences that are only said of several."""


def test_one_thing_is_not_spoken_of_in_the_plural() -> None:
    for code, sentence in [*MESSAGES.items(), *AT_TERMINAL.items()]:
        assert not re.search(r"(?<!http)\(s\)", sentence), f"{code}: write {{count:job|jobs}}"
        found = set() if code in NEVER_ONE else set(COUNTS.findall(sentence)) - ONE
        assert not found, f"{code}: write {{count:cell|cells}}"


def test_a_word_goes_with_its_count() -> None:
    said = [say("shown_count", count=count) for count in (0, 1, 2, 1000)]
    assert said == ["0 jobs", "1 job", "2 jobs", "1,000 jobs"]
    assert say("merge_done", added=1, advanced=0, same=2, files=1) == (
        "1 job added, 0 updated, 2 already known. 1 file belongs to them."
    )
    assert say("log_deleted", count="1").startswith("1 row hidden;"), "a number that is a text already"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_whoever_says_a_sentence_gives_what_it_needs(path: Path) -> None:
    for code, call in calls(path):
        if not isinstance(code, ast.Constant) or not isinstance(code.value, str):
            continue
        where = f"{path.name}:{call.lineno} says {code.value}"
        assert code.value in MESSAGES, f"{where}, which has no sentence"
        given = {one.arg for one in call.keywords if one.arg} - NOT_PUT_IN
        missing = set(fields(MESSAGES[code.value])) - given
        open_ended = any(one.arg is None for one in call.keywords) or ast.unparse(call.func) == "template"
        assert open_ended or not missing, f"{where} without {missing}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_code_in_a_variable_has_a_sentence(path: Path) -> None:
    for code, call in variables(path):
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            assert code.value in MESSAGES, f"{path.name}:{call.lineno} may say {code.value}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_code_that_is_put_together_is_of_a_known_family(path: Path) -> None:
    for code, call in calls(path):
        assert not isinstance(code, ast.BinOp), f"{path.name}:{call.lineno} adds up a code"
        if isinstance(code, ast.JoinedStr):
            assert family(pattern(code)), f"{path.name}:{call.lineno}: name its members in FAMILIES"


@pytest.mark.parametrize("name", FAMILIES)
def test_every_member_of_a_family_has_a_sentence(name: str) -> None:
    for one in FAMILIES[name]:
        assert name.replace("*", one) in MESSAGES
    codes = (code for path in MODULES for code, _ in calls(path))
    found = {family(pattern(code)) for code in codes if isinstance(code, ast.JoinedStr)}
    assert name in found, "nobody uses it"


def test_every_sentence_is_used() -> None:
    in_scripts = codes_in("".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.js")))
    assert in_scripts <= MESSAGES.keys(), "a script names a code that has no sentence"
    assert MESSAGES.keys() - in_scripts - {code for path in MODULES for code in used(path)} == set()


def test_sentences_of_findings_end_with_a_next_step() -> None:
    """An error names the value, the limit and the next step, so it is two sentences, or one and a half."""
    files = [PACKAGE / "request" / name for name in ("rules.py", "media_rules.py", "findings.py")]
    rules = [code for path in files for code, _ in calls(path)]
    codes = {str(code.value) for code in rules if isinstance(code, ast.Constant)}
    parts = ("fix_", "the_", "a_", "length_", "shown_", "word_")
    said = {code for code in codes if not code.startswith(parts)}
    assert len(said) > 30
    for code in said:
        text = MESSAGES[code]
        assert text.endswith("."), code
        assert text.count(". ") + text.count("; ") >= 1, code


def test_an_unknown_code_is_an_error() -> None:
    for function in (say, template):
        with pytest.raises(KeyError, match="no such code"):
            function("no such code")


@pytest.mark.parametrize("code", AT_TERMINAL)
def test_the_terminal_s_sentences_stand_for_others_and_take_their_values(code: str) -> None:
    assert fields(AT_TERMINAL[code]).keys() <= fields(MESSAGES[code]).keys()
    assert not re.search(r"\bws\.(?!attach\(\"{id}\", same_account)", AT_TERMINAL[code]), "a call in Python"


def test_at_the_terminal_commands_are_named_that_work_in_the_same_folder() -> None:
    with at_terminal(" --folder 'my {dance}'"):
        assert say("interrupted", id="run-1").endswith("motion-widgets attach --folder 'my {dance}' run-1")
    assert say("interrupted", id="run-1").endswith('ws.attach("run-1")')
