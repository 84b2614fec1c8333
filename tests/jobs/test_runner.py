"""What the runner does when no job is left: the log is backed up."""

from __future__ import annotations

from motion_widgets.jobs.scheduling import timing
from motion_widgets.log.store import Log
from tests.jobs.endpoint import until

MAX = 0.50


def test_the_log_is_backed_up_once_nothing_is_at_work(ws, req, monkeypatch):
    monkeypatch.setattr(timing, "BACKUP_AFTER", 0.01)
    backup = ws.folder / "log.sqlite.backup"
    job = ws.submit(req, max_cost=MAX).wait(30)
    until(backup.exists)
    until(lambda: not list(ws.folder.glob("log.sqlite.backup*.part")))
    copy = Log(backup)
    assert copy.jobs.get(job.id).state == "collected"
    copy.close()
    made = backup.stat().st_mtime_ns
    ws.submit(req.replace(prompt="another"), max_cost=MAX).wait(30)
    runner = ws.connection.runner
    until(lambda: runner._resting is not None and runner._resting.done())
    assert backup.stat().st_mtime_ns == made, "one in ten minutes is enough"
