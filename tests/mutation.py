"""Change the code where it matters in small ways, and see whether a test notices: ``make mutation``.

``python -m tests.mutation [MODULE ...]`` changes one comparison, number, word, member or returned value of a
module of `TARGETS` at a time, and runs those of its tests that run the line, the fastest first, until one
fails. It prints what was not noticed, and for each module how much was. Nothing is written: pytest collects
once, and each change is made in the memory of a fork of it.
"""

from __future__ import annotations

import ast
import copy
import gc
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TARGETS = {
    "request.limits": ("request/test_limits.py", "request/test_rules.py", "request/test_request.py"),
    "request.rules": ("request/test_rules.py", "request/test_request.py"),
    "request.media_rules": ("request/test_rules.py", "request/test_request.py"),
    "request.price": ("request/test_price.py", "request/test_request.py"),
    "core.money": ("core/test_money.py", "request/test_price.py"),
    "log.states": ("log/test_states.py", "log/test_transitions.py", "log/test_summaries.py"),
    "study.verdict": ("study/test_verdict.py",),
}
"""By module, the files of tests that are to notice a change of it."""
_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or,
    ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one change; `inside`: of the body of a function."""

    line: int
    change: str
    tree: ast.Module
    inside: bool


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every change of a module, one at a time."""
    tree = ast.parse(source)
    for node, inside in _places(tree):
        for changed in _changes(node):
            kept = dict(node.__dict__)
            before = ast.unparse(node)
            node.__dict__.update(changed.__dict__)
            kind, node.__class__ = node.__class__, changed.__class__  # type: ignore[assignment]
            yield Mutant(node.lineno, f"{before}  ->  {ast.unparse(node)}", copy.deepcopy(tree), inside)
            node.__class__ = kind  # type: ignore[assignment]
            node.__dict__.clear()
            node.__dict__.update(kept)


