"""A shared page's connection to its kernel, which no visitor's message can hold up.

Jupyter's server and Voilà read from a message's first bytes how many parts it has, and make a list of that
length. Eight bytes from anybody would keep the server counting until the machine has no memory left. So would
a message in the older of Jupyter's two protocols, from which Voilà reads another number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.web import HTTPError

if TYPE_CHECKING:
    from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

__all__ = ["PageConnection"]

_PROTOCOL = "v1.kernel.websocket.jupyter.org"
_WORD = 8
"""Bytes of a number: how many offsets a message has, and each of them."""


class PageConnection(ZMQChannelsWebsocketConnection):
    """The connection that `voila.json` names: one protocol, and only messages that can be whole."""

    websocket_handler: KernelWebsocketHandler

    @property
    def subprotocol(self) -> str:
        """The protocol, also while the connection closes, when Jupyter would fall back to the older one."""
        return _PROTOCOL

    async def prepare(self) -> None:
        """Refuse a page that does not offer the protocol, as Voilà's own pages do."""
        asked = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if _PROTOCOL not in (one.strip() for one in asked.split(",")):
            raise HTTPError(400, f"This page speaks {_PROTOCOL} only.")
        await super().prepare()  # type: ignore[no-untyped-call]

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Pass a message on to the kernel, or close the connection if it cannot hold the parts it claims."""
        if _is_whole(incoming_msg):
            super().handle_incoming_message(incoming_msg)
            return
        self.log.warning("motion_widgets: a page sent a malformed message of %d bytes", len(incoming_msg))
        self.websocket_handler.close()


def _is_whole(message: object) -> bool:
    return isinstance(message, bytes) and int.from_bytes(message[:_WORD], "little") < len(message) // _WORD
