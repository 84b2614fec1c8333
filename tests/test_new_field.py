"""A made-up field, added to a copy of the package by the list in CONTRIBUTING.md, and followed everywhere.

What a list of steps forgets shows here: each place that would drop the field without a word is visited.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import motion_widgets

PACKAGE = Path(motion_widgets.__file__).parent
MIGRATION = """
def _motion_strength(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE jobs ADD COLUMN motion_strength TEXT"))


"""
STEPS = {
    "request/fields.py": [
        (
            "    # Where a finished task is announced",
            '    Field(name="motion_strength", kind="choice", choices=("low", "high")),\n',
        ),
    ],
    "request/request.py": [
        ("    webhook: NotRequired[str]", "    motion_strength: NotRequired[str]\n"),
        ("    webhook: Any = None", "    motion_strength: Any = None\n"),
    ],
    "log/rows.py": [("    webhook: str | None", "    motion_strength: str | None\n")],
    "log/migrations.py": [
        ("MIGRATIONS: tuple", MIGRATION),
        (",\n)  # fmt: skip\nSCHEMA", ", _motion_strength"),
    ],
    "core/messages/log_columns.py": [
        ('    "meaning_webhook"', '    "meaning_motion_strength": "How strongly it moves.",\n'),
    ],
    "core/messages/words.py": [
        ('    "axis_keep_original_sound"', '    "axis_motion_strength": "strength",\n'),
    ],
    "widgets/form_field.py": [
        (
            '        "webhook": ui.control(',
            (
                '        "motion_strength": ui.control('
                'w.Dropdown, axis_word("motion_strength"), options=["low", "high"]),\n'
            ),
        ),
    ],
    "sandbox/rules.py": [
        ("    webhook: str | None", "    motion_strength: str | None\n"),
        ('    "webhook": Field(', '    "motion_strength": Field(_string, default=None),\n'),
    ],
}
"""By file of the package, what the steps of CONTRIBUTING.md write there: (what comes after it, new text)."""

FOLLOWED = """
import argparse, json, sys
from pathlib import Path
import motion_widgets as mw
from motion_widgets.cli import jobs as terminal
from motion_widgets.jobs.sidecar import read_sidecar
from motion_widgets.sweep.plan_file import load

folder = Path(sys.argv[1])
ws = mw.Workspace(folder / "ws", "sandbox", speed=2000)
samples = ws.samples()
plain = mw.MotionRequest(
    model="kling-v2-6-motion-control", image_url=samples.image, video_url=samples.clip_6s
)
req = plain.replace(motion_strength="high")

# The request: on the wire, in the identity, judged by its row.
assert req.to_wire()["motion_strength"] == "high"
assert "motion_strength" not in plain.to_wire()
assert len({plain.key, req.key, plain.replace(motion_strength="low").key}) == 3
wild = [one for one in ws.check(plain.replace(motion_strength="wild")) if one.severity == "error"]
assert [one.field for one in wild] == ["motion_strength"]
assert mw.MotionRequest.from_wire(json.loads(json.dumps(req.to_wire()))).motion_strength == "high"

# A failed job, and its retry: the same content.
ws.connection.sandbox.faults = {"fault": [{"on": "status", "kind": "failed"}]}
job = ws.submit(req).wait(60)
assert (job.state, job.row.motion_strength) == ("failed", "high"), job
ws.connection.sandbox.faults = None
again = job.retry().wait(60)
assert (again.state, again.row.motion_strength, again.row.key) == ("collected", "high", req.key), again
assert json.loads(again.row.body)["motion_strength"] == "high"

# The sidecar, here and in another folder; the log.
assert ws.restore(again.result).motion_strength == "high"
assert read_sidecar(again.result).motion_strength == "high"
assert ws.request_of(again.row).motion_strength == "high"

# A plan: every value is a cell of its own, and a wrong one is found though the others were judged before.
plan = mw.Sweep(plain, motion_strength=["low", "high", "wild"]).plan(ws)
assert [cell.status for cell in plan.cells] == ["new", "done", "invalid"], plan.frame()
assert plan.frame()["motion_strength"].tolist() == ["low", "high", "wild"]
saved = load(plan.save(folder / "plan.toml"))
assert list(saved.axes["motion_strength"]) == ["low", "high", "wild"]
assert load(mw.Sweep(req).plan(ws).save(folder / "base.toml")).request.motion_strength == "high"
edited = plan.edited(plan.frame().iloc[:2])
assert [cell.request.motion_strength for cell in edited.cells] == ["low", "high"]

# The terminal.
(folder / "request.json").write_text(json.dumps(plain.to_wire()))
axis = ["motion_strength=low,high"]
options = argparse.Namespace(request=str(folder / "request.json"), axis=axis, repeats=None, seed=None)
assert list(terminal._design(options).axes["motion_strength"]) == ["low", "high"]

# Frames and files.
assert ws.log.frame({"motion_strength": "high"})["motion_strength"].tolist() == ["high", "high"]
assert "motion_strength" in set(ws.log.dictionary()["column"])
ws.log.to_csv(folder / "log.csv")
other = mw.Workspace(folder / "other", "sandbox")
other.log.import_file(folder / "log.csv")
assert set(other.log.frame()["motion_strength"]) == {"high"}
assert len(ws.log.pivot(index="motion_strength", columns="mode", values="cost")) == 1

# The form.
form = mw.RequestForm(ws, request=req)
assert form.request.motion_strength == "high", "the form drops it"
assert form._fields["motion_strength"] in form.more.body.children, "nobody sees its control"
print("followed")
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the package to which the steps were applied; the folder that holds it."""
    shutil.copytree(PACKAGE, tmp_path / "motion_widgets", ignore=shutil.ignore_patterns("__pycache__"))
    for name, edits in STEPS.items():
        file = tmp_path / "motion_widgets" / name
        text = file.read_text("utf-8")
        for place, new in edits:
            assert text.count(place) == 1, f"{name}: {place!r} is there {text.count(place)} times"
            text = text.replace(place, new + place)
        file.write_text(text, "utf-8")
    return tmp_path


def test_a_new_field_is_carried_everywhere(copy, tmp_path):
    assert len(STEPS) <= 8, "files of the package that a new field touches"
    script = tmp_path / "followed.py"
    script.write_text(FOLLOWED, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        check=False, capture_output=True, text=True, timeout=170, env={**os.environ, "PYTHONPATH": str(copy)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("followed\n")
