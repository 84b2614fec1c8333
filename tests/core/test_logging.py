"""What becomes of errors that nobody expected: a record where they arose, once, and the work goes on."""

from __future__ import annotations

import asyncio
import logging

import pytest

from motion_widgets.core import files
from motion_widgets.core import logging as ours
from motion_widgets.core.background import start
from motion_widgets.core.errors import LogError
from motion_widgets.core.logging import brief, going_on, report


@pytest.fixture(autouse=True)
def fresh(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was logged yet."""
    monkeypatch.setattr(ours, "_seen", {})
    caplog.set_level(logging.WARNING, "motion_widgets")


def error_of(text: str) -> ValueError:
    with pytest.raises(ValueError, match=text) as caught:
        raise ValueError(text)
    return caught.value


def test_a_cause_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        report(error_of(f"number {number}"), "draw")
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "draw: ValueError: number 0")
    assert "Traceback" in caplog.text
    report(error_of("x"), "save")
    assert len(caplog.records) == 2, "another cause"


def test_a_cause_is_logged_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(error_of("x"), "draw")
    monkeypatch.setattr(ours, "AGAIN", 0.0)
    report(error_of("x"), "draw")
    assert len(caplog.records) == 2


def test_causes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_MOST", 3)
    for number in range(10):
        report(error_of("x"), f"draw {number}")
    assert len(ours._seen) <= 3


def test_the_logger_is_that_of_the_module_in_which_it_arose(
    caplog: pytest.LogCaptureFixture, tmp_path
) -> None:
    with going_on("write"):
        files.write_whole(tmp_path / "none" / "a", b"x")
    assert [one.name for one in caplog.records] == ["motion_widgets.core.files"]


def test_an_error_of_ours_is_a_warning_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    with going_on("back up"):
        raise LogError.of("no_run", found="x")
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert str(LogError.of("no_run", found="x")) in record.getMessage()


def test_an_interruption_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt), going_on("wait"):
        raise KeyboardInterrupt


def test_an_error_is_one_line() -> None:
    assert brief(ValueError("a\n  b")) == "ValueError: a b"
    assert brief(KeyError()) == "KeyError"
    assert len(brief(ValueError("x" * 10_000))) < 400


def test_work_that_nobody_waits_for_is_logged_when_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("odd")

    assert start(fail(), "look").result(30) is None
    assert [one.getMessage() for one in caplog.records] == ["look: ValueError: odd"]
