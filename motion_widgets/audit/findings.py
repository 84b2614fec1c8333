"""What a contact with an endpoint answers of the unknowns of `endpoint/API.md`; how two contacts differ."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from motion_widgets.audit.response_shape import compare, shape_of
from motion_widgets.core.messages import say
from motion_widgets.endpoint.responses import Task, clean, read_task
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from motion_widgets.audit.recorder import Answer, Hearing
    from motion_widgets.request.price import Estimate

__all__ = ["Contact", "Fact", "differences", "facts"]

SAME = 5e-4
"""USD; a smaller difference is rounding."""
_SANDBOX_WORDS = frozenset({"submitted", "queued", "processing", "completed", "failed"})
_CARRIERS = frozenset(
    {
        "date", "server", "connection", "content-length", "transfer-encoding", "keep-alive", "vary", "via",
        "age", "alt-svc", "strict-transport-security", "cf-ray", "cf-cache-status", "nel", "report-to",
        "server-timing",
        "x-content-type-options", "set-cookie", "content-encoding", "cache-control", "expires", "pragma",
    }
)  # fmt: skip
"""Headers of servers and proxies; they say nothing of the endpoint."""


@dataclass
class Contact:
    """What was done with one endpoint, and what it answered."""

    hearing: Hearing
    estimate: Estimate | None = None
    length: float | None = None
    """s of the clip. None: nothing was submitted."""
    balances: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """USD by moment (``"before"``, ``"accepted"``, ``"after"``) and by whose (``"account"``, ``"key"``)."""
    usage: dict[str, float] = field(default_factory=dict)
    """USD by moment."""
    usage_form: str = ""
    replay: str = ""
    """What sending the same key and body again gave; ``""``: that was not asked."""
    job_state: str = ""
    wrong: list[str] = field(default_factory=list)
    """What was not answered, in words."""


@dataclass(frozen=True)
class Fact:
    """The answer to one question."""

    kind: str
    """What two endpoints are compared by; ``""``: it depends on the job and is not compared."""
    shown: str


def facts(contact: Contact) -> dict[str, Fact]:
    """Return all answers, by question; a question that this contact says nothing of is left out."""
    found: dict[str, Fact] = {}
    hearing = contact.hearing
    for name, value in (
        *_of_account(contact),
        *_of_submit(contact),
        *_of_tasks(contact),
        *_of_money(contact),
    ):
        found[name] = value if isinstance(value, Fact) else Fact(value, value)
    odd = [one for one in hearing.heard("task") if one.status >= 400]
    if odd:
        found["errors"] = Fact(f"HTTP {odd[0].status}", f"HTTP {odd[0].status}; {_fields(odd[0].body)}")
    return found


def _of_account(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    if contact.usage_form:
        yield "usage", contact.usage_form
    models = contact.hearing.heard("models")
    if models:
        count = str(models[0].body).count("-motion-control'")
        yield "models", Fact("yes" if count >= 2 else "no", str(count))


def _of_submit(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    sent = [one for one in contact.hearing.heard("submit") if _place(one.body)]
    if not sent:
        return
    first = sent[0]
    data = _inner(first.body)
    yield "http", f"HTTP {first.status}"
    yield "place", _place(first.body)
    yield "word", clean(data.get("status"), 40)
    version = first.headers.get("x-apimart-response-version")
    yield "version", Fact("present" if version else "absent", clean(version, 60) or "absent")
    places: list[str] = [name for name in ("x-request-id", "request-id") if name in first.headers]
    places += ["body"] if isinstance(first.body, dict) and "request_id" in first.body else []
    yield "request_id", ", ".join(places) or "absent"
    yield "headers", Fact("", ", ".join(sorted(first.headers)))
    if contact.replay:
        yield "replay", contact.replay


def _inner(body: Any) -> Mapping[str, Any]:
    data = body.get("data") if isinstance(body, dict) else None
    data = data[0] if isinstance(data, list) and data else data
    return data if isinstance(data, dict) else {}


def _place(body: Any) -> str:
    """Return where in a submit's answer the task id stands."""
    listed = isinstance(body, dict) and isinstance(body.get("data"), list)
    name = next((name for name in ("task_id", "id") if _inner(body).get(name)), "")
    return f"data{'[0]' if listed else ''}.{name}" if name else ""


