"""What `check` returns: findings and the fixes that mend them; their sentences are in `core/messages`."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from motion_widgets.core.html_repr import card, table
from motion_widgets.core.messages import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from motion_widgets.request.request import MotionRequest

__all__ = ["SEVERITIES", "Finding", "Findings", "Fix", "Severity", "find", "fix", "show", "wrong_type"]

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""From what blocks a request to what is merely worth knowing."""

_SHOWN = 60
"""Characters of a value that are shown in a sentence."""
_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _SHOWN


@dataclass(frozen=True, slots=True)
class Fix:
    """A change to the request that resolves a finding.

    >>> clip = mw.measure_clip(samples.clip_12s)  # too long for orientation "image"
    >>> [fix.changes for fix in mw.check(req, clip=clip)[0].fixes]
    [{'character_orientation': 'video'}]
    """

    label: str
    """The text of its button."""
    changes: Mapping[str, Any]
    """New values by wire field."""

    def apply(self, req: MotionRequest) -> MotionRequest:
        """Return the request with this change."""
        return req.replace(**self.changes)


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """Something to know about a request.

    >>> finding = mw.check(req.replace(mode="turbo"))[0]
    >>> finding.field, finding.severity, finding.code
    ('mode', 'error', 'wrong_choice')
    """

    field: str
    """The wire field it belongs to."""
    severity: Severity
    """Only an ``"error"`` blocks the request."""
    code: str
    message: str
    """Value, limit and next step in words. Not escaped for HTML."""
    fixes: tuple[Fix, ...] = ()

    def __repr__(self) -> str:
        return f"<Finding {self.severity}, {self.field}: {self.message}>"

    def _repr_html_(self) -> str:
        return Findings([self])._repr_html_()


class Findings(list[Finding]):
    """A list of findings that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        if not self:
            return card(say("shown_nothing_wrong"))
        rows = [
            (say(f"word_{one.severity}"), one.field, one.message, "; ".join(fix.label for fix in one.fixes))
            for one in self
        ]
        heads = ("", say("shown_field"), say("shown_finding"), say("shown_fixes"))
        return card("", None, table(heads, rows, named=1))


def find(where: str, severity: Severity, code: str, *, fixes: tuple[Fix, ...] = (), **params: Any) -> Finding:
    """Return a finding with the sentence of this code."""
    # Half a surrogate pair from a name or a draft can be neither shown nor stored.
    message = say(code, **params).encode("utf-8", "replace").decode()
    return Finding(where, severity, code, message, fixes)


def fix(code: str, changes: Mapping[str, Any], **params: Any) -> Fix:
    """Return a fix with the label of this code."""
    return Fix(say(code, **params), changes)


def show(value: object) -> str:
    """Return any value as it is shown in a sentence: one line of at most 60 characters."""
    try:
        text = value if isinstance(value, str) else _brief.repr(value)
    except Exception:  # noqa: BLE001 - a draft may hold anything, even a broken repr
        text = type(value).__name__
    text = " ".join(text[:200].encode("utf-8", "replace").decode().split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026"


def wrong_type(where: str, value: object, want: str) -> Finding:
    """Return the finding for a value of another type than a field has."""
    return find(
        where, "error", "wrong_type", name=where, found=show(value), type=type(value).__name__, want=want
    )
