"""What a contact shows of the questions that `endpoint/API.md` leaves open, and how two contacts differ."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from motion_widgets.audit.recorder import compare, shape_of
from motion_widgets.core.messages import say
from motion_widgets.core.money import format_usd
from motion_widgets.endpoint.responses import Task, clean, read_task
from motion_widgets.log.transitions import event_words
from motion_widgets.request.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from motion_widgets.audit.recorder import Recorder, Response
    from motion_widgets.request.price import Estimate

__all__ = ["Contact", "Fact", "differences", "facts"]

SAME = 5e-4
"""USD; a smaller difference is due to rounding."""
_SANDBOX_WORDS = frozenset({"submitted", "queued", "processing", "completed", "failed"})
_TRANSPORT_HEADERS = frozenset(
    {
        "date", "server", "connection", "content-length", "transfer-encoding", "keep-alive", "vary", "via",
        "age", "alt-svc", "strict-transport-security", "cf-ray", "cf-cache-status", "nel", "report-to",
        "server-timing",
        "x-content-type-options", "set-cookie", "content-encoding", "cache-control", "expires", "pragma",
    }
)  # fmt: skip
"""Headers of servers and proxies; they tell nothing about the endpoint."""


@dataclass
class Contact:
    """What was asked of one endpoint, and what it answered."""

    recorder: Recorder
    estimate: Estimate | None = None
    length: float | None = None
    """Length of the clip in s. None: nothing was submitted."""
    balances: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """USD by moment (``"before"``, ``"accepted"``, ``"after"``) and by owner (``"account"``, ``"key"``)."""
    usage: dict[str, float] = field(default_factory=dict)
    """USD by moment."""
    date_format: str = ""
    """The date format that the usage call accepted."""
    replay: str = ""
    """The event of sending the same key and body again. ``""``: it was not tried."""
    job_state: str = ""
    problems: list[str] = field(default_factory=list)
    """A sentence for each question that was not answered."""


@dataclass(frozen=True)
class Fact:
    """The answer to one question."""

    kind: str
    """What is compared with another endpoint. ``""``: it depends on the job and is not compared."""
    shown: str


def facts(contact: Contact) -> dict[str, Fact]:
    """Return all answers by question; a question that the contact does not answer is left out."""
    return {
        name: value if isinstance(value, Fact) else Fact(value, value)
        for read in (_of_account, _of_submit, _of_tasks, _of_money, _of_errors)
        for name, value in read(contact)
    }


def _a(word: str) -> Fact:
    """Return a fact that is one of the words of ``contact_a_…``."""
    return Fact(word, say(f"contact_a_{word}"))


def _of_account(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    if contact.date_format:
        yield "usage", contact.date_format
    models = contact.recorder.responses_to("models")
    if models:
        count = str(models[0].body).count("-motion-control'")
        yield "models", Fact("yes" if count >= 2 else "no", str(count))


def _of_submit(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    first = next((one for one in contact.recorder.responses_to("submit") if _place(one.body)), None)
    if first is None:
        return
    data = _inner(first.body)
    yield "http", f"HTTP {first.status}"
    yield "place", _place(first.body)
    yield "word", clean(data.get("status"), 40)
    version = first.headers.get("x-apimart-response-version")
    yield "version", Fact("present", clean(version, 60)) if version else _a("absent")
    places: list[str] = [name for name in ("x-request-id", "request-id") if name in first.headers]
    places += ["body"] if isinstance(first.body, dict) and "request_id" in first.body else []
    yield "request_id", ", ".join(places) or _a("absent")
    yield "headers", Fact("", ", ".join(sorted(first.headers)))
    if contact.replay:
        yield "replay", Fact(contact.replay, event_words(contact.replay))


def _inner(body: Any) -> Mapping[str, Any]:
    data = body.get("data") if isinstance(body, dict) else None
    data = data[0] if isinstance(data, list) and data else data
    return data if isinstance(data, dict) else {}


def _place(body: Any) -> str:
    """Return where the answer to a submit has the task id."""
    listed = isinstance(body, dict) and isinstance(body.get("data"), list)
    name = next((name for name in ("task_id", "id") if _inner(body).get(name)), "")
    return f"data{'[0]' if listed else ''}.{name}" if name else ""


def _fields(body: Any) -> str:
    return ", ".join(f"{path}: {'/'.join(sorted(kinds))}" for path, kinds in sorted(shape_of([body]).items()))


def _polls(contact: Contact) -> list[tuple[Response, Task]]:
    read = [(one, read_task(one.body)) for one in contact.recorder.responses_to("task") if one.status < 300]
    return [(one, task) for one, task in read if task is not None]


def _of_tasks(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    seen = _polls(contact)
    if not seen:
        return
    words = list(dict.fromkeys(task.word for _, task in seen))
    unknown = sorted({task.word for _, task in seen if not task.known})
    yield "words", Fact(f"undocumented: {', '.join(unknown)}" if unknown else "documented", ", ".join(words))
    for name in ("progress", "estimated_time"):
        values = [value for one, _ in seen if (value := _inner(one.body).get(name)) is not None]
        notations = sorted({_notation(value) for value in values}) or ["absent"]
        told = " / ".join(_a(one).shown for one in notations)
        yield name, Fact(" ".join(notations), f"{told}; {_excerpt(values)}")
    ended = [(one, task) for one, task in seen if task.state == "completed"]
    if not ended:
        return
    data = _inner(ended[-1][0].body)
    times = {"stated": data.get("actual_time"), "estimated": data.get("estimated_time")}
    yield "took", Fact("", say("contact_took", **times))
    video = data.get("result", {}).get("videos") if isinstance(data.get("result"), dict) else None
    video = next(iter(video), None) if isinstance(video, list) else video
    url = video.get("url") if isinstance(video, dict) else video
    yield "url", _a("list" if isinstance(url, list) else "text" if isinstance(url, str) else "absent")
    expires, completed = ended[-1][1].expires_at, ended[-1][1].completed
    if expires is None or completed is None:
        yield "expires", _a("absent" if expires is None else "stated")
    else:
        yield "expires", Fact("stated", say("contact_expires", hours=(expires - completed) / 3600))
    yield from _languages(contact)


def _notation(value: object) -> str:
    """Return how a progress or a time is written, as a word of ``contact_a_…``."""
    if isinstance(value, str):
        return "percent" if value.strip().endswith("%") else "text"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "other"
    if isinstance(value, float) and not value.is_integer():
        return "fraction" if 0 < value < 1 else "decimal"
    return "whole"


def _excerpt(values: Iterable[Any]) -> str:
    shown = list(dict.fromkeys(map(str, values)))
    return ", ".join(shown if len(shown) <= 6 else [*shown[:3], "…", *shown[-2:]])[:200]


def _languages(contact: Contact) -> Iterable[tuple[str, Fact]]:
    other = [
        one for one in contact.recorder.responses_to("task") if one.query.get("language") not in (None, "en")
    ]
    if other:
        english = [one for one, task in _polls(contact) if task.state != "working" and one not in other]
        same = bool(english) and shape_of([other[0].body]) == shape_of([english[-1].body])
        status = other[0].status
        yield (
            "language",
            _a("same_fields") if same else Fact(str(status), say("contact_fields", status=status)),
        )


def _of_money(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    ended = [(one, task) for one, task in _polls(contact) if task.state == "completed"]
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
        yield "credits", _a("tenfold" if tenfold else "not_tenfold")
    else:
        yield "credits", _a("absent")
    for whose in ("account", "key"):
        spent = _spent(contact.balances, whose, "after")
        if spent is not None and cost is not None:
            told = say("contact_spent", spent=_exact(spent), cost=_exact(cost))
            yield f"delta_{whose}", Fact(_amount(spent, cost, price), told)
    early = _spent(contact.balances, "account", "accepted")
    if early is not None and cost is not None:
        yield "ahead", Fact(_amount(early, cost, price), say("contact_ahead", spent=_exact(early)))


def _of_errors(contact: Contact) -> Iterable[tuple[str, str | Fact]]:
    error = next((one for one in contact.recorder.responses_to("task") if one.status >= 400), None)
    if error is not None:
        status = f"HTTP {error.status}"
        yield "errors", Fact(status, f"{status}; {_fields(error.body)}")


def _cost(cost: float | None, price: Estimate) -> Fact:
    if cost is None:
        return _a("absent")
    inside = price.low - SAME <= cost <= price.high + SAME
    amounts = {"cost": _exact(cost), "low": _exact(price.low), "high": _exact(price.high)}
    return Fact("inside" if inside else "outside", say("contact_cost", **amounts))


def _rounding(seconds: float, length: float) -> str:
    ways = {
        "down": math.floor(length), "nearest": math.floor(length + 0.5), "up": math.ceil(length),
        "exact": length,
    }  # fmt: skip
    fit = [word for word, value in ways.items() if abs(value - seconds) < 0.01] or ["unclear"]
    told = " / ".join(_a(word).shown for word in fit)
    return say("contact_billed", seconds=seconds, length=length, ways=told)


def _exact(usd: float) -> str:
    return format_usd(usd, digits=5)


def _spent(balances: Mapping[str, Mapping[str, float | None]], whose: str, until: str) -> float | None:
    before, after = (balances.get(moment, {}).get(whose) for moment in ("before", until))
    return None if before is None or after is None else before - after


def _amount(spent: float, cost: float, price: Estimate) -> str:
    cap = price.per_second * math.ceil(LIMITS.clip_length("image")[1])
    for word, amount in (("cost", cost), ("nothing", 0.0), ("cap", cap)):
        if abs(spent - amount) < SAME:
            return word
    return "other"


def differences(live: Contact, sandbox: Contact) -> list[str]:
    """Return a sentence for each difference between an endpoint and the sandbox.

    What only one of them showed is left out.
    """
    sentences: list[str] = []
    usual = facts(sandbox)
    for name, fact in facts(live).items():
        other = usual.get(name)
        if other is not None and fact.kind != other.kind and fact.kind and other.kind:
            words = {"question": say(f"contact_q_{name}"), "live": fact.shown, "sandbox": other.shown}
            sentences.append(say("contact_fact_differs", **words))
    words_seen = {task.word for _, task in _polls(live)}
    known = {task.word for _, task in _polls(sandbox)} | _SANDBOX_WORDS
    sentences += [say("contact_word", word=word) for word in sorted(words_seen - known)]
    sandbox_groups = _groups(sandbox)
    for name, responses in _groups(live).items():
        others = sandbox_groups.get(name)
        if others:
            shapes = (shape_of(one.body for one in several) for several in (responses, others))
            sentences += [*compare(name, *shapes), *_headers(name, responses, others)]
    return sentences


def _groups(contact: Contact) -> dict[str, list[Response]]:
    """Return the responses by group; those of a group share one shape."""
    groups: dict[str, list[Response]] = {}
    states = {id(one): task.state for one, task in _polls(contact)}
    for one in contact.recorder.responses:
        name = f"task, {states.get(id(one), 'error')}" if one.call == "task" else one.call
        if one.status < 400 or name == "task, error":
            groups.setdefault(name, []).append(one)
    return groups


def _headers(call: str, live: list[Response], sandbox: list[Response]) -> list[str]:
    ours, theirs = (
        {name for one in several for name in one.headers} - _TRANSPORT_HEADERS for several in (live, sandbox)
    )
    kinds = (("contact_headers_new", ours - theirs), ("contact_headers_gone", theirs - ours))
    return [say(code, call=call, names=", ".join(sorted(names))) for code, names in kinds if names]
