"""What `make test-oldest` installs follows from pyproject.toml, and takes nothing newer."""

from __future__ import annotations

from packaging.requirements import Requirement

from tests.oldest import TOOLS, oldest, tools
from tests.test_binder import PROJECT


def test_every_dependency_stands_at_its_lower_bound():
    lines = [Requirement(line) for line in oldest()]
    wanted = {one.name: one for one in map(Requirement, PROJECT["dependencies"])}
    assert wanted.keys() <= {line.name for line in lines}
    for line in lines:
        (exact,) = line.specifier
        assert exact.operator == "=="
        bounds = wanted[line.name].specifier if line.name in wanted else ()
        assert not bounds or exact.version in {one.version for one in bounds if one.operator == ">="}
    assert len(tools()) == len(TOOLS)
