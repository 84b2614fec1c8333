"""What `make test-all` runs: every Python that the classifiers name, on the newest interpreter found."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.specifiers import SpecifierSet

from tests import every_python
from tests.every_python import PYPROJECT, claimed, interpreter, run

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_claimed_is_what_may_be_installed() -> None:
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert claimed() == ["3.11", "3.12", "3.13"]
    assert all(allowed.contains(version) for version in claimed())
    assert not allowed.contains("3.10")
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in claimed()


def test_the_newest_of_pyenv_comes_first(tmp_path: Path) -> None:
    for version in ("3.12.9", "3.12.10", "3.13.0"):
        folder = tmp_path / "versions" / version / "bin"
        folder.mkdir(parents=True)
        (folder / "python").touch()
    found = interpreter("3.12", pyenv=tmp_path)
    assert found == tmp_path / "versions" / "3.12.10" / "bin" / "python"


def test_one_that_is_not_here_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name on the path that does not start, as pyenv has for versions that are not chosen, is none either.
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert run("3.12", []) == ("Python 3.12: no interpreter found, not run", True)


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_failure_on_one_fails_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], passed: bool, code: int
) -> None:
    outcomes = {"3.11": True, "3.12": passed, "3.13": True}
    monkeypatch.setattr(every_python, "run", lambda version, _: (f"Python {version}", outcomes[version]))
    assert every_python.main([]) == code
    assert capsys.readouterr().out.split() == ["Python", "3.11", "Python", "3.12", "Python", "3.13"]
