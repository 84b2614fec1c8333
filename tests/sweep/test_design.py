# ruff: noqa: E501, PD011
"""Designs: which cells there are, how often, in which order; and plans as tables and files."""

from __future__ import annotations

import itertools
import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_widgets import MotionRequest, Plan, RequestError, Sweep, Workspace
from motion_widgets.request.fields import WIRE_FIELDS
from motion_widgets.sweep.plan_file import load, save
from motion_widgets.sweep.table import cells_of
from tests.jobs.endpoint import make_png

REQ = MotionRequest(model="kling-v2-6-motion-control", image_url="i.png", video_url="https://h/c.mp4")


def values_of(sweep):
    return [tuple(draw.values.values()) for draw in sweep.draws()]


class TestFromPandas:
    """Axes, repeats and seeds as NumPy, pandas and sets give them."""

    @pytest.mark.parametrize("kind", [np.array, pd.Series, pd.Index, pd.Categorical, tuple, iter])
    def test_an_axis_is_its_values_as_pythons_own(self, kind):
        values = Sweep(REQ, mode=kind(["std", "pro"])).axes["mode"]
        assert values == ("std", "pro")
        assert set(map(type, values)) == {str}

    @pytest.mark.parametrize(
        "single", ["a prompt", np.str_("a prompt"), np.array("a prompt"), np.array(["a prompt"])[0]]
    )
    def test_a_single_text_is_an_axis_of_one(self, single):
        assert Sweep(REQ, prompt=single).axes["prompt"] == ("a prompt",)

    @pytest.mark.parametrize("unset", [None, np.nan, pd.NA, pd.NaT])
    def test_what_is_not_set_there_is_none(self, unset):
        assert Sweep(REQ, prompt=["a", unset]).axes["prompt"] == ("a", None)

    def test_sets_are_sorted_so_that_a_seed_gives_the_same_plan(self):
        prompts = [f"take {number}" for number in range(30)]
        plans = [
            [
                draw.values["prompt"]
                for draw in sorted(Sweep(REQ, prompt=kind, seed=3).draws(), key=lambda one: one.order)
            ]
            for kind in (
                set(prompts),
                frozenset(reversed(prompts)),
                dict.fromkeys(sorted(prompts)).keys(),
                sorted(prompts),
            )
        ]
        assert plans[0] == plans[1] == plans[2] == plans[3] != sorted(prompts)
        assert Sweep(REQ, prompt={"b", None, "a"}).axes["prompt"] == ("a", "b", None)

    def test_numbers_may_be_numpys(self):
        plain = Sweep(REQ, mode=["std", "pro"], repeats=3, seed=7)
        theirs = Sweep(REQ, mode=["std", "pro"], repeats=np.int64(3), seed=np.uint8(7))
        assert theirs.draws() == plain.draws()
        assert type(theirs.repeats) is type(theirs.seed) is int
        rows = pd.DataFrame({"mode": ["std", "pro"], "repeat": [1, 2]}).to_records(index=False)
        cells = [{"mode": row["mode"], "repeat": row["repeat"]} for row in rows]
        assert [draw.repeat for draw in Sweep.listed(REQ, cells).draws()] == [1, 2]

    @pytest.mark.parametrize("odd", [np.float64(3.0), np.True_, "3", np.array([3])])
    def test_others_are_refused_by_name(self, odd):
        with pytest.raises(RequestError, match="repeat"):
            Sweep(REQ, mode="std", repeats=odd)
        with pytest.raises(RequestError, match="seed"):
            Sweep(REQ, mode="std", seed=odd)

    @pytest.mark.parametrize("kind", [list, tuple, set, np.array, pd.Series, pd.Index])
    def test_a_condition_takes_any_collection(self, kind):
        sweep = Sweep(REQ, mode=["std", "pro"], prompt=["a", "b"], where={"prompt": {"mode": kind(["pro"])}})
        assert len(sweep.draws()) == 3


