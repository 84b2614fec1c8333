"""A log with the results of a run, and studies of them, without an endpoint: rows are what a study reads."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from motion_widgets.log.names import new_id
from motion_widgets.log.schema import jobs
from motion_widgets.log.store import Log
from motion_widgets.study import Study

VALUES = {
    "seq": 1, "endpoint": "sandbox", "account": "sandbox", "sandbox": True, "repeat": 1, "attempt": 1,
    "estimate_high": 600_000, "model": "kling-v2-6-motion-control", "character_orientation": "image",
    "clip_length": 6.0, "prompt": None, "image_url": "hero.png", "created": 1, "submitted": 1_000_000,
    "completed": 61_000_000, "reserved": 0,
}  # fmt: skip
BILLS = {"std": 342_720, "pro": 548_640}


@pytest.fixture
def host(tmp_path):
    """What a study needs of a workspace."""
    store = Log(tmp_path / "log.sqlite")
    yield SimpleNamespace(log_store=store, folder=tmp_path, result_of=lambda _: None)
    store.close()


def columns_of(mode, clip, *, state="collected", **columns):
    """Return the row of a job; `clip`: the number of its clip and image."""
    job_id = new_id("job")
    return {
        **VALUES, "id": job_id, "idempotency_key": job_id, "key": job_id, "mode": mode, "state": state,
        "clip_sha": f"c{clip}", "clip_name": f"clip{clip}.mp4", "image_sha": f"i{clip}",
        "image_name": f"hero{clip}.png", "cost": BILLS[mode] if state == "collected" else 0, **columns,
    }  # fmt: skip


@pytest.fixture
def put(host):
    """Write jobs down: put(("std", 3), ("pro", 3, {"prompt": "x"}), …) -> their ids."""

    def make(*cells):
        rows = [columns_of(mode, clip, **dict(*more)) for mode, clip, *more in cells]
        with host.log_store.database.write() as connection:
            for row in rows:  # not at once: all would have the columns of the first
                connection.execute(insert(jobs), row)
        return [row["id"] for row in rows]

    return make


@pytest.fixture
def cells(put):
    """Six blocks, std and pro of each."""
    return put(*[(mode, clip) for clip in range(6) for mode in ("std", "pro")])


@pytest.fixture
def study(host, cells):
    """A study of them with its question asked."""
    made = Study(host, cells)
    made.ask("mode", "pro", "std", planned=12)
    return made


def rate_all(study, judge, raters=("ana", "bo")):
    """Let people rate all they are given; judge(on which side pro is) -> an answer."""
    pro = {one.id for one in study.material().results if one.settings["mode"] == "pro"}
    for rater in raters:
        while (pair := study.next_pair(rater)) is not None:
            study.rate(pair, judge("left" if pair.left in pro else "right"))
