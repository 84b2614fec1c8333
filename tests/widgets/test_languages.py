"""The Studio in Japanese: nothing that is seen is in English but names, values and what is typed."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import pytest

import motion_widgets as mw
from motion_widgets.core.messages import speak
from motion_widgets.request.fields import MODELS, MODES, WIRE_FIELDS
from motion_widgets.widgets.controls import shared
from motion_widgets.widgets.focus import Focus
from motion_widgets.widgets.page_widget import PageWidget
from motion_widgets.widgets.study_panel import StudyPanel
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = ("description", "placeholder", "tooltip", "title")
VALUES = {
    "v2.6",
    "v3",
    *[
        "SANDBOX",
        "LIVE",
        "JSON",
        "curl",
        "Python",
        "TOML",
        "USD",
        "ID",
        "API",
        "S3",
        "Google",
        "Azure",
        "HTML",
        "Webhook",
        "Excel",
        "moviepy",
        "library",
    ],
    *[
        "px",
        "MB",
        "fps",
        "avc1",
        "mp4",
        "mov",
        "png",
        "jpeg",
        "PNG",
        "JPEG",
        "csv",
        "json",
        "parquet",
        "https",
        "APIMART_API_KEY",
        "job-",
        "run-",
    ],
    *["Enter", "Home", "End", "Page", "Up", "Down", "Shift", "Ctrl", "yes", "no", "image", "video"],
    *WIRE_FIELDS,
    *MODELS,
    *MODES,
}
"""Words that are no language: values of the wire, formats, names and keys."""


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak("en")


def tree(root: w.Widget, seen: set[int] | None = None) -> Iterator[w.Widget]:
    """Yield a widget and all that it holds."""
    seen = set() if seen is None else seen
    if id(root) not in seen:
        seen.add(id(root))
        yield root
        for child in getattr(root, "children", ()):
            yield from tree(child, seen)


def texts(one: w.Widget) -> Iterator[str]:
    """Yield what a widget shows: its words, its options, and the text of its HTML."""
    yield from (str(getattr(one, name, "") or "") for name in TEXTS)
    yield from map(str, getattr(one, "titles", ()))
    yield from (
        str(option[0] if isinstance(option, tuple) else option) for option in getattr(one, "options", ())
    )
    if isinstance(one, w.HTML) and not one.value.startswith("<style>"):
        attributes = re.findall(r'(?:title|aria-label|alt|placeholder)="([^"]*)"', one.value)
        yield from map(html.unescape, attributes)
        yield html.unescape(re.sub(r"<[^>]*>", " ", one.value))
    if isinstance(one, PageWidget):
        yield from one._words.values()


def english(root: w.Widget) -> set[str]:
    """Return the texts in which a word of English stands."""
    found = set()
    for one in tree(root):
        for text in texts(one):
            bare = re.sub(r"{[^}]*}|\S*/\S+|\S+\.(?:mp4|png|ai)\b|rclone .*|motion-widgets( \w+)*", " ", text)
            words = {word for word in re.findall(r"[A-Za-z][\w.-]+", bare, re.ASCII) if word not in VALUES}
            if words:
                found.add(f"{text[:120]} {sorted(words)}")
    return found


def test_a_studio_in_japanese_shows_no_english(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws, language="ja")
    try:
        studio.form.load(mw.MotionRequest(model="kling-v2-6-motion-control", video_url=ws.samples().clip_12s))
        until(lambda: studio.form.request.model)
        assert studio.tabs.titles[0] == "作成"
        assert shared(Focus)._lang == "ja"
        assert sorted(english(studio)) == []
    finally:
        studio.close()


@pytest.mark.parametrize("name", ["JobMonitor"])
def test_a_panel_of_its_own_shows_no_english(ws: mw.Workspace, name: str) -> None:
    speak("ja")
    panel: Any = getattr(mw, name)(ws)
    try:
        assert english(panel) == set()
    finally:
        panel.close()


def test_what_a_study_says_shows_no_english(ws: mw.Workspace) -> None:
    samples = ws.samples()
    req = mw.MotionRequest(
        model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s,
        character_orientation="image",
    )  # fmt: skip
    run = mw.Sweep(req, mode=["std", "pro"]).plan(ws).run().wait(60)
    speak("ja")
    panel = StudyPanel(ws, run=run)
    try:
        until(lambda: panel.view is not None)
        assert panel.view is not None
        study = panel.view.study
        study.ask("mode", "pro", "std", planned=8, criterion="全体")
        pair = study.next_pair("花")
        assert pair is not None
        study.rate(pair, "left")
        until(lambda: panel.redraw() is not None and "評価" in panel._answer.value)
        assert "1 人による評価 1 件" in panel._answer.value
        assert sorted(english(panel)) == []
    finally:
        panel.close()


def test_a_studio_follows_the_browser_unless_a_language_was_chosen(ws: mw.Workspace) -> None:
    studio = mw.Studio(ws, tab="log")
    chosen = mw.Studio(ws, language="en")
    try:
        studio.form.load(mw.MotionRequest(prompt="振り向いて手を振る"))
        before, kept = studio.tabs, chosen.tabs
        before.page_language = "de"  # it has no sentences
        chosen.tabs.page_language = "ja"
        assert (studio.tabs, chosen.tabs) == (before, kept)
        before.page_language = "ja"
        until(lambda: before.comm is None)  # what was replaced is gone
        assert studio.tabs.titles[studio.tabs.selected_index] == "ログ", "the tab that was open"
        assert studio.form.request.prompt == "振り向いて手を振る"
        assert sorted(english(studio)) == []
    finally:
        studio.close()
        chosen.close()


def test_a_language_without_sentences_is_refused(ws: mw.Workspace) -> None:
    with pytest.raises(mw.RequestError, match=r"“tlh”.*en, ja"):
        mw.Studio(ws, language="tlh")


def test_a_finding_is_in_japanese() -> None:
    speak("ja")
    (finding,) = [
        one
        for one in mw.check(mw.MotionRequest(model="kling-v2-6-motion-control", prompt=" "))
        if one.field == "prompt"
    ]
    assert finding.message == "プロンプトが空白だけです。空にするか、何がどう動くかを書いてください。"
    assert finding.fixes[0].label == "プロンプトを空にする"
