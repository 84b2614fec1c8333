"""What the account's usage says of one job of unknown outcome."""

from __future__ import annotations

import pytest

from motion_widgets.core.money import Micro
from motion_widgets.endpoint.account_usage import AccountUsage
from motion_widgets.log.billing import group_by_cost
from motion_widgets.log.rows import JobRow
from motion_widgets.workspace.account_check import _told
from tests import hostile


def row_of(**columns: object) -> JobRow:
    unset = dict.fromkeys(JobRow.__dataclass_fields__)
    return JobRow.read({**unset, **hostile.good_row("jobs"), **columns})  # type: ignore[arg-type]


LOST = row_of(id="lost", state="unknown", cost=None, sent=1, estimate_low=330_000, estimate_high=342_720)
BILLED = row_of(id="billed", cost=550_000)
RUNNING = row_of(id="running", state="running", cost=None)


@pytest.mark.parametrize(
    ("others", "amount", "fresh", "said"),
    [
        ([BILLED], 550_000, False, "most likely not charged"),
        ([BILLED], 550_000, True, "no charge for it yet"),
        ([], 0, True, "no charge for it yet"),
        ([BILLED], 892_720, False, "it was charged"),
        ([BILLED], 892_720, True, "it was charged"),
        (
            [],
            342_720,
            False,
            "billed $0.34 more than the log explains, which fits this job ($0.33\u2013$0.35)",
        ),
        ([BILLED, RUNNING], 892_720, False, "1 other job of unknown cost"),
        ([BILLED], 1_500_000, False, "may be part of it"),
        ([BILLED], 400_000, False, "most likely not charged"),
        ([BILLED], None, False, "does not mean nothing. The answer was 503."),
    ],
)
def test_what_the_account_says_of_a_job(
    others: list[JobRow], amount: int | None, fresh: bool, said: str
) -> None:
    account = AccountUsage(amount=None if amount is None else Micro(amount))
    account.problems.append("The answer was 503.")
    assert said in _told(LOST, group_by_cost([LOST, *others]), account, fresh=fresh)
