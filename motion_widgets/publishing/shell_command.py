"""Publish with a shell command of the user's own, such as ``rclone copyto {path} remote:x/{name} && echo https://…``.

The user wrote it, so the shell runs it; what is filled in is quoted, and never a name from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hidden import environment
from motion_widgets.endpoint.api_key import ENVIRONMENT_KEY
from motion_widgets.endpoint.responses import clean

if TYPE_CHECKING:
    from pathlib import Path

    from motion_widgets.publishing.destination import Destination

__all__ = ["DEADLINE", "filled", "run"]

DEADLINE = 900.0
"""s; 100 MB at 1 Mbit/s."""
_KEPT = 16 * 1024
"""Bytes at the end of a command's output that are kept."""
_HOLE = re.compile(r"\{(path|name)\}")
_SAID = 300


async def run(place: Destination, path: Path, name: str, *, deadline: float | None = None) -> str:
    """Run a command and return the last line that it prints, which should be a link.

    Parameters
    ----------
    place
        The command, which contains ``{path}`` and perhaps ``{name}``.
    path, name
        The local file, and the name that it should have there.
    deadline
        s that it may take. None: 900 s.

    Raises
    ------
    RequestError
        It cannot be run on this system, fails, takes too long or prints nothing.
    """
    if os.name != "posix":
        raise RequestError.of("command_no_shell", place=place.label)
    seconds = DEADLINE if deadline is None else deadline
    line = filled(place, str(path), name)
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", line, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, start_new_session=True,
        env=environment(without=ENVIRONMENT_KEY),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            out, err = await asyncio.gather(_tail(process.stdout), _tail(process.stderr))
            code = await process.wait()
    except BaseException as error:  # it is raised again
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it and whatever it started
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, TimeoutError):
            raise RequestError.of("command_slow", place=place.label, seconds=seconds) from None
        raise
    if code:
        said = clean(" ".join((err or out).split())[-_SAID:], _SAID)
        raise RequestError.of("command_failed", place=place.label, code=code, said=said)
    lines = [one.strip() for one in out.splitlines() if one.strip()]
    return lines[-1] if lines else ""


def filled(place: Destination, path: str, name: str) -> str:
    """Put path and name into a command, quoted for the shell.

    Raises
    ------
    RequestError
        A placeholder is inside quotes, where its value could not be quoted safely.
    """
    quote = ""
    at = 0
    text = place.to
    while at < len(text):
        one = text[at]
        if one == "\\" and quote != "'":
            at += 2
            continue
        if quote and _HOLE.match(text, at):
            raise RequestError.of("command_quotes", place=place.label)
        if one in "'\"" and quote in ("", one):
            quote = "" if quote else one
        at += 1
    values = {"path": path, "name": name}
    return _HOLE.sub(lambda hole: shlex.quote(values[hole[1]]), text)


async def _tail(stream: asyncio.StreamReader) -> str:
    """Read a stream to its end and return only the last of it."""
    kept = bytearray()
    while chunk := await stream.read(65_536):
        kept += chunk
        del kept[:-_KEPT]
    return kept.decode("utf-8", "replace")
