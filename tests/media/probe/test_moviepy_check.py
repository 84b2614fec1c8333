"""moviepy sees only a stripped header, and is killed at its deadline."""

from __future__ import annotations

import subprocess
import threading

from motion_widgets.media.probe.measure import FileSource, measure_clip, read_layout
from motion_widgets.media.probe.moviepy_check import moviepy_length
from motion_widgets.media.probe.moviepy_import import load_moviepy


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
    threads = [threading.Thread(target=lambda: found.append(moviepy_length(ftyp, moov))) for _ in range(6)]
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
