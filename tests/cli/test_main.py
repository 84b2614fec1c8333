"""The terminal's commands: what each prints, leaves behind and ends with."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pytest

import motion_widgets as mw
from motion_widgets.cli import main
from motion_widgets.endpoint import api_key
from motion_widgets.jobs.scheduling import timing
from motion_widgets.sandbox import server
from motion_widgets.workspace import at_exit
from tests.jobs import endpoint as live
from tests.notebooks._counter import PLANTED, counting, files_with

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).parents[2]
CURL = (REPO / "motion_widgets/sandbox/README.md").read_text("utf-8")
PROGRAM = [sys.executable, "-c", "import sys; from motion_widgets.cli.main import main; sys.exit(main())"]
KEYLESS = {name: value for name, value in os.environ.items() if not name.startswith(("APIMART", "MOTION_"))}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def run(*words: object) -> Ended:
    """Run a command in this process, and close the workspaces it opened."""
    out, err, before = io.StringIO(), io.StringIO(), set(at_exit.OPEN)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main.main([str(word) for word in words])
        except SystemExit as error:
            code = int(error.code or 0)
        finally:
            for ws in set(at_exit.OPEN) - before:
                ws.close()
    return Ended(code, out.getvalue(), err.getvalue())


def said(ended: Ended, *words: str) -> None:
    """Check that a command ended with 1 and one line that holds all `words`."""
    assert ended.code == 1, ended
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert "Errno" not in ended.err
    assert "Traceback" not in ended.err
    assert [word for word in words if word not in lines[0]] == [], lines[0]


@pytest.fixture(scope="module", autouse=True)
def _fast() -> Iterator[None]:
    """Hurry the sandbox's clock, and take any key away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "DEFAULT_SPEED", 300.0)
        for name in set(os.environ) - set(KEYLESS):
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """Run the demo once, with a live key and a live address in the environment that it must not use."""
    folder = tmp_path_factory.mktemp("demo") / "ws"
    with counting() as counter, pytest.MonkeyPatch.context() as patch:
        patch.setenv("APIMART_API_KEY", PLANTED)
        patch.setenv("APIMART_BASE_URL", counter.url)
        ended = run("demo", "--folder", folder)
        assert counter.asked == []
    with mw.Workspace(folder, endpoint="sandbox") as ws, ws.log_store.database.write() as connection:
        connection.exec_driver_sql("UPDATE sweeps SET created = 1")  # else its name changes at midnight
    return folder, ended


@pytest.fixture
def folder(demo: tuple[Path, Ended]) -> Path:
    return demo[0]


@pytest.fixture
def request_file(folder: Path, tmp_path: Path) -> Path:
    """Write the demo's own request, which has a result already."""
    return write(tmp_path / "request.json", folder, prompt="Waves at the camera, steady framing")


def write(path: Path, folder: Path, **fields: object) -> Path:
    body = {
        "model": "kling-v2-6-motion-control",
        "image_url": str(folder / "samples/figure.png"),
        "video_url": str(folder / "samples/wave-6s.mp4"),
        "character_orientation": "image",
        "mode": "std",
        **fields,
    }
    path.write_text(json.dumps(body), "utf-8")
    return path


def frame(folder: Path, *, hidden: bool = False) -> pd.DataFrame:
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        return ws.log.frame(hidden=hidden)


# --- demo ---


def test_demo_runs_a_two_by_two_sweep(demo: tuple[Path, Ended]) -> None:
    folder, ended = demo
    assert ended.code == 0, ended.err
    rows = frame(folder)
    assert list(rows["state"]) == ["collected"] * 4
    assert set(zip(rows["mode"], rows["character_orientation"], strict=True)) == {
        (mode, way) for mode in ("std", "pro") for way in ("image", "video")
    }
    assert f"cost ${rows['cost'].sum():.2f} of sandbox money" in ended.out
    montage = Path(ended.out.strip().rsplit(": ", 1)[1])
    assert mw.measure_clip(montage).length == pytest.approx(6, abs=0.2)


def test_the_table_of_a_demo_begins_a_line_of_its_own(demo: tuple[Path, Ended]) -> None:
    assert any(line.startswith("mode character_orientation") for line in demo[1].out.splitlines())


def test_demo_leaves_the_key_alone(demo: tuple[Path, Ended]) -> None:
    folder, ended = demo
    assert PLANTED not in ended.out + ended.err
    assert files_with(folder, PLANTED) == []