def _places(node: ast.AST, *, inside: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield the nodes that are executed, without docstrings, types and names that are only exported."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or _is_skipped(node, name):
            continue
        within = inside or (isinstance(node, ast.FunctionDef) and name == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST):
                if isinstance(child, ast.expr | ast.Return):
                    yield child, within
                yield from _places(child, inside=within)


def _is_skipped(node: ast.AST, name: str) -> bool:
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name("__all__")]):
            return True
        case ast.Assign(value=ast.Subscript(value=ast.Name("Literal"))):
            return True
        case ast.JoinedStr():
            return False
        case ast.FormattedValue():
            return name == "format_spec"
    return False


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node may be changed to."""
    match node:
        case ast.Compare(left, ops, comparators):
            for at, one in enumerate(ops):
                other: Any = _SWAPS[type(one)]()
                yield ast.Compare(left, [*ops[:at], other, *ops[at + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(_SWAPS[type(op)](), values)  # type: ignore[arg-type]
        case ast.BinOp(left, op, right) if type(op) in _SWAPS:
            yield ast.BinOp(left, _SWAPS[type(op)](), right)  # type: ignore[arg-type]
        case ast.UnaryOp(ast.Not(), operand):
            yield ast.IfExp(operand, ast.Constant(True), ast.Constant(False))
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Return(value) if value is not None and ast.unparse(value) != "None":
            yield ast.Return(ast.Constant(None))
        case ast.Constant():
            yield from map(ast.Constant, _other_values(node.value))
        case ast.Set() | ast.Dict():
            yield from _without_one(node)


def _other_values(value: object) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    return [f"{value}~"] if isinstance(value, str) else []


def _without_one(node: ast.Set | ast.Dict) -> Iterator[ast.AST]:
    """Yield a collection without each of its members."""
    if isinstance(node, ast.Dict):
        for at in range(len(node.keys)):
            yield ast.Dict(node.keys[:at] + node.keys[at + 1 :], node.values[:at] + node.values[at + 1 :])
        return
    for at in range(len(node.elts)):
        left = node.elts[:at] + node.elts[at + 1 :]
        yield ast.Set(left) if left else ast.Call(ast.Name("set", ast.Load()), [], [])


class _Trials:
    """A plugin of pytest that runs the tests once as they are, and then some of them for each change."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.name = f"motion_widgets.{module}"
        self.path = ROOT / "motion_widgets" / f"{module.replace('.', '/')}.py"
        self.functions: dict[tuple[str, int], FunctionType] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every change; print those that nothing notices, and how many there were."""
        gc.unfreeze()  # or the functions that the collection of tests imported are not found
        seconds, by_line = self._as_it_is(session.items)
        self.functions = {
            (one.__qualname__, one.__code__.co_firstlineno): one
            for one in gc.get_objects()
            if isinstance(one, FunctionType) and one.__module__ == self.name
        }
        made = list(mutants(self.path.read_text("utf-8")))
        left = 0
        for mutant in made:
            run = {item for item in session.items if item.nodeid in by_line.get(mutant.line, ())}
            items = sorted(run or session.items, key=lambda item: seconds[item.nodeid])
            if not self._is_noticed(mutant, items, 20 + 5 * sum(seconds[one.nodeid] for one in items)):
                left += 1
                print(f"{self.path.relative_to(ROOT)}:{mutant.line}: {mutant.change}", flush=True)
        print(
            f"{self.module}: {len(made) - left} of {len(made)} noticed, {1 - left / len(made):.1%}",
            flush=True,
        )
        return True

    def _as_it_is(self, items: list[pytest.Item]) -> tuple[dict[str, float], dict[int, set[str]]]:
        """Return how long each test takes (s), and which run each line of a function."""
        seconds = {}
        watch = coverage.Coverage(data_file=None, include=[str(self.path)], config_file=False)
        watch.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            watch.switch_context(item.nodeid)
            since = time.monotonic()
            if any(one.failed for one in runtestprotocol(item, log=False, nextitem=following)):
                raise SystemExit(f"{item.nodeid} fails as it is")
            seconds[item.nodeid] = time.monotonic() - since
        watch.stop()
        found = watch.get_data().contexts_by_lineno(str(self.path))
        return seconds, {line: set(contexts) for line, contexts in found.items()}

    def _is_noticed(self, mutant: Mutant, items: list[pytest.Item], limit: float) -> bool:
        """Return whether a test fails with a change, or takes longer than some time (s)."""
        child = os.fork()
        if not child:
            os._exit(self._is_failing(mutant, items))
        until = time.monotonic() + limit
        while time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status != 0
            time.sleep(0.01)
        os.kill(child, SIGKILL)
        os.waitpid(child, 0)
        return True

    def _is_failing(self, mutant: Mutant, items: list[pytest.Item]) -> bool:
        """Make the change here; return whether a test then fails, or the module cannot even be loaded."""
        try:
            code = compile(ast.fix_missing_locations(mutant.tree), self.path, "exec")
            (self._put_code if mutant.inside else self._put_values)(code)
        except Exception:
            return True
        return any(
            one.failed
            for item, following in zip(items, [*items[1:], None], strict=True)
            for one in runtestprotocol(item, log=False, nextitem=following)
        )

    def _put_code(self, code: CodeType) -> None:
        """Put the code of changed functions into those there are; whoever imported them has it as well."""
        for one in code.co_consts:
            if isinstance(one, CodeType):
                known = self.functions.get((one.co_qualname, one.co_firstlineno))
                if known is not None:
                    known.__code__ = one
                self._put_code(one)

    def _put_values(self, code: CodeType) -> None:
        """Load the changed module, and put what it defines wherever it was imported by its name."""
        module = sys.modules[self.name]
        before = dict(vars(module))
        exec(code, vars(module))
        for other in list(sys.modules.values()):
            for name, value in before.items():
                if not name.startswith("__") and vars(other).get(name) is value:
                    setattr(other, name, vars(module)[name])


def main(names: list[str]) -> None:
    """Try the modules, each in a process of its own."""
    os.environ["CI"] = "true"  # hypothesis then takes the same examples every time
    os.chdir(ROOT)
    for module in names or TARGETS:
        child = os.fork()
        if not child:
            files = [f"tests/{one}" for one in TARGETS[module]]
            os._exit(pytest.main(["-q", "-s", "-p", "no:cacheprovider", *files], [_Trials(module)]))
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
