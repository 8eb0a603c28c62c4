"""A life is a table: what is not in it does not happen."""

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.errors import Kind
from quickkub.kernel.states import StateTable, WrongState


class Parcel(Enum):
    PACKED = "packed"
    SENT = "sent"
    LOST = "lost"


class Fact(Enum):
    HANDED_OVER = "handed_over"
    MISSED = "missed"


MOVES = {(Parcel.PACKED, Fact.HANDED_OVER): Parcel.SENT, (Parcel.SENT, Fact.MISSED): Parcel.LOST}
TABLE = StateTable("parcel", MOVES)


@given(st.sampled_from(Parcel), st.sampled_from(Fact))
def test_a_fact_moves_as_the_table_says_or_is_refused(state: Parcel, fact: Fact) -> None:
    if TABLE.allows(state, fact):
        assert TABLE.after(state, fact) is MOVES[state, fact]
    else:
        with pytest.raises(WrongState):
            TABLE.after(state, fact)


def test_the_refusal_names_the_object_where_it_is_and_what_was_asked() -> None:
    with pytest.raises(WrongState, match=r"^a parcel that is lost cannot take missed$") as refused:
        TABLE.after(Parcel.LOST, Fact.MISSED)
    assert refused.value.kind is Kind.CONFLICT


def test_the_moves_come_out_as_they_were_written() -> None:
    assert list(TABLE.moves()) == [
        (Parcel.PACKED, Fact.HANDED_OVER, Parcel.SENT),
        (Parcel.SENT, Fact.MISSED, Parcel.LOST),
    ]


def test_a_table_does_not_change_with_the_mapping_it_was_made_from() -> None:
    moves = dict(MOVES)
    table = StateTable("parcel", moves)
    moves.clear()
    assert table.allows(Parcel.PACKED, Fact.HANDED_OVER)
