"""What a budget buys: within it, balanced, main effects estimable; and what that gives up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motion_widgets import BudgetError, Sweep
from motion_widgets.core.money import to_micro
from motion_widgets.request.price import Estimate
from motion_widgets.sweep.cells import Cell
from motion_widgets.sweep.fractional_design import fraction_of

NAMES = ("mode", "character_orientation", "prompt", "image_url")


def made(sizes, prices, statuses=("new",)):
    """Cells of a product whose price goes by the first axis, and whose status by turns."""
    axes = {name: [f"{name}-{one}" for one in range(size)] for name, size in zip(NAMES, sizes, strict=False)}
    cells = []
    for number, row in enumerate(itertools.product(*axes.values())):
        price = prices[axes["mode"].index(row[0]) % len(prices)]
        status = statuses[number % len(statuses)]
        cells.append(Cell(dict(zip(axes, row, strict=True)), None, "", status, "", Estimate(price, price)))
    return cells, axes


def typed(shown):
    """Return an amount that a sentence shows, as somebody who types it gives it."""
    return to_micro(float(shown.removeprefix("$")))


def paid(cells, chosen):
    return sum(cells[at].estimate.high_micro for at in chosen if cells[at].status == "new")


def counts(cells, axes, chosen):
    return {
        name: [sum(cells[at].values[name] == value for at in chosen) for value in values]
        for name, values in axes.items()
    }


def rank(cells, axes, chosen):
    """Rank of the main-effects model, with a column for every value; apart from the code under test."""
    rows = [
        [1, *(cells[at].values[name] == one for name, values in axes.items() for one in values)]
        for at in chosen
    ]
    return np.linalg.matrix_rank(np.array(rows, dtype=float)) if rows else 0


def full_rank(axes):
    return 1 + sum(len(values) - 1 for values in axes.values())


designs = st.tuples(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.lists(st.sampled_from([0.17, 0.23, 0.57, 1.37]), min_size=1, max_size=2),
    st.sampled_from(
        [("new",), ("new", "done"), ("new", "new", "invalid"), ("new", "running", "double", "new")]
    ),
    st.floats(0.0, 1.0),
    st.integers(0, 5),
)


@settings(max_examples=250, deadline=None)
@given(designs)
def test_within_the_budget_and_of_full_rank(design):
    sizes, prices, statuses, share, seed = design
    cells, axes = made(sizes, prices, statuses)
    limit = int(paid(cells, range(len(cells))) * share)
    runs = [at for at, cell in enumerate(cells) if cell.status not in ("invalid", "double")]
    try:
        chosen, said = fraction_of(cells, axes, limit, seed)
    except BudgetError as error:
        least = typed(error.params["least"])
        assert limit < least, "it is refused only where the least does not fit"
        fits, _ = fraction_of(cells, axes, least, seed)
        assert rank(cells, axes, fits) == rank(cells, axes, runs)
        return
    assert paid(cells, chosen) <= limit
    assert rank(cells, axes, chosen) == rank(cells, axes, runs)
    claimed = any("main effect of each axis stays estimable" in one for one in said)
    levels = {name: {cells[at].values[name] for at in runs} for name in axes}
    assert claimed == (rank(cells, axes, chosen) == full_rank(levels))
    assert chosen == sorted(set(chosen)), "no cell twice, in the plan's order"
    assert set(chosen) <= set(runs)
    assert {at for at in runs if cells[at].status != "new"} <= set(chosen), "what is there costs nothing"
    assert fraction_of(cells, axes, limit, seed) == (chosen, said)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=2, max_size=4), st.floats(0.0, 1.0), st.integers(0, 5))
@example([2, 5, 5, 5], 226 / 236, 3)  # 240 cells: two away until a cell took its sibling's place
@example([5, 5, 3, 5], 345 / 360, 2)
@example([5, 5, 5], 0.0, 0)  # the least that keeps main effects
def test_even_within_one_cell_a_value_where_all_cost_alike(sizes, share, seed):
    cells, axes = made(sizes, [0.57])
    least = full_rank(axes)
    count = least + int(share * (len(cells) - least))
    chosen, said = fraction_of(cells, axes, to_micro(0.57) * count, seed)
    assert len(chosen) == count, "all that it buys is bought"
    for name, found in counts(cells, axes, chosen).items():
        assert max(found) - min(found) <= 1, said
        told = next(one for one in said if one.startswith(f"{name}: "))
        assert sorted(int(one.rsplit(" ", 1)[1].rstrip(".")) for one in told.split(", ")) == sorted(found)


def test_the_least_is_the_cheapest_that_any_choice_could_cost():
    cells, axes = made([2, 3], [0.17, 1.37])
    with pytest.raises(BudgetError, match="at least 4 new cell") as error:
        fraction_of(cells, axes, 1, 0)
    tries = [some for some in itertools.combinations(range(6), 4) if rank(cells, axes, some) == 4]
    assert typed(error.value.params["least"]) == min(paid(cells, some) for some in tries)


def test_half_of_two_to_the_four_is_orthogonal_and_says_what_is_aliased():
    cells, axes = made([2, 2, 2, 2], [0.5])
    chosen, said = fraction_of(cells, axes, to_micro(4.0), 0)
    signs = np.array([[1 if cells[at].values[name].endswith("1") else -1 for name in axes] for at in chosen])
    assert (len(chosen), (signs.T @ signs == 8 * np.eye(4)).all()) == (8, True)
    assert said[0] == "8 of 16 cells are left out; the 8 new ones cost at most $4.00 of $4.00."
    assert any(one.startswith("Separating all interactions of two axes takes 6") for one in said)


def test_a_third_factor_takes_the_place_of_an_interaction():
    cells, axes = made([2, 2, 2], [0.5])
    _, said = fraction_of(cells, axes, to_micro(2.0), 0)
    assert "Whether mode and character_orientation interact can no longer be determined." in said
    assert "If mode and character_orientation interact, it would look like an effect of prompt." in said


def test_repeats_that_are_missing_are_said():
    cells, axes = made([2, 2], [0.5])
    _, said = fraction_of([*cells, *cells, *cells], axes, to_micro(3.0), 0)
    assert any(one.startswith("4 of 4 combinations have fewer repeats") for one in said), said


class TestOfAPlan:
    def test_it_is_a_plan_that_costs_no_more(self, ws, req, endpoint):
        plan = Sweep(req, mode=["std", "pro"], prompt=list("abcdef"), repeats=2, seed=4).plan(ws)
        part = plan.for_budget(3.0)
        assert part.cost.high <= 3.0 < plan.cost.high
        assert part.gives_up
        assert set(part.frame()["status"]) == {"new"}
        assert list(part.frame().columns) == list(plan.frame().columns)
        assert plan.for_budget(3.0).frame().equals(part.frame())
        assert plan.for_budget(100) is plan
        assert plan.gives_up == ()
        assert (endpoint.posts, len(ws.log)) == ([], 0)

    def test_it_runs_saves_and_is_part_of_the_whole(self, ws, req, endpoint, tmp_path):
        plan = Sweep(req, mode=["std", "pro"], prompt=["a", "b", "c"]).plan(ws)
        part = plan.for_budget(1.3)
        again = type(plan).load(part.save(tmp_path / "part.toml"), ws)
        assert [cell.key for cell in again.cells] == [cell.key for cell in part.cells]
        run = part.run(budget=1.3).wait(60)
        assert run.counts() == {"collected": len(part.cells)}
        rest = Sweep(req, mode=["std", "pro"], prompt=["a", "b", "c"]).plan(ws)
        assert [cell.status for cell in rest.cells].count("done") == len(part.cells) == len(endpoint.posts)
        assert len(rest.for_budget(0.4).cells) > len(part.cells), "what is there stays and costs nothing"

    def test_too_little_names_what_would_do(self, ws, req):
        plan = Sweep(req).plan(ws)
        with pytest.raises(BudgetError, match=r"at least 3 new cells and \$0\.83"):
            plan.for_budget(0.5)
        assert len(plan.for_budget(0.83).cells) == 3

    def test_its_price_is_the_sum_of_its_cells_prices_and_no_larger_part_fits(self, ws, req):
        dollars = {"std": 0.22848, "pro": 0.36576}  # a cell's, by the price list
        plan = Sweep(req, mode=list(dollars), prompt=["a", "b"]).plan(ws)
        assert plan.cost.high == pytest.approx(2 * sum(dollars.values()))
        part = plan.for_budget(0.83)
        assert part.cost.high == pytest.approx(sum(dollars[cell.labels["mode"]] for cell in part.cells))
        bought = [sum(some) for some in itertools.combinations([*dollars.values()] * 2, len(part.cells))]
        assert part.cost.high == pytest.approx(min(bought))
        assert 2 * sum(dollars.values()) > 0.83, "one cell more would be all four"


def test_nothing_but_repeats():
    cells, axes = made([1], [0.5])
    chosen, said = fraction_of(cells * 6, axes, to_micro(2.0), 0)
    assert len(chosen) == 4
    assert any(one.startswith("1 of 1 combination has fewer repeats") for one in said)
