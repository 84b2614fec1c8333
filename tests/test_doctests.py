"""The example in the docstring of each name of the contract, executed on the sandbox.

An example may use, without an import: `mw`, `ws` (a workspace on the sandbox), `samples` (its image and its
clips), `req` (a request over them, never the same content twice), `job` (collected), `run` (two cells,
collected) and `folder` (an empty one).
"""

from __future__ import annotations

import doctest
import inspect
import itertools
from typing import TYPE_CHECKING, Any

import pytest

import motion_widgets as mw
from motion_widgets.log.view import LogView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEED = 60.0
METHODS: dict[type, str] = {
    mw.MotionRequest: "replace to_wire key",
    mw.Workspace: "submit attach set_budget budget request_of publish mend",
    mw.Job: "state task_id wait result retry resend write_off rate",
    mw.Sweep: "plan",
    mw.Plan: "frame cost for_budget run",
    mw.Run: "wait retry resend write_off frame",
    mw.Study: "rate answer report",
    LogView: "frame pivot to_csv to_parquet to_json import_frame",
}
"""The methods of the contract, by class."""
AT_WORK = {"MotionTimeout"}
"""Names whose example is of a job that has not ended."""
WITHOUT: set[str] = set()
"""Names that have no example yet; the list is exact."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def contract() -> Iterator[tuple[str, str]]:
    """Return every name of the contract and its docstring; a table of data has that of its class."""
    for name in mw.__all__:
        yield name, inspect.getdoc(getattr(mw, name)) or ""
    yield "LogView", inspect.getdoc(LogView) or ""
    for owner, names in METHODS.items():
        for name in names.split():
            yield f"{owner.__name__}.{name}", inspect.getdoc(inspect.getattr_static(owner, name)) or ""


EXAMPLES = {name: text for name, text in contract() if ">>>" in text}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mw.Workspace]:
    with mw.Workspace(tmp_path_factory.mktemp("examples"), "sandbox", speed=SPEED) as opened:
        opened.samples()
        yield opened


numbers = itertools.count(1)


def request_over(ws: mw.Workspace) -> mw.MotionRequest:
    samples = ws.samples()
    return mw.MotionRequest(
        model="kling-v2-6-motion-control",
        image_url=samples.image,
        video_url=samples.clip_6s,
        prompt=f"Take {next(numbers)}",
    )


@pytest.fixture(scope="module")
def run(ws: mw.Workspace) -> mw.Run:
    return mw.Sweep(request_over(ws), mode=["std", "pro"]).plan(ws).run().wait()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away any key and setting of this machine, and stand in an empty folder."""
    for name in ("APIMART_API_KEY", "APIMART_BASE_URL", "MOTION_WIDGETS_USER", "MOTION_WIDGETS_SHARED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("motion_widgets.endpoint.api_key._keyring_get", lambda _: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def at_work(name: str, ws: mw.Workspace) -> Iterator[None]:
    """Let no task of the example end, where it is about that."""
    refused = {"fault": [{"on": "status", "kind": "status", "code": 503, "times": 0}]}
    ws.connection.sandbox.faults = refused if name in AT_WORK else None
    yield
    ws.connection.sandbox.faults = None


@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str, ws: mw.Workspace, run: mw.Run, tmp_path: Path) -> None:
    names: dict[str, Any] = {"mw": mw, "ws": ws, "samples": ws.samples(), "req": request_over(ws)}
    names.update(run=run, job=run.jobs[0], folder=tmp_path)
    example = doctest.DocTestParser().get_doctest(EXAMPLES[name], names, name, None, None)
    heard: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=heard.append)
    assert not heard, "".join(heard)


def test_every_name_of_the_contract_has_an_example() -> None:
    without = {name for name, text in contract() if ">>>" not in text}
    assert without - WITHOUT == set(), "no example in the docstring"
    assert WITHOUT - without == set(), "has an example by now, so take it off the list"
