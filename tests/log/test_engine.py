"""Many processes that write one log at the same time, on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from motion_widgets.log.states import State

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from motion_widgets.log.store import Log
log = Log(sys.argv[1]); print("ready", flush=True); sys.stdin.readline()
for number in range(int(sys.argv[3])):
    values = {"endpoint": "sandbox", "account": "sandbox", "sandbox": True, "key": f"{sys.argv[2]}-{number}"}
    row, added = log.add_job(values)
    assert added and log.intend(row.id, 5, owner=sys.argv[2])
    log.record(row.id, progress=number)
    log.rate([row.id], stars=number % 5 + 1)
    print(row.id)
log.close()
"""
EACH = 40


def test_four_processes_lose_nothing_and_meet_no_lock(log, address):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address, name, str(EACH)],
            cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True,
        )
        for name in "abcd"
    ]  # fmt: skip
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    told = [run.communicate(timeout=120) for run in runs]
    assert [one[1] for one in told] == [""] * 4, "nobody met a locked database"
    acknowledged = {job_id for one in told for job_id in one[0].split()}
    rows = log.rows()
    assert len(acknowledged) == 4 * EACH
    assert {row.id for row in rows} == acknowledged
    assert {row.state for row in rows} == {State.SUBMITTING}
    assert len({row.seq for row in rows}) == 4 * EACH, "each change has a number of its own"
    assert sum(len(log.events(row.id)) for row in rows) == 2 * 4 * EACH
    assert sum(one["stars"] is not None for one in log.marks_of().values()) == 4 * EACH
