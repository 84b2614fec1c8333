"""Estimates as intervals of whole seconds, exact to the micro-dollar."""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_widgets.core.errors import BudgetError, ClipError, RequestError
from motion_widgets.core.facts import Clip
from motion_widgets.core.money import to_micro, to_usd
from motion_widgets.request.fields import MODELS, MODES
from motion_widgets.request.price import (
    PRICES,
    Estimate,
    Prices,
    bound_micro,
    estimate,
    require_bound,
    sum_of,
)
from motion_widgets.request.request import MotionRequest
from motion_widgets.sandbox import price as sandbox

if TYPE_CHECKING:
    from pathlib import Path

CLIP = Clip(source="/x/a.mp4", name="a.mp4", format="mp4", length=8.0, width=720, height=1280)
V26, V3 = "kling-v2-6-motion-control", "kling-v3-motion-control"
REQUEST = MotionRequest(model=V26, mode="std", character_orientation="image")


def of(length: float) -> Clip:
    return replace(CLIP, length=length)


@pytest.mark.parametrize(
    ("model", "mode", "usd"),
    [(V26, "std", 0.05712), (V26, "pro", 0.09144), (V3, "std", 0.10288), (V3, "pro", 0.13712)],
)
def test_the_documented_prices(model: str, mode: str, usd: float) -> None:
    got = estimate(REQUEST.replace(model=model, mode=mode), of(1.0))
    assert (got.low, got.high, got.per_second) == (usd, usd, usd)


def test_whole_seconds_have_no_interval() -> None:
    got = estimate(REQUEST, CLIP)
    assert (got.low, got.high) == (0.45696, 0.45696)
    assert (got.seconds_low, got.seconds_high, got.length_unknown) == (8, 8, False)
    assert str(got) == "$0.46"
    assert got.high_micro == 456_960
    assert got.prices_date == "2026-10"


def test_a_broken_second_is_rounded_both_ways() -> None:
    got = estimate(REQUEST, of(9.066))
    assert (got.seconds_low, got.seconds_high) == (9, 10)
    assert (got.low, got.high) == (0.51408, 0.5712)
    assert str(got) == "$0.51–$0.58"


@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        (7.9999999, (8, 8)),
        (8.0000001, (8, 8)),
        (8.001, (8, 9)),
        (7.999, (7, 8)),
        (0.1 + 0.2 + 7.7, (8, 8)),
        (12.4, (12, 13)),
        (8.000002, (8, 9)),
        (7.999998, (7, 8)),
    ],
)
def test_the_noise_of_floats_costs_no_second(length: float, seconds: tuple[int, int]) -> None:
    got = estimate(REQUEST, of(length))
    assert (got.seconds_low, got.seconds_high) == seconds


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ({}, 5), ({"moviepy_length": 5.8}, 6), ({"mvhd_length": 7.0}, 7), ({"video_length": 5.01}, 6),
        ({"media_length": 8.5}, 9), ({"moviepy_length": 4.0, "mvhd_length": 3.0, "video_length": 2.0}, 5),
        ({"mvhd_length": 1e9}, 30), ({"mvhd_length": math.inf}, 30), ({"mvhd_length": math.nan}, 5),
    ],
)  # fmt: skip
def test_the_upper_end_is_for_the_longest_length_that_any_reader_states(
    stated: dict[str, float], seconds: int
) -> None:
    got = estimate(REQUEST, replace(CLIP, length=5.0, **stated))
    assert (got.seconds_low, got.seconds_high) == (5, seconds)


@pytest.mark.parametrize(
    "clip",
    [None, ClipError("gone"), of(math.nan), of(math.inf), of(-math.inf), of(-1.0), of(0.0), of(1e300)],
    ids=["none", "error", "nan", "inf", "-inf", "negative", "zero", "endless"],
)
@pytest.mark.parametrize(
    ("orientation", "cap"), [("image", 10), ("video", 30), (None, 30), ("both", 30), ([], 30)]
)
def test_unknown_length_costs_up_to_the_orientations_cap(
    clip: Clip | ClipError | None, orientation: object, cap: int
) -> None:
    got = estimate(REQUEST.replace(character_orientation=orientation), clip)
    assert got.length_unknown
    assert (got.seconds_low, got.seconds_high) == (3, cap)
    assert got.high == to_usd(cap * 57_120)
    assert "length unknown" in str(got)
    assert str(got).startswith("up to $")


def test_a_clip_in_the_request_needs_not_be_given_again() -> None:
    assert estimate(REQUEST.replace(video_url=CLIP)) == estimate(REQUEST, CLIP)
    assert estimate(REQUEST.replace(video_url=CLIP), of(5.0)).seconds_high == 5


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "fields",
    [
        {"model": None},
        {"mode": ""},
        {"model": "x"},
        {"mode": ["std"]},
        {"model": Odd()},
        {"mode": "x" * 10**6},
    ],
)
def test_no_price_says_what_there_is(fields: dict[str, object]) -> None:
    with pytest.raises(RequestError, match=r"kling-v3-motion-control.*std, pro") as caught:
        estimate(REQUEST.replace(**fields), CLIP)
    assert len(str(caught.value)) < 500


