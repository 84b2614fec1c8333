"""The table of kinds in ``FAULTS.md``: ``python -m tests.sandbox.faults.document`` brings it up to date.

Names, calls and parameters come from the source; what a kind does is written in the document itself.
"""

from __future__ import annotations

import json
from pathlib import Path

from motion_widgets.sandbox.faults import kinds
from motion_widgets.sandbox.faults.rule import CALLS

DOCUMENT = Path(kinds.__file__).parents[1] / "FAULTS.md"
HEAD = "| kind | calls | parameters and their defaults | what happens |\n|---|---|---|---|\n"
TODO = "TODO: say what happens"


def shown(name: str, default: object) -> str:
    """Return a parameter as a plan has it: with its default, as required, or as one that may be left out."""
    if default is ...:
        return f"`{name}` (required)"
    return f"`{name}`" if default is None else f"`{name} = {json.dumps(default)}`"


def cells(name: str, kind: kinds.Kind) -> list[str]:
    """Return what the source knows of a kind."""
    calls = "any" if kind.on == CALLS else ", ".join(f"`{call}`" for call in kind.on)
    parameters = {**kind.parameters, **({"times": kind.times} if kind.times != 1 else {})}
    parameters |= {"when": kind.when} if kind.when else {}
    return [f"`{name}`", calls, ", ".join(shown(*pair) for pair in parameters.items())]


def split(text: str) -> tuple[str, dict[str, str], str]:
    """Return what precedes the table, what each kind does, and what follows."""
    before, _, rest = text.partition(HEAD)
    table, _, after = rest.partition("\n\n")
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    return before, {row[0].strip("`"): row[-1] for row in rows}, after


def render(text: str) -> str:
    """Return the document with its table brought up to date."""
    before, does, after = split(text)
    rows = [[*cells(name, kind), does.get(name, TODO)] for name, kind in kinds.KINDS.items()]
    return before + HEAD + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\n" + after


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text("utf-8")), "utf-8")
