"""No ffmpeg outlives the work it does, nor this process, however either ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motion_widgets.media.subprocesses import Child, cpu_limit

# Decodes for ever and writes nothing, so no broken pipe ends it.
ENDLESS = """
import sys, threading, time
from motion_widgets.media import ffmpeg
endless = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x64", "-f", "null", "-"]
def work():
    ffmpeg.run(endless, name="x", deadline=100)
threading.Thread(target=work, daemon=True).start()
from motion_widgets.media import children
while not len(children._alive):
    time.sleep(0.01)
print(next(iter(children._alive)).pid, flush=True)
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


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise RuntimeError"])
def test_none_outlives_a_process_that_ends(ending):
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS + ending], capture_output=True, text=True, timeout=60, check=False
    )
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


def test_one_that_nobody_can_end_any_more_ends_itself():
    """As after kill -9: ffmpeg counts the seconds that it works."""
    busy = ["-f", "lavfi", "-i", "testsrc2=s=1280x720", "-f", "null", "-"]
    assert cpu_limit(0.01) == ["-timelimit", "2"]
    code = (
        "import os, signal, subprocess\n"
        "from motion_widgets.media import children, ffmpeg\n"
        f"child = children.Child(ffmpeg._command({busy!r}, 0.01), deadline=60, stdin=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_a_fork_leaves_its_parents_children_alone():
    code = (
        "import os, subprocess, sys\n"
        "from motion_widgets.media.subprocesses import Child\n"
        "child = Child(['sleep', '60'], deadline=60)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    sys.exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "print(child.poll() is None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "True", done.stderr


def test_one_that_is_late_is_killed_though_another_may_take_longer():
    with Child(["sleep", "60"], deadline=50) as patient, Child(["sleep", "60"], deadline=0.05) as child:
        assert child.wait(30) == -signal.SIGKILL
        assert (child.late, patient.poll()) == (True, None)
        patient.kill()
    assert not patient.late


def test_a_fork_watches_its_own_children():
    code = (
        "import os, sys\n"
        "from motion_widgets.media.subprocesses import Child\n"
        "Child(['true'], deadline=60).wait()\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    child = Child(['sleep', '60'], deadline=0.05)\n"
        "    child.wait(30)\n"
        "    os._exit(7 if child.late else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "7", done.stderr


def test_a_child_is_a_plain_popen():
    with Child([sys.executable, "-c", "print(1)"], deadline=60, stdout=subprocess.PIPE) as child:
        assert child.communicate()[0].strip() == b"1"
    assert child.owner == os.getpid()
