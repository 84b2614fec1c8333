"""Keeping a laptop awake while jobs are under way: a result may expire while it sleeps.

An extra (``pip install "motion-widgets[awake]"``): where wakepy is not installed, or the system has no way to
stay awake, nothing happens.
"""

from __future__ import annotations

import contextlib
import threading

__all__ = ["Awake"]


class Awake:
    """Holds the machine awake as long as it is told that something is under way."""

    def __init__(self) -> None:
        self._over: threading.Event | None = None

    def hold(self, busy: bool) -> None:
        """Say whether something is under way; returns at once, harmless when said again."""
        if busy and self._over is None:
            self._over = threading.Event()
            threading.Thread(
                target=_stay_awake, args=(self._over,), name="motion-widgets-awake", daemon=True
            ).start()
        elif not busy and self._over is not None:
            self._over.set()
            self._over = None


def _stay_awake(over: threading.Event) -> None:
    """Stay awake until it is over. In a thread of its own, for some systems know who asked by the thread."""
    with contextlib.suppress(Exception):  # a comfort, never a reason for trouble
        from wakepy import keep

        with keep.running(on_fail="pass"):
            over.wait()
