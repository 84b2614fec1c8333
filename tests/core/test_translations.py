"""Each translation says what the English sentences say, with the same values; nothing is said too early."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import motion_widgets
from motion_widgets.core.messages import (
    LANGUAGES,
    MESSAGES,
    ROOMS,
    language,
    say,
    speak,
    template,
    translation,
)
from tests.syntax import parse

PACKAGE = Path(motion_widgets.__file__).parent
SHOWN = {
    "request", "price", "media", "repair", "words", "jobs", "visitor", "sharing", "shown", "sweep",
    "endpoint", "publishing", "workspace", "study", "log", "extras",
}  # fmt: skip
"""Rooms whose sentences the widgets and the findings show, beside those of the widgets."""
TERMINAL = ("cli_", "example_", "check_", "rescue_")
"""How codes of sentences begin that only the terminal says, which speaks English."""
OTHERS = [name for name in LANGUAGES if name != "en"]
SAME = {
    "length_moviepy", "the_webhook", "axis_webhook", "column_sandbox", "log_usable_none", "board_repeat",
    "log_export",
    "attach_call", "adopt_hint", "log_failed", "earlier_at", "pick_progress", "publish_hint_store",
    "shown_live", "shown_sandbox", "answer_sandbox", "publish_hint_command", "publish_hint_serve",
    "publish_hint_result",
}  # fmt: skip
"""Sentences without a word of a language."""


def room_of(code: str) -> str:
    return next(room.__name__.rpartition(".")[2] for room in ROOMS if code in room.MESSAGES)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(autouse=True)
def _english_again():
    yield
    speak("en")


@pytest.mark.parametrize("name", OTHERS)
def test_every_sentence_that_widgets_show_is_translated(name: str) -> None:
    shown = {code for code in MESSAGES if room_of(code) in SHOWN or room_of(code).startswith("widgets_")}
    lacks = shown - translation(name).keys()
    assert sorted(code for code in lacks if not code.startswith(TERMINAL)) == []


def test_an_answer_of_a_study_is_said_in_the_language_of_the_page() -> None:
    speak("ja")
    counts = say("answer_counts", ratings=12, pairs=6, clips=6, raters=2, ties=1, bad=0)
    said = say("answer_preferred", a="pro", b="std", rate="83 %", interval="60–95 %", price="", counts=counts)
    assert said == (
        "std より pro が好まれます：83 %(95 % 区間 60–95 %)。"
        "動画 6 本の 6 組について 2 人による評価 12 件(差がない 1、どちらも悪い 0)。"
    )
    assert say(
        "answer_alike", a="pro", b="std", rate="50 %", interval="41–59 %", price="", counts=counts
    ).startswith("pro と std は同じくらい好まれます")


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_takes_the_same_values(name: str) -> None:
    wrong = {
        code: fields(text) ^ fields(MESSAGES[code])
        for code, text in translation(name).items()
        if code not in MESSAGES or fields(text) != fields(MESSAGES[code])
    }
    assert wrong == {}


@pytest.mark.parametrize("name", OTHERS)
def test_a_code_is_translated_in_the_file_of_its_room(name: str) -> None:
    for code in translation(name):
        place = PACKAGE / "core" / "messages" / name / f"{room_of(code)}.py"
        assert f'"{code}":' in place.read_text("utf-8")


def test_japanese_is_japanese() -> None:
    """Kana or kanji in each that has words at all, and no end of an English sentence."""
    for code, text in translation("ja").items():
        words = re.sub(r"{[^}]*}|fps|MB|px", "", text)
        japanese = re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", words)
        assert japanese or code in SAME or not re.search(r"[A-Za-z]{2}", words), code
        assert not re.search(r"[a-z]\.( |$)", words), code


def test_a_language_is_spoken_until_another_one_is() -> None:
    assert (language(), say("yes")) == ("en", "yes")
    speak("ja")
    assert (language(), say("yes"), template("save")) == ("ja", "はい", "保存")
    assert say("cli_about").startswith("Kling"), "what is not translated is said in English"
    speak("en")
    assert (language(), say("yes")) == ("en", "yes")


def test_a_sentence_that_takes_other_values_by_now_is_said_in_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MESSAGES, "submitted", "Submitted for {price}.")
    speak("ja")
    assert say("submitted", price="$1") == "Submitted for $1."


def test_no_sentence_is_said_while_a_module_is_loaded() -> None:
    """It would stay in the language that was spoken then. A warning at once is no such sentence."""
    early = []

    def look(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and getattr(child.func, "id", "") in ("say", "template"):
                early.append((path.name, ast.unparse(child)))
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                look(child)

    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        if "say(" in text or "template(" in text:
            look(parse(text))
    assert early == [("base.py", "say('ipykernel_broken')")]
