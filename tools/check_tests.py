"""Rules for tests: no silent skips, no sleep-and-hope, no asserts of nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.tree import Finding, Source, dotted, sources

_SKIPS: Final = {("pytest", "skip"), ("pytest", "xfail"), ("pytest", "importorskip"), ("unittest", "skip")}
_MARKS: Final = {"skip", "skipif", "xfail"}
# The reason of these may be the first argument; importorskip's first argument is a module.
_REASON_FIRST: Final = {("pytest", "skip"), ("pytest", "xfail"), ("unittest", "skip"), ("mark", "skip")}
_PROVES: Final = re.compile(
    r"^(assert|check|expect|must|proves?|raises|refuse[sd]?|require|verify|wait|until|fullmatch)|(_raises|_refused)$"
)


def check(root: Path) -> list[Finding]:
    """Every broken rule below tests/; a sleep inside `while` polls, and tests/support may sleep."""
    return [finding for source in sources(root, "tests") for finding in _in_file(source)]


def _in_file(source: Source) -> Iterator[Finding]:
    supports = source.path.startswith("tests/support/")
    polling = {
        id(inner) for loop in ast.walk(source.tree) if isinstance(loop, ast.While) for inner in ast.walk(loop)
    }
    for node in ast.walk(source.tree):
        trouble = None
        match node:
            case ast.Call():
                trouble = _skip_without_reason(node) or _hopeful_sleep(node, supports or id(node) in polling)
            case ast.Attribute(attr=("skip" | "skipif" | "xfail"), value=ast.Attribute(attr="mark")):
                if not _is_called(node, source.tree):
                    trouble = f"@pytest.mark.{node.attr} gives no reason; write reason='...'"
            case ast.Assert(test=ast.Constant()):
                trouble = "asserts nothing; assert what the business sees"
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test_"):
                if not supports and not _proves_something(node):
                    trouble = f"{node.name} asserts nothing; say what must hold, or what must be raised"
            case _:
                pass
        if trouble is not None and isinstance(node, ast.expr | ast.stmt):
            yield Finding(source.path, node.lineno, trouble)


def _is_called(mark: ast.Attribute, tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Call) and node.func is mark for node in ast.walk(tree))


def _skip_without_reason(node: ast.Call) -> str | None:
    name = dotted(node.func)
    last = tuple(name[-2:])
    is_mark = name[-2:-1] == ["mark"] and name[-1] in _MARKS
    if last not in _SKIPS and not is_mark:
        return None
    reasons = [keyword.value for keyword in node.keywords if keyword.arg in ("reason", "msg")]
    reasons += node.args[:1] if last in _REASON_FIRST else []
    if any(not isinstance(reason, ast.Constant) or str(reason.value).strip() for reason in reasons):
        return None
    return f"{'.'.join(name)} gives no reason; a skip that says nothing is never looked at again"


def _hopeful_sleep(node: ast.Call, polls: bool) -> str | None:
    if polls or dotted(node.func)[-1:] != ["sleep"] or not node.args:
        return None
    match node.args[0]:
        case ast.Constant(value=int(amount) | float(amount)) if amount > 0:
            return (
                "sleeps and hopes; wait for the fact: `while not it_is_so: sleep a little`, with a deadline"
            )
        case _:
            return None


def _proves_something(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(test):
        match node:
            case ast.Assert():
                return True
            case ast.Call(func=function) if any(
                _PROVES.search(word.lstrip("_")) for word in dotted(function)
            ):
                return True
            case _:
                pass
    return False
