"""Money is whole micro-dollars; it is rounded and printed in one way."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import motion_widgets
from motion_widgets.core.messages import MESSAGES
from motion_widgets.core.money import ZERO, Micro, cents_up, format_usd, to_micro, to_usd, total

AMOUNT = st.integers(0, 10**15).map(Micro)


@given(st.integers(-(10**12), 10**12).map(Micro))
def test_micro_dollars_survive_usd(amount: Micro) -> None:
    assert to_micro(to_usd(amount)) == amount


@pytest.mark.parametrize(
    ("usd", "amount"), [(0.0, 0), (0.46, 460_000), (1e-6, 1), (4e-7, 0), (6e-7, 1), (-0.1, -100_000)]
)
def test_usd_are_rounded_to_the_nearest_micro_dollar(usd: float, amount: int) -> None:
    assert to_micro(usd) == amount


@pytest.mark.parametrize("usd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_amount(usd: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        to_micro(usd)


@given(st.lists(st.none() | AMOUNT))
def test_a_total_takes_what_is_not_known_as_nothing(amounts: list[Micro | None]) -> None:
    assert total(amounts) == sum(one for one in amounts if one is not None)


def test_a_total_of_nothing() -> None:
    assert total([]) == ZERO == total([None])


@given(st.integers(0, 10**12).map(Micro))
def test_cents_rounded_up_suffice_and_are_no_cent_too_many(amount: Micro) -> None:
    named = to_micro(cents_up(amount))
    assert amount <= named < amount + 10_000
    assert named % 10_000 == 0


@pytest.mark.parametrize(
    ("amount", "usd"), [(0, 0.0), (1, 0.01), (10_000, 0.01), (10_001, 0.02), (571_200, 0.58)]
)
def test_cents_rounded_up(amount: int, usd: float) -> None:
    assert cents_up(Micro(amount)) == usd


@pytest.mark.parametrize(
    ("usd", "digits", "shown"),
    [
        (0.456, 2, "$0.46"), (0.34272, 5, "$0.34272"), (0, 2, "$0.00"), (1234.5, 2, "$1234.50"),
        (1e-6, 5, "$0.00000"),
    ],
)  # fmt: skip
def test_amounts_as_people_read_them(usd: float, digits: int, shown: str) -> None:
    assert format_usd(usd, digits=digits) == shown


def test_cents_are_what_is_shown_unless_more_is_asked_for() -> None:
    assert format_usd(0.5) == "$0.50"


def test_sentences_show_cents_or_all_digits_of_a_price() -> None:
    shown = {field for text in MESSAGES.values() for field in re.findall(r"\$\{\w+([^}]*)\}", text)}
    assert shown == {":.2f", ":.5f"}


def test_nobody_else_prints_money() -> None:
    package = Path(motion_widgets.__file__).parent
    printing = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\$\{\w[^}]*:\.\d?f|\$\{to_usd", path.read_text("utf-8"))
    }
    assert {one for one in printing if not one.startswith(("core/messages/", "sandbox/"))} == set()