class TestDesigns:
    def test_zipped_goes_through_the_axes_together(self):
        sweep = Sweep.zipped(REQ, mode=["std", "pro", "std"], prompt=["a", "b", "c"], model="m")
        assert values_of(sweep) == [("std", "a", "m"), ("pro", "b", "m"), ("std", "c", "m")]

    def test_a_sweep_is_a_frame_before_it_meets_a_workspace(self):
        frame = Sweep(REQ, mode=["std", "pro"], image_url=["a/hero.png", "b/hero.png"], repeats=2).frame()
        assert frame.index.name == "cell"
        assert frame.index.tolist() == list(range(1, 9))
        assert frame["mode"].tolist() == ["std", "std", "pro", "pro"] * 2
        assert frame["repeat"].tolist() == [1] * 4 + [2] * 4
        assert list(frame.columns) == ["mode", "image_url", "repeat"]
        shuffled = Sweep(REQ, mode=["std", "pro"], prompt=list("abcd"), seed=3).frame()
        assert sorted(shuffled["order"]) == list(range(1, 9))

    @pytest.mark.parametrize("wrong", ["prompts", "Mode", "video-url", "character_orientaton"])
    def test_a_misspelt_axis_of_a_frame_is_refused(self, wrong):
        frame = pd.DataFrame({"mode": ["std", "pro"], wrong: ["a", "b"]})
        with pytest.raises(RequestError, match=f"{wrong}.*Rename it"):
            cells_of(frame)
        assert len(cells_of(frame.rename(columns={wrong: "my remarks"}))) == 2

    @pytest.mark.parametrize("axes", [{"mode": ["std", "pro"], "prompt": ["a", "b", "c"]}, {}])
    def test_zipped_axes_have_one_length(self, axes):
        with pytest.raises(RequestError, match="the same number of values"):
            Sweep.zipped(REQ, **axes)

    def test_listed_cells_fill_in_the_requests_own(self):
        sweep = Sweep.listed(REQ.replace(prompt="own"), [{"mode": "pro"}, {"prompt": "other"}])
        assert values_of(sweep) == [("pro", "own"), ("std", "other")]

    @pytest.mark.parametrize("cells", [[], [{}], [{"repeat": 1}]])
    def test_listed_needs_a_cell(self, cells):
        with pytest.raises(RequestError, match="No cell"):
            Sweep.listed(REQ, cells)

    @pytest.mark.parametrize("cells", [["mode"], [{"mode": "std"}, ("mode", "pro")], [None]])
    def test_listed_cells_are_mappings(self, cells):
        with pytest.raises(RequestError, match="is not a cell"):
            Sweep.listed(REQ, cells)

    @pytest.mark.parametrize("field", ["resolution", 5, None])
    def test_listed_fields_are_fields(self, field):
        with pytest.raises(RequestError, match=f"{field}.*model, prompt"):
            Sweep.listed(REQ, [{"mode": "std", field: "1080p"}])

    @pytest.mark.parametrize("cells", [5, None, object()])
    def test_a_list_of_cells_is_a_list(self, cells):
        with pytest.raises(RequestError, match="is not a cell"):
            Sweep.listed(REQ, cells)

    @pytest.mark.parametrize("made", [Sweep, Sweep.zipped])
    @pytest.mark.parametrize("body", [{"model": "m"}, None, "request.json"])
    def test_a_sweep_is_of_a_request(self, made, body):
        with pytest.raises(RequestError, match=r"is a MotionRequest; this is .*from_wire"):
            made(body, mode=["std", "pro"])
        with pytest.raises(RequestError, match="is a MotionRequest"):
            Sweep.listed(body, [{"mode": "std"}])

    @pytest.mark.parametrize("made", [Sweep, Sweep.zipped])
    def test_an_axis_without_end_is_refused_instead_of_read_forever(self, made):
        with pytest.raises(RequestError, match=r"100,00|100001"):
            made(REQ, prompt=itertools.cycle(["a", "b"]), mode=["std", "pro"]).draws()

    def test_an_axis_varies_only_where_its_condition_holds(self):
        sweep = Sweep(
            REQ, mode=["std", "pro"], prompt=["a", "b"], character_orientation=["image", "video"],
            where={"prompt": {"mode": "pro", "character_orientation": ["video", "none"]}},
        )  # fmt: skip
        assert values_of(sweep) == [
            ("std", None, "image"), ("std", None, "video"), ("pro", None, "image"),
            ("pro", "a", "video"), ("pro", "b", "video"),
        ]  # fmt: skip

    def test_conditions_may_build_on_each_other(self):
        where = {"prompt": {"mode": "pro"}, "keep_original_sound": {"prompt": "b"}}
        sweep = Sweep(
            REQ, mode=["std", "pro"], prompt=["a", "b"], keep_original_sound=["no", "yes"], where=where
        )
        assert values_of(sweep) == [
            ("std", None, "yes"), ("pro", "a", "yes"), ("pro", "b", "no"), ("pro", "b", "yes")
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("where", "name"),
        [
            ({"prompt": {"mode": "Pro"}}, "prompt"),
            ({"prompt": {"character_orientation": ["vidoe"]}}, "prompt"),
            ({"prompt": lambda values: values["mode"] == "high"}, "prompt"),
            ({"prompt": {"mode": "pro"}, "keep_original_sound": {"prompt": "c"}}, "keep_original_sound"),
            # Each alone is met, both together never: where the prompt varies, the sound does not.
            ({"prompt": {"keep_original_sound": "no"}, "keep_original_sound": {"prompt": None}}, "sound"),
        ],
    )
    def test_a_condition_that_no_cell_meets_is_refused(self, where, name):
        axes = {"prompt": ["a", "b"], "keep_original_sound": ["no", "yes"], "mode": ["std", "pro"]}
        with pytest.raises(RequestError, match=name) as caught:
            Sweep(REQ, where=where, **axes).draws()
        assert caught.value.code == "where_never"

    @pytest.mark.parametrize("prompt", ["ba\u0301ile", "b\u00e1ile"])
    def test_a_condition_reads_accents_however_they_are_written(self, prompt):
        for wanted in ("ba\u0301ile", ["b\u00e1ile"]):
            where = {"mode": {"prompt": wanted}}
            sweep = Sweep(REQ, prompt=[prompt, "x"], mode=["std", "pro"], where=where)
            assert values_of(sweep) == [(prompt, "std"), (prompt, "pro"), ("x", "std")]

    def test_a_function_says_which_cells_exist(self):
        sweep = Sweep(
            REQ, mode=["std", "pro"], prompt=["a", "b"], where=lambda v: v != {"mode": "pro", "prompt": "a"}
        )
        assert values_of(sweep) == [("std", "a"), ("std", "b"), ("pro", "b")]

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            ({"prompt": {"resolution": "x"}}, "“resolution” is not a field"),
            ({"prompt": {"mode": "pro"}}, "“prompt” varies, but it is not an axis"),
            ({"x": {}}, "“x” is not a field"),
        ],
    )
    def test_conditions_name_axes_and_fields(self, where, words):
        with pytest.raises(RequestError, match=words):
            Sweep(REQ, mode=["std"], where=where)

    @pytest.mark.parametrize("repeats", [0, -1, True, 1.5, "2"])
    def test_repeats_are_counted(self, repeats):
        with pytest.raises(RequestError, match="whole number"):
            Sweep(REQ, repeats=repeats)

    def test_repeats_come_in_rounds(self):
        draws = Sweep(REQ, mode=["std", "pro"], repeats=2).draws()
        assert [(one.values["mode"], one.repeat, one.order) for one in draws] == [
            ("std", 1, 1), ("pro", 1, 2), ("std", 2, 3), ("pro", 2, 4)
        ]  # fmt: skip

    @given(st.integers(0, 2**40), st.integers(1, 30), st.integers(1, 4))
    def test_a_seed_shuffles_the_order_and_nothing_else(self, seed, count, repeats):
        axes = {"prompt": [str(one) for one in range(count)], "repeats": repeats}
        plain, mixed, again = (Sweep(REQ, **axes, seed=one).draws() for one in (None, seed, seed))
        assert mixed == again
        assert [one[:2] for one in mixed] == [one[:2] for one in plain]
        assert (
            sorted(one.order for one in mixed)
            == [one.order for one in plain]
            == list(range(1, len(plain) + 1))
        )

    @pytest.mark.parametrize("seed", ["x", 1.5, True])
    def test_a_seed_is_a_whole_number(self, seed):
        with pytest.raises(RequestError, match="seed"):
            Sweep(REQ, seed=seed)

    def test_another_seed_is_another_order(self):
        orders = {
            tuple(one.order for one in Sweep(REQ, prompt=list("abcdefgh"), seed=seed).draws())
            for seed in range(5)
        }
        assert len(orders) == 5


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
FIELDS = {
    **{name: TEXT for name in WIRE_FIELDS if name != "watermark_info"},
    "watermark_info": st.fixed_dictionaries({"enabled": st.booleans()}),
}


