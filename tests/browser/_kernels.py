"""Kernels that start at once: forked from a process that has imported what notebooks need.

Importing it costs a kernel two seconds of a processor, more than many a test does. These are real kernels,
each a process of its own in its own environment and folder. What a server starts is this file, which asks the
process with the modules for a kernel and stays as long as that does: the end of either is the other's.

As a program: ``_kernels.py serve ADDRESS``, or ``_kernels.py start ADDRESS CONNECTION_FILE``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST = 1 << 20  # bytes of an environment
_SERVED = "kernels are served"


@contextmanager
def kernels(folder: Path) -> Iterator[list[str]]:
    """Serve kernels; give the command that starts one, as a kernelspec has it."""
    address = str(folder / "kernels")
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.readline().strip() == _SERVED
    # Neither the site's packages nor anybody's settings: it starts in 15 ms.
    yield [sys.executable, "-I", "-S", __file__, "start", address, "{connection_file}"]
    server.stdin.close()
    server.stdout.close()
    server.wait()


def _start(address: str, connection_file: str) -> None:
    """Have a kernel forked with this process's environment, folder and output; wait for its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as kernel:
        kernel.connect(address)
        told = {"env": dict(os.environ), "folder": os.getcwd(), "file": connection_file}  # noqa: PTH109
        socket.send_fds(kernel, [json.dumps(told).encode()], [1, 2])
        process = int(kernel.recv(20))
        signal.signal(signal.SIGINT, lambda *_: os.kill(process, signal.SIGINT))
        kernel.recv(1)


def _serve(address: str) -> None:
    """Import everything, then fork kernels until standard input ends, and they with it."""
    import gc
    import pkgutil
    from importlib import import_module

    sys.path.pop(0)  # this file's folder
    import motion_widgets

    for name in ("ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.kernelapp", "ipywidgets"):
        import_module(name)
    for module in pkgutil.walk_packages(motion_widgets.__path__, "motion_widgets."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    assert threading.active_count() == 1, "a thread would not live on in a fork"
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a kernel that ended leaves nothing behind
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.bind(address)
        asked.listen()
        print(_SERVED, flush=True)
        while sys.stdin not in select.select([asked, sys.stdin], [], [])[0]:
            launcher, _ = asked.accept()
            told, output, *_ = socket.recv_fds(launcher, _MOST, 2)
            if not told:  # it was ended before it said what it wants
                launcher.close()
                continue
            if not os.fork():
                asked.close()
                _become(launcher, json.loads(told), output)
                return
            launcher.close()
            for one in output:
                os.close(one)


def _become(launcher: socket.socket, told: dict[str, Any], output: list[int]) -> None:
    """Be the kernel that was asked for."""
    from importlib import reload

    from ipykernel.kernelapp import IPKernelApp

    from motion_widgets.widgets import server_root

    os.setsid()
    launcher.send(str(os.getpid()).encode())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ends = [launcher.fileno(), os.dup(0)]
    for there, wanted in zip([os.open(os.devnull, os.O_RDONLY), *output], range(3), strict=True):
        os.dup2(there, wanted)
        os.close(there)
    os.environ.clear()
    os.environ.update(told["env"])
    os.chdir(told["folder"])
    reload(server_root)  # it keeps the folder in which it was imported
    sys.argv = ["ipykernel_launcher", "-f", told["file"]]

    def watch() -> None:
        select.select(ends, [], [])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    IPKernelApp.launch_instance()


if __name__ == "__main__":
    {"serve": _serve, "start": _start}[sys.argv[1]](*sys.argv[2:])
