"""Who acts in this task: set once where a request or a job begins, read wherever an act is written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from quickkub.audit.model import Actor, ActorKind

_SYSTEM: Final = Actor(ActorKind.SYSTEM, "quickkub")
_actor: ContextVar[Actor] = ContextVar("actor", default=_SYSTEM)


def current_actor() -> Actor:
    """The actor of this task; the house itself where nobody was named."""
    return _actor.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything in the block is done by this actor."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def act_as(actor: Actor) -> None:
    """From here to the end of this task it is this actor; for guards, whose task is the request's."""
    _actor.set(actor)