def test_demo_again_pays_nothing(demo: tuple[Path, Ended]) -> None:
    folder, first = demo
    again = run("demo", "--folder", folder)
    assert again.code == 0, again.err
    assert len(frame(folder)) == 4
    assert "4 done" in again.out
    assert (
        first.out.strip().splitlines()[-1].split(":")[0] == again.out.strip().splitlines()[-1].split(":")[0]
    )


# --- measure, check ---


def test_measure_prints_a_json_line_a_file(folder: Path) -> None:
    ended = run("measure", folder / "samples/dance-12s.mp4", folder / "samples/figure.png")
    assert ended.code == 0
    clip, image = map(json.loads, ended.out.splitlines())
    assert clip["length"] == pytest.approx(12)
    assert clip["has_audio"] is True
    assert (image["format"], image["width"], image["height"]) == ("png", 720, 1280)


def test_measure_goes_on_after_a_bad_file(folder: Path, tmp_path: Path) -> None:
    ended = run("measure", tmp_path / "nothing.mp4", folder / "samples/wave-6s.mp4")
    said(ended, "nothing.mp4", "not found here", "Check the path")
    assert json.loads(ended.out)["length"] == pytest.approx(6)


def test_check_prices_a_valid_request(folder: Path, request_file: Path) -> None:
    ended = run("check", "--folder", folder, request_file)
    assert ended == Ended(0, "Price: $0.35\n", "")


def test_check_says_what_is_wrong_and_ends_with_1(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "long.json", folder, video_url=str(folder / "samples/dance-12s.mp4"))
    ended = run("check", "--folder", folder, path)
    assert ended.code == 1
    assert ended.out.splitlines()[0].startswith("error: video_url: The clip is 12.00 s, 2.00 s too long")
    assert ended.err == "The request has 1 error and cannot be sent.\n"
    assert "3–10 s" in ended.out


def test_check_reads_standard_input(
    folder: Path, request_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(request_file.read_text("utf-8")))
    assert run("check", "--folder", folder, "-").out == "Price: $0.35\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", ["A request is a JSON object", "list"]),
        ('{"modle": "x"}', ["modle", "the fields are"]),
        ("{", ["is not a request", "Pass a JSON file"]),
        ("[" * 100_000, ["is not a request"]),
    ],
    ids=["list", "unknown field", "no JSON", "too deep"],
)
def test_check_of_something_else(folder: Path, tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "request.json"
    path.write_text(text, "utf-8")
    said(run("check", "--folder", folder, path), *words)


def test_check_of_a_missing_file(folder: Path, tmp_path: Path) -> None:
    said(run("check", "--folder", folder, tmp_path / "no.json"), "no.json", "No such file")
    said(run("check", "--folder", folder, tmp_path), "Is a directory")


# --- submit ---


def test_submit_attaches_to_what_is_there(folder: Path, request_file: Path) -> None:
    ended = run("submit", "--folder", folder, request_file)
    assert ended.code == 0, ended.err
    an_id, shown, path = ended.out.splitlines()
    assert an_id in set(frame(folder)["id"])
    assert shown == f"<Job {an_id}: collected, $0.34, SANDBOX>"
    assert re.search(rf"{an_id} \(std, image\) ━+ collected", ended.err), (
        "its progress is not in the way of a pipe"
    )
    assert Path(path).is_file()
    assert len(frame(folder)) == 4


def test_submit_new_makes_one_more(demo: tuple[Path, Ended], tmp_path: Path) -> None:
    copy = tmp_path / "ws"
    shutil.copytree(demo[0], copy)
    path = write(tmp_path / "request.json", copy, prompt="Waves at the camera, steady framing")
    ended = run("submit", "--folder", copy, path, "--new", "--max-cost", "0.60")
    assert ended.code == 0, ended.err
    assert len(frame(copy)) == 5


def test_submit_over_the_bound_sends_nothing(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "request.json", folder, prompt="never sent")
    said(run("submit", "--folder", folder, path, "--max-cost", "0.01"), "$0.35", "$0.01", "Raise the limit")
    assert len(frame(folder)) == 4


def test_submit_live_needs_a_bound_and_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)  # its media stay unmeasured, and nobody is asked
    monkeypatch.setattr(api_key, "_keyring_get", lambda _: None)
    links = {"image_url": "https://example.com/hero.png", "video_url": "https://example.com/dance.mp4"}
    path = write(tmp_path / "request.json", tmp_path, **links)
    words = ("submit", "--folder", tmp_path / "ws", path, "--endpoint", "apimart")
    said(run(*words), "real money", "--max-cost 0.58")
    said(run(*words, "--max-cost", "0.60"), "api.apimart.ai", "APIMART_API_KEY")
    assert len(frame(tmp_path / "ws")) == 0


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://example.com", "https://example.com"])
def test_endpoints_that_are_none(folder: Path, request_file: Path, endpoint: str) -> None:
    ended = run("submit", "--folder", folder, request_file, "--endpoint", endpoint)
    said(ended, "example.com" if "example" in endpoint else "nonsense")


