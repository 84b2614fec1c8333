"""Cells of a real Jupyter kernel: interrupted, left by their tab, killed and run again; paid for once."""

from __future__ import annotations

import time

import pytest

from motion_widgets.log.store import Log
from tests.jobs.endpoint import KEY, until
from tests.kernels import start_kernel

OPEN = """
import motion_widgets as mw
from motion_widgets.jobs.scheduling import timing
timing.BEAT, timing.POLL, timing.LEASE = 0.1, (0.005, 0.01), 1.5
ws = mw.Workspace({folder!r}, endpoint={url!r}, key={key!r}, log={log!r})
req = mw.MotionRequest(model="kling-v2-6-motion-control", image_url={image!r}, video_url={clip!r})
"""
SUBMIT = "job = ws.submit(req, max_cost=0.50)\nprint('submitted', flush=True)\n"
CELLS = {"sync": SUBMIT + "job.wait()", "await": SUBMIT + "await job"}
SAY = "print(job.id, job.state)"


class Kernel:
    """A kernel, and the tab that is open on it."""

    def __init__(self, folder):
        self.manager, self.tab = start_kernel(folder)

    def start(self, code):
        return self.tab.execute(code)

    def run(self, code):
        """Run a cell to its end, and give what it printed."""
        return self.end(self.start(code))

    def end(self, cell, *, until_said=None):
        """Listen until a cell has ended, or has said something; its error's name is said as well."""
        said = ""
        while True:
            message = self.tab.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != cell:
                continue
            content = message["content"]
            said += content.get("text", "") + content.get("ename", "")
            if until_said is not None and until_said in said:
                return said
            if content.get("execution_state") == "idle":
                return said

    def stop(self):
        self.tab.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Kernels of this interpreter: kernel() -> one more, with the workspace and the request at hand."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    opened = []

    def make():
        opened.append(Kernel(tmp_path))
        return opened[-1]

    yield make
    for one in opened:
        one.stop()


@pytest.fixture
def opening(tmp_path, endpoint, address):
    """The notebook's first cell."""
    media = {"image": f"{endpoint.url}/media/image.png", "clip": f"{endpoint.url}/media/clip.mp4"}
    return OPEN.format(folder=str(tmp_path / "ws"), url=endpoint.url, key=KEY, log=address, **media)


@pytest.mark.parametrize("how", sorted(CELLS))
def test_interrupted_cell_says_how_to_attach_and_the_job_lives_on(kernel, opening, endpoint, how):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    one = kernel()
    assert one.run(opening) == ""
    cell = one.start(CELLS[how])
    one.end(cell, until_said="submitted")
    later = one.start(SAY)  # Run All: what comes after an interrupted cell does not run
    until(lambda: endpoint.polls)
    asked = time.monotonic()
    one.manager.interrupt_kernel()
    said = one.end(cell)
    print(f"interrupted after {time.monotonic() - asked:.2f} s")
    # A kernel interrupts a cell that awaits by cancelling it; what comes after it does not run either.
    assert {"sync": "KeyboardInterrupt", "await": "CancelledError"}[how] in said
    assert one.end(later) == ""
    job_id, state = one.run(SAY).split()
    assert f"attach({job_id!r})" in said.replace('"', "'")
    assert state in ("submitted", "running")
    endpoint.next_poll.clear()
    assert one.run("print(job.wait().state)") == "collected\n"
    assert len(endpoint.posts) == 1


def test_closed_tab_and_killed_kernel_lose_and_repeat_nothing(kernel, opening, endpoint, address):
    endpoint.next_poll.extend([endpoint.working()] * 100_000)
    first = kernel()
    first.run(opening)
    job_id = first.run(SUBMIT + SAY).split()[1]
    until(lambda: endpoint.polls)

    first.tab.stop_channels()  # the tab is closed; the kernel goes on, unheard
    polls = len(endpoint.polls)
    until(lambda: len(endpoint.polls) > polls)
    first.tab = first.manager.client()
    first.tab.start_channels()
    first.tab.wait_for_ready(timeout=60)
    assert first.run("print(ws.jobs()[0].id)").split() == [job_id], "all is visible from a new tab"

    first.manager.shutdown_kernel(now=True)
    second = kernel()
    second.run(opening)
    assert second.run("print(len(ws.jobs()), len(ws.log.frame()))").split() == ["1", "1"]
    endpoint.next_poll.clear()
    said = second.run(CELLS["sync"] + "\n" + SAY)  # Run All, in the new kernel
    assert said.split() == ["submitted", job_id, "collected"]
    assert (
        second.run("again = ws.submit(req, max_cost=0.50).wait()\nprint(again.result.is_file())") == "True\n"
    )
    assert (len(endpoint.posts), len(endpoint.charges)) == (1, 1)
    log = Log(address)
    assert [row.id for row in log.jobs.rows()] == [job_id]
    log.close()
