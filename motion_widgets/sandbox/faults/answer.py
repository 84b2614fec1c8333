"""An answer as a fault finds and leaves it, and what the fault may know."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motion_widgets.sandbox.faults.plan import Rule

__all__ = ["Answer", "Scene"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole. Header names are in lower case."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def data(self) -> Any:
        """The decoded JSON. None: it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def carrying(self, value: object) -> Answer:
        """Return the same answer with another JSON body; NaN goes as it is, like from careless servers."""
        return replace(self, body=json.dumps(value, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault may need to know."""

    rule: Rule
    real: Answer
    """What would have been answered; an empty one where nothing was executed."""
    request: dict[str, str]
    """The request's headers."""
    speed: float
    charge: float | None = None
    """What the task costs, in USD. None: the call is about no task."""
