"""ffmpeg ends at its deadline, even if nobody is left to end it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from tests.media.test_subprocesses import gone


def test_deadline_ends_ffmpeg(clips):
    with pytest.raises(ClipError) as caught:
        ffmpeg.run(["-re", *ffmpeg.input_options(clips["12"]), "-f", "null", "-"], name="x", deadline=0.3)
    assert caught.value.code == "decode_slow"
    with pytest.raises(ClipError) as caught:
        read_slowly(clips["12"])
    assert caught.value.code == "decode_slow"


def read_slowly(path):
    arguments = ["-re", *ffmpeg.input_options(path), "-f", "rawvideo", "-"]
    with ffmpeg.running(arguments, name="x", deadline=0.3) as pipe:
        while pipe.read(1 << 20):
            pass


def test_an_ffmpeg_that_nobody_can_end_any_more_ends_itself():
    """As after kill -9: ffmpeg counts the seconds that it works."""
    busy = ["-f", "lavfi", "-i", "testsrc2=s=1280x720", "-f", "null", "-"]
    assert ffmpeg.cpu_limit(0.01) == ["-timelimit", "2"]
    code = (
        "import os, signal, subprocess\n"
        "from motion_widgets.media import ffmpeg\n"
        f"command = [ffmpeg.ffmpeg_exe(), *ffmpeg.cpu_limit(0.01), *{busy!r}]\n"
        "child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))


def test_every_run_has_the_limit(monkeypatch):
    commands = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda args, **how: commands.append(args) or real(args, **how))
    ffmpeg.run(["-f", "lavfi", "-t", "0.1", "-i", "testsrc", "-f", "null", "-"], name="x", deadline=20)
    assert "-timelimit" in commands[0]
