"""Errors carry their code, their sentence and what belongs to it, also to another process."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.core import errors
from motion_widgets.endpoint import errors as wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell


@pytest.mark.parametrize("name", errors.__all__)
def test_one_base(name: str) -> None:
    assert issubclass(getattr(errors, name), mw.MotionError)


def test_endpoint_errors_are_motion_errors() -> None:
    for cls in (mw.AuthError, mw.PaymentError, mw.RateLimitError, mw.OutcomeUnknown):
        assert issubclass(cls, mw.EndpointError)
    assert issubclass(mw.EndpointError, mw.MotionError)


def test_of_says_the_sentence_and_keeps_what_is_in_it() -> None:
    error = mw.RequestError.of("wire_not_object", found="list", detail="raw")
    assert "this is list" in str(error)
    assert (error.code, error.params, error.detail) == ("wire_not_object", {"found": "list"}, "raw")
    assert type(error) is mw.RequestError


def test_an_unknown_code_is_a_mistake_of_ours_and_never_shown() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        mw.LogError.of("no_such_code", x=1)


def test_errors_travel_between_processes() -> None:
    clip = mw.ClipError.of("no_video", name="a.mp4")
    clip.reached = False
    call = wire.RateLimitError("slow", code="rate_limited", status=429, kind="rate", retry_after=7.0)
    for error in (clip, call):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))


ACCEPTANCE = {
    True: {
        "RefusedError",
        "AuthError",
        "PaymentError",
        "RateLimitError",
        "NotSentError",
        "TlsError",
        "RedirectError",
    },
    False: {
        "EndpointError",
        "IdempotencyError",
        "NotFoundError",
        "ServerError",
        "AnswerError",
        "OutcomeUnknown",
    },
}


@pytest.mark.parametrize("surely", [True, False])
def test_which_errors_prove_that_nothing_was_accepted(surely: bool) -> None:
    """Money hangs on this word: an error that joins the first list lets a job be sent again."""
    classes = {name for name in wire.__all__ if isinstance(getattr(wire, name), type)}
    assert {name for name in classes if getattr(wire, name).not_accepted is surely} == ACCEPTANCE[surely]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """IPython's own shell, in this process and for this test."""
    from IPython.core import interactiveshell
    from traitlets.config import Config

    assert not interactiveshell.InteractiveShell.initialized()
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # of another environment, IPython warns
    for name in ("displayhook", "excepthook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "NoColor"}})
    made = interactiveshell.InteractiveShell.instance(config=quiet)
    made.run_cell("import motion_widgets as mw")
    yield made
    interactiveshell.InteractiveShell.clear_instance()


FAILS = "def measure():\n    mw.measure_clip('missing.mp4')\n\nmeasure()"


def test_a_cell_shows_the_sentence_and_its_own_lines(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell(FAILS)
    told = "".join(capsys.readouterr())
    assert told.startswith("ClipError (line 4) (line 2): ")
    assert told.strip().endswith("Check the path, or choose the file again.")
    assert "probe" not in told


@pytest.mark.parametrize(("mode", "whole"), [("Minimal", False), ("Plain", True), ("Verbose", True)])
def test_who_asks_for_the_whole_traceback_gets_it(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], mode: str, whole: bool
) -> None:
    shell.run_line_magic("xmode", mode)
    capsys.readouterr()
    shell.run_cell(FAILS)
    told = "".join(capsys.readouterr())
    assert "ClipError" in told
    assert "missing.mp4" in told
    assert ("local_file" in told) is whole


def test_outside_of_ipython_it_is_the_same_sentence() -> None:
    with pytest.raises(mw.ClipError) as caught:
        mw.measure_clip("missing.mp4")
    assert caught.value._render_traceback_() == [f"ClipError: {caught.value}"]
