"""Megabytes that are pasted into any text box of the Studio: one sentence, and none of it is drawn."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as w
import pytest

import motion_widgets as mw
from motion_widgets.core.errors import RequestError
from motion_widgets.core.messages import say
from motion_widgets.request.limits import LONGEST_TEXT
from motion_widgets.widgets.controls import require_typed, typed
from tests.widgets.conftest import until
from tests.widgets.test_panels import S, row_in
from tests.widgets.test_studio import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

PASTED = "\u00e9<b>, x\n" * 500_000
SAID = {
    "Prompt, optional": "were given for the prompt",
    "Webhook (optional)": "were given for the webhook",
    "Path or link of the picture": "were given for the character image",
    "Path or link of the clip": "were given for the reference clip",
    "API key": "That is not an API key",
    "Budget": "is not an amount",
    "Its task id, if the provider's console shows one": "is not a task id",
}
"""What is said of boxes that the sentence does not name by their label, or whose text is judged otherwise."""


def boxes(studio: mw.Studio) -> dict[str, w.Widget]:
    """Return all boxes that take text, by their labels."""
    kinds = (w.Text, w.Textarea, w.Combobox, w.Password)
    return {one.description: one for one in parts(studio) if isinstance(one, kinds)}


@pytest.fixture
def studio(ws: mw.Workspace) -> Iterator[mw.Studio]:
    row_in(ws, S.UNKNOWN)
    made = mw.Studio(ws)
    yield made
    made.close()


def test_megabytes_in_any_box_are_one_sentence_and_drawn_nowhere(studio: mw.Studio) -> None:
    found, publish = boxes(studio), studio.form.publishing
    ways = {box.description: way for way, box in publish.places.items()}
    assert len(found) == 16
    found.pop(say("log_rename_to"))  # nothing is on the board to be renamed: a run judges its name itself
    for label, box in found.items():
        if label in ways:
            publish.way.value = ways[label]
        box.value = PASTED
        if label in ways:
            publish.keep.click()
        elif label == "Paste a request (JSON)":
            studio.form.code.take.click()
        elif label.startswith("Its task id"):
            studio.stage.line.children[-1].children[1].click()
        texts = [one for one in parts(studio) if isinstance(one, w.HTML)]
        said = SAID.get(label, f"were given for {label}; something else was probably pasted")
        until(lambda said=said, texts=texts: any(said in html.unescape(one.value) for one in texts))  # type: ignore[misc]
        assert sum(len(one.value) for one in texts) < 400_000, label
        box.value = ""


@pytest.mark.parametrize("length", [0, LONGEST_TEXT, LONGEST_TEXT + 1, 10 * LONGEST_TEXT])
def test_a_text_that_is_too_long_is_cut_or_refused(length: int) -> None:
    text = "x" * length
    assert typed(text) == text[: LONGEST_TEXT + 1]
    if length > LONGEST_TEXT:
        with pytest.raises(RequestError, match="More than 20,000 characters were given for a box;"):
            require_typed(text, "a box")
    else:
        assert require_typed(text, "a box") == text
