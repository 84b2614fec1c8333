"""A log made to do harm, in a folder that somebody sent, goes through the whole product without any."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import motion_widgets as mw
from motion_widgets.log.states import State
from tests import hostile

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {name: table.c.keys() for name, table in hostile.TABLES.items()}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def stored(value: Any) -> Any:
    """Return a JSON value as SQLite takes it."""
    plain = json.dumps(value) if isinstance(value, list | dict) else value
    return plain.encode("utf-8", "replace").decode() if isinstance(plain, str) else plain


def files(folder: Path, but: Path) -> set[Path]:
    return {one for one in folder.rglob("*") if not one.is_relative_to(but)}


def test_a_hostile_log_goes_through_the_whole_product(tmp_path: Path, drawn: Path) -> None:
    folder = tmp_path / "deep" / "er" / "ws"
    folder.mkdir(parents=True)
    jobs = hostile.fill(folder / "log.sqlite")
    shutil.copytree(drawn, folder / "samples")
    outside = files(tmp_path, folder)
    with mw.Workspace(folder, endpoint="sandbox", speed=200) as ws:
        studio = mw.Studio(ws)
        panels = [getattr(mw, name)(ws) for name in ("LogTable", "JobMonitor", "SweepBoard")]
        req = mw.MotionRequest(
            model="kling-v3-motion-control",
            image_url=str(next((folder / "samples").glob("*.png"))),
            video_url=str(next((folder / "samples").glob("*.mp4"))),
        )
        plan = mw.Sweep(req, mode=["std", "pro"]).plan(ws)
        assert len(plan.cells) == 2
        mine = ws.submit(req, max_cost=1.0)
        mine.wait(60)
        assert mine.row.state == State.COLLECTED
        assert len(ws.log.frame(hidden=True)) == jobs + 1
        for name in ("to_csv", "to_parquet", "to_json"):
            getattr(ws.log, name)(folder / f"out.{name[3:]}")
        ws.log.pivot(index="mode", columns="state", aggfunc="count")
        studio.stage.refresh()
        studio.history.refresh()
        for unsafe in (row for row in ws.log_store.jobs.rows() if row.id.startswith("?")):
            job = ws.attach(unsafe.id)
            assert job.row.state == State.UNKNOWN
            assert "damaged" in (job.row.error_message or "")
        for one in (studio, *panels):
            one.close()
        spent = ws.log_store.jobs.get(mine.id).cost
    assert spent is not None
    assert files(tmp_path, folder) == outside, "nothing was written outside the folder"
    kept = {one.suffix for one in (folder / "results").rglob("*") if one.is_file()}
    assert kept <= {".mp4", ".json"}
    assert len(list((folder / "results").glob("*.mp4"))) == 1
    with contextlib.closing(sqlite3.connect(folder / "sandbox" / "sandbox.sqlite3")) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert db.execute("SELECT count(*) FROM tasks").fetchone() == (1,), tables


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with mw.Workspace(tmp_path_factory.mktemp("any"), endpoint="sandbox", speed=200) as opened:
        yield opened


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@example(None)
def test_any_row_with_any_value_opens_draws_and_exports(
    shared: mw.Workspace, data: st.DataObject | None
) -> None:
    if data is None:
        table, values = "jobs", {"progress": hostile.SCRIPT, "cost": "x", "submitted": "y", "clip_fps": "z"}
    else:
        table = data.draw(st.sampled_from(["jobs"] * 4 + list(TABLES)), "table")
        values = data.draw(
            st.dictionaries(st.sampled_from(TABLES[table]), JSON.map(stored), max_size=10), "values"
        )
    path = shared.log_store.database.path
    assert path is not None
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        hostile.insert(db, table, hostile.good_row(table, **values))
    again = mw.Workspace(shared.folder, endpoint="sandbox", speed=200)
    panel = mw.Studio(again)
    panel.stage.refresh()
    panel.history.refresh()
    for name in ("to_csv", "to_parquet", "to_json"):
        getattr(again.log, name)(shared.folder / f"out.{name[3:]}")
    again.log.pivot(index="mode", columns="state", aggfunc="count")
    again.log.describe()._repr_html_()
    panel.close()
    again.close()
