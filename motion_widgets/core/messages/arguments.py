"""What a call takes, where it was given something else."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "not_a_clip": "A measured clip is expected here; this is {found}. Pass what mw.measure_clip returns.",
    "not_a_count": "{found} is not a count. Use a whole number, 1 or more.",
    "not_a_finding": "A finding is expected here; this is {found}. Pass one of those that mw.check returns.",
    "not_a_mend": "A finished mend is expected here; this is {found}. Pass what mw.mend returns.",
    "not_a_path": 'A file or folder is named by its path; this is {found}. Pass a text such as "dance.mp4", or a Path.',
    "not_a_row": "A job's row is expected here; this is {found}. Pass ws.attach(id).row, with the job's id.",
    "not_a_run": "A run is expected here; this is {found}. Pass what plan.run() or ws.attach(id) returned.",
    "not_a_study": "A study is expected here; this is {found}. Make one with mw.Study(ws, run) and pass that.",
    "not_a_sweep": "A sweep is expected here; this is {found}. Make one with mw.Sweep(req, …) and pass that.",
    "not_a_text": "A text is expected here; this is {found}. Pass it in quotes.",
    "not_a_workspace": "A workspace is expected here; this is {found}. Open one with mw.Workspace(folder) and pass that.",
    "not_an_id": "Jobs are named by their ids; this is {found}. Pass an id such as job.id, or a list of them.",
    "not_an_operation": 'A mend is named by an Operation; this is {found}. Pass one that mw.mends_for returns, or one such as mw.Operation("mute_clip").',
    "not_sources": "Several clips are expected here; this is {found}. Pass a list of paths and links, even for one.",
    "wait_wrong": "{found} is not a time to wait. Use a number of seconds such as 60, or None for as long as it takes.",
}
