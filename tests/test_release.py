"""What a release is made of: the wheel has the package and nothing else, the sdist builds the same wheel."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from tests.release import ROOT, build
from tests.test_binder import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


def tracked(folder: str) -> set[str]:
    """Return the files of a folder that git has, or would have."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard", folder],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


def inside(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_every_file_of_the_package_and_the_notebooks_and_no_more(
    built: tuple[Path, Path],
) -> None:
    wheel, _ = built
    wanted = tracked("motion_widgets") | {f"motion_widgets/{name}" for name in tracked("notebooks")}
    assert {name for name in inside(wheel) if ".dist-info/" not in name} == wanted
    assert wheel.stat().st_size < 1_500_000


def test_the_wheel_says_what_it_is(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        told = message_from_string(archive.read(name).decode())
    assert (told["Name"], told["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert told["License-Expression"] == "MIT"
    assert set(told.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


def test_the_sdist_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, sdist = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "tests" / "test_release.py").is_file()
    assert (source / "CONTRIBUTING.md").is_file()
    assert (source / ".ci" / "venv").is_file()  # the Makefile needs it
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=source, check=True
    )
    assert inside(next(tmp_path.glob("*.whl"))) == inside(wheel)