# --- sweep, attach ---


def test_sweep_plan_sends_nothing(folder: Path, request_file: Path) -> None:
    ended = run("sweep", "--folder", folder, request_file, "--plan")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "<Plan of 4 cells: 4 done; $0.00>"
    axes = ["--axis", "mode=std,pro", "--axis", "model=kling-v3-motion-control"]
    ended = run("sweep", "--folder", folder, request_file, "--plan", *axes)
    assert ended.out.splitlines()[-1] == "<Plan of 2 cells: 2 new; $1.44>"
    assert len(frame(folder)) == 4


def test_sweep_runs_and_attach_takes_it_up(folder: Path, request_file: Path) -> None:
    ended = run("sweep", "--folder", folder, request_file, "--budget", "5")
    assert ended.code == 0, ended.err
    found = re.search(r"^run-\w+$", ended.out, re.MULTILINE)
    assert found is not None
    assert "4 of 4 cells collected." in ended.err
    assert "4 collected; $1.78, SANDBOX>" in ended.out
    again = run("attach", "--folder", folder, found[0])
    assert again.code == 0, again.err
    assert "4 collected; $1.78, SANDBOX>" in again.out
    assert len(frame(folder)) == 4


@pytest.mark.parametrize(
    ("axis", "word"),
    [
        ("bogus=1", "bogus"),
        ("mode=", "mode has no values"),
        ("=", "is not a field"),
        ('prompt=["a', "JSON list"),
    ],
)  # fmt: skip
def test_sweep_axes_that_are_none(folder: Path, request_file: Path, axis: str, word: str) -> None:
    said(run("sweep", "--folder", folder, request_file, "--axis", axis), word)


def test_sweep_values_with_commas_are_a_json_list(folder: Path, request_file: Path) -> None:
    axis = ("--axis", 'prompt=["waves, then bows", null]')
    ended = run("sweep", "--folder", folder, request_file, "--plan", *axis)
    assert "waves, then bows" in ended.out
    assert ended.out.splitlines()[-1] == "<Plan of 2 cells: 2 new; $0.69>"


def test_a_run_is_paused_and_let_go_from_the_terminal(demo: tuple[Path, Ended], tmp_path: Path) -> None:
    copy = tmp_path / "ws"
    shutil.copytree(demo[0], copy)
    path = write(tmp_path / "request.json", copy)
    words = ("--axis", "prompt=a,b", "--budget", "0.40", "--stop-after", "4,0.5")
    ended = run("sweep", "--folder", copy, path, *words)
    found = re.search(r"^run-\w+$", ended.out, re.MULTILINE)
    assert (ended.code, found is not None) == (1, True), "the budget holds one of two"
    assert found is not None
    ended = run("pause", "--folder", copy, found[0])
    assert (ended.code, ended.err) == (0, "")
    assert f"{found[0]} is paused" in ended.out
    again = run("attach", "--folder", copy, found[0])
    assert re.search(r"^ +a (collected|planned) ", again.out, re.MULTILINE), "what varies is told"
    assert "1 planned, paused; $0.34, SANDBOX>" in ended.out
    ended = run("resume", "--folder", copy, found[0], "--max-cost", "0.30")
    said(ended, "This costs $0.35, but at most $0.30 may be spent")
    ended = run("resume", "--folder", copy, found[0])
    assert "Its planned cells cost $0.35 now." in ended.out
    assert "1 planned; $0.34, SANDBOX>" in ended.out
    with mw.Workspace(copy, endpoint="sandbox") as ws:
        assert ws.log_store.sweeps.get(found[0]).stop_after == "[4, 0.5]"
    for command in ("pause", "resume"):
        said(run(command, "--folder", copy, "run-none"), "There is no run-none")
    assert run("sweep", "--folder", copy, path, "--stop-after", "often").code == 2
    said(run("sweep", "--folder", copy, path, "--stop-after", "0,2"), "is not a stop rule")


