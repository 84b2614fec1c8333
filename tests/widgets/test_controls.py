"""The pieces that panels are made of."""

from __future__ import annotations

from motion_widgets.widgets.controls import Choices, html, is_shown, label_button, live_region, speak, toggle
from motion_widgets.widgets.edge import Edge


def test_a_button_stands_for_what_was_last_offered_on_it() -> None:
    clicked: list[str] = []
    choices = Choices(Edge("test", print), clicked.append, most=2)
    choices.offer(["a", "b", "c"], label_button)
    assert [one.description for one in choices.buttons] == ["a", "b"]
    choices.offer(["d"], label_button)
    assert [is_shown(one) for one in choices.buttons] == [True, False]
    for one in choices.buttons:
        one.click()
    assert clicked == ["d"], "a click that came late on a hidden button does nothing"


def test_a_button_that_spends_money_is_marked_and_loses_its_mark() -> None:
    choices = Choices(Edge("test", print), lambda _: None, most=1)
    [one] = choices.buttons
    label_button(one, "Pay", tooltip="Pay: job-1", enabled=False, live=True)
    assert (one.tooltip, one.disabled, "mw-live" in one._dom_classes) == ("Pay: job-1", True, True)
    label_button(one, "Look")
    assert (one.tooltip, one.disabled, "mw-live" in one._dom_classes) == ("Look", False, False)


def test_a_hidden_widget_is_shown_and_hidden_again() -> None:
    one = html("a")
    assert [toggle(one), is_shown(one), toggle(one)] == [False, False, True]


def test_a_spoken_line_says_nothing_when_it_is_empty() -> None:
    line = live_region()
    silent = line.value
    speak(line, "<b>a</b>", cls="mw-note")
    assert 'aria-live="polite" class="mw-note"><b>a</b></div>' in line.value
    speak(line, "")
    assert line.value == silent
