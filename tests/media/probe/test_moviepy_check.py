"""moviepy sees only a stripped header, and is killed at its deadline."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from motion_widgets.media.probe import moviepy_check
from motion_widgets.media.probe.boxes import BoxError, boxes
from motion_widgets.media.probe.measure import FileSource, measure_clip, read_layout
from motion_widgets.media.probe.moviepy_check import load_moviepy, moviepy_length, sanitised
from tests.media.probe.test_boxes import FAST, some


def header(path):
    with path.open("rb") as file:
        layout = read_layout(FileSource(file, path.stat().st_size), path.name)
    return layout.ftyp, layout.moov


def test_deadline_kills_ffmpeg_and_gives_no_figure(clips, monkeypatch):
    reader = load_moviepy()
    script = clips["front"].parent / "slow.sh"
    script.write_text("#!/bin/sh\nexec sleep 30\n")
    script.chmod(0o755)
    monkeypatch.setattr(reader, "FFMPEG_BINARY", str(script))
    # `nothing_left` checks that the child is gone.
    assert moviepy_length(*header(clips["front"]), deadline=0.2) is None


def test_failure_of_ffmpeg_gives_no_figure(clips, monkeypatch):
    monkeypatch.setattr(load_moviepy(), "FFMPEG_BINARY", "/nonexistent/ffmpeg")
    assert moviepy_length(*header(clips["front"])) is None


def test_moviepy_itself_is_left_as_it_is(clips):
    reader = load_moviepy()
    moviepy_length(*header(clips["front"]))
    assert reader.sp is subprocess


def test_many_threads_at_once(clips):
    ftyp, moov = header(clips["end"])
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(moviepy_length(ftyp, moov, deadline=60)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [6.0] * 6


def test_moviepy_is_never_given_the_link(clips, server, monkeypatch):
    """What ffmpeg is started with names one local file, whatever the source."""
    commands, real = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda args, **how: commands.append(args) or real(args, **how))
    measure_clip(server.put("x.mp4", clips["front"].read_bytes()))
    measure_clip(clips["front"])
    assert len(commands) == 2
    for command in commands:
        assert command[command.index("-protocol_whitelist") + 1] == "file"
        assert not any("://" in word or "front.mp4" in word for word in command)


def test_env_file_of_the_folder_stays_out(clips, tmp_path):
    (tmp_path / ".env").write_text("APIMART_API_KEY=leaked\n")
    # `sys.ps1` makes dotenv look in the working directory, as it does in a notebook.
    code = (
        "import os, sys; sys.ps1 = '>'\n"
        "from motion_widgets.media.probe.measure import measure_clip\n"
        f"assert measure_clip({str(clips['front'])!r}).moviepy_length\n"
        "import dotenv\n"
        "print(os.environ.get('APIMART_API_KEY'))\n"
        "print(dotenv.find_dotenv(usecwd=True) != '', 'PYTHON_DOTENV_DISABLED' in os.environ)\n"
        "print(dotenv.load_dotenv(dotenv.find_dotenv(usecwd=True)), os.environ.get('APIMART_API_KEY'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.split() == ["None", "True", "False", "True", "leaked"], done.stderr


def test_moviepy_is_imported_in_the_background_and_once():
    code = (
        "import sys\n"
        "from motion_widgets.media.probe.moviepy_check import warm\n"
        "thread = warm()\n"
        "assert warm() is thread and thread.daemon\n"
        "thread.join(100)\n"
        "print('moviepy.video.io.ffmpeg_reader' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_an_import_that_does_not_end_gives_no_figure(clips, monkeypatch):
    moviepy_check.load_moviepy()
    given = header(clips["front"])
    monkeypatch.delitem(sys.modules, "moviepy.video.io.ffmpeg_reader")
    monkeypatch.setattr(moviepy_check, "IMPORT_DEADLINE", 0.05)
    ending = threading.Event()
    stuck = threading.Thread(target=ending.wait, daemon=True)
    stuck.start()
    monkeypatch.setattr(moviepy_check, "warm", lambda: stuck)
    try:
        assert moviepy_length(*given) is None
    finally:
        ending.set()


def test_sanitised_header_has_the_same_size_and_no_words(clips):
    for name in ("front", "mov", "u2028", "crafted", "hevc"):
        ftyp, moov = header(clips[name])
        clean = sanitised(ftyp, moov)
        kinds = [box.kind for box in boxes(clean)]
        assert kinds == [b"ftyp", b"moov"]
        assert [b.end - b.start for b in boxes(clean)][1] == len(moov)
        for word in (b"Handler", b"Lavf", b"Lavc", b"Duration", b"tmcd", b"udta", b"\xe2\x80\xa8"):
            assert word not in clean


def test_side_data_is_dropped(clips):
    ftyp, moov = header(clips["front"])
    assert b"btrt" in moov
    for kind in (b"amve", b"clli", b"mdcv", b"dvcC"):
        assert kind not in sanitised(ftyp, moov.replace(b"btrt", kind))


def test_a_reference_to_another_file_never_reaches_ffmpeg(clips):
    """A mov may say that its media lie in another file, or behind a link."""
    ftyp, moov = header(clips["mov"])
    assert b"dref" in moov
    assert b"dref" not in sanitised(ftyp, moov.replace(b"url ", b"alis"))


@FAST
@given(st.data())
def test_sanitising_any_header_ends_with_a_file_of_two_boxes(clips, data):
    moov = some(clips)[0]
    moov = bytearray(moov[moov.index(b"moov") + 4 :][:2500])
    for _ in range(4):
        moov[data.draw(st.integers(0, len(moov) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BoxError):
        assert [box.kind for box in boxes(sanitised(b"isom", bytes(moov)))] == [b"ftyp", b"moov"]
