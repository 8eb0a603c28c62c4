"""Whose rows the work at hand may see: nobody's, one merchant's, or all of the house's (A3).

Row-level security in PostgreSQL compares each row's merchant with what stands here. Whoever sets nothing sees
nothing, so a query that forgot its merchant finds no foreign row, and a new door that forgot to say for whom
it works finds none at all. A scope belongs to a task: what a request sets ends with the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Final, NewType

from quickkub.kernel.ids import has_shape

Scope = NewType("Scope", str)
"""What the setting `quickkub.scope` of a session holds: nothing, a merchant's id, or `house`."""

NOBODY: Final = Scope("")
HOUSE: Final = Scope("house")

_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)


def scope_of(merchant: str) -> Scope:
    """The rows of one merchant. A text that is no merchant's id has none: nothing else ever reaches SQL."""
    return Scope(merchant) if has_shape(merchant, "mer") else NOBODY


def current_scope() -> Scope | None:
    """What this task has set; None where it set nothing and the database's own default holds."""
    return _scope.get()


@contextmanager
def seeing(scope: Scope) -> Iterator[None]:
    """Transactions and reads begun in the block see these rows."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def for_merchant(merchant: str) -> AbstractContextManager[None]:
    """A block that works for one merchant."""
    return seeing(scope_of(merchant))


def house() -> AbstractContextManager[None]:
    """A block that looks across merchants: who a key belongs to, what is due. Keep it narrow."""
    return seeing(HOUSE)


def see_from_here(scope: Scope) -> None:
    """From here to the end of this task; for guards, whose task is the request's."""
    _scope.set(scope)
