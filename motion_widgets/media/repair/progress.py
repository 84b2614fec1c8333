"""Following a mend: its progress, its deadline, and a person's wish to stop it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from motion_widgets.media import ffmpeg
from motion_widgets.media.probe.sniff import fault

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from motion_widgets.core.errors import ClipError

__all__ = ["Watch"]


class Watch:
    """What every step of a mend reports to.

    Parameters
    ----------
    name
        What an error calls the file.
    progress
        Called with a share from 0 to 1 that never falls, on the thread that mends.
    cancel
        Set from any thread: the next step raises.
    deadline
        Seconds for all steps together.
    """

    def __init__(
        self,
        name: str,
        progress: Callable[[float], None] | None = None,
        cancel: threading.Event | None = None,
        deadline: float = 600.0,
    ) -> None:
        self.name = name
        self._progress = progress
        self._cancel = cancel
        self._deadline = deadline
        self._end = time.monotonic() + deadline
        self._low, self._high, self._told = 0.0, 1.0, -1.0

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0.001."""
        return max(0.001, self._end - time.monotonic())

    def slow(self) -> ClipError:
        """Make the error for a deadline that passed."""
        return fault("mend_slow", name=self.name, seconds=f"{self._deadline:g}")

    def step(self, share: float) -> None:
        """Return how much of the present part is done, from 0 to 1.

        Raises
        ------
        ClipError
            ``mend_cancelled`` or ``mend_slow``.
        """
        if self._cancel is not None and self._cancel.is_set():
            raise fault("mend_cancelled", name=self.name)
        if time.monotonic() > self._end:
            raise self.slow()
        told = self._low + (self._high - self._low) * min(1.0, max(0.0, share))
        if self._progress is not None and told > self._told:
            self._told = told
            self._progress(told)

    @contextmanager
    def part(self, low: float, high: float) -> Iterator[None]:
        """Let the steps inside stand for this share of the whole."""
        before, (self._low, self._high) = (self._low, self._high), (low, high)
        try:
            yield
        finally:
            self._low, self._high = before

    def ffmpeg(self, arguments: Sequence[str], *, length: float | None = None) -> float:
        """Run ffmpeg to its end, and give how many seconds of media it wrote.

        Its own progress lines come every 0.2 s, so that it can be stopped soon.

        Parameters
        ----------
        arguments
            Inputs and outputs; none of them is stdout.
        length
            Seconds of media expected. None: unknown, so progress stands still.

        Raises
        ------
        ClipError
            As `step`, or ``not_decodable``.
        """
        written = 0.0
        told = ["-progress", "pipe:1", "-stats_period", "0.2", *arguments]
        with ffmpeg.running(told, name=self.name, deadline=self.left) as pipe:
            for line in pipe:
                key, _, value = line.partition(b"=")
                if key == b"out_time_us" and value.strip().isdigit():
                    written = int(value) / 1e6
                self.step(written / length if length else 0.0)
        return written
