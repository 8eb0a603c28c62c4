"""Every statement that goes to PostgreSQL while something is done, in order."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from quickkub.storage import Database

_AROUND: Final = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement on one line, and what was filled in."""

    sql: str
    values: str

    @property
    def is_around(self) -> bool:
        """Whether it only begins or ends a transaction."""
        return self.sql.startswith(_AROUND)


class Statements:
    """Listens to the one session of a pool, so that no statement is missed and none belongs to somebody
    else."""

    def __init__(self, db: Database) -> None:
        pool: Any = db._pool
        assert pool.get_max_size() == 1, "open the pool with size_max=1"
        self._pool = pool

    async def during(self, work: Callable[[], Awaitable[Any]]) -> list[Sent]:
        """What was sent while `work` was done, beginnings and ends of transactions included."""
        said: list[Sent] = []

        def note(told: Any) -> None:
            said.append(Sent(re.sub(r"\s+", " ", told.query).strip().rstrip(";"), repr(told.args)))

        async with self._pool.acquire():
            # The pool's proxy takes its listeners off when it is given back; the session itself keeps ours.
            session = self._pool._holders[0]._con
        session.add_query_logger(note)
        try:
            await work()
        finally:
            session.remove_query_logger(note)
        return said
