"""Build wheel and sdist, and try the wheel in a clean environment: ``make release-check``.

``python -m tests.release FOLDER`` writes both into the folder, and the environment beside them; then one for
each extra, which is used for real in it, while the first one says what it lacks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TRY = """
import sys, motion_widgets as mw
from importlib.resources import files
where = files(mw)
assert "site-packages" in str(where), where
for name in mw.__all__:
    getattr(mw, name)
static = where / "widgets" / "static"
assert sum(one.name.endswith((".js", ".css")) for one in static.iterdir()) > 10
assert (where / "notebooks" / "studio.ipynb").is_file() and (where / "py.typed").is_file()
assert not (where.parent / "tests").exists()
print(mw.__version__, where)
"""


def build(folder: Path) -> tuple[Path, Path]:
    """Build with what is installed, as Binder does; return wheel and sdist."""
    for one in folder.glob("motion_widgets-*"):
        one.unlink()
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def check(folder: Path) -> None:
    """Install the wheel into an environment that has its pinned dependencies and nothing else, and try it."""
    wheel, _ = build(folder)
    env = folder / "env"
    subprocess.run(["sh", ROOT / ".ci/venv", sys.executable, env], check=True)
    install(env, wheel)
    install(env, "--no-deps", "--force-reinstall", wheel)
    for command in (
        ["-c", _TRY],
        ["-m", "motion_widgets", "--help"],
        ["-m", "motion_widgets", "demo", "--folder", folder / "demo"],
        ["-m", "motion_widgets", "log", "--folder", folder / "demo"],
    ):
        run(env, *command)
    subprocess.run([env / "bin" / "motion-widgets", "--help"], check=True, stdout=subprocess.DEVNULL)
    check_extras(folder, wheel)


def check_extras(folder: Path, wheel: Path) -> None:
    """Try each extra alone: what it gives works with it, and is missed in one sentence without."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for extra in extras:
        run(folder / "env", ROOT / "tests/extras.py", extra, "absent")
        alone = folder / f"env-{extra}"
        shutil.rmtree(alone, ignore_errors=True)
        # The same files again; pip replaces files, it changes none in place.
        shutil.copytree(folder / "env", alone, symlinks=True, copy_function=os.link)
        install(alone, f"{wheel}[{extra}]")
        run(alone, ROOT / "tests/extras.py", extra)
        shutil.rmtree(alone)


def install(env: Path, *what: str | Path) -> None:
    """Install into an environment, in the versions that are pinned."""
    pip = [env / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    pins = [word for name in ("binder", "tests") for word in ("-c", ROOT / name / "requirements.txt")]
    subprocess.run([*pip, "install", "--quiet", *pins, *what], check=True)
    subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)


def run(env: Path, *command: str | Path) -> None:
    """Run something with an environment's Python, without a key; not in the tree, which would be imported."""
    hidden = ("APIMART", "MOTION_WIDGETS", "PYTHONPATH")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    subprocess.run([env / "bin" / "python", "-P", *command], cwd=env.parent, env=environ, check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1]).absolute()
    target.mkdir(parents=True, exist_ok=True)
    check(target)
