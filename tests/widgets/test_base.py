"""What every panel does off the callbacks: stale answers, errors, and results to be shown."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from motion_widgets.core.errors import LogError
from motion_widgets.widgets.base import Panel
from tests.widgets.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import motion_widgets as mw


@pytest.fixture
def panel(ws: mw.Workspace) -> Iterator[Panel]:
    made = Panel(ws, watch=False)
    yield made
    made.close()


def test_what_a_newer_call_overtook_is_not_drawn(panel: Panel) -> None:
    drawn: list[int] = []
    started, go = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        go.wait(30)
        return 1

    panel.later("a", slow, drawn.append)
    until(started.is_set)
    panel.later("a", lambda: 2, drawn.append)
    until(lambda: drawn == [2])
    go.set()
    panel.later("b", lambda: 3, drawn.append)
    until(lambda: drawn == [2, 3])


def test_a_result_is_drawn_while_the_panel_is_locked(panel: Panel) -> None:
    held: list[bool] = []

    def draw(_: object) -> None:
        other = threading.Thread(target=lambda: held.append(not panel.lock.acquire(blocking=False)))
        other.start()
        other.join()

    panel.later("a", lambda: None, draw)
    until(lambda: held == [True])


def test_an_error_is_announced_unless_the_caller_takes_it(panel: Panel) -> None:
    def fail() -> None:
        raise LogError.of("no_run", found="x")

    message, taken = str(LogError.of("no_run", found="x")), list[str]()
    panel.later("a", fail, lambda _: pytest.fail("drawn"), failed=taken.append)
    until(lambda: taken == [message])
    assert "mw-error" not in panel.notice.value
    panel.later("a", fail)
    until(lambda: "mw-error" in panel.notice.value)


def test_nothing_is_drawn_on_a_closed_panel(ws: mw.Workspace) -> None:
    panel, drawn, done = Panel(ws, watch=False), list[object](), threading.Event()
    panel.later("a", lambda: panel.close() or done.set(), drawn.append)  # type: ignore[func-returns-value]
    until(done.is_set)
    later = Panel(ws, watch=False)
    later.later("b", lambda: None, drawn.append)
    until(lambda: drawn == [None])
    later.close()


def test_a_result_is_shown_by_the_caller_or_named_by_its_path(panel: Panel) -> None:
    shown: list[mw.Job] = []
    panel.show_result("job-1", shown.append)
    until(lambda: [one.id for one in shown] == ["job-1"])
    panel.show_result("job-none", None)
    until(lambda: "mw-error" in panel.notice.value)


def test_what_is_written_in_turn_stands_in_the_order_in_which_it_was_given(panel: Panel) -> None:
    written, begun, go, passed = list[int](), threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go.wait(30)
        written.append(1)

    panel.later("stars", slow, in_turn=True)
    assert begun.wait(30)
    panel.later("stars", lambda: written.append(2), in_turn=True)
    panel.later("other", passed.set)
    assert passed.wait(30), "what has another name does not wait"
    assert written == []
    go.set()
    until(lambda: len(written) == 2)
    assert written == [1, 2]


def test_nothing_that_a_person_said_is_left_out_even_if_the_panel_closes(ws: mw.Workspace) -> None:
    panel, written, begun, go = Panel(ws, watch=False), list[int](), threading.Event(), threading.Event()
    panel.later("stars", lambda: begun.set() or go.wait(30), in_turn=True)  # type: ignore[func-returns-value]
    assert begun.wait(30)
    for number in range(3):
        panel.later("stars", partial(written.append, number), in_turn=True)
    panel.close()
    go.set()
    until(lambda: written == [0, 1, 2])


def test_what_was_read_first_is_never_drawn_last(ws: mw.Workspace) -> None:
    begun, go, drawn = threading.Event(), threading.Event(), list[int]()

    class Page(Panel):
        number = 1

        def refresh(self) -> None:
            read = self.number
            if read == 1:
                begun.set()
                go.wait(30)
            drawn.append(read)

    page = Page(ws, watch=False)
    page.later("look", page.redraw)
    assert begun.wait(30)
    page.number = 2
    page.later("page", page.redraw)
    free = threading.Event()
    page.later("other", free.set)  # runs beside them
    assert free.wait(30)
    go.set()
    until(lambda: len(drawn) == 2)
    assert drawn == [1, 2]
    page.close()
