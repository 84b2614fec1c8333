"""The report of a first contact: without the key, the queries of links, and the account's numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from motion_widgets.audit.comparison import differences, facts
from motion_widgets.audit.key_patterns import KeyFinder
from motion_widgets.audit.recorder import redacted, shape_of
from motion_widgets.core.errors import LogError
from motion_widgets.core.files import write_whole
from motion_widgets.core.messages import say
from motion_widgets.core.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.audit.comparison import Contact, Fact
    from motion_widgets.audit.recorder import Recorder
    from motion_widgets.endpoint.api_key import Secret

__all__ = ["write"]


def write(folder: Path, base_url: str, contact: Contact, sandbox: Contact, secret: Secret) -> list[str]:
    """Write the report into a folder, as JSON and as Markdown; return the lines for the terminal.

    Raises
    ------
    LogError
        The folder cannot be written.
    """
    live, usual = facts(contact), facts(sandbox)
    report = {
        "what": "first contact", "toolkit": __version__, "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "host": urlsplit(base_url).hostname, "job": contact.job_state or None,
        "answers": {name: _answer(name, fact, usual.get(name)) for name, fact in live.items()},
        "differences": differences(contact, sandbox), "wrong": contact.problems,
        "calls": _calls(contact.recorder),
    }  # fmt: skip
    conceal = KeyFinder([secret]).conceal
    path = folder / f"first-contact-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    readable = _markdown(report)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    try:
        write_whole(path, conceal(text))
        write_whole(path.with_suffix(".md"), conceal(readable))
    except OSError as error:
        raise LogError.of("export_failed", name=str(path), reason=error.strerror or str(error)) from error
    body = readable.partition(f"## {say('contact_calls')}")[0].rstrip()
    return [
        *conceal(body).splitlines(),
        say("contact_written", path=path.with_suffix(".md")),
        say("contact_written", path=path),
    ]


def _answer(name: str, fact: Fact, other: Fact | None) -> dict[str, str]:
    shown = other.shown if other is not None else say("contact_not_seen")
    return {"question": say(f"contact_q_{name}"), "live": fact.shown, "sandbox": shown}


def _calls(recorder: Recorder) -> list[dict[str, Any]]:
    """Return the responses without anything private; of similar ones the first."""
    calls: dict[str, dict[str, Any]] = {}
    for one in recorder.responses:
        body = one.body
        shape = {path: sorted(kinds) for path, kinds in sorted(shape_of([body]).items())}
        call = {
            "call": one.call, "status": one.status, "parameters": sorted(one.query),
            "headers": sorted(one.headers), "answer": redacted(body), "shape": shape,
        }  # fmt: skip
        word = redacted(body.get("data", body)) if isinstance(body, dict) else None
        word = word.get("status") if isinstance(word, dict) else None
        similar = json.dumps([one.call, one.status, shape, word])
        calls.setdefault(similar, call | {"times": 0})["times"] += 1
    return list(calls.values())


def _markdown(report: dict[str, Any]) -> str:
    head = {name: str(report[name]) for name in ("host", "at", "toolkit")}
    lines = [f"# {say('contact_title', **head)}", "", f"## {say('contact_answers')}", ""]
    sandbox = say("contact_sandbox_says")
    lines += [
        f"- {one['question']}: **{one['live']}** ({sandbox}: {one['sandbox']})"
        for one in report["answers"].values()
    ]
    for name in ("differences", "wrong"):
        lines += ["", f"## {say(f'contact_{name}')}", ""]
        lines += [f"- {one}" for one in report[name]] or [say("contact_none")]
    lines += ["", f"## {say('contact_calls')}", ""]
    for call in report["calls"]:
        lines += [f"### {call['call']}: HTTP {call['status']}", "", ", ".join(call["headers"]), "", "```json"]
        lines += [json.dumps(call["answer"], indent=1, ensure_ascii=False), "```", ""]
    return "\n".join(lines) + "\n"
