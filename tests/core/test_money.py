"""Money is whole micro-dollars; it is rounded and printed in one way."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import motion_widgets
from motion_widgets.core.messages import MESSAGES
from motion_widgets.core.money import (
    ZERO,
    Micro,
    cents_up,
    format_interval,
    format_left,
    format_price,
    format_usd,
    to_micro,
    to_usd,
    total,
)
from tests.syntax import parse

AMOUNT = st.integers(0, 10**12).map(Micro)
SAYING = {"say", "of"}


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
    ("usd", "price", "left", "billed"),
    [
        (0.34272, "$0.35", "$0.34", "$0.34"), (0.89136, "$0.90", "$0.89", "$0.89"),
        (0.345678, "$0.35", "$0.34", "$0.35"), (0.30000000000000004, "$0.30", "$0.30", "$0.30"),
        (1.2 - 0.9, "$0.30", "$0.30", "$0.30"), (0.29, "$0.29", "$0.29", "$0.29"), (0, *["$0.00"] * 3),
        (1e-6, "$0.01", "$0.00", "$0.00"), (1234.5, *["$1234.50"] * 3), (-0.1, *["-$0.10"] * 3),
        (-0.105, "-$0.10", "-$0.11", "-$0.10"),
    ],
)  # fmt: skip
def test_amounts_as_people_read_them(usd: float, price: str, left: str, billed: str) -> None:
    assert (format_price(usd), format_left(usd), format_usd(usd)) == (price, left, billed)


def test_a_bill_to_the_digit() -> None:
    assert (format_usd(0.34272, digits=5), format_usd(-1e-6, digits=5)) == ("$0.34272", "-$0.00000")


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.34272, 0.34272, "$0.35"), (0.342719, 0.342721, "$0.35"), (0.51408, 0.5712, "$0.51\u2013$0.58"),
        (0.34, 0.341, "$0.34\u2013$0.35"), (0, 0, "$0.00"),
    ],
)  # fmt: skip
def test_an_interval_encloses_the_estimate(low: float, high: float, shown: str) -> None:
    assert format_interval(low, high) == shown


def typed(shown: str) -> Micro:
    return to_micro(float(shown.replace("$", "")))


@given(AMOUNT)
def test_what_is_shown_can_be_relied_on(amount: Micro) -> None:
    usd = to_usd(amount)
    assert amount <= typed(format_price(usd)) < amount + 10_000, "a price typed back is enough"
    assert amount - 10_000 < typed(format_left(usd)) <= amount, "no more is shown than is left"
    assert abs(typed(format_usd(usd)) - amount) <= 5_000
    assert cents_up(amount) == float(format_price(usd).replace("$", ""))


SOURCES = [
    path
    for path in Path(motion_widgets.__file__).parent.rglob("*.py")
    if "sandbox" not in path.parts and path.name != "money.py"
]


def test_money_is_printed_in_one_place_only() -> None:
    assert {code for code, text in MESSAGES.items() if "$" in text} == set(), "the value has its sign"
    printing = [path.name for path in SOURCES if re.search(r"\$\{|:\.2f\} ?USD", path.read_text("utf-8"))]
    assert printing == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_sentence_is_given_a_bare_amount(path: Path) -> None:
    for node in ast.walk(parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in SAYING:
            for one in node.keywords:
                name = getattr(getattr(one.value, "func", None), "id", "")
                assert name not in {"to_usd", "to_micro"}, f"{path.name}:{node.lineno}: {one.arg}"
