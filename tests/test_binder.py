"""What Binder would build, read off repo2docker's Dockerfile; no Docker engine is needed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from types import ModuleType

REPO = Path(__file__).parents[1]
BINDER = REPO / "binder"
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
README = (REPO / "README.md").read_text("utf-8")
PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==(\d[\w.]*)")
BIN = Path(sys.executable).parent


def lines(path: Path) -> list[str]:
    """Return a requirements file's lines without comments and blanks."""
    kept = (line.split(" #")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in kept if line and not line.startswith("#")]


def pins(path: Path) -> dict[str, str]:
    """Return version by normalised name."""
    matches = (PIN.fullmatch(line) for line in lines(path))
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in matches if m}


def installed(name: str) -> importlib.metadata.Distribution | None:
    """Return a package of this environment. None: it is not here, as it is for another Python or system."""
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git tracks, or would: nothing that is ignored."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=REPO,
        check=True,
        capture_output=True,
        text=True,
    )
    target = tmp_path_factory.mktemp("checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (REPO / name).is_file() and not name.startswith("tests/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, target / name)
    return target


@pytest.fixture(scope="module")
def rendered(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "jupyter-repo2docker"), "--no-build", "--debug", str(checkout)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=checkout)


def test_python_is_the_one_of_runtime_txt(rendered: subprocess.CompletedProcess[str]) -> None:
    assert (BINDER / "runtime.txt").read_text("utf-8").strip() == "python-3.12"
    assert "python=3.12" in rendered.stderr
    assert "environment-2epy-2d3-2e12-2d" in rendered.stdout


def test_every_file_of_the_folder_is_used(rendered: subprocess.CompletedProcess[str]) -> None:
    steps = [
        "COPY --chown=0:0 src/binder/requirements.txt ${REPO_DIR}/binder/requirements.txt",
        '/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        "COPY --chown=0:0 src/ ${REPO_DIR}/",
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    ]
    at = [rendered.stdout.find(step) for step in steps]
    assert -1 not in at
    # Installed before the sources are copied, so that a change of the sources keeps the layer.
    assert at == sorted(at)


def test_nothing_beside_it_takes_over() -> None:
    # repo2docker would take these instead of, or on top of, the pins.
    names = ("environment.yml", "Pipfile", "Dockerfile", "setup.py", "apt.txt", "install.R", "Project.toml")
    assert [name for name in names if (BINDER / name).exists()] == []


@pytest.mark.parametrize("path", [BINDER / "requirements.txt", REPO / "tests/requirements.txt"], ids=str)
def test_every_line_is_an_exact_pin_of_the_index(path: Path) -> None:
    assert [line for line in lines(path) if not PIN.fullmatch(line)] == []
    assert len(pins(path)) == len(lines(path))


def test_the_two_files_pin_nothing_differently() -> None:
    binder, tests = pins(BINDER / "requirements.txt"), pins(REPO / "tests/requirements.txt")
    assert {
        name: (binder[name], tests[name]) for name in binder.keys() & tests if binder[name] != tests[name]
    } == {}


def test_pins_satisfy_pyproject() -> None:
    pinned = pins(BINDER / "requirements.txt")
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {"awake", "excel", "flow", "heic", "keyring", "postgres", "s3", "voila"}
    pinned |= {
        name: pin
        for name, pin in pins(REPO / "tests/requirements.txt").items()
        if name
        in ("fsspec", "opencv-python-headless", "openpyxl", "pillow-heif", "psycopg", "s3fs", "wakepy")
    }
    for text in [*PROJECT["dependencies"], *(one for wanted in extras.values() for one in wanted)]:
        wanted = Requirement(text)
        assert wanted.name in pinned, text
        assert wanted.specifier.contains(pinned[wanted.name]), (text, pinned[wanted.name])


def test_what_builds_the_package_is_pinned_too() -> None:
    # postBuild installs with --no-build-isolation.
    system = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["build-system"]
    pinned = pins(BINDER / "requirements.txt")
    for text in system["requires"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[wanted.name]), text


def test_pins_are_whole() -> None:
    # What a pinned package needs and the file lacks comes in whatever version the day of the build has.
    pinned = pins(BINDER / "requirements.txt")
    missing = {
        f"{name}: {text}"
        for name in pinned
        if (found := installed(name)) is not None
        for text in found.requires or []
        if (marker := (wanted := Requirement(text)).marker) is None or marker.evaluate({"extra": ""})
        if re.sub(r"[-_.]+", "-", wanted.name).lower() not in pinned
    }
    assert missing == set()


def test_ipykernel_is_not_one_that_breaks_widgets() -> None:
    # 7.0.x raises on every widget update from a background thread.
    assert not pins(BINDER / "requirements.txt")["ipykernel"].startswith("7.0.")


