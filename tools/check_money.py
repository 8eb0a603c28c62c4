"""No float near money: a float cannot hold 0.10, so rooms that touch amounts do not use one at all.

Seconds are not money. A float is allowed where the statement or parameter it stands in speaks of time
(`timeout`, `delay`, `deadline`, `..._seconds`), or beside `# not money: <what it is instead>`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from tools.tree import Finding, Source, dotted, matches, sources

ROOMS: Final = [
    "kernel/money.py",
    "promptpay/*",
    "merchants/fee*",
    "merchants/plan*",
    "ledger/*",
    "tax/*",
    "fraud/*",
    "connectors/*",
    "payments/*",
    "refunds/*",
    "disputes/*",
    "checkout/*",
    "settlement/*",
    "reports/*",
    "api/v1/*",
]
# Where JSON comes from a provider, which may write an amount as 100.10; our own JSON holds satang.
FROM_OUTSIDE: Final = ["connectors/*", "settlement/*"]
_TIME: Final = re.compile(
    r"(^|_)(seconds?|monotonic|timeout|delay|backoff|interval|elapsed|deadline|jitter|ttl|sleep|latency|duration|since)($|_)",
    re.IGNORECASE,
)

Place: TypeAlias = ast.stmt | ast.expr | ast.arg | ast.keyword


def check(root: Path) -> list[Finding]:
    """Every float, true division, round() and lossy reading of JSON in a room that touches money."""
    found: list[Finding] = []
    for source in sources(root):
        if matches(source.room_path, ROOMS):
            found += _in_file(source)
    return found


def _in_file(source: Source) -> Iterator[Finding]:
    from_outside = matches(source.room_path, FROM_OUTSIDE)
    for node, place in _with_places(source.tree):
        trouble = _trouble(node) or (_reads_floats(node) if from_outside else None)
        if trouble is None or source.excused(place, "not money") or _speaks_of_time(place):
            continue
        yield Finding(source.path, place.lineno, trouble)


def _trouble(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float(value)):
            return f"{value} is a float; write money as whole minor units, baht('1.50'), and rates as Rate"
        case ast.Name(id="float"):
            return "float near money; use int satang, Money or Rate, and read text with read_decimal"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()) if not _joins_paths(node):
            return "true division makes a float; use Money.split, Rate.of or round_half_up"
        case ast.Attribute(attr="from_float"):
            return "from_float carries the float's error over; read the text with read_decimal"
        case ast.Call(func=ast.Name(id="round")):
            return "round() rounds half to even; money is rounded by kernel.money.round_half_up alone"
        case _:
            return None


def _reads_floats(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=function, keywords=keywords) if dotted(function)[-2:] == ["json", "loads"]:
            if all(keyword.arg != "parse_float" for keyword in keywords):
                return "json.loads reads 100.10 as a float; pass parse_float=str or parse_float=Decimal"
            return None
        case _:
            return None


def _joins_paths(node: ast.AST) -> bool:
    """`folder / "name.json"`: a text on the right, or a path by its name on the left."""
    if not isinstance(node, ast.BinOp):
        return False
    match node.right:
        case ast.JoinedStr() | ast.Constant(value=str()):
            return True
        case _:
            return not {"path", "parent", "root", "folder"}.isdisjoint(
                word.lower() for word in dotted(node.left)
            )


def _with_places(tree: ast.Module) -> Iterator[tuple[ast.AST, Place]]:
    """Each node with the smallest statement, block header, parameter or keyword argument it stands in."""
    waiting: list[tuple[ast.AST, Place | None]] = [(tree, None)]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, ast.arg | ast.keyword) or (
            isinstance(node, ast.stmt) and not hasattr(node, "body")
        ):
            place = node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += _function_parts(node)
            continue
        if place is not None:
            yield node, place
        for child in ast.iter_child_nodes(node):
            # The header of an `if`, `for` or `with` stands for itself; its body is made of statements.
            own = child if place is None and isinstance(child, ast.expr) else place
            waiting.append((child, own))


def _function_parts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[ast.AST, Place | None]]:
    """A default belongs to its parameter, the return annotation to the function's name."""
    for child in (*node.body, *node.decorator_list):
        yield child, None
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    for argument, default in zip(with_default, arguments.defaults, strict=True):
        yield default, argument
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword_default is not None:
            yield keyword_default, argument
    for parameter in (*positional, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if parameter is not None:
            yield parameter, None
    if node.returns is not None:
        named = ast.arg(arg=node.name, annotation=node.returns, lineno=node.lineno, col_offset=0)
        named.end_lineno = node.returns.end_lineno
        yield named, None


def _speaks_of_time(place: Place) -> bool:
    for node in ast.walk(place):
        match node:
            case (
                ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word) | ast.keyword(arg=str(word))
            ):
                if _TIME.search(word):
                    return True
            case _:
                pass
    return False
