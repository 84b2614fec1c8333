"""What the commands print: the only place that writes to the terminal.

Names of files, words of peers and rows of logs may hold sequences that control a terminal, reverse a line or
fake another one. They are shown as escapes, as JSON writes them, so that printed JSON stays JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from motion_widgets.core.messages import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Parser", "example", "plain", "print_table", "tell", "tell_error"]


def plain(text: object) -> str:
    """Return a text on one line, in which every character that is not seen stands as an escape."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in str(text))


def tell(*lines: object) -> None:
    """Print lines, at once."""
    print("\n".join(map(plain, lines)), flush=True)


def tell_error(line: object) -> None:
    """Print what went wrong, at once."""
    print(plain(line), file=sys.stderr, flush=True)


def print_table(frame: pd.DataFrame) -> None:
    """Print a frame, a row on each line."""
    tell(*frame.to_string(index=False).split("\n"))  # pandas escapes line ends within a cell


def example(command: str) -> str:
    """Return the example at the end of a command's help."""
    return f"{say('cli_example_head')}\n  {say(f'example_{command}')}"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints quote the arguments as escapes, and whose examples keep their lines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **options})

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with it, and exit with 2."""
        super().error(plain(message))