def test_binder_python_is_supported() -> None:
    version = (BINDER / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_start_hands_over_and_drops_every_key(tmp_path: Path) -> None:
    words = (BINDER / "start").read_text("utf-8").strip().splitlines()
    assert words[-1] == 'exec "$@"'
    shown = subprocess.run(
        ["bash", str(BINDER / "start"), sys.executable, "-c", "import os; print(sorted(os.environ))"],
        env={**os.environ, "APIMART_API_KEY": "planted-key", "APIMART_BASE_URL": "https://example.com"},
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "APIMART" not in shown.stdout
    assert "JUPYTER_CONFIG_PATH" in shown.stdout
    assert "MOTION_WIDGETS_EXAMPLE" in shown.stdout


def test_start_gives_voila_the_settings_of_a_shared_page(tmp_path: Path) -> None:
    code = (
        "from voila.server_extension import load_config_file; print(load_config_file()['VoilaConfiguration'])"
    )
    shown = subprocess.run(
        ["bash", str(BINDER / "start"), sys.executable, "-c", code],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    ).stdout  # fmt: skip
    assert "'file_allowlist': []" in shown
    assert "'show_tracebacks': False" in shown


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_stop_at_the_first_error(name: str) -> None:
    text = (BINDER / name).read_text("utf-8")
    assert text.startswith("#!/bin/bash\n")
    assert "set -euo pipefail" in text
    assert "\r" not in text


def test_post_build_leaves_a_finished_sweep(checkout: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("APIMART", "PIP_"))
    }
    environment |= {
        "PATH": os.pathsep.join([str(site / "bin"), str(BIN), os.environ["PATH"]]),
        "PYTHONPATH": str(site),
        "PIP_TARGET": str(site),  # beside this environment, not into it
        "PIP_NO_INDEX": "1",  # with its pins installed it needs no index
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "MPLBACKEND": "Agg",
    }
    ran = subprocess.run(
        ["bash", "binder/postBuild"],
        cwd=checkout,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (site / "motion_widgets/notebooks/studio.ipynb").is_file()
    workspace = checkout / "notebooks/workspace"
    with sqlite3.connect(f"file:{workspace / 'log.sqlite'}?mode=ro", uri=True) as log:
        rows = log.execute("SELECT state, sandbox, result_path FROM jobs").fetchall()
    assert [state for state, *_ in rows] == ["collected"] * 4
    assert all(sandbox and (workspace / path).stat().st_size > 10_000 for _, sandbox, path in rows)
    assert list(workspace.rglob("*.part")) == []
    with zipfile.ZipFile(checkout / "notebooks/example.zip") as example:
        assert sum(name.startswith("results/") and name.endswith(".mp4") for name in example.namelist()) >= 4


# --- the README ---


@pytest.fixture(scope="module")
def links() -> ModuleType:
    spec = importlib.util.spec_from_file_location("binder_links", BINDER / "links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_shows_what_links_py_prints(links: ModuleType) -> None:
    printed = subprocess.run(
        [sys.executable, str(BINDER / "links.py")], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert printed == links.links(PROJECT.get("urls", {}).get("Repository"))
    section = README.split("\n## Binder\n")[1].split("\n## ")[0]
    assert printed in section
    assert ("mybinder.org" in README) == ("mybinder.org" in printed)


def test_links_of_a_repository(links: ModuleType) -> None:
    made = links.links("https://github.com/someone/motion_widgets.git")
    base = "https://mybinder.org/v2/gh/someone/motion_widgets/HEAD"
    assert f"({base}?urlpath=voila/render/notebooks/shared/studio.ipynb)" in made
    assert f"({base}?urlpath=lab/tree/notebooks/studio.ipynb)" in made
    elsewhere = links.links("https://git.example.org/a/b")
    assert "/v2/git/https%3A%2F%2Fgit.example.org%2Fa%2Fb/HEAD?urlpath=" in elsewhere
    assert "Repository" in links.links(None)


def test_every_page_linked_is_a_notebook(links: ModuleType) -> None:
    for page in links.PAGES.values():
        assert (REPO / page.removeprefix("voila/render/").removeprefix("lab/tree/")).is_file()


def test_numbers_are_in_step() -> None:
    least = PROJECT["requires-python"].removeprefix(">=")
    assert f"Python {least} or later" in README
    assert f'target-version = "py{least.replace(".", "")}"' in (REPO / "pyproject.toml").read_text("utf-8")
    changes = (REPO / "CHANGELOG.md").read_text("utf-8")
    import motion_widgets

    assert motion_widgets.__version__ == PROJECT["version"]
    newest = changes.split(f"\n## [{PROJECT['version']}] - ")[1].split("\n## [")[0]
    assert re.match(r"20\d\d-\d\d-\d\d\n", newest)
    assert len(newest.splitlines()) <= 60  # for users: what they can do, and what they have to change
    assert "## [Unreleased]" in changes
    runtime = (BINDER / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert f"Python {runtime}" in README.split("\n## Binder\n")[1]
