# ruff: noqa: E501
"""What a first contact tells of the open questions, answer by answer, and which differences count as one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.audit.comparison import Contact, Fact, differences, facts
from motion_widgets.audit.recorder import Recorder, Response
from motion_widgets.request.price import Estimate

PRICE = Estimate(
    0.24, 0.32, seconds_low=6, seconds_high=8, per_second=0.04, length_unknown=False, prices_date="d"
)
LENGTH = 6.4


def response(call: str, body: object, *, status: int = 200, **more: dict[str, str]) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(call, more.get("query", {}), status, more.get("headers", {}), text)


def contact(*responses: Response, **told: object) -> Contact:
    recorder = Recorder("https://api.example")
    recorder.responses += responses
    return Contact(recorder, **told)


def task(**data: object) -> Response:
    return response("task", {"data": {"id": "t", "status": "completed", **data}}, query={"language": "en"})


def paid(**data: object) -> dict[str, Fact]:
    """Return the facts of a completed task of a priced job."""
    return facts(contact(task(**data), estimate=PRICE, length=LENGTH))


def test_nothing_asked_answers_nothing() -> None:
    assert facts(contact()) == {}
    assert differences(contact(), contact()) == []


class TestSubmit:
    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"data": [{"task_id": "t"}]}, "data[0].task_id"),
            ({"data": {"task_id": "t"}}, "data.task_id"),
            ({"data": {"id": "t"}}, "data.id"),
            ({"data": [{"id": "t", "task_id": ""}]}, "data[0].id"),
        ],
    )
    def test_the_task_id_is_found_where_it_is(self, body: dict, place: str) -> None:
        assert facts(contact(response("submit", body)))["place"] == Fact(place, place)

    @pytest.mark.parametrize("body", ["", "no JSON", [], {}, {"data": []}, {"data": "t"}, {"data": [["t"]]}])
    def test_a_submit_without_a_task_tells_nothing(self, body: object) -> None:
        assert "place" not in facts(contact(response("submit", body)))

    def test_the_first_that_was_accepted_counts(self) -> None:
        refused = response("submit", {"error": {"message": "no"}}, status=402)
        accepted = response("submit", {"data": {"id": "t", "status": "queued"}}, status=202)
        found = facts(contact(refused, accepted))
        assert (found["http"].shown, found["word"].shown) == ("HTTP 202", "queued")

    @pytest.mark.parametrize(
        ("headers", "body", "shown"),
        [
            ({}, {}, "absent"), ({"x-request-id": "r"}, {}, "x-request-id"),
            ({"request-id": "r"}, {"request_id": "r"}, "request-id, body"), ({}, {"request_id": None}, "body"),
        ],
    )  # fmt: skip
    def test_a_request_id_may_stand_in_several_places(self, headers: dict, body: dict, shown: str) -> None:
        found = facts(contact(response("submit", {"data": {"id": "t"}, **body}, headers=headers)))
        assert found["request_id"].shown == shown

    def test_which_headers_come_is_shown_and_is_no_difference_of_its_own(self) -> None:
        found = facts(contact(response("submit", {"data": {"id": "t"}}, headers={"b": "1", "a": "2"})))
        assert found["headers"] == Fact("", "a, b")


class TestTasks:
    @pytest.mark.parametrize(
        ("progress", "kind"),
        [
            (45, "whole"), (45.0, "whole"), (0.45, "fraction"), (45.5, "decimal"), (1.5, "decimal"),
            ("45%", "percent"), (" 45 % ", "percent"), ("45", "text"), (True, "other"), ([45], "other"),
        ],
    )  # fmt: skip
    def test_how_progress_is_written(self, progress: object, kind: str) -> None:
        assert facts(contact(task(progress=progress)))["progress"].kind == kind

    def test_a_field_that_never_comes_is_absent_and_one_written_in_two_ways_says_both(self) -> None:
        found = facts(contact(task(progress=1), task(progress="2%")))
        assert found["estimated_time"].kind == "absent"
        assert found["progress"].kind == "percent whole"
        assert found["progress"].shown.endswith("; 1, 2%")

    def test_of_many_values_the_first_and_last_are_shown(self) -> None:
        found = facts(contact(*[task(progress=number) for number in range(0, 100, 10)]))
        assert found["progress"].shown.endswith("0, 10, 20, …, 80, 90")

    @pytest.mark.parametrize(
        ("result", "kind"),
        [
            ({"videos": [{"url": ["https://h/a"]}]}, "list"), ({"videos": [{"url": "https://h/a"}]}, "text"),
            ({"videos": ["https://h/a"]}, "text"), ({"videos": []}, "absent"), ({}, "absent"), (None, "absent"),
            ({"videos": [{}]}, "absent"),
        ],
    )  # fmt: skip
    def test_where_a_result_has_its_link(self, result: object, kind: str) -> None:
        assert facts(contact(task(result=result)))["url"].kind == kind

    def test_a_status_word_of_no_document_is_named(self) -> None:
        warming = response("task", {"data": {"id": "t", "status": "warming_up"}})
        assert facts(contact(warming, task()))["words"] == Fact(
            "undocumented: warming_up", "warming_up, completed"
        )
        assert "The sandbox does not use the status word warming_up." in differences(
            contact(warming), contact(task())
        )

    def test_an_error_of_a_task_is_told_by_its_fields_not_by_its_words(self) -> None:
        gone = response("task", {"error": {"message": "geheim", "code": 404}}, status=404)
        assert facts(contact(gone))["errors"].shown.startswith("HTTP 404; ")
        assert "geheim" not in str(facts(contact(gone)))

    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (200, {"data": {"id": "t", "status": "completed"}}, "same_fields"),
            (200, {"data": {"id": "t", "status": "completed", "note": "hallo"}}, "200"),
            (400, {"error": {"message": "no"}}, "400"),
        ],
    )
    def test_another_language_changes_fields_or_does_not(self, status: int, body: dict, kind: str) -> None:
        other = response("task", body, status=status, query={"language": "de"})
        assert facts(contact(task(), other))["language"].kind == kind


class TestMoney:
    @pytest.mark.parametrize(
        ("cost", "kind"),
        [(0.24, "inside"), (0.32, "inside"), (0.2396, "inside"), (0.2394, "outside"), (0.3206, "outside")],
    )
    def test_a_cost_within_rounding_of_the_estimate_is_inside(self, cost: float, kind: str) -> None:
        assert paid(cost=cost)["cost"].kind == kind

    def test_without_a_cost_nothing_is_made_up(self) -> None:
        found = paid()
        assert found["cost"].kind == found["credits"].kind == "absent"
        assert not {"rounding", "delta_account", "ahead"} & set(found)

    @pytest.mark.parametrize(
        ("seconds", "length", "ways"),
        [
            (6, 6.4, "rounded down / rounded to the nearest second"),
            (7, 6.4, "rounded up"),
            (7, 6.6, "rounded to the nearest second / rounded up"),
            (6.4, 6.4, "not rounded"),
            (6, 6.0, "rounded down / rounded to the nearest second / rounded up / not rounded"),
            (9, 6.4, "by another rule"),
        ],
    )
    def test_by_which_rule_seconds_are_billed(self, seconds: float, length: float, ways: str) -> None:
        cost = seconds * PRICE.per_second
        found = facts(contact(task(cost=cost), estimate=PRICE, length=length))
        assert found["rounding"] == Fact("", f"{seconds:.3f} s billed of {length:.3f} s: {ways}")

    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            ({"cost": 0.25, "credits_cost": 2.5}, "tenfold"), ({"cost": 0.25, "credits_cost": 25}, "not_tenfold"),
            ({"cost": 0.25}, "absent"), ({"credits_cost": 2.5}, "absent"), ({"cost": 0.25, "credits_cost": "2.5"}, "absent"),
        ],
    )  # fmt: skip
    def test_what_credits_are(self, fields: dict, kind: str) -> None:
        assert paid(**fields)["credits"].kind == kind

    @pytest.mark.parametrize(
        ("spent", "kind"), [(0.25, "cost"), (0.0, "nothing"), (0.4, "cap"), (0.5, "other"), (-0.25, "other")]
    )
    def test_what_the_balance_fell_by(self, spent: float, kind: str) -> None:
        """The cap is the price of the longest clip of orientation "image", 10 s."""
        balances = {
            "before": {"account": 10.0, "key": None},
            "accepted": {"account": 10.0, "key": 5.0},
            "after": {"account": 10.0 - spent, "key": 5.0},
        }
        found = facts(contact(task(cost=0.25), estimate=PRICE, length=LENGTH, balances=balances))
        assert found["ahead"].kind == "nothing"
        assert "delta_key" not in found, "what was not known before cannot have fallen"
        assert found["delta_account"].kind == kind


class TestDifferences:
    def test_only_what_both_showed_is_compared(self) -> None:
        live, sandbox = contact(task(progress="45%")), contact(response("models", {"data": []}))
        assert differences(live, sandbox) == []

    def test_an_answer_of_another_kind_is_a_sentence_with_both(self) -> None:
        (said,) = [
            one
            for one in differences(contact(task(progress="45%")), contact(task(progress=45)))
            if "written" in one
        ]
        assert said.startswith(
            "Progress is written as: percent as text; 45%; on the sandbox a whole number; 45"
        )

    def test_headers_of_servers_on_the_way_are_no_difference(self) -> None:
        live = response("models", {}, headers={"cf-ray": "1", "date": "x", "x-new": "1"})
        sandbox = response("models", {}, headers={"server": "uvicorn", "x-old": "1"})
        assert differences(contact(live), contact(sandbox)) == [
            "models: headers that the sandbox does not send: x-new.",
            "models: headers that only the sandbox sends: x-old.",
        ]

    def test_a_refusal_is_not_compared_with_an_answer(self) -> None:
        live = response("balance", {"error": {"message": "no"}}, status=503)
        assert differences(contact(live), contact(response("balance", {"remain_balance": 1}))) == []


NAMES = ("data", "id", "task_id", "status", "result", "videos", "url", "progress", "cost", "error")
BODIES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(BODIES, st.sampled_from([200, 202, 404]))
def test_whatever_an_endpoint_answers_is_told_and_differs_in_words_alone_from_itself(
    body: object, status: int
) -> None:
    calls = ("submit", "task", "models", "usage", "other")
    live = contact(*(response(one, body, status=status) for one in calls), estimate=PRICE, length=LENGTH)
    assert all(isinstance(fact.shown, str) for fact in facts(live).values())
    assert [one for one in differences(live, live) if "does not use the status word" not in one] == []
