# ruff: noqa: ARG002, E501, PD010, PLR0917
"""Pivots against plain arithmetic on the file, by sqlite3 and by hand."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import statistics

import pandas as pd
import pytest
from sqlalchemy import insert

from motion_widgets.core.errors import LogError
from motion_widgets.log.paging import PageQuery, facets, page
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from motion_widgets.log.transitions import last_seq
from motion_widgets.log.view import LogView
from tests.log.conftest import VALUES

NOW = 1_763_088_289_123_457  # unix µs
LIVE = {"endpoint": "https://api.example", "account": "a", "sandbox": False}
STD, PRO = 343_000, 549_000
"""Micro-dollars."""


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path / "log.sqlite")
    yield log
    log.close()


@pytest.fixture
def view(log):
    return LogView(log)


@pytest.fixture
def fill(log):
    """Write jobs down: fill(count, state=…, cost=…, **columns) -> their ids."""

    def make(count=1, **columns):
        with log.database.write() as connection:
            number, rows = last_seq(connection), []
            for _ in range(count):
                number += 1
                row = {
                    **VALUES, "id": f"job-{number:016}", "seq": number, "key": f"key {number}", "repeat": 1, "attempt": 1,
                    "reserved": 0, "created": NOW, "idempotency_key": str(number), "state": "collected", "mode": "std",
                }  # fmt: skip
                rows.append({**row, **columns})
            connection.execute(insert(jobs), rows)
        return [row["id"] for row in rows]

    return make


@pytest.fixture
def ask(log):
    """Return the rows of a query of the file, by sqlite3 alone."""

    def rows(query):
        with contextlib.closing(sqlite3.connect(log.database.path)) as db:
            return db.execute(query).fetchall()

    return rows


class TestPrices:
    @pytest.fixture
    def refunded(self, fill):
        """10 std at $0.343; 5 pro at $0.549, 5 that failed and were refunded, 1 whose bill is not known."""
        fill(10, cost=STD)
        fill(5, mode="pro", cost=PRO)
        fill(5, mode="pro", state="failed", cost=0)
        fill(1, mode="pro", state="failed")

    def test_a_refunded_failure_is_no_price(self, refunded, view, ask):
        table = view.pivot(index="mode")
        paid = "SELECT mode, avg(cost) / 1e6, count(*) FROM jobs WHERE cost > 0 GROUP BY mode"
        assert [(mode, *map(float, table.loc[mode, ["mean", "n"]])) for mode in table.index] == [
            (mode, pytest.approx(mean), n) for mode, mean, n in ask(paid)
        ]
        assert table["mean"].to_dict() == {"pro": pytest.approx(0.549), "std": pytest.approx(0.343)}
        assert table["n"].to_dict() == {"pro": 5, "std": 10}
        assert table["failed"].to_dict() == {"pro": 6, "std": 0}

    def test_a_failure_that_was_billed_is_a_price(self, fill, view):
        fill(cost=STD)
        fill(cost=PRO, state="failed")
        assert view.pivot(index="mode").loc["std"].to_dict() == {
            "mean": pytest.approx((0.343 + 0.549) / 2), "n": 2, "failed": 1,
        }  # fmt: skip

    def test_a_result_that_was_free_is_a_price(self, fill, view):
        fill(cost=STD)
        fill(cost=0)
        assert view.pivot(index="mode").loc["std", "mean"] == pytest.approx(0.343 / 2)

    def test_a_retried_cell_shows_its_price(self, fill, view):
        fill(state="failed", cost=0, prompt="again")
        fill(attempt=2, cost=STD, prompt="again")
        table = view.pivot(index="prompt", columns="mode")
        assert table.loc["again"].to_list() == [pytest.approx(0.343), 1, 1]

    def test_n_stands_beside_every_figure_of_a_number(self, refunded, view):
        for one in ("mean", "std", "low", "high", "median", "min", "max", "sum"):
            assert list(view.pivot(index="mode", aggfunc=one).columns) == [one, "n", "failed"]
        assert list(view.pivot(index="mode", aggfunc="usable").columns) == ["usable", "rated"]
        assert list(view.pivot(index="mode", aggfunc="cost_per_kept").columns) == [
            "cost_per_kept", "kept", "failed",
        ]  # fmt: skip
        assert list(view.pivot(index="mode", aggfunc="count", values="state").columns) == ["count"]

    def test_where_nothing_was_billed_there_is_no_price_and_n_is_0(self, fill, view):
        fill(3, state="failed", cost=0)
        fill(mode="pro", cost=PRO, model="m")
        table = view.pivot(index="mode", columns="model")
        assert math.isnan(table.loc["std", ("mean", "")])
        assert table.loc["std", ("failed", "")] == 3
        assert table.loc["std", ("n", "m")] == table.loc["pro", ("n", "")] == 0, "no job at all"
        assert set(table["n"].dtypes.astype(str)) == {"int64"}

    def test_a_price_per_kept_result_has_every_bill(self, refunded, log, view, fill, ask):
        fill(2, mode="pro", state="failed", cost=PRO)
        kept = [row.id for row in log.jobs.rows() if row.mode == "pro" and row.state == "collected"][:2]
        log.annotations.rate(kept, usable=True)
        (bills,) = ask("SELECT sum(cost) / 1e6 FROM jobs WHERE mode = 'pro'")[0]
        table = view.pivot(index="mode", aggfunc="cost_per_kept")
        assert table.loc["pro"].to_dict() == {
            "cost_per_kept": pytest.approx(bills / 2), "kept": 2, "failed": 8,
        }  # fmt: skip
        assert math.isnan(table.loc["std", "cost_per_kept"])

    def test_deviation_and_interval_are_those_of_the_bills(self, fill, view):
        bills = [0.31, 0.35, 0.42, 0.33]
        for one in bills:
            fill(cost=round(one * 1e6))
        fill(3, state="failed", cost=0)
        table = view.pivot(index="mode", aggfunc=["std", "low", "high", "median", "sum"])
        half = 3.182446 * statistics.stdev(bills) / 2
        assert table.loc["std"].to_dict() == {
            "std": pytest.approx(statistics.stdev(bills)),
            "low": pytest.approx(statistics.mean(bills) - half),
            "high": pytest.approx(statistics.mean(bills) + half),
            "median": pytest.approx(statistics.median(bills)),
            "sum": pytest.approx(sum(bills)), "n": 4, "failed": 3,
        }  # fmt: skip


class TestMargins:
    def test_are_figures_of_all_jobs_and_no_means_of_means(self, fill, view, ask):
        for mode, orientation, cost, count in (
            ("std", "image", STD, 5), ("std", "video", 2 * STD, 1), ("pro", "image", PRO, 2),
        ):  # fmt: skip
            fill(count, mode=mode, character_orientation=orientation, cost=cost)
        table = view.pivot(index="mode", columns="character_orientation", margins=True)
        assert list(table.index) == ["pro", "std", "all"]
        assert list(table["mean"].columns) == ["image", "video", "all"]
        for mode, mean, n in ask("SELECT mode, avg(cost) / 1e6, count(*) FROM jobs GROUP BY mode"):
            assert table.loc[mode, ("mean", "all")] == pytest.approx(mean)
            assert table.loc[mode, ("n", "all")] == n
        ((mean, n),) = ask("SELECT avg(cost) / 1e6, count(*) FROM jobs")
        assert (table.loc["all", ("mean", "all")], table.loc["all", ("n", "all")]) == (
            pytest.approx(mean), n,
        )  # fmt: skip

    def test_of_several_axes_and_of_none_in_the_columns(self, fill, view):
        fill(2, cost=STD, clip_width=540)
        fill(1, cost=PRO, clip_width=None)
        table = view.pivot(index=["mode", "clip_width"], margins=True)
        assert table.loc[("all", "all"), "n"] == 3
        assert table["n"].sum() == 6


class TestHidden:
    @pytest.fixture
    def bad(self, fill, log):
        """10 rated results, 4 of them usable; the other 6 are hidden."""
        good, bad = fill(4, cost=STD), fill(6, cost=2 * STD)
        log.annotations.rate(good, usable=True)
        log.annotations.rate(bad, usable=False)
        log.annotations.hide(bad)

    def test_rates_and_money_stay_as_they_are(self, bad, view, ask):
        table = view.pivot(index="mode", aggfunc=["usable", "cost_per_kept", "mean"])
        ((mean, total),) = ask("SELECT avg(cost) / 1e6, sum(cost) / 1e6 FROM jobs")
        assert table.loc["std"].to_dict() == {
            "usable": 0.4, "cost_per_kept": pytest.approx(total / 4), "mean": pytest.approx(mean), "n": 10,
            "rated": 10, "kept": 4, "failed": 0,
        }  # fmt: skip

    def test_are_left_out_where_somebody_asks_for_it(self, bad, view):
        assert view.pivot(index="mode", aggfunc="usable", hidden=False).loc["std"].to_list() == [1.0, 4]

    def test_are_told_apart_in_the_frame(self, bad, view, ask):
        frame = view.frame(hidden=True)
        hidden = dict(ask("SELECT id, deleted IS NOT NULL FROM jobs"))
        assert dict(zip(frame["id"], frame["hidden"].astype(int), strict=True)) == hidden
        assert str(frame["hidden"].dtype) == "boolean"
        assert "hidden" not in view.frame().columns
        assert list(view.frame({"mode": "std"}, columns=["hidden", "id"], hidden=True)) == ["hidden", "id"]
        assert list(view.pivot(index="hidden")["n"]) == [4, 6]


class TestRehearsals:
    @pytest.fixture
    def both(self, fill):
        fill(3, cost=STD)
        fill(2, cost=PRO, **LIVE)

    @pytest.mark.parametrize(("live", "title", "count"), [(False, "SANDBOX", 3), (True, "live", 2)])
    def test_are_never_put_together_with_live_jobs(self, both, log, ask, live, title, count):
        table = LogView(log, lambda: live).pivot(index="mode")
        mean = f"SELECT avg(cost) / 1e6, count(*) FROM jobs WHERE sandbox = {int(not live)}"
        assert table.loc["std", ["mean", "n"]].to_list() == [pytest.approx(*ask(mean)[0][:1]), count]
        assert table.columns.name == title, "it says which"
        wide = LogView(log, lambda: live).pivot(index="mode", columns="model", aggfunc="sum")
        assert wide.columns.names == [title, "model"]
        assert title in wide.to_html()
        assert title in repr(wide)

    def test_are_there_where_somebody_asks(self, both, view):
        for where in ({"sandbox": [True, False]}, {"endpoint": ["sandbox", LIVE["endpoint"]]}):
            table = view.pivot(index="mode", where=where)
            assert (table.loc["std", "n"], table.columns.name) == (5, "live and SANDBOX")
        assert view.pivot(index="mode", where=jobs.c.endpoint != "sandbox").loc["std", "n"] == 2
        assert view.pivot(index="mode", where=[{"sandbox": False}, {"mode": "std"}]).loc["std", "n"] == 2
        assert view.pivot(index="mode", where=jobs.c.mode == "std").loc["std", "n"] == 3
        assert view.pivot(index="sandbox")["n"].to_dict() == {False: 2, True: 3}

    def test_are_marked_in_what_is_shown(self, both, view):
        assert len(view.frame()) == 5
        for columns in (None, ["cost"]):
            page = view.show(columns=columns)._repr_html_()
            assert (page.count(">SANDBOX<"), page.count(">live<")) == (3, 2)


class TestUnset:
    @pytest.mark.parametrize(
        ("column", "value", "shown"),
        [
            ("clip_length", 6.5, 6.5), ("clip_width", 540, 540), ("clip_has_audio", True, True),
            ("submitted", NOW, pd.Timestamp(NOW * 1000, tz="UTC")), ("prompt", "wave", "wave"),
            ("estimate_low", STD, 0.343), ("model", "m", "m"),
        ],
        ids=lambda one: str(one)[:12],
    )  # fmt: skip
    def test_stands_there_as_a_group_of_its_own(self, fill, view, column, value, shown):
        fill(2, cost=STD, **{column: value})
        fill(1, cost=PRO, **{column: None})
        for table in (
            view.pivot(index=column)[["mean", "n"]],
            view.pivot(index="mode", columns=column).loc["std"].unstack(0)[["mean", "n"]],
        ):
            n = {("" if pd.isna(one) else one): count for one, count in table["n"].items()}
            assert n == {shown: 2, "": 1}
        assert view.pivot(index=["mode", column])["n"].sum() == 3

    def test_no_job_is_lost(self, fill, view):
        fill(3, cost=STD)
        axes = ["clip_length", "clip_width", "collected", "prompt", "image_name"]
        assert view.pivot(index=axes[:3], columns=axes[3:], margins=True)["n"].max(axis=None) == 3


class TestMedia:
    HERO, OTHER = "3fa2" * 16, "b771" * 16
    COPY = f"{HERO[:20]}.png"

    def test_one_content_is_one_group_whatever_it_was_called(self, fill, view, ask):
        fill(2, cost=STD, image_sha=self.HERO, image_name=self.COPY, image_url=f"inputs/{self.COPY}")
        fill(3, cost=PRO, image_sha=self.HERO, image_name="hero.png", image_url="/pictures/hero.png")
        ((mean, n),) = ask("SELECT avg(cost) / 1e6, count(*) FROM jobs GROUP BY image_sha")
        table = view.pivot(index="image_name")
        assert table.loc["hero.png"].to_list() == [pytest.approx(mean), n, 0]
        assert len(table) == 1
        assert view.pivot(index="image_url")["n"].to_dict() == {"/pictures/hero.png": 5}

    def test_two_contents_of_one_name_are_two_groups(self, fill, view):
        fill(2, cost=STD, clip_sha=self.HERO, clip_name="dance.mp4")
        fill(1, cost=PRO, clip_sha=self.OTHER, clip_name="dance.mp4")
        fill(1, cost=PRO, clip_sha="c" * 64, clip_name="dance.mp4 (2)")
        fill(1, cost=PRO)
        groups = {"dance.mp4": 2, "dance.mp4 (2)": 1, "dance.mp4 (2) (2)": 1, "": 1}
        assert view.pivot(index="clip_name")["n"].to_dict() == groups
        alone = view.pivot(index="clip_name", where={"clip_sha": self.OTHER})
        assert list(alone.index) == ["dance.mp4 (2)"], "it is called the same in every table"

    def test_a_link_that_was_signed_anew_is_the_same_content(self, fill, view):
        link = "https://x.example/{}/a.png{}"
        for place, signed in (("1", "?Expires=1&Signature=a"), ("1", "?Expires=2&Signature=b"), ("2", "")):
            fill(cost=STD, image_url=link.format(place, signed), image_name="a.png")
        assert view.pivot(index="image_name")["n"].to_dict() == {"a.png": 2, "a.png (2)": 1}

    def test_filters_offer_the_groups_of_a_pivot(self, fill, log, view):
        link = "https://x.example/{}/a.png{}"
        given = [
            {"clip_sha": self.HERO, "clip_name": "dance.mp4"}, {"clip_sha": self.OTHER, "clip_name": "dance.mp4"},
            {"clip_sha": self.HERO, "clip_name": self.COPY}, {}, {"clip_name": "only a name.mp4"},
            {"clip_name": "cafe\u0301.mp4"}, {"clip_name": "caf\u00e9.mp4"},
            {"clip_name": "a.png", "video_url": link.format(1, "?Expires=1&Signature=a")},
            {"clip_name": "a.png", "video_url": link.format(1, "?Expires=2&Signature=b")},
            {"clip_name": "a.png", "video_url": link.format(2, "")},
        ]  # fmt: skip
        for one in given:
            fill(cost=STD, **one)
        offered = facets(log)["clip_name"]
        assert offered[-1] == (None, "")
        counts = {name: page(log, PageQuery(values={"clip_name": value})).total for value, name in offered}
        assert counts == view.pivot(index="clip_name")["n"].to_dict()
        assert sorted(counts.values()) == [1] * 4 + [2] * 3
        assert page(log, PageQuery(values={"clip_name": "sha:none"})).total == 0

    def test_filters_offer_what_is_in_sight_as_it_is_called_in_every_table(self, fill, log):
        [first] = fill(1, state="failed", cost=0, image_sha=self.HERO, image_name="hero.png")
        fill(1, cost=PRO, image_sha=self.OTHER, image_name="hero.png")
        log.annotations.hide(first)
        assert facets(log)["image_name"] == [(f"sha:{self.OTHER}", "hero.png (2)")]

    def test_a_content_that_only_its_hash_names_keeps_it(self, fill, view):
        fill(cost=STD, image_sha=self.HERO, image_name=self.COPY)
        assert list(view.pivot(index="image_name").index) == [self.COPY]


class TestAsked:
    def test_axes_and_figures_come_as_any_collection(self, fill, view):
        fill(cost=STD)
        expected = view.pivot(index=["mode", "model"], aggfunc=["mean", "sum"])
        for kind in (tuple, pd.Index, pd.Series, iter, dict.fromkeys):
            asked = {"index": kind(["mode", "model"]), "aggfunc": kind(["mean", "sum"])}
            pd.testing.assert_frame_equal(view.pivot(**asked), expected)
        assert view.pivot(index={"model", "mode"}).index.names == ["mode", "model"]

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"index": []}, "No column"), ({"index": "mood"}, "no column"), ({"index": "mode", "aggfunc": "odd"}, "odd"),
            ({"index": "mode", "aggfunc": []}, "not an aggregation"), ({"index": "mode", "values": "state"}, "not numeric"),
            ({"index": "mode", "columns": "mode"}, "twice"), ({"index": "mode", "aggfunc": ["mean", 3]}, "3"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_said(self, fill, view, wrong, words):
        with pytest.raises(LogError, match=words):
            view.pivot(**wrong)

    def test_stars_are_a_number_like_any_other(self, fill, log, view):
        one, two, _ = fill(3, cost=STD)
        log.annotations.rate([one], stars=5)
        log.annotations.rate([two], stars=2)
        assert view.pivot(index="mode", values="stars").loc["std"].to_dict() == {
            "mean": 3.5, "n": 2, "failed": 0,
        }  # fmt: skip