def test_sweep_without_a_valid_cell(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "request.json", folder, video_url=str(folder / "samples/dance-12s.mp4"))
    ended = run("sweep", "--folder", folder, path, "--axis", "mode=std,pro")
    said(ended, "No cell of this sweep is valid", "12.00 s")
    assert len(frame(folder)) == 4


def test_sweep_saves_a_plan_that_runs_from_its_file(folder: Path, request_file: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    words = ["--axis", "mode=std,pro", "--repeats", 2, "--seed", 3, "--save", plan]
    ended = run("sweep", "--folder", folder, request_file, "--dry-run", *words)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-2:] == [str(plan), "<Plan of 4 cells: 2 new, 2 done; $0.90>"]
    assert {"repeat", "order"} <= set(ended.out.split())
    again = run("sweep", "--folder", folder, plan, "--dry-run")
    assert again.out.splitlines()[-1] == ended.out.splitlines()[-1]
    assert len(frame(folder)) == 4, "nothing was planned in the log, let alone sent"
    said(run("sweep", "--folder", folder, plan, "--budget", "0.10"), "0.10")
    said(run("sweep", "--folder", folder, plan, "--axis", "mode=std"), "plan.toml", "Edit the file")


def test_sweep_of_a_plan_runs_it(folder: Path, tmp_path: Path) -> None:
    body = json.loads(
        write(tmp_path / "request.json", folder, prompt="Waves at the camera, steady framing").read_text()
    )
    lines = [f"{name} = {json.dumps(value)}" for name, value in body.items()]
    plan = tmp_path / "plan.toml"
    plan.write_text("\n".join(["[request]", *lines, "[axes]", 'mode = ["std", "pro"]']), "utf-8")
    ended = run("sweep", "--folder", folder, plan, "--budget", "5")
    assert ended.code == 0, ended.err
    assert "2 collected" in ended.out
    assert len(frame(folder)) == 4, "both were there"


def test_sweep_says_what_a_budget_buys(folder: Path, request_file: Path) -> None:
    axes = ["--axis", "mode=std,pro", "--axis", "prompt=a,b,c,d", "--dry-run", "--fraction"]
    ended = run("sweep", "--folder", folder, request_file, *axes, "2.50")
    assert ended.code == 0, ended.err
    assert "of 8 cells are left out" in ended.out
    assert "Whether mode and prompt interact" in ended.out
    said(run("sweep", "--folder", folder, request_file, *axes, "0.50"), "at least 5 new cells")


def test_sweep_offers_to_trim_for_all_cells(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "request.json", folder, video_url=str(folder / "samples/dance-12s.mp4"))
    ended = run("sweep", "--folder", folder, path, "--dry-run")
    assert ended.code == 0, ended.err
    assert ended.out.count("If all cells take the same clip, trimmed to 10 s") == 1


