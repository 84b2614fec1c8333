"""Results and inputs on a shared path: put there once and whole, fetched and checked, never overwritten."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from motion_widgets import LogError, RequestError, Workspace
from motion_widgets.jobs.shared_store import Shared
from motion_widgets.widgets.compare_wall import CompareWall
from motion_widgets.widgets.log_table import LogTable
from motion_widgets.widgets.row_text import problem_html
from tests.jobs.endpoint import Process, refusal, results_in, until

MAX = 0.50
ROOT = Path(__file__).parents[2]
both = pytest.mark.parametrize("place", ["file", "s3"], indirect=True)


def shared_files(tmp_path):
    folder = tmp_path / "shared"
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


@pytest.fixture
def killed(tmp_path, endpoint, req, address, place):
    """Let Ana's process submit and be killed at a point."""

    def make(point):
        environ = {"MOTION_WIDGETS_USER": "ana"}
        told = {"log": address, "shared": place, "die": point, "environ": environ}
        with Process(tmp_path / "ana", endpoint, req, **told) as run:
            assert run.code() == -9

    return make


@pytest.fixture
def by_settings(monkeypatch, address, place):
    """Let the terminal's commands find the log and the shared path."""

    def make():
        monkeypatch.setenv("MOTION_WIDGETS_LOG", address)
        monkeypatch.setenv("MOTION_WIDGETS_SHARED", place)

    return make


@both
def test_a_colleague_has_the_result_the_inputs_and_the_request(at, local_req, endpoint):
    ana = at("ana")
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    row = job.row
    assert (row.state, row.error_kind, row.created_by) == ("collected", None, "ana")
    assert row.shared is not None, "it counts as collected once it is there"
    until(lambda: not ana.log_store.files.unshared())
    ana.close()
    Path(local_req.image_url).unlink()

    bo = at("bo")
    same = bo.attach(job.id)
    assert results_in(bo.folder) == []
    assert same.result == bo.folder / row.result_path
    assert same.result.read_bytes() == endpoint.clip
    assert results_in(bo.folder) == [same.result]
    assert same.result.with_suffix(".json").is_file(), "with its sidecar"
    assert bo.restore(same.result).prompt == "wave"
    again = bo.request_of(same.row)
    assert Path(again.image_url).parent == bo.folder / "inputs"
    assert bo.submit(again, max_cost=MAX).id == job.id, "the same account attaches"
    assert (len(endpoint.posts), len(endpoint.downloads)) == (1, 1)
    more = bo.submit(again, max_cost=MAX, new=True).wait(30)
    assert (more.state, more.row.created_by, endpoint.uploads) == ("collected", "bo", 2)


@both
def test_names_there_are_the_names_in_the_log(at, local_req, place):
    ana = at("ana")
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    until(lambda: not ana.log_store.files.unshared())
    shared = Shared(place, ana.folder)
    assert shared.has(job.row.result_path)
    assert shared.has(job.row.image_path)
    until(lambda: shared.has(f"results/{job.id}.json"))
    assert not shared.has("results/other.mp4")


def test_another_account_sees_all_and_pays_anew(at, local_req, endpoint):
    ana = at("ana")
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    until(lambda: not ana.log_store.files.unshared())
    bo = at("bo", key="another-key")
    same = bo.attach(job.id)
    assert same.result.read_bytes() == endpoint.clip
    assert bo.runner_for(same.row) is None, "nobody follows what another account pays for"
    with pytest.raises(RequestError, match="another key"):
        bo.submit(bo.request_of(same.row), max_cost=MAX)
    own = bo.submit(bo.request_of(same.row), max_cost=MAX, new=True).wait(30)
    assert own.id != job.id
    assert len(endpoint.charges) == 2
    assert {row.account for row in bo.log_store.jobs.rows()} == {ana.account, bo.account}
    assert ana.account != bo.account


