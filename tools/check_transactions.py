"""No network call inside a database transaction (invariant D4): locks are not held while a bank thinks.

Inside `async with <something>.transaction(...)`, and in every function that is handed an open transaction as
`tx`, nothing is awaited that leaves the machine. An exception is written beside the line:
`# not network: <why>`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.tree import Finding, Source, dotted, sources

# What goes out: a call on one of these objects, or of one of these functions.
NETWORK_OBJECTS: Final = {
    "transport",
    "line",
    "lines",
    "sender",
    "http",
    "client",
    "session",
    "aiohttp",
    "resolver",
}
NETWORK_CALLS: Final = {("asyncio", "sleep"), ("asyncio", "open_connection"), ("loop", "getaddrinfo")}


def check(root: Path) -> list[Finding]:
    """Every awaited network call under an open transaction."""
    return [finding for source in sources(root) for finding in _in_file(source)]


def _in_file(source: Source) -> Iterator[Finding]:
    for body in _transactions(source.tree):
        for node in _awaited(body):
            call = dotted(node.func)
            if _goes_out(call) and not source.excused(node, "not network"):
                yield Finding(
                    source.path,
                    node.lineno,
                    f"{'.'.join(call)} is awaited inside a transaction; commit what you intend, call with no "
                    "transaction open, and write the result in a second one (say it, do it, write it down)",
                )


def _goes_out(call: list[str]) -> bool:
    words = [word.lstrip("_") for word in call]
    return tuple(words[-2:]) in NETWORK_CALLS or not NETWORK_OBJECTS.isdisjoint(words[:-1])


def _transactions(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The bodies that run under a transaction; a function nested in one is looked at on its own."""
    for node in ast.walk(tree):
        match node:
            case ast.AsyncWith(items=items, body=body) if any(_opens(item.context_expr) for item in items):
                yield body
            case ast.AsyncFunctionDef(args=arguments, body=body):
                if any(argument.arg == "tx" for argument in (*arguments.args, *arguments.kwonlyargs)):
                    yield body
            case _:
                pass


def _opens(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func)[-1:] == ["transaction"]


def _awaited(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls that are awaited, entered with `async with`, walked with `async for`; not in inner functions."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.Await(value=ast.Call() as call) | ast.AsyncFor(iter=ast.Call() as call):
                yield call
            case ast.AsyncWith(items=items):
                yield from (item.context_expr for item in items if isinstance(item.context_expr, ast.Call))
            case _:
                pass
        waiting.extend(ast.iter_child_nodes(node))