def test_what_is_planned_live_is_sent_for_a_stated_price_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run on a live endpoint whose budget held one of its two cells, taken up from the terminal."""
    monkeypatch.setattr(timing, "POLL", (0.01, 0.05))
    monkeypatch.setenv("APIMART_API_KEY", live.KEY)
    folder, endpoint = tmp_path / "ws", live.Endpoint(live.make_clip(tmp_path / "clip.mp4"))
    monkeypatch.setenv("APIMART_BASE_URL", endpoint.url)
    try:
        with mw.Workspace(folder, endpoint="apimart") as ws:
            links = [f"{endpoint.url}/media/{name}" for name in ("image.png", "clip.mp4")]
            req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url=links[0], video_url=links[1])
            began = ws.plan(mw.Sweep(req, prompt=["a", "b"])).run(budget=0.40)
            began.wait(30)
            assert ws.live
        where = ("--folder", folder, "--endpoint", "apimart")
        job = next(one.id for one in began.jobs if one.state == "collected")
        assert run("attach", *where, job).out.splitlines()[-1].endswith(f"{job}.mp4")
        ended = run("attach", *where, began.id)
        assert "1 planned" in ended.out
        price = re.search(r"\$0\.\d+", ended.err + ended.out)
        assert price is not None, "it says what resume would cost"
        assert "motion-widgets resume" in ended.err + ended.out
        said(run("resume", *where, began.id), "real money", "--max-cost")
        said(run("resume", *where, began.id, "--max-cost", "0.01"), "$0.01 may be spent")
        assert len(endpoint.posts) == 1, "nothing was sent without a person's price"
        ended = run("resume", *where, began.id, "--max-cost", "0.60")
        assert (ended.code, len(endpoint.posts)) == (0, 2), ended
        assert "2 collected" in ended.out
    finally:
        endpoint.stop()


def test_attach_a_job(folder: Path) -> None:
    an_id = frame(folder)["id"].iloc[0]
    ended = run("attach", "--folder", folder, an_id)
    assert ended.code == 0
    assert Path(ended.out.splitlines()[-1]).stem == an_id


@pytest.mark.parametrize("an_id", ["job-none", "run-none", ""])
def test_attach_to_nothing(folder: Path, an_id: str) -> None:
    said(run("attach", "--folder", folder, an_id), an_id, "motion-widgets log --folder")


def test_attach_to_what_has_no_result_says_why_it_ends_with_1(tmp_path: Path) -> None:
    with mw.Workspace(tmp_path, endpoint="sandbox") as ws:
        values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "k", "mode": "std"}
        told = ws.log_store.jobs.add({**values, "error_message": "It was no use."})[0].id
        silent = ws.log_store.jobs.add({**values, "key": "l"})[0].id
    for an_id, why in (
        (told, "It was no use."),
        (silent, f"motion-widgets attach --folder {tmp_path} {silent}"),
    ):
        ended = run("attach", "--folder", tmp_path, an_id)
        assert ended.code == 1
        last = ended.err.splitlines()[-1]
        assert last.startswith(f"{an_id} has no result: it is planned. ")
        assert why in last


def test_a_run_that_is_interrupted_is_taken_up_by_the_command_that_was_said(
    folder: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "request.json", folder, prompt="interrupted", mode="std")
    words = ["sweep", "--folder", "my dance", str(path), "--axis", "mode=std,pro"]
    process = subprocess.Popen(
        [*PROGRAM, *words], cwd=tmp_path, env=KEYLESS, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    an_id = next(line.strip() for line in process.stdout if line.startswith("run-"))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    call = f"motion-widgets attach --folder 'my dance' {an_id}"
    assert err.splitlines()[-1] == f"Interrupted; nothing is lost. Continue with {call}"
    assert "ws." not in out + err, "this is a shell"
    assert "Traceback" not in err
    last = [line for line in out.splitlines() if "at the endpoint. Return to" in line]
    assert all(line.endswith(call) for line in last), "the run's id, not that of one of its jobs"


# --- log ---


def test_log_finds_the_workspace_that_demo_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = main._parser().parse_args(["demo"]).folder
    mw.Workspace(tmp_path / default).close()
    monkeypatch.chdir(tmp_path)
    said_so = "There is no log here; using the workspace in workspace.\n"
    ended = run("log")
    assert (ended.code, ended.err) == (0, said_so)
    assert ended.out.startswith("No job yet.")
    assert run("log", "check").err == said_so
    assert run("prices").err == said_so
    assert [one.name for one in tmp_path.iterdir()] == ["workspace"], "none was made beside it"
    mw.Workspace(tmp_path).close()
    assert run("log").err == "", "the log that is here comes first"


def test_log_says_where_there_are_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mw.Workspace(tmp_path / "dance").close()
    (tmp_path / "elsewhere").mkdir()
    for place in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.chdir(place)
        said(run("log"), "There is no log in", "but there is one in", str(tmp_path / "dance"), "--folder")


def names(folder: Path) -> list[tuple[str, str]]:
    """Return the runs of a workspace with their names, the demo's own as the last."""
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        return list(ws.log_store.sweeps.names().items())


def test_a_run_has_its_name_in_the_terminal(folder: Path) -> None:
    run_id, name = names(folder)[-1]
    assert name.startswith("quality \u00d7 faces \u00b7 ")
    attached = run("attach", "--folder", folder, run_id)
    assert f"{run_id} ({name})" in attached.err, "above the bars"
    assert f"<Run {run_id} ({name}): 4 collected" in attached.out
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        ws.log_store.sweeps.rename(run_id, "hats")
    assert f"{run_id}  hats" in run("log", "--folder", folder).out.splitlines()
    with mw.Workspace(folder, endpoint="sandbox") as ws:
        ws.log_store.sweeps.rename(run_id, None)


