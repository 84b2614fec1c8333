"""The errors a user may meet; the endpoint's own live in `motion_widgets.endpoint.errors`.

Each carries a `code`, by which `core/messages` holds its sentence.
"""

from __future__ import annotations

import sys
from traceback import walk_tb
from typing import Any, Self

from motion_widgets.core.messages import say

__all__ = [
    "BudgetError",
    "ClipError",
    "HeldError",
    "LogError",
    "MotionError",
    "MotionTimeout",
    "RequestError",
]


class MotionError(Exception):
    """Base of all errors of this package.

    Attributes
    ----------
    code
        Which sentence of `core/messages` it says; ``""`` for a sentence given as it is.
    params
        What was put into the sentence.
    detail
        The underlying message (an ffmpeg dump, a server's text); for the curious, not for the headline.

    Examples
    --------
    >>> try:
    ...     mw.measure_clip("missing.mp4")
    ... except mw.MotionError as error:
    ...     print(error.code)
    missing_file
    """

    code: str = ""
    detail: str = ""
    params: dict[str, Any]

    def __init__(self, message: str = "", *, code: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail
        self.params = {}

    @classmethod
    def of(cls, code: str, /, *, detail: str = "", **params: Any) -> Self:
        """Make the error whose sentence `core/messages` keeps under `code`."""
        error = cls(say(code, **params), code=code, detail=detail)
        error.params = params
        return error

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the sentence and the cell's line; the whole in any mode but its own.

        ``%xmode Plain`` and ``%xmode Verbose`` show the whole traceback.
        """
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        whole = getattr(shell, "InteractiveTB", None)
        if whole is not None and whole.mode not in ("Context", "Minimal"):
            return list(whole.structured_traceback(type(self), self, self.__traceback__))
        frames = [(frame.f_globals.get("__name__"), line) for frame, line in walk_tb(self.__traceback__)]
        at = "".join(f" (line {line})" for name, line in frames if name == "__main__")
        return [f"{type(self).__name__}{at}: {self}"]


class RequestError(MotionError):
    """A request that cannot be sent as it is.

    >>> ws.submit(req.replace(mode="turbo"))
    Traceback (most recent call last):
    motion_widgets.core.errors.RequestError: ...
    """

    findings: tuple[Any, ...] = ()


class ClipError(MotionError):
    """A clip or image that cannot be measured; `code` says why.

    `reached` is False when the file could not be had at all (dead link, no answer), so that nothing
    is known of it, and True when it was read and found to be wrong.

    >>> mw.measure_clip(samples.image)
    Traceback (most recent call last):
    motion_widgets.core.errors.ClipError: ...
    """

    reached: bool = True

    @classmethod
    def of(cls, code: str, /, *, detail: str = "", reached: bool = True, **params: Any) -> Self:
        """Return the error with this code, whether the file was `reached`, and the values of its sentence."""
        error = super().of(code, detail=detail, **params)
        error.reached = reached
        return error


class LogError(MotionError):
    """The experiment log cannot be read or written.

    >>> ws.attach("job-unknown")
    Traceback (most recent call last):
    motion_widgets.core.errors.LogError: ...
    """


class BudgetError(MotionError):
    """The price does not fit what may be spent, or no bound was given on a live endpoint.

    >>> ws.submit(req, max_cost=0.01)
    Traceback (most recent call last):
    motion_widgets.core.errors.BudgetError: ...
    """


class HeldError(MotionError):
    """A planned cell is not to be sent now: its sweep is paused, or one of its values keeps failing."""


class MotionTimeout(MotionError):  # noqa: N818 - its name is part of the contract
    """A wait that ran out; the job lives on.

    >>> ws.submit(req).wait(timeout=0)
    Traceback (most recent call last):
    motion_widgets.core.errors.MotionTimeout: ...
    """
