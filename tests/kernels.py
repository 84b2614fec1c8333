"""Kernels of this interpreter for tests, reached over sockets in a folder.

For others jupyter_client chooses ports, lets go of them, and has the kernel listen there a second or more
later; by then a test beside it may have been given one of them.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

READY_SECONDS = 120


def by_sockets(folder: Path) -> dict[str, str]:
    """Return the settings of a `KernelManager` for one kernel."""
    return {"transport": "ipc", "ip": str(folder / f"kernel{secrets.token_hex(3)}")}


def start_kernel(folder: Path, **options: Any) -> tuple[KernelManager, BlockingKernelClient]:
    """Start a kernel, as `jupyter_client.manager.start_new_kernel` does."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(**by_sockets(folder))
    manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=READY_SECONDS)
    return manager, client