def test_log_shows_and_exports(folder: Path, tmp_path: Path) -> None:
    told = run("log", "--folder", folder).out
    assert told.count("collected") == 4
    run_id, name = names(folder)[-1]
    assert f"{run_id}  {name}" in told.splitlines(), "by which attach finds it"
    assert sum(name in line for line in told.splitlines()[1:5]) == 4, "each job says which run it is of"
    paths = {kind: tmp_path / f"log.{kind}" for kind in ("csv", "parquet", "json")}
    words = [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    ended = run("log", "--folder", folder, *words)
    assert ended.out.split() == [str(path) for path in paths.values()]
    whole = frame(folder, hidden=True)  # an export says of each row whether it is hidden
    assert list(pd.read_csv(paths["csv"])["id"]) == list(whole["id"])
    pd.testing.assert_frame_equal(pd.read_parquet(paths["parquet"]), whole, check_categorical=False)
    objects = [json.loads(line) for line in paths["json"].read_text("utf-8").splitlines()]
    assert [one["id"] for one in objects] == list(whole["id"])


def test_log_shows_the_newest_of_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "ROWS", 3)
    ended = run("log", "--folder", folder)
    assert ended.out.count("collected") == 3
    assert ended.out.splitlines()[-1].startswith("The newest 3 of 4 jobs;")


def test_log_of_an_empty_workspace(tmp_path: Path) -> None:
    mw.Workspace(tmp_path / "new").close()
    ended = run("log", "--folder", tmp_path / "new")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"No job yet. motion-widgets submit --folder {tmp_path / 'new'} REQUEST.json")


def test_what_a_server_said_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    with mw.Workspace(tmp_path, endpoint="sandbox") as ws:
        values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": "k"}
        ws.log_store.jobs.add({**values, "error_message": "\x1b[2Jgone\u202e", "mode": "std"})
    ended = run("log", "--folder", tmp_path)
    assert "[2Jgone" in ended.out
    assert not {"\x1b", "\u202e"} & set(ended.out)
    ended = run("attach", "--folder", tmp_path, "job-\x1b[2J")
    assert "\x1b" not in ended.err


def test_log_of_a_misspelt_folder_makes_none(tmp_path: Path) -> None:
    said(run("log", "--folder", tmp_path / "wrokspace"), "There is no log in", "wrokspace", "--folder")
    assert list(tmp_path.iterdir()) == []


def test_log_to_a_place_that_is_none(folder: Path, tmp_path: Path) -> None:
    said(run("log", "--folder", folder, "--csv", tmp_path / "no" / "log.csv"), "log.csv", "Choose another")
    assert list(tmp_path.iterdir()) == []


# --- studio ---


def test_studio_lays_notebooks_down_and_starts_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(main, "_replace_process", lambda command: called.append(command) or 7)
    (tmp_path / "01_request.ipynb").write_text("mine", "utf-8")
    ended = run("studio", "--folder", tmp_path, "--port", "8899")
    assert ended.code == 7
    assert str(tmp_path) in ended.out
    assert (tmp_path / "01_request.ipynb").read_text("utf-8") == "mine"
    for name in ("studio.ipynb", "02_sweep.ipynb"):
        assert (tmp_path / name).read_bytes() == (REPO / "notebooks" / name).read_bytes()
    (command,) = called
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {f"--ServerApp.root_dir={tmp_path}", "--ServerApp.port=8899", "--no-browser"} <= set(command)
    assert command[-1] == "--LabApp.default_url=/lab/tree/studio.ipynb"
    run("studio", "--folder", tmp_path, "--open")
    assert "--no-browser" not in called[1]


def test_studio_for_visitors_starts_voila_alone_without_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        main, "_replace_process", lambda command: called.append((command, dict(os.environ))) or 0
    )
    for name in ("APIMART_API_KEY", "JUPYTER_TOKEN", "MOTION_WIDGETS_LOG"):
        monkeypatch.setenv(name, PLANTED)
    (tmp_path / "demo.zip").touch()
    ended = run("studio", "--voila", "--port", "8899", "--example", tmp_path / "demo.zip")
    assert (ended.code, PLANTED in ended.out) == (0, False)
    assert "http://127.0.0.1:8899" in ended.out
    ((command, environment),) = called
    assert command[:4] == [sys.executable, "-m", "voila", str(REPO / "notebooks/shared/studio.ipynb")]
    wanted = {
        "--VoilaConfiguration.file_allowlist=[]", "--VoilaConfiguration.show_tracebacks=False",
        "--MappingKernelManager.cull_idle_timeout=600", "--no-browser", "--Voila.ip=127.0.0.1",
        "--Voila.port=8899",
    }  # fmt: skip
    assert wanted <= set(command)
    assert PLANTED not in environment.values()
    assert environment["MOTION_WIDGETS_EXAMPLE"] == str(tmp_path / "demo.zip")


