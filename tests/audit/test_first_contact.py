"""First contact: what it asks, that it pays once, what it writes down, and that every difference is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.audit.first_contact import first_contact
from motion_widgets.audit.recorder import compare, redacted, shape_of
from motion_widgets.cli import main
from motion_widgets.log.transitions import event_words
from tests.audit.conftest import KEY, Answer, Passing, files_with

if TYPE_CHECKING:
    from pathlib import Path


def never(question: str) -> str:
    pytest.fail(f"asked: {question}")


def contact(passing: Passing, folder: Path, **options: object) -> tuple[int, str, dict]:
    """Make first contact; give the code, what was said, and the transcript."""
    given = {"max_cost": 1.0, "ask": never, **passing.media, **options}
    report = first_contact(folder, passing.url, key=KEY, **given)
    (path,) = folder.glob("first-contact-*.json")
    return report.code, "\n".join(report.lines), json.loads(path.read_text("utf-8"))


def test_an_endpoint_like_the_sandbox_does_not_differ(passing: Passing, tmp_path: Path) -> None:
    questions: list[str] = []
    code, said, transcript = contact(passing, tmp_path, ask=lambda text: questions.append(text) or "yes")
    assert transcript["differences"] == []
    assert (code, transcript["wrong"], transcript["job"]) == (0, [], "collected")
    assert len(passing.posts) == 1
    (question,) = questions
    assert "$0.35" in question or "$0.34" in question
    assert "real money" in question
    answers = {name: one["live"] for name, one in transcript["answers"].items()}
    assert answers["http"] == "HTTP 200"
    assert answers["place"] == "data[0].task_id"
    assert answers["delta_account"].startswith("$0.34272")
    assert "replay" not in answers
    assert "Differences from the sandbox" in said
    assert files_with(tmp_path, KEY) == []

    # The same again is the same job: nothing is asked, nothing is paid.
    for path in tmp_path.glob("first-contact-*"):
        path.unlink()
    code, _, again = contact(passing, tmp_path)
    assert (code, len(passing.posts), again["job"]) == (0, 1, "collected")


def planted(answer: Answer) -> None:
    """Differ from the sandbox in every way that the provider's pages leave open."""
    answer.headers.pop("x-request-id", None)
    answer.headers["X-New-Header"] = "7"
    body, data = answer.body, answer.data
    if answer.call == "videos":
        task_id = data[0]["task_id"]
        answer.status = 202
        answer.headers["X-APIMart-Response-Version"] = "2026-07-27"
        answer.body = {"code": 202, "request_id": "r-1", "data": {"id": task_id, "status": "queued"}}
    elif answer.call == "models":
        answer.body = {"data": [one["id"] for one in data]}
    elif answer.call == "usage" and answer.query["start"].isdecimal():
        answer.status, answer.body = 400, {"error": {"message": "start must be an ISO date"}}
    elif answer.call in ("balance", "user"):
        body["account_id"] = "acct-99887766554433"
        body["remain_balance"] = 10.0
    elif answer.status == 404:
        answer.body = {"request_id": "r-2", "error": {"message": "nothing", "param": None}}
    elif answer.call == "tasks":
        if data["status"] in ("submitted", "processing"):
            data["status"], data["progress"], data["estimated_time"] = "warming_up", "45%", "a minute"
        elif data["status"] == "completed":
            del data["credits_cost"]
            data["cost"] = 0.9
            video = data["result"]["videos"][0]
            video["url"] = video["url"][0] + "?signature=hidden"
            del video["expires_at"]
            if answer.query["language"] != "en":
                data["note"] = "in another language"


def test_every_planted_difference_is_named(passing: Passing, tmp_path: Path) -> None:
    passing.plant, passing.honours_keys = planted, False
    code, said, transcript = contact(passing, tmp_path, yes=True, also_replay=True)
    told = "\n".join(transcript["differences"])
    for words in (
        "HTTP status of a submit: HTTP 202; on the sandbox HTTP 200",
        "Where a submit's response has the task id: data.id; on the sandbox data[0].task_id",
        "Status word of a submit: queued",
        "X-APIMart-Response-Version: 2026-07-27; on the sandbox absent",
        "Where the request id is: body; on the sandbox x-request-id",
        "The same key and body again return: ANOTHER TASK",
        "does not use the status word warming_up",
        "Status words seen: warming_up",
        "Progress is written as: percent as text / a whole number",
        "task, working: data.progress is text",
        "task, working: data.estimated_time is text",
        "Result links come as: text; on the sandbox array",
        "task, completed: data.result.videos[].url is link; on the sandbox list",
        "Results expire: absent",
        "task, completed: data.result.videos[].expires_at (time in s on the sandbox) is missing",
        "Cost compared with the estimate: $0.90000, estimated $0.34272",
        "credits_cost is: absent",
        "The account's balance fell by: $0.00000",
        "The key's balance fell by: $0.00000",
        "Charged at acceptance: $0.00000",
        "Form of time that the usage call reads: iso; on the sandbox unix",
        "The language parameter: HTTP 200; other fields",
        "task, completed: data.note (text) does not exist",
        "task, error: request_id (text) does not exist",
        "task, error: error.code (number on the sandbox) is missing",
        "models: data[] is text; on the sandbox object",
        "user balance: account_id (text) does not exist",
        "submit: data is object; on the sandbox list",
        "submit: headers that the sandbox does not send: x-apimart-response-version, x-new-header",
        "usage: headers that only the sandbox sends: x-request-id",
    ):
        assert words in told, f"{words}\n---\n{told}"
    assert code == 1
    assert "keys are ignored" in "\n".join(transcript["wrong"])
    assert len(passing.posts) == 2
    assert passing.posts[0] == passing.posts[1]
    for word in (KEY, "hidden", "99887766"):
        assert [path for path in files_with(tmp_path, word) if path.name.startswith("first")] == [], word
        assert word not in said
    with mw.Workspace(tmp_path, passing.url, key=KEY) as ws:
        (job,) = ws.jobs()
        notes = [event_words(event.note) for event in ws.log_store.jobs.events(job.id)]
        assert any("accepted again as task_" in note for note in notes)


