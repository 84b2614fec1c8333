"""Requests and sweeps as they are typed at a terminal: what is read before any workspace is opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import motion_widgets as mw
from motion_widgets.cli import jobs
from motion_widgets.sweep.plan_file import save
from tests.cli.test_main import Ended, run, said

if TYPE_CHECKING:
    from pathlib import Path

BODY = {"model": "kling-v2-6-motion-control", "image_url": "https://h/i.png", "video_url": "https://h/c.mp4"}


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(BODY), "utf-8")
    return path


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    return save(mw.Sweep(mw.MotionRequest(**BODY), mode=["std", "pro"]), tmp_path / "plan.TOML")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run `sweep` as far as its design: planned(words) -> the axes, or what was said."""

    def plan(*words: object) -> mw.Sweep:
        designs: list[mw.Sweep] = []
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "_sweep", lambda _, design, __: designs.append(design) or 0)
            ended = run("sweep", "--folder", tmp_path / "ws", "--endpoint", "sandbox", *words)
        assert ended.code == 0, ended.err
        return designs[0]

    return plan


class TestAxes:
    def test_without_one_mode_and_orientation_vary(self, planned, request_file: Path) -> None:
        assert planned(request_file).axes == {
            "mode": ("std", "pro"), "character_orientation": ("image", "video"),
        }  # fmt: skip

    def test_an_axis_named_twice_has_the_values_of_both(self, planned, request_file: Path) -> None:
        """The second one replaced the first without a word, and the cells of the first were not there."""
        design = planned(request_file, "--axis", "mode=std", "--axis", "prompt=a,b", "--axis", "mode=pro")
        assert design.axes == {"mode": ("std", "pro"), "prompt": ("a", "b")}

    def test_values_become_what_their_field_takes(self, planned, request_file: Path) -> None:
        design = planned(request_file, "--axis", 'watermark_info={"enabled": true}', "--axis", "prompt=a,,b")
        assert design.axes["prompt"] == ("a", "b"), "nothing between commas is no value"
        assert design.axes["watermark_info"] == ({"enabled": True},)

    def test_repeats_and_seed_are_of_the_design(self, planned, request_file: Path) -> None:
        design = planned(request_file, "--repeats", "3", "--seed", "7")
        assert (design.repeats, design.seed) == (3, 7)

    @pytest.mark.parametrize("name", ["req", "repeats", "seed", "where"])
    def test_an_option_of_a_sweep_is_no_axis(self, request_file: Path, name: str) -> None:
        said(run("sweep", request_file, "--axis", f"{name}=1"), f"“{name}” is not a field")

    @pytest.mark.parametrize("text", ['["a"', "[a]", "[" * 100_000, "['a']"])
    def test_a_list_that_json_does_not_read_shows_how_one_is_written(
        self, request_file: Path, text: str
    ) -> None:
        said(
            run("sweep", request_file, "--axis", f"prompt={text}"),
            "JSON list",
            '\'prompt=["one, with a comma"',
        )


class TestPlans:
    def test_a_plan_is_told_by_its_ending_whatever_its_case(self, planned, plan_file: Path) -> None:
        assert planned(plan_file).axes == {"mode": ("std", "pro")}

    @pytest.mark.parametrize("more", [("--axis", "mode=std"), ("--repeats", "2"), ("--seed", "1")])
    def test_a_whole_plan_takes_no_axes(self, plan_file: Path, more: tuple[str, str]) -> None:
        """They would change nothing without a word."""
        said(run("sweep", plan_file, *more), f"{plan_file} is a whole plan", "--axis, --repeats and --seed")

    def test_a_file_that_no_plan_fills_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "large.toml"
        with path.open("wb") as file:
            file.truncate(32_000_001)
        said(run("sweep", path), str(path), "larger than 32 MB")

    @pytest.mark.parametrize("rule", ["5", "5,", ",0.5", "five,0.5", "5,half", ""])
    def test_a_stop_rule_that_cannot_be_read_is_a_wrong_word(self, request_file: Path, rule: str) -> None:
        ended = run("sweep", request_file, "--stop-after", rule)
        assert (ended.code, ended.out) == (2, "")
        assert "--stop-after" in ended.err

    @pytest.mark.parametrize(
        ("text", "rule"), [("5,0.8", (5, 0.8)), ("5.0,1", (5, 1.0)), ("1.5,1", (1.5, 1.0))]
    )
    def test_a_whole_number_of_cells_is_one_and_others_are_left_to_the_plan(
        self, text: str, rule: tuple[float, float]
    ) -> None:
        found = jobs._stop_rule(text)
        assert (found, type(found[0])) == (rule, type(rule[0]))


class TestRequests:
    @pytest.mark.parametrize("command", ["submit", "check", "sweep"])
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", ["request.json"]), (b"[1]", ["JSON object", "list"]), (b"{", ["request.json"]),
            (b'{"modell": "x"}', ["modell", "silently ignore"]), (b"\xff\xfe", ["request.json"]),
            (b"[" * 200_000, ["request.json"]), (b'"' + b"x" * 1_000_001, ["1,000,000 characters"]),
        ],
        ids=["empty", "list", "cut", "misspelt", "bytes", "deep", "long"],
    )  # fmt: skip
    def test_what_is_no_request(self, tmp_path: Path, command: str, content: bytes, words: list[str]) -> None:
        path = tmp_path / "request.json"
        path.write_bytes(content)
        folder = ("--folder", tmp_path / "ws", "--endpoint", "sandbox")
        said(run(command, *folder, path), *words)
        assert not list((tmp_path / "ws").glob("results/*")), "and nothing was sent"

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        said(run("sweep", tmp_path), "Is a directory")

    def test_a_request_may_come_from_standard_input(self, planned, monkeypatch: pytest.MonkeyPatch) -> None:
        import io

        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(BODY)))
        assert planned("-", "--axis", "mode=pro").request == mw.MotionRequest.from_wire(BODY)


def test_an_interrupt_is_130_and_says_what_goes_on(
    request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "read_request", interrupt)
    assert run("sweep", request_file) == Ended(
        130, "", "Interrupted. Jobs that were sent go on; motion-widgets log lists them.\n"
    )