class TestToml:
    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_what_is_saved_is_loaded(self, data, tmp_path_factory):
        names = data.draw(st.lists(st.sampled_from(WIRE_FIELDS), min_size=1, max_size=3, unique=True))
        value = {name: st.none() | FIELDS[name] for name in names}
        req = REQ.replace(**data.draw(st.fixed_dictionaries({}, optional=FIELDS)))
        seed = data.draw(st.none() | st.integers(-(2**40), 2**40))
        kind = data.draw(st.sampled_from(["product", "zip", "list"]))
        options = {"seed": seed, "repeats": data.draw(st.integers(1, 3))}
        if kind == "list":
            cell = st.fixed_dictionaries(value, optional={"order": st.integers(1, 9)})
            sweep = Sweep.listed(req, data.draw(st.lists(cell, min_size=1, max_size=5)), **options)
        else:
            axes = {name: data.draw(st.lists(value[name], min_size=2, max_size=2)) for name in names}
            sweep = (Sweep if kind == "product" else Sweep.zipped)(req, **options, **axes)
        back = load(save(sweep, tmp_path_factory.mktemp("toml") / "plan.toml"))
        assert back.request.key == req.key
        assert back.draws() == sweep.draws()

    def test_it_reads_well(self, tmp_path):
        where = {"prompt": {"mode": "pro"}}
        sweep = Sweep(REQ, mode=["std", "pro"], prompt=["a", None], repeats=2, seed=7, where=where)
        path = save(sweep, tmp_path / "plan.toml")
        assert tomllib.loads(path.read_text("utf-8")) == {
            "request": {
                "model": REQ.model, "image_url": "i.png", "video_url": "https://h/c.mp4",
                "character_orientation": "image", "mode": "std", "keep_original_sound": "yes",
            },
            "sweep": {"design": "product", "repeats": 2, "seed": 7},
            "axes": {"mode": ["std", "pro"], "prompt": ["a", ""]},
            "where": {"prompt": {"mode": "pro"}},
        }  # fmt: skip
        assert load(path).draws() == sweep.draws()

    def test_cells_that_a_function_chose_are_listed(self, tmp_path):
        sweep = Sweep(REQ, prompt=["a", "b", "c"], where=lambda v: v["prompt"] != "b", repeats=2, seed=1)
        assert load(save(sweep, tmp_path / "plan.toml")).draws() == sweep.draws()

    @pytest.mark.parametrize(
        "value", ["half \ud800", object(), float("inf"), {1: 2}, {"a": None}, {"a": [1, None]}]
    )
    def test_what_text_cannot_hold_leaves_no_file(self, tmp_path, value):
        with pytest.raises(RequestError, match="prompt"):
            save(Sweep(REQ, prompt=[value]), tmp_path / "plan.toml")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "text",
        [
            "", "nonsense", "[request]\nresolution='x'", "[request]\nmode='std'\n[axes]\nseed=[1]",
            "[request]\n[sweep]\ndesign='spiral'", "[request]\n[sweep]\ndesign='list'\ncells=[1]",
            "[request]\n[sweep]\nbogus=1", "[request]\n[bogus]\nx=1", "[request]\n[axes]\nmode=[]",
            "request=1", "[request]\n[sweep]\ndesign='zip'\n[axes]\nmode=['std']\n[where.mode]\nmodel='x'",
            "[request]\n[sweep]\ndesign='list'\ncells=[{mode='std'}]\n[axes]\nmode=['pro']",
            "[request]\n[sweep]\ncells=[{mode='std'}]",
            "[request]\n[sweep]\nseed='x'\n[axes]\nmode=['std']\n[where]\nmode=1",
        ],
    )  # fmt: skip
    def test_what_is_no_plan(self, tmp_path, text):
        path = tmp_path / "plan.toml"
        path.write_text(text, "utf-8")
        with pytest.raises(RequestError):
            load(path)

    def test_places_that_are_none(self, tmp_path):
        with pytest.raises(RequestError, match="is not a plan"):
            load(tmp_path)
        with pytest.raises(RequestError, match=r"none/plan\.toml cannot be written"):
            save(Sweep(REQ), tmp_path / "none" / "plan.toml")

    def test_a_plan_keeps_its_cells_and_keys(self, ws, req, tmp_path, endpoint):
        image = tmp_path / "red.png"
        image.write_bytes(make_png("red"))
        plan = Sweep(req, image_url=[image, req.image_url], prompt=["a", None], repeats=2, seed=3).plan(ws)
        back = Plan.load(plan.save(tmp_path / "plan.toml"), ws)
        shown = [[(c.key, c.repeat, c.order, c.status, c.labels) for c in one.cells] for one in (plan, back)]
        assert shown[0] == shown[1]
        assert endpoint.posts == []

    def test_numbers_of_numpy_are_numbers(self, tmp_path):
        path = save(Sweep(REQ, watermark_info=[np.float64(1.5)]), tmp_path / "plan.toml")
        assert load(path).axes == {"watermark_info": (1.5,)}


