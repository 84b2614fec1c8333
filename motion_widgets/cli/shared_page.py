"""``motion-widgets studio --voila`` and ``--app``: the Studio as a page of a server of its own.

The first is for visitors; the second for its user alone, who is known by the token that is printed.
`voila.json` holds the settings, which ``binder/start`` uses as well: no file is served, no traceback shown,
no other template taken, and a kernel whose page was closed ends.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from motion_widgets.core.errors import RequestError
from motion_widgets.core.hidden import set_variable, variable
from motion_widgets.core.messages import say
from motion_widgets.core.visitor import forget_secrets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

__all__ = ["PORT", "add_options", "app_command", "command_of"]

PORT = 8866
"""Voilà's own."""
LOOPBACK = "127.0.0.1"
_SETTINGS = Path(__file__).with_name("voila.json")


def add_options(studio: argparse.ArgumentParser) -> None:
    """Add the options of both pages."""
    studio.add_argument("--app", action="store_true", help=say("cli_app"))
    studio.add_argument("--voila", action="store_true", help=say("cli_voila"))
    studio.add_argument("--ip", default=LOOPBACK, help=say("cli_ip"))
    studio.add_argument("--example", metavar="BUNDLE", help=say("cli_example"))


def command_of(options: argparse.Namespace, notebooks: Path) -> list[str]:
    """Take the secrets out of this environment and return the command that starts the server in it.

    Raises
    ------
    RequestError
        Voilà is not installed, or there is no such example.
    """
    from motion_widgets.workspace.folder import EXAMPLE

    example = options.example or variable(EXAMPLE) or None
    if example is not None and not Path(example).expanduser().is_file():
        raise RequestError.of("voila_no_example", name=example)
    forget_secrets()
    if example is not None:
        set_variable(EXAMPLE, str(Path(example).expanduser().absolute()))
    return _voila(options, notebooks / "shared" / "studio.ipynb", ip=options.ip)


def app_command(options: argparse.Namespace, notebooks: Path, folder: Path) -> list[str]:
    """Return the command that starts the server for a folder's user: on this machine, with a token.

    Raises
    ------
    RequestError
        Voilà is not installed, or another address than this machine's own is asked for.
    """
    from motion_widgets.workspace.folder import FOLDER

    if options.voila or options.example or options.ip != LOOPBACK:
        raise RequestError.of("app_alone", ip=LOOPBACK)
    command = _voila(options, notebooks / "shared" / "app.ipynb", ip=LOOPBACK)
    set_variable(FOLDER, str(folder))
    return [*command, "--Voila.auto_token=True"]


def _voila(options: argparse.Namespace, notebook: Path, *, ip: str) -> list[str]:
    if importlib.util.find_spec("voila") is None:
        raise RequestError.of("voila_missing")
    command = [sys.executable, "-m", "voila", str(notebook), *_settings()]
    command += [f"--Voila.ip={ip}", f"--Voila.port={options.port or PORT}", "--Voila.port_retries=0"]
    return command if options.open else [*command, "--no-browser"]


def _settings() -> Iterator[str]:
    """Yield the settings as options, which come before whatever a user's own files say."""
    for section, values in json.loads(_SETTINGS.read_text("utf-8")).items():
        for name, value in values.items():
            yield f"--{section}.{name}={value}"
