"""What the account's usage says of one job of unknown outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.core.money import Micro
from motion_widgets.endpoint.account_usage import AccountUsage
from motion_widgets.log.billing import group_by_cost
from motion_widgets.log.rows import JobRow
from motion_widgets.workspace.account_check import _told, ask_account
from tests import hostile
from tests.audit.conftest import KEY
from tests.audit.test_reconcile import NOW, Account, S, bill, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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


class Asked(Account):
    """An account of which something becomes known while it is asked."""

    meanwhile: Callable[[], None] | None = None

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().answer(path, query)


@pytest.fixture
def account() -> Iterator[Asked]:
    made = Asked()
    yield made
    made.stop()


@pytest.fixture
def ws(account: Asked, tmp_path: Path) -> Iterator[mw.Workspace]:
    with mw.Workspace(tmp_path, account.url, key=KEY) as opened:
        yield opened


def said_of(ws: mw.Workspace, job_id: str) -> str:
    return ask_account(ws, ws.log_store.jobs.get(job_id), now=NOW)


def test_a_job_that_is_sent_while_the_account_is_asked_may_be_what_it_has_more(
    ws: mw.Workspace, account: Asked
) -> None:
    lost = put(ws, S.UNKNOWN, days=1)

    def send() -> None:
        put(ws, S.COLLECTED, 0.17136, days=0.5)
        bill(account, 0.17136, days=0.5)

    account.meanwhile = send
    assert "1 other job of unknown cost" in said_of(ws, lost)
    assert "most likely not charged" in said_of(ws, lost), "by now the log explains it"


def test_a_bill_that_the_account_does_not_show_yet_hides_no_charge(ws: mw.Workspace, account: Asked) -> None:
    """Both cost the same, and the account is two minutes late: it shows the charge of the lost job alone."""
    lost = put(ws, S.UNKNOWN, days=1)
    put(ws, S.COLLECTED, 0.17136, days=0.0005)
    bill(account, 0.17136, days=1)
    assert "no charge for it yet" in said_of(ws, lost)
    bill(account, 0.17136, days=0.0005)
    assert "it was charged" in said_of(ws, lost)