class TestSize:
    """More cells than anybody could pay for or look at are refused before they are written down."""

    @pytest.mark.parametrize(
        "sweep",
        [
            Sweep(REQ, repeats=10**9), Sweep(REQ, repeats=2**70), Sweep.zipped(REQ, mode=["std", "pro"], repeats=50_001),
            Sweep.listed(REQ, [{"mode": "std"}], repeats=10**9), Sweep.listed(REQ, ({"mode": "std"} for _ in itertools.count())),
            Sweep(REQ, prompt=map(str, range(1000)), webhook=map(str, range(1000)), image_url=map(str, range(1000))),
            Sweep(REQ, prompt=map(str, range(400)), webhook=map(str, range(400)), where=lambda _: False),
        ],
    )  # fmt: skip
    def test_too_many_cells_are_refused(self, sweep, tmp_path):
        with Workspace(tmp_path) as ws:
            for ask in (sweep.draws, lambda: sweep.plan(ws)):
                with pytest.raises(RequestError, match="at most 100,000"):
                    ask()

    def test_a_hundred_thousand_are_not(self):
        assert len(Sweep(REQ, prompt=["a", "b"], repeats=50_000).draws()) == 100_000


def told(plan):
    return [(cell.number, cell.request.prompt) for cell in plan.cells]


