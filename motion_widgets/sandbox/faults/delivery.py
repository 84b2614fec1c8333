"""How a response goes out: as HTTP has it, or late, in pieces, in part, or never."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motion_widgets.sandbox.faults.call import Call
    from motion_widgets.sandbox.faults.response import FaultContext, WireResponse

__all__ = [
    "close", "close_on_reuse", "delay", "drip", "half", "hang", "normal", "reset", "slow", "truncated",
    "unended",
]  # fmt: skip


async def normal(_context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send the whole response."""
    if "date" in response.headers:  # the HTTP layer would add its own Date beside this one
        await call.write(response.to_bytes(length=len(response.body)))
        await call.close()
    else:
        await call.answer(response)


async def delay(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send the whole response later."""
    await asyncio.sleep(context.rule["seconds"] / context.speed)
    await normal(context, call, response)


async def close_on_reuse(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send the whole response, and reset the connection when it is used again."""
    await normal(context, call, response)
    call.connection.reset_on_reuse = True


async def reset(_context: FaultContext, call: Call, _response: WireResponse) -> None:
    """Reset the connection."""
    call.connection.reset()
    await call.close()


async def close(_context: FaultContext, call: Call, _response: WireResponse) -> None:
    """Close the connection without a response."""
    await call.close()


async def hang(context: FaultContext, call: Call, _response: WireResponse) -> None:
    """Send nothing for a long time, then close."""
    await call.wait_for_disconnect(context.rule["hold"] / context.speed)
    await call.close()


async def half(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send a part of the body, at least its last byte missing, then close."""
    size = len(response.body)
    missing = max(size - int(size * context.rule["part"]), 1)
    await call.write(response.to_bytes(length=max(size, 2))[:-missing])
    await call.close()


async def unended(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send the whole body and close, as if more were to come: by its length, or for want of a last chunk."""
    if context.rule["framing"] == "length":
        await call.write(response.to_bytes(length=len(response.body) + 1000))
    else:
        chunked = replace(response, headers=response.headers | {"transfer-encoding": "chunked"})
        size = f"{len(response.body):x}\r\n".encode()
        await call.write(chunked.to_bytes(length=None, body=False) + size + response.body + b"\r\n")
    await call.close()


async def drip(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send one byte at a time."""
    pause = context.rule["interval"] / context.speed
    await call.write(response.to_bytes(length=len(response.body)), chunk=1, pause=pause)
    await call.close()


async def slow(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send so many bytes per second of this machine's clock."""
    rate = context.rule["bytes_per_second"]
    chunk = max(1, min(int(rate / 10), 65_536))
    await call.write(response.to_bytes(length=len(response.body), body=False))
    await call.write(response.body, chunk=chunk, pause=chunk / rate)
    await call.close()


async def truncated(context: FaultContext, call: Call, response: WireResponse) -> None:
    """Send the beginning of a file with the length of the whole one, its own, or none."""
    lengths = {"known": len(context.real.body), "wrong": len(response.body), "unknown": None}
    await call.write(response.to_bytes(length=lengths[context.rule["length"]]))
    await call.close()
