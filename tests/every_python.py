"""Run the tests without a browser on each Python of pyproject.toml: ``python -m tests.every_python``.

Each interpreter found (by name on the path, or of pyenv) gets an environment of its own, ``.venv-3.12``, with
the exact versions that the gate has. What follows is handed to pytest: paths, ``-n 2``. The last lines say
what came of each, and of which none was found; it ends with 1 where a test failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / "pyproject.toml"
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def claimed(pyproject: Path = PYPROJECT) -> list[str]:
    """Return the versions that the classifiers name, such as ``3.12``."""
    classifiers = tomllib.loads(pyproject.read_text("utf-8"))["project"]["classifiers"]
    return [found[1] for found in map(_CLASSIFIER.fullmatch, classifiers) if found]


def interpreter(version: str, pyenv: Path | None = None) -> Path | None:
    """Return an interpreter of this version: pyenv's newest, else that on the path. None: there is none."""
    root = pyenv or Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = [path for path in root.glob(f"versions/{version}.*/bin/python") if path.is_file()]
    if installed:
        return max(installed, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parts[-3])])
    named = shutil.which(f"python{version}")
    if named and subprocess.run([named, "-c", ""], capture_output=True, check=False).returncode == 0:
        return Path(named)  # a shim of pyenv is there under every name, and works for some
    return None


def environment(version: str, python: Path) -> Path:
    """Return the Python of this version's environment, made or brought up to date first."""
    folder = ROOT / f".venv-{version}"
    subprocess.run(["sh", ".ci/venv", python, folder], cwd=ROOT, check=True)
    inside = folder / "bin" / "python"
    pins = [word for name in ("binder", "tests") for word in ("-r", ROOT / name / "requirements.txt")]
    subprocess.run([inside, *_PIP, *pins], cwd=ROOT, check=True)
    subprocess.run(
        [inside, *_PIP, "--no-deps", "--no-build-isolation", "--editable", "."], cwd=ROOT, check=True
    )
    return inside


def run(version: str, arguments: list[str]) -> tuple[str, bool]:
    """Return the line that says what came of this version, and whether nothing failed."""
    python = interpreter(version)
    if python is None:
        return f"Python {version}: no interpreter found, not run", True
    inside = environment(version, python)
    command = [inside, "-m", "pytest", "-q", "-m", "not browser", "-p", "no:cacheprovider", *arguments]
    environ = {"CI": "true", **os.environ}  # as the gate has it: hypothesis then sets no limit of time
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environ) as running:
        last = ""
        for line in running.stdout or ():
            sys.stdout.write(line)
            last = line.strip() or last
    return f"Python {version} ({python}): {last}", running.returncode == 0


def main(arguments: list[str]) -> int:
    """Run them all, print what came of each, and return 1 where something failed."""
    outcomes = [run(version, arguments) for version in claimed()]
    print(*(line for line, _ in outcomes), sep="\n")
    return 0 if all(passed for _, passed in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