class TestPrices:
    def test_override(self) -> None:
        mine = Prices(date="2027-01", per_second={(V26, "std"): 0.1})
        got = estimate(REQUEST, CLIP, prices=mine)
        assert (got.low, got.high, got.prices_date) == (0.8, 0.8, "2027-01")
        with pytest.raises(RequestError):
            estimate(REQUEST.replace(mode="pro"), CLIP, prices=mine)

    @pytest.mark.parametrize("usd", [0, -0.1, math.nan, math.inf, True, "0.1", None, 10**400])
    def test_prices_are_positive_numbers(self, usd: object) -> None:
        with pytest.raises(RequestError, match="positive number of USD per second") as caught:
            Prices(date="2027-01", per_second={(V26, "std"): usd})  # type: ignore[dict-item]
        assert (caught.value.params["name"], caught.value.params["cell"]) == ("Prices", f"{V26} std")

    def test_from_toml(self, tmp_path: Path) -> None:
        path = tmp_path / "prices.toml"
        path.write_text(
            'date = 2027-01-31\nsource = "invoice"\n[kling-v2-6-motion-control]\nstd = 0.06\npro = 1\n'
            '["my model"]\nstd = 2.5\n'
        )
        got = Prices.load(path)
        assert (got.date, got.source) == ("2027-01-31", "invoice")
        assert got.per_second == {(V26, "std"): 0.06, (V26, "pro"): 1.0, ("my model", "std"): 2.5}
        assert estimate(REQUEST, CLIP, prices=got).high == 0.48
        assert estimate(REQUEST.replace(model="my model"), CLIP, prices=Prices.load(str(path))).high == 20.0

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("date = ", "cannot be read"),
            ("\xff", "cannot be read"),
            ("[a]\nstd = 1", "has no date"),
            ('date = ""\n[a]\nstd = 1', "has no date"),
            ('date = "x"\n[a]\nstd = -1', "-1 as the price of a std"),
            ('date = "x"\n[a]\nstd = nan', "nan as the price"),
            ('date = "x"\n[a]\nstd = true', "True as the price"),
            ('date = "x"\n[a]\nstd = "1"', "'?1'? as the price"),
            ('date = "x"\n[a.std]\nusd = 1', "as the price"),
            ('date = "x"\nkling = 0.1', "kling outside a model's table"),
        ],
    )
    def test_a_wrong_file_says_what_and_where(self, tmp_path: Path, text: str, sentence: str) -> None:
        path = tmp_path / "prices.toml"
        path.write_text(text, "latin-1")
        with pytest.raises(RequestError, match=sentence) as caught:
            Prices.load(path)
        assert "prices.toml" in str(caught.value)

    @pytest.mark.parametrize("name", ["absent.toml", ".", "x\x00y"])
    def test_no_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(RequestError, match="cannot be read"):
            Prices.load(tmp_path / name)

    def test_every_model_and_mode_has_one(self) -> None:
        assert set(PRICES.per_second) == {(model, mode) for model in MODELS for mode in MODES}


PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

MICRO = st.integers(1, 10_000_000)


@PROPERTY
@given(st.floats(0.001, 3600), MICRO)
def test_bounds_are_whole_micro_dollars_around_the_exact_price(length: float, micro: int) -> None:
    prices = Prices(date="x", per_second={(V26, "std"): to_usd(micro)})
    got = estimate(REQUEST, of(length), prices=prices)
    assert got.low <= got.high
    assert to_micro(got.low) == got.seconds_low * micro
    assert got.high_micro == got.seconds_high * micro
    assert to_usd(got.high_micro) == got.high
    assert got.seconds_high - got.seconds_low <= 1
    assert got.seconds_low <= length + 1e-6
    assert got.seconds_high >= length - 1e-6


@PROPERTY
@given(st.floats(1e-9, 1e3), st.floats(0.5, 1e4))
def test_a_price_finer_than_a_micro_dollar_is_never_underestimated(usd: float, length: float) -> None:
    got = estimate(REQUEST, of(length), prices=Prices(date="x", per_second={(V26, "std"): usd}))
    exact = Fraction(str(usd)) * 1_000_000
    assert to_micro(got.low) <= got.seconds_low * exact
    assert got.high_micro >= got.seconds_high * exact


@PROPERTY
@given(st.floats())
def test_any_length_has_a_price(length: float) -> None:
    got = estimate(REQUEST, of(length))
    assert 0 <= got.low <= got.high < math.inf


@PROPERTY
@given(
    st.one_of(st.none(), st.floats(0.001, 1e5)),
    st.sampled_from(sorted(PRICES.per_second)),
    st.one_of(st.none(), st.floats(1e-6, 1e3)),
)
def test_the_price_shown_is_enough(length: float | None, cell: tuple[str, str], rate: float | None) -> None:
    model, mode = cell
    prices = None if rate is None else Prices(date="x", per_second={cell: rate})
    clip = None if length is None else of(length)
    got = estimate(REQUEST.replace(model=model, mode=mode), clip, prices=prices)
    shown = str(got).removeprefix("up to ").removesuffix(" (length unknown)").rpartition("$")[2]
    require_bound(got, float(shown), live=True)
    assert got.high <= float(shown) < got.high + 0.01 + 1e-6, "enough, and less than a cent too much"
    if length is not None and rate is None:
        assert sandbox.usd(sandbox.price(model, mode, length)) <= float(shown), "no bill exceeds it"


