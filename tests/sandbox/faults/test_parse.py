"""What is not understood in a fault plan is named in one sentence."""

from __future__ import annotations

import pytest

from motion_widgets.sandbox import FaultPlan, PlanError


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "A fault plan is a table with fault, idempotency, max_in_flight"),
        ({"faults": []}, "does not accept 'faults'; it accepts fault, idempotency"),
        ({"idempotency": "no"}, "true or false"),
        ({"max_in_flight": 0}, "whole number from 1"),
        ({"fault": {}}, r"write \[\[fault\]\]"),
        ({"fault": ["reset"]}, "Fault 1 must be a table"),
        ({"fault": [{"kind": "reset"}]}, "on is missing; it must be one of submit, status, upload"),
        ({"fault": [{"on": "post", "kind": "reset"}]}, "on is 'post'; it must be one of submit"),
        (
            {"fault": [{"on": "submit", "kind": "explode"}]},
            "kind is 'explode'; it must be one of status, build",
        ),
        ({"fault": [{"on": "submit", "kind": "slow"}]}, "plays on result"),
        ({"fault": [{"on": "any", "kind": "no_link"}]}, "cannot play on 'any'; it plays on status"),
        ({"fault": [{"on": "submit", "kind": "status"}]}, "needs code, an HTTP status from 200 to 599"),
        ({"fault": [{"on": "submit", "kind": "status", "code": 99}]}, "code is 99"),
        (
            {"fault": [{"on": "submit", "kind": "reset", "code": 500}]},
            r"\(reset\) does not accept 'code'; it accepts on, kind",
        ),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": 0}]}, "nth is 0"),
        ({"fault": [{"on": "submit", "kind": "reset", "nth": [1, 2], "times": 2}]}, "leave times out"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": -1}]}, "times is -1"),
        ({"fault": [{"on": "submit", "kind": "reset", "times": True}]}, "times is True"),
        ({"fault": [{"on": "submit", "kind": "reset", "match": 3}]}, "match is 3"),
        ({"fault": [{"on": "submit", "kind": "reset", "accepted": "yes"}]}, "accepted is 'yes'"),
        ({"fault": [{"on": "submit", "kind": "no_task_id", "accepted": False}]}, "changes a real response"),
        ({"fault": [{"on": "submit", "kind": "reset", "when": "completed"}]}, "about status calls"),
        ({"fault": [{"on": "status", "kind": "word", "when": "soon"}]}, "one of working, completed, failed"),
        (
            {"fault": [{"on": "result", "kind": "truncated", "length": "short"}]},
            "one of known, unknown, wrong",
        ),
    ],
)
def test_what_is_not_understood_is_one_sentence(plan, words):
    with pytest.raises(PlanError, match=words) as error:
        FaultPlan.of(plan)
    assert "\n" not in str(error.value)
