"""A life as a table: where it is, what happened, where it goes (exemplars 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Generic, TypeVar

from quickkub.kernel.errors import Kind, Refusal

S = TypeVar("S", bound=Enum)
F = TypeVar("F", bound=Enum)


class WrongState(Refusal):
    """The object is not in a state in which this may happen."""

    code, kind = "wrong_state", Kind.CONFLICT


class StateTable(Generic[S, F]):
    """Transitions of one object; `after` is the only way to learn a next state. Docs are drawn from it."""

    def __init__(self, name: str, moves: Mapping[tuple[S, F], S]) -> None:
        self.name = name
        self._moves = dict(moves)

    def after(self, state: S, fact: F) -> S:
        """The state that follows. Raises WrongState when the table has no such move."""
        try:
            return self._moves[state, fact]
        except KeyError:
            raise WrongState(f"a {self.name} that is {state.value} cannot take {fact.value}") from None

    def allows(self, state: S, fact: F) -> bool:
        """Whether `after` would answer."""
        return (state, fact) in self._moves

    def moves(self) -> Iterator[tuple[S, F, S]]:
        """All moves in the order they were written, for diagrams and for the SQL guard."""
        for (state, fact), target in self._moves.items():
            yield state, fact, target
