"""The one place where errors of a widget's callbacks, timers and background results end.

A `Panel` and a `PageWidget` have an `Edge` each. Whatever they are called back with goes through it: an error
is logged and said in the widget's own line, and the next call finds the widget as alive as before.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, ParamSpec

from motion_widgets.core.errors import MotionError
from motion_widgets.core.logging import brief, report
from motion_widgets.core.messages import say
from motion_widgets.endpoint.responses import redact

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACTION", "DRAWING", "WATCHING", "Edge"]

_P = ParamSpec("_P")
ACTION, DRAWING, WATCHING = "action", "drawing", "watching"
"""What a person did; drawing what the log says; telling the runner which jobs are watched."""


class Edge:
    """Runs what may fail, and says in one line what did until it works again.

    Parameters
    ----------
    name
        Whose edge it is, for the log.
    show
        Shows a plain sentence; ``""``: nothing is wrong any more.
    """

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        self._name, self._show = name, show
        self._lock = threading.Lock()
        self._failures = 0
        self._wrong: dict[str, str] = {}
        """What failed last and does not work again yet: its sentence by source, the newest last."""

    def guard(self, call: Callable[_P, object]) -> Callable[_P, None]:
        """Return `call` as a callback that never raises; every callback of a widget is made by this."""

        @functools.wraps(call)
        def guarded(*args: _P.args, **options: _P.kwargs) -> None:
            self.run(functools.partial(call, *args, **options))

        guarded.edge = self  # type: ignore[attr-defined]  # by which a test finds those that are not guarded
        return guarded

    def told(self, error: Exception, source: str) -> str:
        """Return the sentence about an error for a person; one that nobody expected is logged as well."""
        if isinstance(error, MotionError):
            return str(error)
        report(error, f"{self._name}: {source}")
        return say("unexpected", what=redact(brief(error)))

    def run(self, call: Callable[[], object], source: str = ACTION) -> bool:
        """Call something; return whether it went well."""
        before = self._failures
        try:
            call()
        except Exception as error:  # noqa: BLE001 - this is the edge: whatever it is, it ends here
            self.failed(error, source)
            return False
        if self._failures == before:  # else a callback that this one brought about failed, and that stands
            self._went_well(source)
        return True

    def failed(self, error: Exception, source: str = ACTION) -> None:
        """Show that something failed, and log it."""
        said = self.told(error, source)
        with self._lock:
            self._failures += 1
            self._wrong.pop(source, None)
            self._wrong[source] = said
            self._show(said)

    def _went_well(self, source: str) -> None:
        """Take back what was said of a source; an action takes back all that is not tried again by itself."""
        with self._lock:
            if self._wrong:
                stays = (DRAWING, WATCHING) if source == ACTION else self._wrong.keys() - {source}
                self._wrong = {one: said for one, said in self._wrong.items() if one in stays}
                self._show(next(reversed(self._wrong.values()), ""))
