"""ffmpeg ends at its deadline, even if nobody is left to end it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import motion_widgets as mw
from motion_widgets.core.errors import ClipError
from motion_widgets.media import ffmpeg
from motion_widgets.media.decode import frames
from motion_widgets.media.ffmpeg import kill_after
from motion_widgets.media.montage import montage
from motion_widgets.media.preview import filmstrip
from tests.jobs.endpoint import until
from tests.media.conftest import X264, picture, tone
from tests.media.conftest import ffmpeg as make


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


BROKEN = {
    "zeroed": lambda head, body, moov: head + bytes(len(body)) + moov,
    "noise": lambda head, body, moov: head + (b"\x55\xaa\x31" * len(body))[: len(body)] + moov,
    "headless": lambda head, body, moov: head + body + moov.replace(b"avcC", b"free"),
    "unknown": lambda head, body, moov: (
        head + body + moov.replace(b"avc1\0\0\0\0", b"zzzz\0\0\0\0").replace(b"avcC", b"free")
    ),
}
"""Clips whose header can be read and whose picture cannot."""


@pytest.mark.filterwarnings("ignore:The sound of")  # which cannot be decoded either
@pytest.mark.parametrize("kind", BROKEN)
def test_a_failure_is_told_by_its_reason_and_the_users_name(kind, tmp_path):
    folder = tmp_path / "My Videos"
    folder.mkdir()
    path = folder / "our dance.mp4"
    make(*picture(0.4), *tone(0.4), *X264, path)
    data = path.read_bytes()
    at, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(BROKEN[kind](data[:at], data[at:end], data[end:]))
    for call in (
        lambda: filmstrip(path), lambda: list(frames(path)), lambda: mw.stillest(path),
        lambda: mw.trim_clip(path), lambda: mw.convert_clip(path), lambda: mw.mute_clip(path),
        lambda: montage([("a", path)], 1, folder / "wall.mp4"),
    ):  # fmt: skip
        with pytest.raises(ClipError) as caught:
            call()
        said = str(caught.value)
        assert said.startswith("\u201cour dance.mp4\u201d cannot be ")
        assert caught.value.params["reason"]
        assert not any(word in said for word in ("file:", "/", "My Videos", "out.mp4", "wall.mp4", "0x"))
    assert [one.name for one in folder.iterdir()] == ["our dance.mp4"]


def test_a_picture_that_ends_early_says_when(tmp_path):
    path = tmp_path / "cut.mp4"
    make(*picture(3), *X264, "-g", 25, path)
    data = bytearray(path.read_bytes())
    at, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[at + (end - at) // 2 : end] = bytes(end - at - (end - at) // 2)
    path.write_bytes(data)
    with pytest.raises(ClipError, match=r"its picture ends after 1\.\d of 3\.0 s"):
        mw.trim_clip(path)


def test_paths_with_blanks_are_named(tmp_path):
    written = tmp_path / "My Videos" / "none.mp4"
    source = ["-f", "lavfi", "-t", "0.1", "-i", "testsrc=s=32x32"]
    with pytest.raises(
        ClipError, match=r"\u201cx\.mov\u201d cannot be decoded: .*\u201cx\.mov\u201d"
    ) as caught:
        ffmpeg.run([*source, "-f", "mp4", f"file:{written}"], name="x.mov", deadline=20)
    assert "Videos" not in str(caught.value)
    assert ffmpeg.named(f"no {written}", written, "x.mov") == "no \u201cx.mov\u201d"


# Decodes for ever and writes nothing, so no broken pipe ends it.
ENDLESS = """
import sys, threading, time
from motion_widgets.media import ffmpeg
endless = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x64", "-f", "null", "-"]
def work():
    ffmpeg.run(endless, name="x", deadline=100)
threading.Thread(target=work, daemon=True).start()
from motion_widgets.media import ffmpeg
while not ffmpeg._running:
    time.sleep(0.01)
print(next(iter(ffmpeg._running)).pid, flush=True)
"""


def gone(pid: int) -> bool:
    """Wait until a process is gone; a zombie that nobody waits for is."""

    def ended() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

    return until(ended, 60)


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
        "from motion_widgets.media.ffmpeg import kill_after\n"
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
        "from motion_widgets.media.ffmpeg import kill_after\n"
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