def test_the_app_starts_voila_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        main, "_replace_process", lambda command: called.append((command, dict(os.environ))) or 0
    )
    monkeypatch.setenv("APIMART_API_KEY", PLANTED)  # the user's own, who may go live with it
    monkeypatch.delenv("MOTION_WIDGETS_FOLDER", raising=False)
    said_so = run("studio", "--app", "--folder", tmp_path, "--port", "8899")
    assert (said_so.code, str(tmp_path) in said_so.out, "token" in said_so.out) == (0, True, True)
    ((command, environment),) = called
    assert command[:4] == [sys.executable, "-m", "voila", str(REPO / "notebooks/shared/app.ipynb")]
    assert {"--Voila.ip=127.0.0.1", "--Voila.auto_token=True", "--Voila.port=8899"} <= set(command)
    assert "--VoilaConfiguration.file_allowlist=[]" in command, "no file is served"
    assert environment["MOTION_WIDGETS_FOLDER"] == str(tmp_path)
    assert environment["APIMART_API_KEY"] == PLANTED
    for more in (("--ip", "0.0.0.0"), ("--voila",), ("--example", tmp_path / "x.zip")):
        said(run("studio", "--app", *more), "for you alone", "127.0.0.1")
    assert len(called) == 1


def test_studio_for_visitors_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "_replace_process", lambda command: pytest.fail(str(command)))
    said(run("studio", "--voila", "--example", tmp_path / "no.zip"), "no.zip", "motion-widgets pack")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "voila" else find(name))
    said(run("studio", "--voila"), "Voilà", "motion-widgets[voila]")


def test_studio_lays_down_every_notebook() -> None:
    assert sorted(main.NOTEBOOKS) == sorted(path.name for path in (REPO / "notebooks").glob("*.ipynb"))


