"""Keeping a laptop awake while jobs are under way: a result may expire while it sleeps.

An extra (``pip install "motion-widgets[awake]"``): where wakepy is not installed, or the system has no way to
stay awake, nothing happens but that `kept` says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading

__all__ = ["Awake"]


class Awake:
    """Holds the machine awake as long as it is told that something is under way."""

    def __init__(self) -> None:
        self._over: threading.Event | None = None
        self.known = importlib.util.find_spec("wakepy") is not None
        """Whether the extra is installed."""
        self._refused = not self.known

    @property
    def kept(self) -> bool:
        """Whether the machine stays awake while something is under way, for all that is known."""
        return not self._refused

    def hold(self, busy: bool) -> None:
        """Return whether something is under way; returns at once, harmless when said again."""
        if busy and self._over is None:
            self._over = threading.Event()
            threading.Thread(
                target=self._stay_awake, args=(self._over,), name="motion-widgets-awake", daemon=True
            ).start()
        elif not busy and self._over is not None:
            self._over.set()
            self._over = None

    def _stay_awake(self, over: threading.Event) -> None:
        """Stay awake until it is over. In a thread of its own: some systems know who asked by the thread."""
        with contextlib.suppress(Exception):  # a comfort, never a reason for trouble
            from wakepy import keep

            with keep.running(on_fail="pass") as mode:
                self._refused = not mode.active
                over.wait()
