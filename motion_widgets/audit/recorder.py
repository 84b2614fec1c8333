"""Record what an endpoint answers while the ordinary client and jobs talk to it, and the shape of answers.

Nothing is sent from here: responses are recorded while whoever asked reads them.

A shape maps paths such as ``data.result.videos[].url`` to the kinds of their values. The shapes of several
answers can be joined, and those of two servers compared. Values are shown for named fields only: an answer
may hold anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.core.messages import say
from motion_widgets.endpoint.responses import clean

if TYPE_CHECKING:
    import httpx

    from motion_widgets.endpoint.transport import Answer

__all__ = ["Recorder", "Response", "Shape", "compare", "impersonal", "kind_of", "redacted", "shape_of"]

KEPT = 256 * 1024
"""Characters of a response that are kept; a status is under 10 KB."""
_CALLS = {
    "/v1/videos/generations": "submit",
    "/v1/balance": "balance",
    "/v1/user/balance": "user balance",
    "/v1/models": "models",
    "/v1/usage": "usage",
}


@dataclass
class Response:
    """One response as it came, without the key."""

    call: str
    """``"submit"``, ``"task"``, ``"other"``, or a word of `_CALLS`."""
    query: dict[str, str]
    status: int
    headers: dict[str, str]
    """With lower-case names."""
    text: str = field(repr=False)

    @property
    def body(self) -> Any:
        """The decoded JSON. None: the text is not JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class Recorder:
    """Keeps all responses of one endpoint, in the order in which they ended.

    Parameters
    ----------
    base_url
        The endpoint.
    """

    def __init__(self, base_url: str) -> None:
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self.responses: list[Response] = []

    def responses_to(self, call: str) -> list[Response]:
        """Return the responses to one kind of call."""
        return [one for one in self.responses if one.call == call]

    def record(self, request: httpx.Request, answer: Answer) -> None:
        """Record what was answered."""
        path = request.url.path.removeprefix(self._prefix)
        self.responses.append(
            Response(
                call="task" if path.startswith("/v1/tasks/") else _CALLS.get(path, "other"),
                query=dict(request.url.params),
                status=answer.status,
                headers=answer.headers,
                text=answer.text[:KEPT],
            )
        )


Shape = dict[str, set[str]]

_TOP = "(all)"
_FIELD = re.compile(r"[A-Za-z_](?!.*\d{4})[A-Za-z0-9_.-]{0,40}\Z")
"""A field name; a longer one, or one full of digits, may be an id used as a name."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?\Z")
_NUMERIC = re.compile(r"\s*-?\d+(\.\d+)?\s*\Z")
_SHOWN = frozenset(
    {
        "status", "type", "code", "object", "success", "progress", "estimated_time", "actual_time", "cost",
        "credits_cost", "unlimited_quota", "message",
    }
)  # fmt: skip
"""Fields whose values are shown; of all others only the kind is shown."""
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\d{5,}|\b[A-Za-z0-9_-]*\d[A-Za-z0-9_-]{11,}")
"""E-mail addresses, long numbers and ids inside a message."""


def kind_of(value: object) -> str:
    """Return the kind of a value, a word of ``kind_…``."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "seconds" if 1e9 < value < 4.2e9 else "milliseconds" if 1e12 < value < 4.2e12 else "number"
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            return "link"
        return "date" if _DATE.match(value) else "digits" if _NUMERIC.match(value) else "text"
    if isinstance(value, list):
        return "list" if value else "empty"
    return "object"


def shape_of(bodies: Iterable[Any]) -> Shape:
    """Return the joined shape of several decoded answers."""
    shape: Shape = {}
    for body in bodies:
        waiting = [("", body)]
        while waiting:
            path, value = waiting.pop()
            shape.setdefault(path or _TOP, set()).add(kind_of(value))
            if isinstance(value, Mapping):
                waiting += [(f"{path}.{_name(name)}".lstrip("."), one) for name, one in value.items()]
            elif isinstance(value, list):
                waiting += [(f"{path}[]", one) for one in value]
    return shape


def _name(name: object) -> str:
    return str(name) if _FIELD.match(str(name)) else "<id>"


def compare(call: str, live: Shape, known: Shape) -> list[str]:
    """Return a sentence for each outermost field in which a live answer differs from the sandbox's."""
    sentences: list[str] = []
    differing: list[str] = []
    for path in sorted({*live, *known}, key=lambda one: (one != _TOP, one)):
        if any(path.startswith((f"{parent}.", f"{parent}[")) or parent == _TOP for parent in differing):
            continue
        here, there = live.get(path, set()), known.get(path, set())
        if _same(here, there):
            if {"empty"} in (here, there) and here != there:
                differing.append(path)  # what the list would hold is not known
            continue
        differing.append(path)
        words = {"call": call, "path": path, "live": _words(here), "sandbox": _words(there)}
        code = (
            "contact_field_kind" if here and there else "contact_field_new" if here else "contact_field_gone"
        )
        sentences.append(say(code, **words))
    return sentences


def _same(here: set[str], there: set[str]) -> bool:
    lists = {"list", "empty"}
    return here == there or (bool(here) and bool(there) and here | there <= lists)


def _words(kinds: set[str]) -> str:
    return " / ".join(say(f"kind_{kind}") for kind in sorted(kinds))


def impersonal(text: str) -> str:
    """Remove queries of links, keys, ids, e-mail addresses and long numbers from a server's words."""
    return _PERSONAL.sub("<redacted>", clean(text, 300))


def redacted(value: object, name: str = "") -> Any:
    """Return an answer as it may be shown: the values of chosen fields, and the kinds of all others."""
    if isinstance(value, Mapping):
        return {_name(key): redacted(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        kept = [redacted(one, name) for one in value[:3]]
        return kept + ([f"<{say('contact_more', count=len(value) - 3)}>"] if len(value) > 3 else [])
    if name in _SHOWN and not isinstance(value, str):
        return value
    if name in _SHOWN and isinstance(value, str) and kind_of(value) != "link":
        return impersonal(value)
    return value if value is None or isinstance(value, bool) else f"<{say(f'kind_{kind_of(value)}')}>"