class TestFrames:
    def test_what_is_no_frame_is_said(self, ws, req):
        plan = Sweep(req).plan(ws)
        for odd in ([{"mode": "pro"}], pd.concat([plan.frame(), plan.frame()[["mode"]]], axis=1)):
            with pytest.raises(RequestError, match="is not a frame"):
                plan.edited(odd)

    def test_frame_shows_cell_repeat_and_order(self, ws, req):
        frame = Sweep(req, prompt=["a", "b"], repeats=2, seed=5).plan(ws).frame()
        assert (frame.index.name, list(frame.index)) == ("cell", [1, 2, 3, 4])
        assert list(frame["repeat"]) == [1, 1, 2, 2]
        assert sorted(frame["order"]) == [1, 2, 3, 4] != list(frame["order"])

    def test_a_prompt_that_is_not_set_is_so_in_the_plan_and_in_the_log(self, ws, req):
        plan = Sweep(req, prompt=[None, "", "a"], webhook=[None]).plan(ws)
        for frame in (plan.sweep.frame(), plan.frame()):
            assert frame["prompt"].isna().tolist() == [True, True, False]
            assert frame["webhook"].isna().all()
        ws.log_store.jobs.add({**ws.preparation.plan_job(plan.cells[0].request), "sandbox": False})
        assert ws.log.frame()["prompt"].isna().tolist() == [True]
        assert [cell.request.prompt or None for cell in plan.edited(plan.frame()).cells] == [None, None, "a"]

    def test_edited_is_checked_and_priced_anew(self, ws, req, tmp_path, endpoint):
        images = [tmp_path / "a" / "hero.png", tmp_path / "b" / "hero.png"]
        for path, color in zip(images, ("red", "blue"), strict=True):
            path.parent.mkdir()
            path.write_bytes(make_png(color))
        plan = Sweep(req, image_url=images, mode=["std", "pro"]).plan(ws)
        frame = plan.frame().drop(index=2)
        frame.loc[4, "mode"] = "turbo"
        frame["prompt"] = ["x", None, "y"]
        edited = plan.edited(frame)
        assert [cell.status for cell in edited.cells] == ["new", "new", "invalid"]
        assert [cell.request.image_url.sha256 for cell in edited.cells] == [
            plan.cells[at].request.image_url.sha256 for at in (0, 2, 3)
        ]
        assert [cell.request.prompt for cell in edited.cells] == ["x", None, "y"]
        assert edited.cost.high == pytest.approx(2 * 0.22848)
        with pytest.raises(RequestError, match="2 different values"):
            plan.edited(frame.reset_index(drop=True))
        assert endpoint.posts == []

    def test_untouched_is_the_same_plan(self, ws, req):
        axes = {"prompt": ["a", None], "watermark_info": [{"enabled": True}, None], "seed": 2, "repeats": 2}
        plan = Sweep(req, **axes).plan(ws)
        for frame in (plan.frame(), plan.frame().sample(frac=1, random_state=1), plan.frame().reset_index()):
            edited = plan.edited(frame)
            assert sorted((c.key, c.repeat, c.order) for c in edited.cells) == sorted(
                (c.key, c.repeat, c.order) for c in plan.cells
            )

    def test_cells_keep_their_numbers(self, ws, req, tmp_path):
        plan = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws)
        part = plan.edited(plan.frame().drop(index=[1, 3]))
        assert told(part) == [(2, "b"), (4, "d")]
        assert part.frame().index.tolist() == [2, 4]
        assert told(part.edited(part.frame().iloc[::-1])) == [(4, "d"), (2, "b")]
        assert told(Plan.load(part.save(tmp_path / "part.toml"), ws)) == told(part)
        part.frame().to_csv(tmp_path / "part.csv")
        assert told(plan.edited(pd.read_csv(tmp_path / "part.csv"))) == told(part)
        more = pd.concat(
            [part.frame(), part.frame().iloc[:1].assign(prompt="e"), pd.DataFrame({"prompt": ["f"]})]
        )
        more.index.name = "cell"
        assert told(part.edited(more.iloc[:-1])) == [(2, "b"), (4, "d"), (5, "e")], (
            "a copied row is a new cell"
        )
        odd = part.frame().set_axis(pd.Index([float("inf"), 2.5], name="cell"))
        assert told(part.edited(odd)) == [(1, "b"), (2, "d")], "these are no numbers of cells"

    def test_a_run_keeps_the_numbers_too(self, ws, req):
        def of_run():
            return sorted((cell["number"], cell["values"]["prompt"]) for cell in run.cells)

        plan = Sweep(req, prompt=["a", "b", "c", "d"]).plan(ws)
        run = plan.edited(plan.frame().drop(index=[1, 3])).run(budget=5)
        assert of_run() == [(2, "b"), (4, "d")]
        run = plan.edited(plan.frame().iloc[[3, 0, 1]]).run(into=run)
        assert of_run() == [(1, "a"), (2, "b"), (4, "d")]
        wider = run.extend(prompt=["e"])
        assert sorted(told(wider)) == [(1, "a"), (2, "b"), (4, "d"), (5, "e")]
        run = wider.run(into=run).wait(60)
        assert of_run() == sorted(told(wider))

    def test_of_frame_takes_the_values_themselves(self, ws, req):
        frame = pd.DataFrame({"mode": ["std", "pro"], "prompt": ["a", None], "mine": [1, 2]})
        plan = Plan.of_frame(ws, req, frame)
        assert [(c.request.mode, c.request.prompt, c.status) for c in plan.cells] == [
            ("std", "a", "new"), ("pro", None, "new")
        ]  # fmt: skip
        assert list(plan.sweep.axes) == ["mode", "prompt"]
        for wrong in (frame[["mine"]], frame.iloc[:0]):
            with pytest.raises(RequestError, match="No cell"):
                Plan.of_frame(ws, req, wrong)
