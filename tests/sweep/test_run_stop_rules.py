# ruff: noqa: ARG002
"""Repeats, pause, early stop, extend and trims: what a run sends, and what it leaves planned."""

from __future__ import annotations

import json
import threading

import pytest

from motion_widgets import RequestError, Sweep, measure_clip
from motion_widgets.core.errors import HeldError
from motion_widgets.jobs.scheduling import timing
from motion_widgets.sweep import Run
from tests.jobs.endpoint import Process, Say, make_clip, make_png, refusal


class TestRepeats:
    def test_each_is_a_job_and_the_same_plan_pays_nothing(self, ws, req, endpoint):
        sweep = Sweep(req, prompt=["a", "b"], repeats=3, seed=1)
        run = sweep.plan(ws).run(budget=5).wait(60)
        assert (run.counts(), len(endpoint.charges)) == ({"collected": 6}, 6)
        assert sorted((row.prompt, row.repeat, row.attempt) for row in run.rows()) == [
            (prompt, repeat, 1) for prompt in "ab" for repeat in (1, 2, 3)
        ]
        plan = sweep.plan(ws)
        assert ({cell.status for cell in plan.cells}, plan.cost.high) == ({"done"}, 0)
        again = plan.run(budget=5)
        assert (again.id, again.wait(60).counts(), len(endpoint.posts)) == (run.id, {"collected": 6}, 6)

    def test_more_repeats_pay_for_the_further_ones_only(self, ws, req, endpoint):
        first = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=5).wait(60)
        plan = Sweep(req, prompt=["a", "b"], repeats=2).plan(ws)
        assert [cell.status for cell in plan.cells] == ["done", "done", "new", "new"]
        second = plan.run(budget=5).wait(60)
        assert (len(endpoint.charges), second.id != first.id) == (4, True)
        assert [row.repeat for row in second.rows()] == [1, 1, 2, 2]

    def test_a_failed_repeat_is_tried_again_as_itself(self, ws, req, endpoint):
        endpoint.next_post.append(refusal(400))
        sweep = Sweep(req, prompt=["a"], repeats=3)
        sweep.plan(ws).run(budget=5).wait(60)
        assert sorted(cell.status for cell in sweep.plan(ws).cells) == ["done", "done", "new"]
        run = sweep.plan(ws).run(budget=5).wait(60)
        assert run.counts() == {"collected": 3}
        assert max((row.repeat, row.attempt) for row in ws.log_store.jobs.rows()) in {(3, 1), (3, 2)}
        assert len(ws.log) == 4

    def test_new_pays_for_as_many_again(self, ws, req, endpoint):
        sweep = Sweep(req, prompt=["a"], repeats=2)
        sweep.plan(ws).run(budget=5).wait(60)
        run = sweep.plan(ws).run(budget=5, new=True).wait(60)
        assert [row.repeat for row in run.rows()] == [3, 4]

    def test_processes_at_once_pay_for_each_repeat_once(self, spaces, req, endpoint):
        sweep, spot, runs = Sweep(req, prompt=["a", "b"], repeats=3), threading.Barrier(3), []

        def go(ws):
            plan = sweep.plan(ws)
            spot.wait(30)
            runs.append(plan.run(budget=5))

        threads = [threading.Thread(target=go, args=(spaces(),)) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
        assert {run.wait(60).id for run in runs} == {runs[0].id}
        assert len(endpoint.charges) == len(endpoint.posts) == len(runs[0].rows()) == 6

    def test_further_repeats_at_once_are_all_different(self, spaces, req):
        sweep, rows = Sweep(req, prompt=["a"], repeats=2), []

        def go(ws):
            rows.extend(sweep.plan(ws).run(budget=5, new=True).rows())

        threads = [threading.Thread(target=go, args=(spaces(),)) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
        assert sorted(row.repeat for row in rows) == [1, 2, 3, 4, 5, 6]


def test_shuffled_cells_are_sent_in_the_running_order(ws, req, endpoint, monkeypatch):
    monkeypatch.setattr(timing, "CALLS", 1)
    plan = Sweep(req, prompt=list("abcdefgh"), seed=11).plan(ws)
    run = plan.run(budget=5).wait(60)
    wanted = [cell.values["prompt"] for cell in sorted(plan.cells, key=lambda one: one.order)]
    sent = [json.loads(post.body)["prompt"] for post in endpoint.posts]
    assert sent == wanted != list("abcdefgh")
    assert [row.prompt for row in run.rows()] == list("abcdefgh"), "shown as it was planned"


class TestPause:
    def test_planned_cells_wait_for_resume_in_any_process(self, spaces, req, endpoint, monkeypatch):
        monkeypatch.setattr(timing, "CALLS", 1)
        ws, other = spaces(), spaces()
        sent, free = threading.Event(), threading.Event()
        endpoint.on_post = lambda _: (sent.set(), free.wait(30))
        run = Sweep(req, prompt=list("abcd")).plan(ws).run(budget=5)
        assert sent.wait(30)
        twin = other.attach(run.id).pause()
        free.set()
        assert (run.wait(60).paused, twin.paused) == (True, True)
        assert run.counts() == {"collected": 1, "planned": 3}
        at_rest = len(endpoint.posts)
        assert at_rest == 1, "an intent that was not sent yet is put back"
        assert "paused" in repr(run)
        waiting = [row for row in run.rows() if row.state == "planned"]
        assert {row.error_kind for row in waiting} <= {"held", None}
        other.attach(run.id).retry("failed").wait(60)
        Sweep(req, prompt=list("abcd")).plan(other).run(budget=5).wait(60)
        assert len(endpoint.posts) == at_rest, "neither retry nor running the plan again sends them"
        assert all("resume()" in row.error_message for row in run.rows() if row.state == "planned")
        assert twin.resume().wait(60).counts() == {"collected": 4}
        assert len(endpoint.charges) == len(endpoint.posts) == 4
        assert run.budget[1] == pytest.approx(run.cost)

    def test_it_holds_after_a_restart_and_in_another_process(self, spaces, req, endpoint, monkeypatch):
        ws = spaces()
        with monkeypatch.context() as patch:
            patch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
            run = Sweep(req, prompt=["a", "b"]).plan(ws).run(budget=5).pause()
        ws.close()
        with Process(ws.folder, endpoint, req, do="run", id=run.id) as other:
            assert other.hear() == "ready"
            assert other.hear() == ({"planned": 2}, 5.0)
        again = spaces().attach(run.id)
        again.drive()
        assert (again.wait(60).counts(), again.paused, endpoint.posts) == ({"planned": 2}, True, [])
        assert again.resume().wait(60).counts() == {"collected": 2}

    def test_a_race_with_the_intent_is_decided_by_the_log(self, ws, req, monkeypatch):
        monkeypatch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
        run = Sweep(req, mode="std").plan(ws).run(budget=5)
        row = run.rows()[0]
        run.pause()
        with pytest.raises(HeldError, match="is paused"):
            ws.log_store.transitions.intend(row.id, 1, owner="me")
        assert ws.log_store.jobs.get(row.id).state == "planned"
        assert run.budget[1] == 0
        ws.log_store.sweeps.hold(run.id, paused=None)
        assert ws.log_store.transitions.intend(row.id, 1, owner="me")
        run.pause()
        with pytest.raises(HeldError, match="is paused"):
            ws.log_store.transitions.seal(row.id, "{}", owner="me")
        assert ws.log_store.jobs.get(row.id).sent is None
        assert ws.log_store.transitions.seal(row.id, "{}", owner="me", anyway=True)


class TestEarlyStop:
    @pytest.fixture
    def fails(self, endpoint):
        """Let every request of mode pro be refused."""

        def judge(post):
            return refusal(400) if json.loads(post.body)["mode"] == "pro" else None

        endpoint.next_post.extend([judge] * 1000)

    @pytest.fixture
    def one_by_one(self, ws, monkeypatch):
        """A cell is sent once the one before it has ended, so that there is something to learn from."""
        monkeypatch.setattr(timing, "ROOM", 1)

    def sweep(self, req, count=8):
        """Std before pro in every pair, and a seed-free order, so that both have ended early."""
        prompts = [str(one) for one in range(count)]
        return Sweep(req, prompt=prompts, mode=["std", "pro"])

    def test_planned_cells_of_a_failing_value_are_not_sent(self, req, endpoint, fails, one_by_one, spaces):
        run = self.sweep(req).plan(spaces()).run(budget=20, stop_after=(3, 0.8)).wait(120)
        counts = run.counts()
        assert counts["collected"] == 8
        assert counts["planned"] >= 1
        assert counts["rejected"] + counts["planned"] == 8
        assert counts["rejected"] >= 3
        assert len(endpoint.posts) == 8 + counts["rejected"]
        held = [row for row in run.rows() if row.state == "planned"]
        assert {(row.mode, row.error_kind) for row in held} == {("pro", "held")}
        assert all("\u201cpro\u201d of mode failed" in row.error_message for row in held)
        assert len(run.stopped) == 1
        assert "go_on()" in run.stopped[0]

    def test_unknown_outcomes_count_as_failures(self, req, endpoint, one_by_one, spaces, monkeypatch):
        monkeypatch.setattr(timing, "DOUBTS", 100)  # else it is paused before there is anything to compare

        def judge(post):
            return Say(502, b"<html>") if json.loads(post.body)["mode"] == "pro" else None

        endpoint.next_post.extend([judge] * 1000)
        run = self.sweep(req).plan(spaces()).run(budget=20, stop_after=(3, 0.8)).wait(120)
        counts = run.counts()
        assert (counts["collected"], counts["unknown"] + counts["planned"]) == (8, 8)
        assert 3 <= counts["unknown"] < 8
        assert {row.error_kind for row in run.rows() if row.state == "planned"} == {"held"}

    def test_it_holds_in_another_process_and_ends_when_a_person_says_so(
        self, req, endpoint, fails, one_by_one, spaces
    ):
        first = spaces()
        run = self.sweep(req).plan(first).run(budget=20, stop_after=(3, 0.8)).wait(120)
        posts, waiting = len(endpoint.posts), run.counts()["planned"]
        first.close()
        again = spaces().attach(run.id)
        again.drive()
        assert again.wait(60).counts()["planned"] == waiting
        assert (len(endpoint.posts), len(again.stopped)) == (posts, 1)
        again.go_on().wait(60)
        assert again.counts() == {"collected": 8, "rejected": 8}
        assert again.stopped == []

    def test_attempts_again_count_anew(self, req, endpoint, fails, one_by_one, spaces):
        run = self.sweep(req).plan(spaces()).run(budget=20, stop_after=(3, 0.8)).wait(120)
        assert run.counts()["planned"] >= 1
        endpoint.next_post.clear()
        assert run.retry("failed").wait(120).counts() == {"collected": 16}

    @pytest.mark.parametrize(
        "case",
        [
            ({"std": 2}, {"pro": 3}, [("mode", "pro")]),
            ({"std": 2}, {"pro": 2}, []),  # too few have ended
            ({}, {"pro": 3}, []),  # nothing to compare with
            ({"std": 1}, {"pro": 4, "std": 4}, []),  # all fails alike: 80 % is reached there too
            ({"pro": 1, "std": 3}, {"pro": 4}, [("mode", "pro")]),  # exactly 80 %
            ({"pro": 2, "std": 3}, {"pro": 4}, []),
        ],
    )
    def test_when_a_value_is_to_blame(self, ws, req, monkeypatch, case):
        good, bad, found = case
        monkeypatch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
        run = self.sweep(req).plan(ws).run(budget=20, stop_after=(3, 0.8))
        rows = run.rows()
        for state, wanted in (("collected", good), ("failed", bad)):
            for mode, count in wanted.items():
                some = [row for row in rows if row.mode == mode and row.state == "planned"][:count]
                for row in some:
                    ws.log_store.transitions.record(row.id, state=state)
                rows = run.rows()
        assert [(one.axis, one.value) for one in ws.log_store.sweeps.failing(run.id)] == found

    def test_refusals_of_the_account_blame_no_value(self, ws, req, monkeypatch):
        monkeypatch.setattr("motion_widgets.jobs.runner.Runner.drive", lambda *_, **__: None)
        run = self.sweep(req).plan(ws).run(budget=20, stop_after=(1, 0.5))
        pro, std = (next(row for row in run.rows() if row.mode == mode) for mode in ("pro", "std"))
        ws.log_store.transitions.record(std.id, state="collected")
        ws.log_store.transitions.record(pro.id, state="rejected", error_kind="payment")
        assert ws.log_store.sweeps.failing(run.id) == []
        ws.log_store.transitions.record(pro.id, state="rejected", error_kind="parameters")
        assert ws.log_store.sweeps.failing(run.id) != []

    @pytest.mark.parametrize("rule", [(0, 0.5), (3, 0), (3, 1.1), (True, 0.5), 3, (3,), ("3", 0.5)])
    def test_what_is_no_rule(self, ws, req, endpoint, rule):
        with pytest.raises(RequestError, match=r"\(5, 0\.8\)"):
            Sweep(req).plan(ws).run(budget=5, stop_after=rule)
        assert (len(ws.log), endpoint.posts) == (0, [])


class TestExtend:
    def test_only_new_cells_are_paid_for(self, spaces, req, endpoint, tmp_path):
        image = tmp_path / "red.png"
        image.write_bytes(make_png("red"))
        ws = spaces()
        base = req.replace(image_url=image, watermark_info={"enabled": False})
        run = Sweep(base, mode=["std"], prompt=["a", "b"]).plan(ws).run(budget=5).wait(60)
        ws.close()
        image.unlink()
        found = spaces().attach(run.id)
        assert isinstance(found, Run)
        plan = found.extend(mode=["pro"], character_orientation=["video"])
        assert [cell.status for cell in plan.cells].count("done") == 2
        assert {tuple(cell.labels.values()) for cell in plan.cells} == {
            (mode, prompt, way) for mode in ("std", "pro") for prompt in "ab" for way in ("image", "video")
        }
        assert len(endpoint.posts) == 2, "a plan pays for nothing"
        more = plan.run(budget=5).wait(60)
        assert (more.counts(), len(endpoint.charges)) == ({"collected": 8}, 8)
        assert more.budget[1] == pytest.approx(more.cost - run.cost)

    def test_values_that_are_there_already_add_nothing(self, ws, req, endpoint):
        run = Sweep(req, mode=["std", "pro"]).plan(ws).run(budget=5).wait(60)
        plan = run.extend(mode=["pro", "std"])
        assert [cell.status for cell in plan.cells] == ["done", "done"]
        assert plan.run().id == run.id

    def test_repeats_may_be_added(self, ws, req, endpoint):
        run = Sweep(req, mode=["std", "pro"], repeats=2).plan(ws).run(budget=5).wait(60)
        plan = run.extend(repeats=3, prompt=["other"])
        assert sorted((cell.repeat, cell.status) for cell in plan.cells) == sorted(
            [(number, "done") for number in (1, 1, 2, 2)]
            + [(3, "new")] * 2
            + [(number, "new") for number in (1, 1, 2, 2, 3, 3)]
        )
        assert len(plan.run(budget=5).wait(60).rows()) == len(endpoint.charges) == 12

    def test_what_is_no_axis(self, ws, req):
        run = Sweep(req, mode="std").plan(ws).run(budget=5).wait(60)
        with pytest.raises(RequestError, match="resolution"):
            run.extend(resolution=["1080p"])
        with pytest.raises(RequestError, match="whole number"):
            run.extend(repeats=0)


class TestOffer:
    @pytest.fixture
    def long(self, tmp_path, endpoint):
        endpoint.files["/media/long.mp4"] = make_clip(tmp_path / "long.mp4", 12)
        endpoint.files["/media/short.mp4"] = make_clip(tmp_path / "short.mp4", 9.5)
        return tmp_path

    def test_the_same_trimmed_clip_for_all_cells(self, ws, req, long, endpoint):
        plan = Sweep(req.replace(video_url=f"{endpoint.url}/media/long.mp4")).plan(ws)
        assert [cell.status for cell in plan.cells] == ["invalid", "new", "invalid", "new"]
        offer = plan.offer
        assert (offer.seconds, offer.cells, [clip.name for clip in offer.clips]) == (10, (1, 3), ["long.mp4"])
        assert "long.mp4: too long for 2 cells" in offer.message
        asked = []

        def trim(clip, *, length):
            asked.append((clip.name, length))
            return measure_clip(f"{endpoint.url}/media/short.mp4")

        taken = offer.take(trim)
        assert asked == [("long.mp4", 10)]
        assert [cell.status for cell in taken.cells] == ["new"] * 4
        assert {cell.request.video_url.name for cell in taken.cells} == {"short.mp4"}
        assert (taken.offer, list(taken.sweep.axes)) == (None, list(plan.sweep.axes))
        same = offer.take(measure_clip(f"{endpoint.url}/media/short.mp4"))
        assert [cell.key for cell in same.cells] == [cell.key for cell in taken.cells]

    def test_only_the_long_one_of_several_clips(self, ws, req, long, endpoint):
        clips = [f"{endpoint.url}/media/long.mp4", req.video_url]
        plan = Sweep(req, video_url=clips, character_orientation=["image", "video"]).plan(ws)
        taken = plan.offer.take(measure_clip(f"{endpoint.url}/media/short.mp4"))
        assert [cell.labels["video_url"] for cell in taken.cells] == ["short.mp4"] * 2 + ["clip.mp4"] * 2
        assert {cell.status for cell in taken.cells} == {"new"}

    def test_none_where_nothing_is_confounded(self, ws, req, long, endpoint):
        far = req.replace(video_url=f"{endpoint.url}/media/long.mp4")
        for sweep in (
            Sweep(req),
            Sweep(far, character_orientation="image"),
            Sweep(far, character_orientation="video"),
        ):
            assert sweep.plan(ws).offer is None

    def test_what_is_still_too_long_is_refused(self, ws, req, long, endpoint):
        plan = Sweep(req.replace(video_url=f"{endpoint.url}/media/long.mp4")).plan(ws)
        with pytest.raises(RequestError, match=r"12\.0\d\d s; a clip of at most 10 s"):
            plan.offer.take(lambda clip, **_: clip)
        with pytest.raises(RequestError, match="NoneType"):
            plan.offer.take(lambda *_, **__: None)
