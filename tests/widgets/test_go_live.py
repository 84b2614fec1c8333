"""The field that takes a key, in a real kernel: what goes back to the page, and what is saved."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.kernels import start_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

KEY = "sk-Pl4ntedQ7xZ2vN9mK5tR8wB3cY6h"
MAKE = """
import json, ipywidgets, motion_widgets as mw
from motion_widgets.widgets.go_live import GoLive
panel = GoLive(mw.Workspace("."))
usual = ipywidgets.Password()
print(json.dumps([panel.key.model_id, usual.model_id]))
"""
LOOK = """
print(json.dumps([panel._typed is not None, panel.key.value, panel.key.get_state(),
                  ipywidgets.Widget.get_manager_state()], default=str))
"""


def heard(client: BlockingKernelClient, parent: str) -> list[dict[str, Any]]:
    """Return all messages of the kernel's until it is done with one of ours."""
    found = []
    while True:
        message = client.get_iopub_msg(timeout=120)
        found.append(message)
        ours = message["parent_header"].get("msg_id") == parent
        if ours and message["content"].get("execution_state") == "idle":
            return found


def printed(client: BlockingKernelClient, code: str) -> Any:
    told = heard(client, client.execute(code))
    assert [one for one in told if one["msg_type"] == "error"] == []
    return json.loads("".join(one["content"]["text"] for one in told if one["msg_type"] == "stream"))


def typed(client: BlockingKernelClient, model: str, text: str) -> list[dict[str, Any]]:
    """Type into a widget, as its page does; return what the kernel sends back."""
    data = {"method": "update", "state": {"value": text}, "buffer_paths": []}
    message = client.session.msg("comm_msg", {"comm_id": model, "data": data})
    client.shell_channel.send(message)
    return heard(client, message["header"]["msg_id"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[BlockingKernelClient]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("APIMART", "MOTION_"))}
    manager, made = start_kernel(tmp_path, env={**clean, "JUPYTER_WIDGETS_ECHO": "1"}, cwd=str(tmp_path))
    yield made
    made.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("text", [KEY, f"{KEY[:10]} {KEY[10:]}"])
def test_a_typed_key_is_never_sent_back_and_does_not_stay(client: BlockingKernelClient, text: str) -> None:
    field, usual = printed(client, MAKE)
    assert KEY in repr(typed(client, usual, KEY))  # what ipywidgets does by itself, so this test can fail
    told = typed(client, field, text)
    assert text not in repr(told)
    emptied = [one["content"]["data"]["state"] for one in told if one["content"].get("comm_id") == field]
    assert {"value": ""} in emptied
    typed(client, usual, "")
    held, value, state, saved = printed(client, LOOK)
    assert held is (text == KEY)
    assert value == ""
    assert text not in json.dumps([state, saved])
