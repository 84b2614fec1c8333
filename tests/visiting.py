"""A kernel that strangers drive, as a process of its own: visitor mode is for good, so none begins here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VOILA = {"SERVER_SOFTWARE": "voila/0.5.13", "VOILA_REQUEST_URL": "http://127.0.0.1:8866/"}
"""What Voilà 0.5.13 puts into the environment of a kernel; `tests/browser` asks the real one."""
SECRETS = {
    "APIMART_API_KEY": "sk-planted-key",
    "APIMART_BASE_URL": "https://live.example",
    "MOTION_WIDGETS_LOG": "postgresql+psycopg://team:planted-key@db.example/motion",
    "MOTION_WIDGETS_SHARED": "s3://bucket/planted-key",
    "MOTION_WIDGETS_FOLDER": "/planted-key",
    "AWS_SECRET_ACCESS_KEY": "planted-key",
    "JUPYTER_TOKEN": "planted-key",
    "SOME_DATABASE": "mysql://root:planted-key@db/x",
}
PROLOGUE = """
import json, os, sys
from pathlib import Path
import motion_widgets as mw
from motion_widgets.core.errors import MotionError

def refused(act):
    try:
        act()
    except MotionError as error:
        return error.code
    return ""

"""


def visit(code: str, cwd: Path, **environment: str) -> Any:
    """Run code in a process of Voilà's environment; return what it put into `told`, as JSON has it."""
    env = {**os.environ, **VOILA, **SECRETS, **environment}
    source = PROLOGUE + textwrap.dedent(code) + "\nprint('told', json.dumps(told))\n"
    ran = subprocess.run(
        [sys.executable, "-c", source],
        cwd=cwd,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "planted-key" not in ran.stderr
    return json.loads(ran.stdout.rsplit("told ", 1)[1])