def _fields(body: Any) -> str:
    return ", ".join(f"{path}: {'/'.join(sorted(kinds))}" for path, kinds in sorted(shape_of([body]).items()))


def polls(contact: Contact) -> list[tuple[Answer, Task]]:
    """Return all status answers that hold a task."""
    read = [(one, read_task(one.body)) for one in contact.hearing.heard("task") if one.status < 300]
    return [(one, task) for one, task in read if task is not None]


def _of_tasks(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    seen = polls(contact)
    if not seen:
        return
    words = list(dict.fromkeys(task.word for _, task in seen))
    strange = sorted({task.word for _, task in seen if not task.known})
    yield "words", Fact(f"undocumented: {', '.join(strange)}" if strange else "documented", ", ".join(words))
    for name in ("progress", "estimated_time"):
        values = [_inner(one.body).get(name) for one, _ in seen]
        forms = sorted({_form(value) for value in values if value is not None}) or ["absent"]
        yield name, Fact(" or ".join(forms), f"{' or '.join(forms)}; {_span(values)}")
    ended = [(one, task) for one, task in seen if task.state == "completed"]
    if not ended:
        return
    data = _inner(ended[-1][0].body)
    yield "took", Fact("", f"{data.get('actual_time')} s said, {data.get('estimated_time')} s estimated")
    video = data.get("result", {}).get("videos") if isinstance(data.get("result"), dict) else None
    video = video[0] if isinstance(video, list) and video else video
    url = video.get("url") if isinstance(video, dict) else video
    yield "url", "array" if isinstance(url, list) else "text" if isinstance(url, str) else "absent"
    expires, completed = ended[-1][1].expires_at, ended[-1][1].completed
    if expires is None or completed is None:
        yield (
            "expires",
            Fact("absent" if expires is None else "stated", "absent" if expires is None else "stated"),
        )
    else:
        yield "expires", Fact("stated", f"{(expires - completed) / 3600:.1f} h after completion")
    yield from _languages(contact)


def _form(value: object) -> str:
    """Return how a progress or a time is written."""
    if isinstance(value, str):
        return "percent as text" if value.strip().endswith("%") else "text"
    if isinstance(value, float) and not value.is_integer():
        return "fraction" if 0 < value < 1 else "decimal number"
    return (
        "whole number" if isinstance(value, int | float) and not isinstance(value, bool) else "something else"
    )


def _span(values: list[Any]) -> str:
    told = list(dict.fromkeys(str(one) for one in values if one is not None))
    return ", ".join(told if len(told) <= 6 else [*told[:3], "…", *told[-2:]])[:200]


def _languages(contact: Contact) -> Iterable[tuple[str, str]]:
    other = [one for one in contact.hearing.heard("task") if one.query.get("language") not in (None, "en")]
    if other:
        english = [one for one, task in polls(contact) if task.state != "working" and one not in other]
        alike = bool(english) and shape_of([other[0].body]) == shape_of([english[-1].body])
        yield "language", "taken; same fields" if alike else f"HTTP {other[0].status}; other fields"


def _of_money(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    ended = [(one, task) for one, task in polls(contact) if task.state == "completed"]
    price, length = contact.estimate, contact.length
    if not ended or price is None or length is None:
        return
    data, task = _inner(ended[-1][0].body), ended[-1][1]
    cost = task.cost
    yield "cost", _cost(cost, price)
    if cost is not None:
        yield "rounding", Fact("", _rounding(cost / price.per_second, length))
    credits_cost, usd = data.get("credits_cost"), data.get("cost")
    if isinstance(credits_cost, int | float) and isinstance(usd, int | float):
        tenfold = math.isclose(credits_cost, usd * 10, abs_tol=SAME)
        yield "credits", "ten times the cost" if tenfold else "not ten times the cost"
    else:
        yield "credits", "absent"
    for whose in ("account", "key"):
        spent = _spent(contact.balances, whose, "after")
        if spent is not None and cost is not None:
            yield (
                f"delta_{whose}",
                Fact(_amount(spent, cost, price), f"${spent:.5f} for a cost of ${cost:.5f}"),
            )
    early = _spent(contact.balances, "account", "accepted")
    if early is not None and cost is not None:
        yield "ahead", Fact(_amount(early, cost, price), f"${early:.5f} right after it was accepted")


def _cost(cost: float | None, price: Estimate) -> Fact:
    if cost is None:
        return Fact("absent", "absent")
    inside = price.low - SAME <= cost <= price.high + SAME
    return Fact(
        "inside" if inside else "outside", f"${cost:.5f}, estimated ${price.low:.5f} to ${price.high:.5f}"
    )


def _rounding(seconds: float, length: float) -> str:
    ways = {
        "rounded down": math.floor(length), "rounded to the nearest": math.floor(length + 0.5),
        "rounded up": math.ceil(length), "not rounded": length,
    }  # fmt: skip
    fit = [word for word, value in ways.items() if abs(value - seconds) < 0.01]
    return f"{seconds:.3f} s billed of {length:.3f} s: {' or '.join(fit) or 'by another rule'}"


def _spent(balances: Mapping[str, Mapping[str, float | None]], whose: str, until: str) -> float | None:
    before, after = (balances.get(moment, {}).get(whose) for moment in ("before", until))
    return None if before is None or after is None else before - after


def _amount(spent: float, cost: float, price: Estimate) -> str:
    cap = price.per_second * math.ceil(LIMITS.clip_length("image")[1])
    for word, amount in (("the cost", cost), ("nothing", 0.0), ("the price of the longest clip", cap)):
        if abs(spent - amount) < SAME:
            return word
    return "another amount"


def differences(live: Contact, known: Contact) -> list[str]:
    """Name all in which an endpoint differs from the sandbox; what one of them did not show is left out."""
    said: list[str] = []
    mine, theirs = facts(live), facts(known)
    for name, fact in mine.items():
        other = theirs.get(name)
        if other is not None and fact.kind != other.kind and fact.kind and other.kind:
            words = {"question": say(f"contact_q_{name}"), "live": fact.shown, "sandbox": other.shown}
            said.append(say("contact_fact_differs", **words))
    heard = {task.word for _, task in polls(live)}
    usual = {task.word for _, task in polls(known)} | _SANDBOX_WORDS
    said += [say("contact_word", word=word) for word in sorted(heard - usual)]
    for name, answers in _groups(live).items():
        others = _groups(known).get(name)
        if others:
            said += compare(name, shape_of(one.body for one in answers), shape_of(one.body for one in others))
            said += _headers(name, answers, others)
    return said


def _groups(contact: Contact) -> dict[str, list[Answer]]:
    """Return answers by what they are, each of which has one shape."""
    groups: dict[str, list[Answer]] = {}
    states = {id(one): task.state for one, task in polls(contact)}
    for one in contact.hearing.answers:
        name = f"task, {states.get(id(one), 'error')}" if one.call == "task" else one.call
        if one.status < 400 or name == "task, error":
            groups.setdefault(name, []).append(one)
    return groups


def _headers(call: str, live: list[Answer], known: list[Answer]) -> list[str]:
    mine, theirs = ({name for one in heard for name in one.headers} - _CARRIERS for heard in (live, known))
    said = []
    if mine - theirs:
        said.append(say("contact_headers_new", call=call, names=", ".join(sorted(mine - theirs))))
    if theirs - mine:
        said.append(say("contact_headers_gone", call=call, names=", ".join(sorted(theirs - mine))))
    return said
