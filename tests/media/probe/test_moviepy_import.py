"""moviepy is imported once, in the background, within a deadline, and loads nobody's `.env`."""

from __future__ import annotations

import subprocess
import sys
import threading

from motion_widgets.media.probe import moviepy_import
from motion_widgets.media.probe.moviepy_check import moviepy_length
from tests.media.probe.test_moviepy_check import header


def test_env_file_of_the_folder_stays_out(clips, tmp_path):
    (tmp_path / ".env").write_text("APIMART_API_KEY=leaked\n")
    # `sys.ps1` makes dotenv look in the working directory, as it does in a notebook.
    code = (
        "import os, sys; sys.ps1 = '>'\n"
        "from motion_widgets.media.probe.measure import measure_clip\n"
        f"assert measure_clip({str(clips['front'])!r}).moviepy_length\n"
        "import dotenv\n"
        "print(os.environ.get('APIMART_API_KEY'))\n"
        "print(dotenv.find_dotenv(usecwd=True) != '', hasattr(dotenv, '__path__'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.split() == ["None", "True", "True"], done.stderr


def test_moviepy_is_imported_in_the_background_and_once():
    code = (
        "import sys\n"
        "from motion_widgets.media.probe.moviepy_import import warm\n"
        "thread = warm()\n"
        "assert warm() is thread and thread.daemon\n"
        "thread.join(100)\n"
        "print('moviepy.video.io.ffmpeg_reader' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_an_import_that_does_not_end_gives_no_figure(clips, monkeypatch):
    moviepy_import.load_moviepy()
    given = header(clips["front"])
    monkeypatch.delitem(sys.modules, "moviepy.video.io.ffmpeg_reader")
    monkeypatch.setattr(moviepy_import, "IMPORT_DEADLINE", 0.05)
    ending = threading.Event()
    stuck = threading.Thread(target=ending.wait, daemon=True)
    stuck.start()
    monkeypatch.setattr(moviepy_import, "warm", lambda: stuck)
    try:
        assert moviepy_length(*given) is None
    finally:
        ending.set()
