"""Errors carry their code, their sentence and what belongs to it, also to another process."""

from __future__ import annotations

import pickle

import pytest

import motion_widgets as mw
from motion_widgets.core import errors
from motion_widgets.endpoint import errors as wire


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
