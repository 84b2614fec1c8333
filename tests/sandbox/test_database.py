"""The sandbox's file in forks: none happens while another thread opens one, and the parent goes on."""

from __future__ import annotations

import os

import pytest

from tests.fresh_python import said_by

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

OPENING = """
import os, signal, sqlite3, sys, threading, time
from pathlib import Path
from motion_widgets.sandbox.database import Database

folder = Path({folder!r})
holder = sqlite3.connect(folder / "one", isolation_level=None, check_same_thread=False)
holder.execute("BEGIN EXCLUSIVE")  # so that who opens it waits
opened = []
opening = threading.Thread(target=lambda: opened.append(Database(folder / "one")))
opening.start()
while sys._current_frames()[opening.ident].f_code.co_name != "_connect":
    time.sleep(0.001)
threading.Timer(1, holder.execute, ("COMMIT",)).start()
child = os.fork()
there = len(opened)
if not child:
    signal.alarm(30)  # it only guards against hanging
    Database(folder / "two").close()
    os._exit(0)
print(there, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
INSIDE = """
import os, threading
from pathlib import Path
from motion_widgets.sandbox.database import Database

database = Database(Path({folder!r}) / "one")
with database.transaction():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
other = threading.Thread(target=database.rows, args=("SELECT 1",), daemon=True)
other.start()
other.join(10)
print(other.is_alive())
"""


def test_a_fork_waits_for_a_file_that_another_thread_opens(tmp_path):
    assert said_by(OPENING, tmp_path) == "1 0"


def test_a_fork_in_a_transaction_leaves_the_file_to_other_threads(tmp_path):
    assert said_by(INSIDE, tmp_path) == "False"