def test_a_dead_colleagues_job_is_taken_up_by_the_same_account_only(at, req, endpoint):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    ana = at("ana")
    job = ana.submit(req, max_cost=MAX)
    until(lambda: endpoint.polls)
    ana.close()
    with pytest.warns(UserWarning, match="another key"):
        stranger = at("cy", key="another-key")
    _ = stranger.connection.runner
    bo = at("bo")
    until(lambda: job.row.lease_owner == bo.connection.runner.owner)
    endpoint.next_poll.clear()
    assert bo.attach(job.id).wait(30).state == "collected"
    assert job.row.created_by == "ana"
    assert len(endpoint.posts) == 1


def test_path_that_cannot_be_reached_holds_nothing_up(at, req, tmp_path, endpoint):
    (tmp_path / "shared").write_text("a file where the folder should be")
    ana = at("ana")
    job = ana.submit(req, max_cost=MAX).wait(30)
    assert job.state == "collected"
    assert job.result.read_bytes() == endpoint.clip
    assert (job.row.shared, job.row.error_kind) == (None, "shared")
    assert "It is safe in this folder" in job.error
    assert any("is copied there as soon as" in (one.note or "") for one in ana.log_store.jobs.events(job.id))
    assert "The result is not on the shared path yet." in problem_html(job.row)
    bo = at("bo")
    with pytest.raises(LogError, match="workspace of ana, which has it"):
        _ = bo.attach(job.id).result
    with pytest.raises(LogError, match=r"1 file could not be put"):
        ana.share()
    (tmp_path / "shared").unlink()
    until(lambda: job.row.shared is not None)
    assert (job.error, job.row.error_kind, problem_html(job.row)) == (None, None, "")
    assert bo.attach(job.id).result.read_bytes() == endpoint.clip


def test_another_file_of_that_name_is_not_overwritten(at, req, tmp_path, monkeypatch):
    theirs = {}
    real = Shared.put

    def put(self, name, sha):
        if not theirs and name.startswith("results/"):
            theirs[name] = tmp_path / "shared" / name
            theirs[name].parent.mkdir(parents=True)
            theirs[name].write_bytes(b"somebody else's")
        real(self, name, sha)

    monkeypatch.setattr(Shared, "put", put)
    ana = at("ana")
    job = ana.submit(req, max_cost=MAX).wait(30)
    assert (job.state, job.row.shared) == ("collected", None)
    assert "Nothing was overwritten" in job.error
    [other] = theirs.values()
    assert other.read_bytes() == b"somebody else's"
    assert [one for one in shared_files(tmp_path) if one.endswith(".part")] == []
    other.rename(tmp_path / "moved away")
    until(lambda: job.row.shared is not None)
    assert other.read_bytes() == job.result.read_bytes()


def test_what_is_broken_there_is_not_taken(at, req, tmp_path, endpoint):
    ana = at("ana")
    job = ana.submit(req, max_cost=MAX).wait(30)
    there = tmp_path / "shared" / job.row.result_path
    whole = there.read_bytes()
    there.write_bytes(whole[:-1])
    bo = at("bo")
    with pytest.raises(LogError, match="does not match the log"):
        _ = bo.attach(job.id).result
    assert results_in(bo.folder) == []
    assert list(bo.folder.glob(".*.part")) == []
    there.unlink()
    with pytest.raises(LogError, match="neither here nor at file://"):
        _ = bo.attach(job.id).result
    there.write_bytes(whole)
    assert bo.attach(job.id).result.read_bytes() == endpoint.clip


