"""What every check needs: the files, their syntax trees, and the excuses written beside a line."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = "src/quickkub"
_LEFTOVERS: Final = {"__pycache__", "dist"}
_OURS_WITH_A_DOT: Final = {".ci", ".github", ".gitignore"}
_REASON_LETTERS_MIN: Final = 5


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One place where a rule is broken, and what to write instead."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the root of the checkout, with forward slashes."""

    path: str
    text: str

    @property
    def room_path(self) -> str:
        """The path inside src/quickkub, such as `tax/vat.py`; the whole path for files elsewhere."""
        return self.path.removeprefix(PACKAGE + "/")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises SyntaxError."""
        return ast.parse(self.text, self.path)

    @cached_property
    def comments(self) -> dict[int, str]:
        """The comment on each line that has one."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def excused(self, node: ast.stmt | ast.expr | ast.arg | ast.keyword, marker: str) -> bool:
        """Whether `# <marker>: <reason>` stands on the node's lines or alone above them."""
        last = node.end_lineno or node.lineno
        lines = list(range(node.lineno, last + 1))
        above = node.lineno - 1
        if above in self.comments and self.text.splitlines()[above - 1].lstrip().startswith("#"):
            lines.append(above)
        reasons = (re.search(rf"#\s*{marker}:\s*(.+)", self.comments.get(line, "")) for line in lines)
        return any(reason and len(reason[1].strip()) >= _REASON_LETTERS_MIN for reason in reasons)


def sources(root: Path, *folders: str) -> Iterator[Source]:
    """Every Python file below these folders of the checkout, in a stable order."""
    for folder in folders or (PACKAGE,):
        for path in sorted((root / folder).rglob("*.py")):
            if not _is_leftover(path, root):
                yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def _is_leftover(path: Path, root: Path) -> bool:
    """Caches and environments: what tools leave behind has a dot, but for the few of ours with one."""
    parts = path.relative_to(root).parts
    return any(part in _LEFTOVERS or (part[0] == "." and part not in _OURS_WITH_A_DOT) for part in parts)


def tracked(root: Path) -> list[Path]:
    """The files that are or would be committed: from git, or where there is none all but leftovers."""
    if (root / ".git").exists() and shutil.which("git"):
        # The checkout may belong to another user than the one who tests it, as in many containers.
        command = [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in root.rglob("*") if not _is_leftover(path, root)]
    return sorted(path for path in paths if path.is_file())


def matches(path: str, patterns: list[str]) -> bool:
    """Whether the path fits one of the shell patterns; `*` reaches into folders, as in `storage/*`."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def dotted(node: ast.expr) -> list[str]:
    """`self.line.run` as ["self", "line", "run"]; calls and subscripts on the way are looked through."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=attr):
            return [*dotted(value), attr]
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return dotted(inner)
        case _:
            return []