# --- sandbox ---


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Start `motion-widgets sandbox` as a process; give its working folder and what it printed."""
    place = tmp_path_factory.mktemp("served")
    process = subprocess.Popen(
        [*PROGRAM, "sandbox", "--folder", "sandbox", "--port", "0"],
        cwd=place,
        env=KEYLESS,
        # A suite that was started in the background ignores Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "/v1/tasks/" in line:
            break
    yield place, printed
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out, err) == (0, "stopped; the folder keeps everything\n", "")


def asked(script: str, cwd: Path) -> tuple[int, dict[str, object]]:
    """Read a curl command as the shell does, send what it says, and give status and body."""
    shell = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{script}"
    words = subprocess.run(["bash", "-c", shell], cwd=cwd, check=True, capture_output=True, text=True).stdout
    headers, data, address, flags = {}, None, "", iter(words.split("\0")[:-1])
    for word in flags:
        if word == "-H":
            name, _, value = next(flags).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(flags).encode()
        elif not word.startswith("-"):
            address = word
    request = urllib.request.Request(address, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_sandbox_prints_a_request_that_works(served: tuple[Path, str]) -> None:
    place, printed = served
    assert "SANDBOX: nothing here costs money" in printed
    block = printed.split("\n\n")[1]
    if shutil.which("curl"):
        out = subprocess.run(["bash", "-c", f"{block} -s"], check=True, capture_output=True, text=True).stdout
        body = json.loads(out)
    else:
        _, body = asked(block, place)
    assert body["code"] == 200
    task = body["data"][0]["task_id"]
    poll = printed.strip().split("\n\n")[-1].replace("TASK_ID", task)
    status, body = asked(poll, place)
    assert status == 200
    assert body["data"]["id"] == task


def test_the_readme_s_curl_commands(served: tuple[Path, str]) -> None:
    place, printed = served
    port = re.search(r"http://127\.0\.0\.1:(\d+)", printed)
    assert port is not None
    section = CURL.split("\n## With curl\n")[1].split("\n## ")[0]
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "curl" in block]
    answers = [asked(block.replace(":8765", f":{port[1]}"), place) for block in blocks]
    assert [status for status, _ in answers] == [200, 400, 401]
    (_, accepted), (_, long), (_, stranger) = answers
    assert accepted["data"][0]["task_id"].startswith("task_")
    assert long["error"]["type"] == "invalid_request_error"
    assert "12" in long["error"]["message"]
    assert stranger["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("words", [["--port", "99999"], ["--speed", "0"], ["--speed", "nan"]], ids=" ".join)
def test_sandbox_that_cannot_start(tmp_path: Path, words: list[str]) -> None:
    said(run("sandbox", "--folder", tmp_path / "box", *words), "The sandbox cannot start", "Choose another")


# --- wrong words, wrong places ---


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["check"],
        ["submit", "r.json", "--max-cost", "much"],
        ["sweep", "r.json", "--nonsense"],
        ["sandbox", "--port", "x"],
        ["measure"],
        ["attach"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2(words: list[str]) -> None:
    ended = run(*words)
    assert ended.code == 2
    assert "usage: motion-widgets" in ended.err


@pytest.mark.parametrize("command", ["demo", "studio", "sandbox", "log"])
def test_a_file_in_the_folder_s_place(tmp_path: Path, command: str) -> None:
    place = tmp_path / "taken"
    place.write_text("a file", "utf-8")
    said(run(command, "--folder", place), "Choose another")
    assert place.read_text("utf-8") == "a file"


def test_help_and_version_name_everything() -> None:
    ended = run("--help")
    assert ended.code == 0
    for name in (
        "demo",
        "studio",
        "sandbox",
        "measure",
        "check",
        "submit",
        "sweep",
        "attach",
        "pause",
        "resume",
        "log",
    ):
        assert f"\n    {name}" in ended.out
        told = run(name, "--help").out
        assert "cli_" not in told, "a sentence is missing"
    assert run("--version").out.strip() == mw.__version__


def parsers(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser and those of all commands in it, each with what it is called by."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, one in action.choices.items():
                yield from parsers(one, f"{name} {word}")


def test_the_help_of_every_command_has_an_example_that_it_takes() -> None:
    commands = dict(parsers(main._parser(), "motion-widgets"))
    assert {
        "motion-widgets submit",
        "motion-widgets log merge",
        "motion-widgets check-live",
    } <= commands.keys()
    for name, parser in commands.items():
        line = parser.format_help().split("\nexample:\n  ")[1].strip()
        assert f"{line} ".startswith(f"{name} ")
        main._parser().parse_args(shlex.split(line)[1:])


def test_as_a_process_an_error_is_one_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "attach", "job-none", "--folder", "ws"],
        cwd=tmp_path,
        env=KEYLESS,
        check=False,
        capture_output=True,
        text=True,
    )
    said(Ended(ended.returncode, ended.stdout, ended.stderr), "motion-widgets: There is no job-none")


BROKEN = (
    "import sys; from motion_widgets.cli import main as m; m._scan = lambda _: 1 // 0; sys.exit(m.main())"
)


def test_an_error_that_nobody_expected_is_one_line_and_debug_shows_its_details(tmp_path: Path) -> None:
    plain, debug = (
        subprocess.run(
            [sys.executable, "-c", BROKEN, *flag, "scan", str(tmp_path)],
            env=KEYLESS, capture_output=True, text=True, timeout=60, check=False,
        )
        for flag in ([], ["--debug"])
    )  # fmt: skip
    said(Ended(plain.returncode, plain.stdout, plain.stderr), "ZeroDivisionError", "--debug")
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert "in <lambda>" in debug.stderr


def test_a_kept_key_is_forgotten_and_where_it_was_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"https://api.apimart.ai:443": "sk-kept", "https://mirror.example:443": "sk-mirror"}
    monkeypatch.setattr("keyring.delete_password", lambda _, origin: held.pop(origin))
    monkeypatch.delenv("APIMART_BASE_URL", raising=False)
    monkeypatch.setenv("APIMART_API_KEY", "sk-environment")
    done = run("forget-key")
    assert done.code == 0
    assert re.search("keyring.* https://api.apimart.ai:443.*APIMART_API_KEY", done.out)
    assert list(held) == ["https://mirror.example:443"]
    again = run("forget-key")
    assert (again.code, "holds no key" in again.out) == (1, True)
    assert run("forget-key", "--endpoint", "https://mirror.example/v1").code == 0
    assert held == {}
    said(run("forget-key", "--endpoint", "nowhere"), "not an endpoint")


def test_prices_are_shown_and_accepted(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text('date = "2031-01"\n[my-model]\nstd = 0.25\n')
    before = run("prices", "--folder", tmp_path)
    assert before.code == 0
    assert "prices --accept" in before.err
    assert "kling-v3-motion-control pro: $0.13712" in before.out
    run("prices", "--accept", "--folder", tmp_path)
    after = run("prices", "--folder", tmp_path)
    assert (after.code, after.err) == (0, "")
    assert "2031-01" in after.out
    assert "my-model std: $0.25000" in after.out
