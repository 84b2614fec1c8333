"""The progress of a mend, its deadline, and a person's wish to stop it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Progress"]


class Progress:
    """What every step of a mend reports to.

    Parameters
    ----------
    name
        What an error calls the file.
    report
        Called with a share from 0 to 1 that never falls, on the thread that mends.
    cancel
        May be set from any thread: then the next step raises.
    deadline
        Seconds for all steps together.
    """

    def __init__(
        self,
        name: str,
        report: Callable[[float], None] | None = None,
        cancel: threading.Event | None = None,
        deadline: float = 600.0,
    ) -> None:
        self.name = name
        self._report = report
        self._cancel = cancel
        self._deadline = deadline
        self._end = time.monotonic() + deadline
        self._low, self._high, self._reported = 0.0, 1.0, -1.0

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0.001."""
        return max(0.001, self._end - time.monotonic())

    def too_slow(self) -> ClipError:
        """Return the error for a deadline that has passed."""
        return ClipError.of("mend_slow", name=self.name, seconds=f"{self._deadline:g}")

    def step(self, share: float) -> None:
        """Report how much of the current part is done, from 0 to 1.

        Raises
        ------
        ClipError
            ``mend_cancelled`` or ``mend_slow``.
        """
        if self._cancel is not None and self._cancel.is_set():
            raise ClipError.of("mend_cancelled", name=self.name)
        if time.monotonic() > self._end:
            raise self.too_slow()
        share = self._low + (self._high - self._low) * min(1.0, max(0.0, share))
        if self._report is not None and share > self._reported:
            self._reported = share
            self._report(share)

    def finish(self) -> None:
        """Report that all is done; it is too late to cancel."""
        if self._report is not None and self._reported < 1.0:
            self._report(1.0)

    @contextmanager
    def part(self, low: float, high: float) -> Iterator[None]:
        """Let the steps inside the block run from `low` to `high` of the whole."""
        before, (self._low, self._high) = (self._low, self._high), (low, high)
        try:
            yield
        finally:
            self._low, self._high = before

    def ffmpeg(self, arguments: Sequence[str], *, length: float | None = None) -> float:
        """Run ffmpeg to its end and return how many seconds of media it wrote.

        It reports its progress every 0.2 s, so it can be stopped soon.

        Parameters
        ----------
        arguments
            Inputs, options and outputs; stdout is not one of them.
        length
            Expected length in s. None: unknown, so progress stands still.

        Raises
        ------
        ClipError
            As for `step`, or ``not_decodable``.
        """
        written = 0.0
        reporting = ["-progress", "pipe:1", "-stats_period", "0.2", *arguments]
        with ffmpeg.running(reporting, name=self.name, deadline=self.left) as stdout:
            for line in stdout:
                key, _, value = line.partition(b"=")
                if key == b"out_time_us" and value.strip().isdigit():
                    written = int(value) / 1e6
                self.step(written / length if length else 0.0)
        return written

    def encode(self, arguments: Sequence[str], frames: int, output: Path) -> int:
        """Run ffmpeg to its end, and return how many frames of a picture it encoded.

        Each is reported, and each 0.2 s, so it can be stopped soon.

        Parameters
        ----------
        arguments
            Inputs and the options of the output.
        frames
            Expected number of frames.
        output
            The file to write.

        Raises
        ------
        ClipError
            As for `step`, or ``not_decodable``.
        """
        encoded = 0
        counting = ["-stats_enc_post:v", "pipe:1", "-stats_enc_post_fmt:v", "{n}"]
        reporting = ["-progress", "pipe:1", "-stats_period", "0.2", *arguments, *counting, f"file:{output}"]
        with ffmpeg.running(reporting, name=self.name, deadline=self.left) as stdout:
            for line in stdout:
                encoded += line.strip().isdigit()
                self.step(encoded / frames)
        return encoded