@pytest.mark.parametrize("bound", [0.1 + 0.2, 1.2 - 0.9, 0.3, Fraction(3, 10)])
def test_a_bound_with_the_noise_of_floats(bound: float) -> None:
    prices = Prices(date="x", per_second={(V26, "std"): 0.1})
    require_bound(estimate(REQUEST, of(3.0), prices=prices), bound, live=True)


def test_price_and_bound_never_look_alike_where_it_is_refused() -> None:
    with pytest.raises(BudgetError, match=r"\$0\.46, but at most \$0\.45 may be spent.*limit to 0\.46 "):
        require_bound(estimate(REQUEST, CLIP), 0.4569, live=False)


@pytest.mark.parametrize("bound", [-0.01, -1, math.nan, math.inf, True, "1", None, 10**400, 1j])
def test_what_is_no_amount_is_no_bound(bound: object) -> None:
    with pytest.raises(BudgetError) as caught:
        bound_micro(bound)  # type: ignore[arg-type]
    assert caught.value.code == "bound_wrong"


@pytest.mark.parametrize(
    ("bound", "micro"),
    [(0, 0), (0.01, 10_000), (1, 1_000_000), (1e9, 10**15), (1e9 + 1, 10**15), (10**300, 10**15)],
)
def test_a_bound_in_micro_dollars(bound: float, micro: int) -> None:
    assert bound_micro(bound) == micro


def test_a_bound_is_required_of_a_live_request_and_fits_to_the_micro_dollar() -> None:
    cost = estimate(REQUEST, CLIP)
    require_bound(cost, None, live=False)
    with pytest.raises(BudgetError, match=r"\$0\.46") as caught:
        require_bound(cost, None, live=True)
    assert (caught.value.code, caught.value.params["high"]) == ("bound_missing", 0.46)
    require_bound(cost, 0.456960, live=True)
    with pytest.raises(BudgetError) as caught:
        require_bound(cost, 0.456959, live=True)
    assert (caught.value.code, caught.value.params["bound"]) == ("bound_small", "$0.45")


def test_what_several_cost_together() -> None:
    costs = [estimate(REQUEST, of(9.066)), estimate(REQUEST, CLIP)]
    got = sum_of(costs, replace(PRICES, date="2027-01"))
    assert (got.low, got.high) == (0.97104, 1.02816)
    assert (got.seconds_low, got.seconds_high) == (17, 18)
    assert (got.length_unknown, got.prices_date) == (False, "2027-01")
    assert sum_of([*costs, estimate(REQUEST)], PRICES).length_unknown
    nothing = sum_of([], PRICES)
    assert (nothing.low, nothing.high, nothing.length_unknown) == (0, 0, False)


def test_what_is_not_given_is_nothing(tmp_path: Path) -> None:
    cost = Estimate(0.1, 0.2)
    assert (cost.seconds_low, cost.seconds_high, cost.per_second) == (0, 0, 0.0)
    assert (cost.length_unknown, cost.prices_date) == (False, "")
    with pytest.raises(TypeError):
        Estimate(0.1, 0.2, 3)  # type: ignore[misc]
    path = tmp_path / "prices.toml"
    path.write_text('date = "2027-01"\n[a]\nstd = 1')
    assert Prices.load(path).source == Prices(date="2027-01", per_second={}).source == ""


def test_an_estimate_tells_seconds_price_and_date() -> None:
    def shown(cost: Estimate) -> str:
        return re.sub(r"<[^>]*>|\s+", " ", cost._repr_html_())

    assert repr(estimate(REQUEST, CLIP)) == "<Estimate $0.46>"
    whole, broken = shown(estimate(REQUEST, CLIP)), shown(estimate(REQUEST, of(9.066)))
    assert re.search(r"\b8\b.*\$0\.05712\b.*2026-10", whole)
    assert re.search(r"\b9\b.*\b10\b", broken)
    assert "$0.00000" not in shown(sum_of([], PRICES))


@pytest.mark.parametrize(("usd", "fits"), [(1e6, True), (1e6 + 1, False), (1e-9, True)])
def test_a_price_may_be_up_to_a_million(usd: float, fits: bool) -> None:
    with contextlib.nullcontext() if fits else pytest.raises(RequestError):
        Prices(date="2027-01", per_second={(V26, "std"): usd})


@pytest.mark.parametrize(("length", "unknown"), [(1e6, False), (1e6 + 1, True), (1e-6, False), (0, True)])
def test_a_length_may_be_up_to_a_million_seconds(length: float, unknown: bool) -> None:
    assert estimate(REQUEST, of(length)).length_unknown is unknown
