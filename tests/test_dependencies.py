"""Whatever the package imports is a dependency, and whatever is a dependency is imported."""

from __future__ import annotations

import subprocess
import sys

from tests.every_python import ROOT


def test_deptry_finds_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deptry", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
