"""What a forked child must find free, whatever other threads of its parent were doing."""

from __future__ import annotations

import os

import pytest

from tests.fresh_python import said_by

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

FORKING = """
import os, signal, sys, threading, time
sys.path.insert(0, {folder!r})
from motion_widgets.core import forks

threading.Thread(target=__import__, args=("slow",)).start()
while "slow" not in sys.modules:
    time.sleep(0.001)
child = os.fork()
if not child:
    signal.alarm(30)  # it only guards against hanging
    import slow
    os._exit(0 if slow.whole else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
INSIDE = """
import os, sys, time
sys.path.insert(0, {folder!r})
from motion_widgets.core import forks

forks.PATIENCE = 600.0
import forking
print(forking.code)
"""


def test_a_child_can_import_what_another_thread_was_importing(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1)\nwhole = True\n")
    assert said_by(FORKING, tmp_path) == "0"


def test_a_module_that_forks_while_it_is_imported_waits_for_nobody(tmp_path):
    (tmp_path / "forking.py").write_text(
        "import os\nchild = os.fork()\nif not child:\n    os._exit(3)\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
    )
    assert said_by(INSIDE, tmp_path) == "3"