def test_full_disk_is_said_and_leaves_nothing(at, req, tmp_path):
    ana = at("ana")
    job = ana.submit(req, max_cost=MAX).wait(30)
    script = """
import resource, signal, sys
from pathlib import Path
from motion_widgets import LogError
from motion_widgets.jobs.shared_store import Shared
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
folder = Path(sys.argv[2]); folder.mkdir()
try:
    Shared(sys.argv[1], folder).get(sys.argv[3], None)
except LogError as error:
    print(error.code, [one.name for one in folder.rglob("*") if one.is_file()])
"""
    told = [(tmp_path / "shared").as_uri(), str(tmp_path / "cy"), job.row.result_path]
    command = [sys.executable, "-c", script, *told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("disk_trouble []\n", "")


@pytest.mark.parametrize("point", ["before shared", "half shared", "after shared", "before collected"])
def test_killed_on_the_way_there(at, killed, tmp_path, endpoint, point):
    killed(point)
    ana = at("ana")
    job = ana.jobs()[0].wait(30)
    assert (job.state, len(endpoint.posts), len(endpoint.downloads)) == ("collected", 1, 1)
    assert job.row.shared is not None
    there = tmp_path / "shared" / job.row.result_path
    until(there.with_suffix(".json").is_file)
    assert there.read_bytes() == job.result.read_bytes() == endpoint.clip


@pytest.mark.parametrize("point", ["before shared", "after shared"])
def test_a_colleague_of_the_account_finishes_what_a_dead_machine_began(at, killed, endpoint, point):
    killed(point)
    bo = at("bo")
    job = bo.jobs()[0].wait(30)
    assert (job.state, job.row.shared is not None) == ("collected", True)
    assert job.result.read_bytes() == endpoint.clip
    assert len(endpoint.downloads) == (2 if point == "before shared" else 1)


def test_link_that_dies_while_a_dead_machine_has_the_result_loses_nothing(at, killed, endpoint):
    killed("before shared")
    endpoint.next_download.extend([refusal(404)] * 100_000)
    endpoint.expires_in = -5.0
    bo = at("bo")
    job = bo.jobs()[0].wait(30)
    assert (job.state, job.row.shared, job.row.error_kind) == ("collected", None, "shared")
    assert "the workspace of ana, which has it" in job.error
    with pytest.raises(LogError, match="not at file://"):
        _ = job.result
    ana = at("ana")
    until(lambda: job.row.shared is not None)
    assert (job.error, ana.attach(job.id).result.read_bytes()) == (None, endpoint.clip)
    assert job.result.read_bytes() == endpoint.clip


def test_the_table_says_who_where_there_are_several(at, req, monkeypatch):
    ana = at("ana")
    ana.submit(req, max_cost=MAX).wait(30)
    table = LogTable(ana, watch=False)
    try:
        assert "created_by" not in [one["name"] for one in table.grid.view["columns"]]
        table._message({"type": "act", "what": "filters"})
        until(lambda: table.grid.view["facets"])
        assert "created_by" not in [one["name"] for one in table.grid.view["facets"]]
        at("bo").submit(req.replace(prompt="bow"), max_cost=MAX).wait(30)
        with monkeypatch.context() as stale:  # once: at every look they would be looked up for ever
            stale.setattr("motion_widgets.widgets.log_table.FRESH", -1.0)
            table.refresh()
        assert "created_by" in [one["name"] for one in table.grid.view["columns"]]
        until(lambda: "created_by" in [one["name"] for one in table.grid.view["facets"]])
        [people] = [one["values"] for one in table.grid.view["facets"] if one["name"] == "created_by"]
        assert people == [["ana", "ana"], ["bo", "bo"]]
    finally:
        table.close()


def test_what_was_there_before_the_path_was_is_put_there_too(at, local_req, tmp_path):
    ana = at("ana", shared=None)
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    assert (ana.shared, job.row.shared, job.row.error_kind) == (None, None, None)
    with pytest.raises(LogError, match="No shared path is set"):
        ana.share()
    ana.close()
    job.result.with_suffix(".json").unlink(missing_ok=True)  # as if it was killed before it wrote that
    ana = at("ana")
    until(lambda: not ana.log_store.files.unshared())
    names = [job.row.image_path, job.row.result_path]
    assert set(names) <= set(shared_files(tmp_path))
    until(lambda: job.row.result_path.replace(".mp4", ".json") in shared_files(tmp_path))


def test_a_bundle_holds_what_is_only_on_the_shared_path(at, local_req, tmp_path, capsys, by_settings):
    from motion_widgets.cli.main import main

    ana = at("ana")
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    until(lambda: not ana.log_store.files.unshared())
    by_settings()
    assert main(["log", "check", "--folder", str(tmp_path / "cy")]) == 0, capsys.readouterr()
    assert main(["pack", str(tmp_path / "all.zip"), "--folder", str(tmp_path / "cy")]) == 0
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert {job.row.result_path, job.row.image_path} <= set(archive.namelist())
    assert main(["share", "--folder", str(tmp_path / "cy")]) == 0
    assert "0 files were copied to file://" in capsys.readouterr().out
    (tmp_path / "shared" / job.row.result_path).unlink()
    assert main(["share", "--all", "--folder", str(ana.folder)]) == 0
    assert (tmp_path / "shared" / job.row.result_path).read_bytes() == job.result.read_bytes()
    (tmp_path / "shared" / job.row.image_path).unlink()
    assert main(["pack", str(tmp_path / "less.zip"), "--folder", str(tmp_path / "eve")]) == 0
    assert "neither here nor at" in capsys.readouterr().out
    assert main(["log", "check", "--folder", str(tmp_path / "dee")]) == 1


def test_the_wall_fetches_what_it_shows(at, local_req, tmp_path):
    ana = at("ana")
    job = ana.submit(local_req, max_cost=MAX).wait(30)
    there = tmp_path / "shared" / job.row.result_path
    there.rename(tmp_path / "away.mp4")
    bo = at("bo")
    wall = CompareWall(bo, watch=False)
    try:
        until(lambda: [one.get("state") for one in wall.wall.cells][-1:] == ["not here"])
        assert "neither here nor at" in wall.wall.cells[-1]["message"]
        (tmp_path / "away.mp4").rename(there)
        wall.show_jobs([job.id])
        until(lambda: wall.wall.cells[-1].get("path", "").endswith(job.row.result_path))
        assert (bo.folder / job.row.result_path).read_bytes() == there.read_bytes()
    finally:
        wall.close()


@pytest.mark.parametrize("url", ["", "  ", "team", "./team", "https://host/team", "s3://", "file:///"])
def test_what_is_no_shared_path_is_said(tmp_path, url):
    with pytest.raises(LogError, match="not a path that a team can share"):
        Shared(url, tmp_path)


def test_store_that_is_not_installed_or_wrong_is_one_sentence(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a").write_bytes(b"a")
    sha = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    for url in ("nonsense://bucket/x", "s3://user:hunter2@bucket/x?key=hunter2"):
        shared = Shared(url, tmp_path)
        with pytest.raises(LogError) as caught:
            shared.put("results/a", sha)
        assert "hunter2" not in f"{caught.value}{caught.value.params}{shared.label}"


@pytest.mark.parametrize(
    "name", ["../x", "results/../../x", "/etc/passwd", "workspace.json", "sandbox/token", "C:/x"]
)
def test_names_that_lead_out_of_what_is_shared_are_refused(tmp_path, name):
    """Others write the log too: no row may have a file of this machine read or written elsewhere."""
    shared = Shared((tmp_path / "shared").as_uri(), tmp_path / "ws")
    for ask in (lambda: shared.get(name, None), lambda: shared.put(name, "0" * 64)):
        with pytest.raises(LogError, match="neither a result nor an input"):
            ask()
    assert not shared.has(name)


def test_a_folder_is_an_address_too(tmp_path):
    assert Shared(str(tmp_path), tmp_path).label == tmp_path.as_uri()


def test_nothing_is_loaded_for_it_where_nothing_is_shared(tmp_path):
    script = """
import sys
from motion_widgets import Workspace
ws = Workspace(sys.argv[1])
assert ws.shared is None and len(ws.log) == 0
ws.close()
print(sorted({name.partition(".")[0] for name in sys.modules} & {"fsspec", "s3fs", "botocore"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_setting_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("MOTION_WIDGETS_SHARED", (tmp_path / "shared").as_uri())
    with Workspace(tmp_path / "ws", endpoint="sandbox") as ws:
        assert ws.shared == (tmp_path / "shared").as_uri()
