"""The very statements of an operation, recorded as they go to PostgreSQL, and written as a pgbench script."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from quickkub.storage import Database

_ID: Final = re.compile(r"(pay|att|evt|evd|rcp|jrn|cbk|ins|case)_[0-9a-f]{32}")
_REFERENCE: Final = re.compile(r"QK[A-Z0-9]{18}")

Statement = tuple[str, tuple[Any, ...]]


class Recorder:
    """Everything a pool's sessions are told, in order."""

    def __init__(self, db: Database) -> None:
        self._pool = db._pool
        self.said: list[Statement] = []

    async def record(self, work: Callable[[], Awaitable[Any]]) -> list[Statement]:
        """The statements of `work`; the pool must have one session, so that none is missed."""
        said: list[Statement] = []

        def note(told: Any) -> None:
            said.append((told.query, tuple(told.args or ())))

        async with self._pool.acquire() as connection:
            connection.add_query_logger(note)
        # The pool's proxy takes listeners off at release; the session itself keeps ours.
        pool: Any = self._pool
        holder = pool._holders[0]
        holder._con.add_query_logger(note)
        await work()
        holder._con.remove_query_logger(note)
        return said


class Script:
    """A pgbench script in which what must differ from run to run is made from the variable `:n`.

    An id that came up while the payment was made is named the same way in the script of its callback.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def write(self, statements: list[Statement], same: dict[str, str] | None = None) -> str:
        """The script. `same` gives further texts and the SQL that stands for each."""
        self._names |= same or {}
        lines = ["\\set i :i + 1", "\\set n :client_id * 1000000 + :i"]
        return "\n".join([*lines, *(self._inlined(sql, args) for sql, args in statements)]) + "\n"

    def _inlined(self, sql: str, args: tuple[Any, ...]) -> str:
        one_line = " ".join(line for line in sql.split() if line)
        if one_line.startswith(("BEGIN", "COMMIT")):
            return one_line.rstrip(";") + ";"
        filled = re.sub(r"\$(\d+)", lambda place: self._literal(args[int(place.group(1)) - 1]), one_line)
        # pgbench would take the colons of a time format for variables.
        return filled.replace("24:MI:SS", "24' || chr(58) || 'MI' || chr(58) || 'SS").rstrip(";") + ";"

    def _literal(self, value: Any) -> str:
        match value:
            case None:
                literal = "NULL"
            case bool():
                literal = "true" if value else "false"
            case int():
                literal = str(value)
            case bytes() | bytearray() | memoryview():
                literal = f"'\\x{bytes(value).hex()}'::bytea"
            case datetime():
                literal = f"'{value.isoformat()}'::timestamptz"
            case dict():
                literal = self._quoted(json.dumps(value)) + "::jsonb"
            case list() | tuple():
                kind = "bigint" if all(isinstance(one, int) for one in value) else "text"
                literal = f"ARRAY[{','.join(map(self._literal, value))}]::{kind}[]"
            case str():
                literal = self._text(value)
            case _:
                raise TypeError(f"no literal for {value!r}")
        return literal

    def _text(self, text: str) -> str:
        if text not in self._names:
            if _ID.fullmatch(text):
                self._names[text] = f"('{text[:4]}' || md5(:n || 'x{len(self._names)}'))"
            elif _REFERENCE.fullmatch(text):
                self._names[text] = f"('QK' || upper(left(md5(:n || 'x{len(self._names)}'), 18)))"
            else:
                return self._quoted(text)
        return self._names[text]

    @staticmethod
    def _quoted(text: str) -> str:
        # A colon would be taken for a variable of pgbench.
        return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"
