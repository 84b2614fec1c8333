"""Every shape of answer in one form, and nothing believed beyond its range."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.endpoint.responses import (
    LONGEST,
    RAW_MAX,
    Balance,
    Task,
    read_balance,
    read_models,
    read_submitted,
    read_task,
    redact,
)

DOCUMENTED = {
    "code": 200,
    "data": {
        "id": "task_1", "status": "completed", "progress": 100, "cost": 0.45696, "credits_cost": 4.5696,
        "result": {"videos": [{"url": ["https://cdn.example.com/x.mp4"], "expires_at": 1763174708}]},
        "created": 1763088289, "completed": 1763088308, "estimated_time": 60, "actual_time": 19,
    },
}  # fmt: skip


def task(**data: object) -> Task:
    found = read_task({"code": 200, "data": {"status": "running", **data}})
    assert found is not None
    return found


def test_documented_answer() -> None:
    got = read_task(DOCUMENTED)
    assert got is not None
    assert (got.state, got.known, got.progress, got.cost) == ("completed", True, 100, 0.45696)
    assert got.links == ("https://cdn.example.com/x.mp4",)
    assert (got.expires_at, got.created, got.completed, got.estimated_time) == (
        1763174708, 1763088289, 1763088308, 60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state", "known"),
    [
        *(
            (word, "working", True)
            for word in (
                "submitted",
                "pending",
                "queued",
                "processing",
                "in_progress",
                "running",
                "RUNNING",
                " queued ",
            )
        ),
        *(
            (word, "completed", True)
            for word in ("completed", "success", "succeeded", "succeed", "Completed")
        ),
        *((word, "failed", True) for word in ("failed", "failure", "error")),
        *((word, "cancelled", True) for word in ("cancelled", "canceled")),
        ("dreaming", "working", False),
    ],
)
def test_status_words(word: str, state: str, known: bool) -> None:
    got = task(status=word)
    assert (got.word, got.state, got.known) == (word, state, known)


@pytest.mark.parametrize(
    ("value", "percent"),
    [
        (45, 45),
        ("45%", 45),
        ("45", 45),
        (0.45, 45),
        ("0.45", 45),
        (0.29, 29),
        (45.0, 45),
        (0, 0),
        (100, 100),
        (1, 1),
        (1.0, 1),
        ("0.5%", 0),
        (250, 100),
        (1e200, 100),
        (-5, 0),
        (math.nan, None),
        (math.inf, None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ({}, None),
    ],
)
def test_progress(value: object, percent: int | None) -> None:
    assert task(progress=value).progress == percent


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (60, 60),
        ("60", 60),
        (0, 0),
        (-1, None),
        ("soon", None),
        (math.nan, None),
        (math.inf, None),
        (1e30, None),
        (10**400, None),
        (None, None),
        (True, None),
        ([60], None),
        (LONGEST, LONGEST),
        (LONGEST + 1, None),
    ],
)
def test_estimated_time(value: object, seconds: float | None) -> None:
    assert task(estimated_time=value).estimated_time == seconds


@pytest.mark.parametrize(
    ("data", "cost"),
    [
        ({"cost": 0.45696}, 0.45696), ({"cost": "0.45696"}, 0.45696), ({"cost": 0}, 0), ({"cost": -1}, None),
        ({"cost": math.nan}, None), ({"cost": 1e9}, None), ({}, None), ({"credits_cost": 4.5696}, 0.45696),
        ({"cost": 1.0, "credits_cost": 4.5}, 1.0), ({"cost": True}, None),
    ],
)  # fmt: skip
def test_cost(data: dict[str, object], cost: float | None) -> None:
    assert task(**data).cost == cost


@pytest.mark.parametrize(
    ("videos", "links"),
    [
        ([{"url": ["a", "b"]}], ("a", "b")),
        ([{"url": "a"}], ("a",)),
        ([{"url": ["a", "a"]}, {"url": "a"}], ("a",)),
        ([{"url": " a\x00"}], ("a",)),
        (["a"], ("a",)),
        ({"url": "a"}, ("a",)),
        ("a", ("a",)),
        ([{"url": [None, 3, ""]}, {}, None, 7], ()),
        (None, ()),
    ],
)
def test_links(videos: object, links: tuple[str, ...]) -> None:
    assert task(result={"videos": videos}).links == links


def test_the_first_link_that_dies_counts() -> None:
    videos = [{"url": "a", "expires_at": 1763174708}, {"url": "b", "expires_at": "1763000000"}, {"url": "c"}]
    assert task(result={"videos": videos}).expires_at == 1763000000
    assert task(result={"videos": [{"url": "a", "expires_at": -1}]}).expires_at is None
    assert task(result=[1]).expires_at is None


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"data": {"status": "failed", "error": {"code": 7, "message": "m", "type": "t"}}}, "7", "m"),
        ({"data": {"status": "failed", "error": {"message": "m", "type": "t"}}}, "t", "m"),
        ({"data": {"status": "failed", "error": "m"}}, "", "m"),
        ({"data": {"status": "failed"}, "error": {"code": "c", "message": "m"}}, "c", "m"),
        ({"data": [{"status": "failed", "error": {"message": ["a", 1]}}]}, "", '["a", 1]'),
        ({"status": "failed", "error": None}, "", ""),
        ({"data": {"status": "failed", "error": [1]}}, "", "[1]"),
    ],
)
def test_failed_tasks_keep_their_reason(body: object, code: str, message: str) -> None:
    got = read_task(body)
    assert got is not None
    assert (got.state, got.error_code, got.error_message) == ("failed", code, message)


def test_a_reason_is_fit_for_the_log() -> None:
    link = "https://bucket.example.com/clip.mp4?X-Amz-Signature=s3cr3t&x=1"
    got = task(error={"code": "\ud800", "message": f"cannot fetch {link}\x00 \ud83d"})
    (got.error_code + got.error_message + got.raw).encode()
    assert "s3cr3t" not in got.error_message + got.raw
    assert "clip.mp4" in got.error_message
    assert "\x00" not in got.error_message


@pytest.mark.parametrize(
    "body", [None, [], {}, 7, "x", {"data": None}, {"data": {"status": ""}}, {"data": [[]]}]
)
def test_no_status_at_all(body: object) -> None:
    assert read_task(body) is None


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        ({"success": True, "remain_balance": 10.5, "used_balance": 2.3, "unlimited_quota": False},
         Balance(remain=10.5, used=2.3)),
        ({"data": {"remain_balance": "3.5"}}, Balance(remain=3.5, used=None)),
        ({"remain_balance": -1, "used_balance": 0}, Balance(remain=None, used=0, unlimited=True)),
        ({"remain_balance": 5, "unlimited_quota": True}, Balance(remain=None, used=None, unlimited=True)),
        ({"remain_balance": "lots"}, Balance(remain=None, used=None)),
        ({"remain_balance": math.nan}, Balance(remain=None, used=None)),
        ({"remain_balance": -0.5}, Balance(remain=-0.5, used=None)),
        ({"success": True}, None),
        ([], None),
        (None, None),
    ],
)  # fmt: skip
def test_balance(body: object, balance: Balance | None) -> None:
    assert read_balance(body) == balance


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "id",
                    "task_id",
                    "status",
                    "progress",
                    "cost",
                    "result",
                    "videos",
                    "url",
                    "expires_at",
                    "error",
                    "message",
                    "code",
                    "estimated_time",
                    "remain_balance",
                    "created",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_json_is_read_without_raising(body: object) -> None:
    read_balance(body)
    read_models(body)
    submitted, got = read_submitted(body), read_task(body)
    if submitted is not None:
        assert submitted.task_id.isprintable()
        (submitted.status + submitted.raw).encode()
    if got is not None:
        (got.word + got.error_code + got.error_message + got.raw + "".join(got.links)).encode()
        assert got.progress is None or 0 <= got.progress <= 100
        assert got.cost is None or 0 <= got.cost < math.inf
        assert got.estimated_time is None or 0 <= got.estimated_time <= LONGEST


class TestRedact:
    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("see https://h/a?sig=1&b=2 now", "see https://h/a?<query> now"),
            ('"https://h/a?x=1\\u0026X-Amz-Signature=s"', '"https://h/a?<query>"'),
            ('"https:\\/\\/h\\/a?x=1"', '"https:\\/\\/h\\/a?<query>"'),
            ('{\\"url\\": \\"https://h/a?x=1\\"}', '{\\"url\\": \\"https://h/a?<query>\\"}'),
            ("https://h/a", "https://h/a"),
            ("https://h/a?", "https://h/a?"),
            ("https://me:geheim@h/a?x=1", "https://<login>@h/a?<query>"),
            ("postgresql+psycopg://me:geheim@h/log", "postgresql+psycopg://<login>@h/log"),
            ('"ftp:\\/\\/me:geheim@h\\/a"', '"ftp:\\/\\/<login>@h\\/a"'),
            ("https://h/@me and ana@h.example", "https://h/@me and ana@h.example"),
            ("Bearer abcdefgh", "Bearer <redacted>"),
            ("key sk-abcdefgh!", "key sk-<redacted>!"),
            ("task-unified-17-abcdefgh", "task-unified-17-abcdefgh"),
        ],
    )
    def test_logins_queries_and_keys_go(self, text: str, left: str) -> None:
        assert redact(text) == left

    def test_an_answer_made_of_links_takes_no_time(self) -> None:
        """Two megabytes without one question mark took a quadratic search: half an hour."""
        text = "https://" * 250_000
        assert redact(text) == text

    def test_raw_answers_are_bounded(self) -> None:
        got = task(note="x" * 3_000_000)
        assert len(got.raw) == RAW_MAX
        assert json.loads(task().raw)["data"]["status"] == "running"