@pytest.mark.parametrize("answer", ["no", "", "y", None], ids=str)
def test_without_a_yes_only_the_free_calls_are_made(
    passing: Passing, tmp_path: Path, answer: str | None
) -> None:
    def ask(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    code, _, transcript = contact(passing, tmp_path, ask=ask)
    assert (code, passing.posts, transcript["job"]) == (0, [], None)
    assert {one.split()[1] for one in passing.asked if "tasks" not in one} == {
        "/v1/models", "/v1/usage", "/v1/balance", "/v1/user/balance",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_cost": 0.20}, "at most $0.20"),
        ({"max_cost": 0.5, "also_replay": True}, "at most $0.50"),
        ({"video_url": "dance.mp4"}, "two public links"),
        ({"image_url": None}, "two public links"),
        ({"video_url": "http://127.0.0.1:9/none.mp4"}, "cannot be reached"),
        ({"max_cost": float("nan")}, "not an amount"),
    ],
    ids=["price", "price twice", "local", "half", "unreachable", "not an amount"],
)
def test_what_does_not_fit_asks_nobody(passing: Passing, tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(mw.MotionError, match="(?s).*" + words.replace("$", r"\$")):
        contact(passing, tmp_path, **options)
    assert passing.asked == []


def test_the_sandbox_is_not_a_first_contact(tmp_path: Path) -> None:
    with pytest.raises(mw.RequestError, match="live endpoint"):
        first_contact(tmp_path, "sandbox", max_cost=1)


def test_a_wrong_key_ends_it_at_the_first_call(passing: Passing, tmp_path: Path) -> None:
    def refuse(answer: Answer) -> None:
        answer.status, answer.body = 401, {"error": {"message": f"Incorrect key {KEY}"}}

    passing.plant = refuse
    with pytest.raises(mw.AuthError) as caught:
        contact(passing, tmp_path)
    assert KEY not in str(caught.value)
    assert passing.asked == ["GET /v1/models"]
    assert not list(tmp_path.glob("first-contact-*"))


def test_a_broken_account_call_is_said_and_does_not_stop_the_rest(passing: Passing, tmp_path: Path) -> None:
    def broken(answer: Answer) -> None:
        if answer.call == "usage":
            answer.status, answer.body = 503, b"<html>busy</html>"

    passing.plant = broken
    code, _, transcript = contact(passing, tmp_path, image_url=None, video_url=None)
    assert code == 1
    assert any(one.startswith("usage:") for one in transcript["wrong"])
    assert "usage" not in transcript["answers"]


def test_from_the_terminal(
    passing: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APIMART_API_KEY", KEY)
    monkeypatch.setenv("APIMART_BASE_URL", passing.url)
    assert main.main(["check-live", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Motion control models listed: **2**" in out
    assert out.count("Written: ") == 2
    assert KEY not in out
    assert passing.posts == []


def test_shapes_are_joined_and_compared_without_values() -> None:
    known = shape_of([{"a": [{"b": 1}], "c": None}, {"a": [], "c": "x"}])
    assert known["a"] == {"list", "empty"}
    assert known["c"] == {"null", "text"}
    assert compare("x", known, known) == []
    assert compare("x", shape_of([{"a": [], "c": None}, {"a": [], "c": "y"}]), known) == []
    (said,) = compare("x", shape_of([{"a": {"b": 1, "z": 2}, "c": None}, {"a": {}, "c": "y"}]), known)
    assert "a is object" in said
    assert "1234567" not in str(shape_of([{"acct1234567": {"x": 1}}]))


def test_redaction_shows_chosen_fields_only() -> None:
    shown = redacted(
        {
            "status": "failed", "email": "a@b.example", "user": "Ann", "balance": 12.5, "cost": 0.5,
            "error": {"message": "account 123456789 of a@b.example, https://h.example/?s=abc", "code": 402},
            "items": [1, 2, 3, 4, 5],
        }
    )  # fmt: skip
    text = json.dumps(shown)
    for word in ("a@b", "Ann", "12.5", "123456789", "abc"):
        assert word not in text
    assert shown["status"] == "failed"
    assert shown["cost"] == 0.5
    assert shown["error"]["code"] == 402
    assert shown["items"][-1] == "<2 more>"
