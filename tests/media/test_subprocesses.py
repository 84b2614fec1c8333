"""No ffmpeg outlives the work it does, nor this process, however either ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motion_widgets.media.subprocesses import kill_after

# Decodes for ever and writes nothing, so no broken pipe ends it.
ENDLESS = """
import sys, threading, time
from motion_widgets.media import ffmpeg
endless = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x64", "-f", "null", "-"]
def work():
    ffmpeg.run(endless, name="x", deadline=100)
threading.Thread(target=work, daemon=True).start()
from motion_widgets.media import subprocesses
while not subprocesses._running:
    time.sleep(0.01)
print(next(iter(subprocesses._running)).pid, flush=True)
"""


def gone(pid: int) -> bool:
    """Wait until a process is gone; a zombie that nobody waits for is."""
    for _ in range(400):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise RuntimeError"])
def test_none_outlives_a_process_that_ends(ending):
    done = run(ENDLESS + ending)
    assert gone(int(done.stdout))


def test_an_interrupt_ends_it():
    # A shell's background jobs start with interrupts ignored, and so would this one.
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += ENDLESS + "time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        pid = int(run.stdout.readline())
        run.send_signal(signal.SIGINT)
        run.wait(30)
    assert gone(pid)


def test_a_fork_leaves_its_parents_children_alone():
    code = (
        "import os, subprocess, sys\n"
        "from motion_widgets.media.subprocesses import kill_after\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "with kill_after(child, 60):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        import atexit; atexit._run_exitfuncs(); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    print(child.poll() is None)\n"
    )
    done = run(code)
    assert done.stdout.strip() == "True", done.stderr


def test_one_that_is_late_is_killed_though_another_may_take_longer():
    patient, late = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    with kill_after(patient, 50) as first, kill_after(late, 0.05) as second:
        assert late.wait(30) == -signal.SIGKILL
        assert (second.passed, patient.poll()) == (True, None)
    assert not first.passed
    assert patient.returncode == -signal.SIGKILL, "it ends with its block"


def test_a_fork_watches_its_own_children():
    code = (
        "import os, subprocess, sys\n"
        "from motion_widgets.media.subprocesses import kill_after\n"
        "def wait(seconds):\n"
        "    child = subprocess.Popen(['sleep', '0.2' if seconds > 1 else '60'])\n"
        "    with kill_after(child, seconds) as limit:\n"
        "        child.wait(30)\n"
        "    return limit.passed\n"
        "assert not wait(60)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    os._exit(7 if wait(0.05) else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = run(code)
    assert done.stdout.strip() == "7", done.stderr


def test_pipes_are_closed_and_what_was_printed_is_kept():
    process = subprocess.Popen([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE)
    with kill_after(process, 60) as limit:
        assert process.communicate()[0].strip() == b"1"
    assert (process.returncode, limit.passed, process.stdout.closed) == (0, False, True)
