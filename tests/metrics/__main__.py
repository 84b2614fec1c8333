"""Print what the house looks like in figures: ``python -m tests.metrics [CHECKOUT ...]``.

A column per checkout, so that two commits stand side by side: a path, or nothing for this one. Older commits
are read by today's rules, and their job runs in their own ``.venv`` where they have one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.metrics.imports import NAME, all_circles, modules_of, runtime_circles
from tests.metrics.sources import (
    classes_of,
    duplicate_blocks,
    files_with_field,
    functions_of,
    kinds_of_lines,
)
from tests.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parents[2]
FIELDS = ("keep_original_sound", "watermark_info")
"""Two wire fields that stand for all: the files in which they are spelled out are those a field touches."""
LONG_MODULE = 400
LONG_FUNCTION = 50
MANY_METHODS = 20
NAMED = 12
"""Names that a list of offenders shows at most."""


def figures(root: Path, coverage: Path | None, *, job: bool) -> dict[str, str]:
    """Return the figures of one checkout, ready to print."""
    package = root / NAME
    texts = {name or NAME: path.read_text("utf-8") for name, path in modules_of(package).items()}
    blocks = duplicate_blocks(texts)
    found = {**_lengths(texts), **_fields(package), **_lines(root, texts)}
    found["branch coverage"] = _coverage(coverage)
    found["duplicate blocks"] = f"{len(blocks)} ({sum(count for count, *_ in blocks)} lines)"
    found["import circles at run time"] = _sizes(runtime_circles(package))
    found["… with type-only imports"] = _sizes(all_circles(package))
    if job:
        found["a job passes"] = _job(root)
        found["… its media measured before"] = _job(root, "--measured")
    return found


def _lengths(texts: dict[str, str]) -> dict[str, str]:
    trees = {name: parse(text) for name, text in texts.items()}
    lengths = {name: len(text.splitlines()) for name, text in texts.items()}
    longest = max(lengths, key=lambda name: lengths[name])
    functions = [one for tree in trees.values() for one in functions_of(tree)]
    median = statistics.median(lines for _, lines in functions)
    long = sorted((one for one in functions if one[1] > LONG_FUNCTION), key=lambda one: -one[1])
    classes = classes_of(trees.values())
    return {
        "modules": str(len(texts)),
        "median module": f"{statistics.median(lengths.values()):.0f} lines",
        "longest module": f"{lengths[longest]} lines ({longest})",
        f"modules over {LONG_MODULE} lines": _named(
            f"{name} {count}" for name, count in lengths.items() if count > LONG_MODULE
        ),
        "functions": f"{len(functions)}, median {median:.0f} lines",
        f"functions over {LONG_FUNCTION} lines": _named(f"{name} {lines}" for name, lines in long),
        f"classes over {MANY_METHODS} methods": _named(
            f"{name} {own}" for name, own, _ in classes if own > MANY_METHODS
        ),
        "… with inherited ones": _named(
            f"{name} {whole}" for name, _, whole in classes if whole > MANY_METHODS
        ),
    }


def _fields(package: Path) -> dict[str, str]:
    found = {}
    for field in FIELDS:
        files = files_with_field(package, field)
        client = sum("sandbox" not in path.relative_to(package).parts for path in files)
        found[f"files with {field}"] = f"{len(files)}, {client} without the sandbox"
    return found


def _lines(root: Path, texts: dict[str, str]) -> dict[str, str]:
    tests = [path.read_text("utf-8") for path in (root / "tests").rglob("*.py")]
    found, totals = {}, []
    for name, several in (("package", texts.values()), ("tests", tests)):
        count = sum(map(kinds_of_lines, several), Counter())
        totals.append(sum(count.values()))
        parts = ", ".join(f"{count[kind]} {kind}" for kind in ("code", "docstring", "comment", "blank"))
        found[f"lines of the {name}"] = f"{totals[-1]} ({parts})"
    found["tests to source"] = f"{totals[1] / totals[0]:.2f}"
    static = [path for end in ("js", "css") for path in (root / NAME).rglob(f"*.{end}")]
    found["lines of JS and CSS"] = str(sum(len(path.read_text("utf-8").splitlines()) for path in static))
    return found


def _named(given: Iterable[str]) -> str:
    names = list(given)
    shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return f"{len(names)}" + (f": {shown}" if names else "")


def _sizes(groups: list[list[str]]) -> str:
    sizes = ", ".join(str(len(group)) for group in groups)
    return f"{len(groups)}" + (f", of {sizes} modules" if groups else "")


def _coverage(path: Path | None) -> str:
    if path is None:
        return "not given"
    totals = json.loads(path.read_text("utf-8"))["totals"]
    covered, every = totals["covered_branches"], totals["num_branches"]
    return f"{100 * covered / every:.1f} % ({every} branches)"


def _job(root: Path, *options: str) -> str:
    python = root / ".venv" / "bin" / "python"
    command = [str(python) if python.exists() else sys.executable, str(Path(__file__).with_name("job.py"))]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    passed = json.loads(done.stdout)
    if passed["state"] != "collected":
        return f"ended {passed['state']}"
    return f"{len(passed['post'])} modules until the POST, {len(passed['collected'])} until collected"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[HERE])
    parser.add_argument("--coverage", nargs="*", type=Path, default=[], help="coverage JSON of each checkout")
    parser.add_argument("--no-job", action="store_true", help="run no job")
    parser.add_argument("--duplicates", action="store_true", help="list the duplicate blocks instead")
    options = parser.parse_args()
    if options.duplicates:
        for root in options.checkouts:
            modules = modules_of(root / NAME)
            for block in duplicate_blocks({name: path.read_text("utf-8") for name, path in modules.items()}):
                print("{} lines: {}:{} and {}:{}".format(*block))
        return
    coverage = [*options.coverage, *[None] * len(options.checkouts)]
    columns = [
        figures(root.absolute(), given, job=not options.no_job)
        for root, given in zip(options.checkouts, coverage, strict=False)
    ]
    for name in columns[0]:
        print(f"{name}:")
        for root, column in zip(options.checkouts, columns, strict=True):
            where = f"{root.name or root}: " if len(columns) > 1 else ""
            print(f"    {where}{column[name]}")


main()
