"""People become hashes, lists find them however they were spelled, and files say which line is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quickkub.fraud.lists import ROWS_MAX, new_entry, read_csv
from quickkub.fraud.model import ListInvalid
from quickkub.fraud.subject import Hasher, plain_email, plain_phone, read_address
from quickkub.fraud.velocity import WINDOWS, Window, bucket, flat, pairs_of
from quickkub.kernel.secrets import Secret

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("phone", "+66 81 234 5678", "******5678"),
        ("email", "Somchai+shop@Example.com", "s***@example.com"),
        ("address", "203.0.113.9", "in 203.0.113.0/24"),
        ("network", "203.0.113.0/24", "203.0.113.0/24"),
        ("country", "kp", "KP"),
        ("bin", "411111", "411111"),
        ("device", "d-1", "****"),
        ("card", "fingerprint_abcdef", "********cdef"),
    ],
)
def test_a_person_on_a_list_is_shown_masked(kind: str, value: str, shown: str) -> None:
    assert new_entry(kind, value, "x").shown == shown


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "abc"),
        ("email", "nobody"),
        ("email_domain", "not a domain"),
        ("address", "999.1.1.1"),
        ("network", "0.0.0.0/0"),
        ("network", "203.0.113.0"[:-2] + "/24/1"),
        ("country", "THA"),
        ("bin", "4111"),
        ("card", "4111 1111 1111 1111"),
        ("device", ""),
        ("device", "a\x00b"),
    ],
)
def test_what_is_none_of_its_kind_is_refused(kind: str, value: str) -> None:
    with pytest.raises(ListInvalid):
        new_entry(kind, value, "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns"),
        ("kind,value\nphone,1\n", "columns"),
        ("kind,value,reason,extra\n", "columns"),
        ("kind,value,reason\n", "no entries"),
        ("kind,value,reason\nphone,0812345678\n", "line 2: has 2 columns"),
        ("kind,value,reason\nphone,0812345678,x\nphone,081-234-5678,y\n", "line 3: is the same as line 2"),
        ('kind,value,reason\nphone,"0812345678,x\n', "CSV"),
        ("kind,value,reason,expires_at\nphone,0812345678,x,soon\n", "line 2: expires_at"),
        ("kind,value,reason\nphone,0812345678, \n", "line 2: reason"),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, says: str) -> None:
    with pytest.raises(ListInvalid, match=says):
        read_csv(text)


def test_a_file_of_too_many_lines_is_refused() -> None:
    text = "kind,value,reason\n" + "device,d,x\n" * (ROWS_MAX + 1)
    with pytest.raises(ListInvalid):
        read_csv(text)


@given(st.text(max_size=200))
def test_whatever_is_sent_as_a_file_is_read_or_refused(text: str) -> None:
    for said in (text, "kind,value,reason\n" + text):
        try:
            assert read_csv(said)
        except ListInvalid:
            continue


def test_a_hash_tells_nothing_and_needs_the_key() -> None:
    one, other = (Hasher(Secret(f"a pepper for tests, number {number}")) for number in (1, 2))
    assert one.hash("phone", "0812345678") == one.hash("phone", "0812345678")
    assert one.hash("phone", "0812345678") != other.hash("phone", "0812345678")
    assert one.hash("phone", "0812345678") != one.hash("email", "0812345678")


@given(st.emails())
@example("+@A.AL")
def test_an_address_has_one_spelling(address: str) -> None:
    assert plain_email(plain_email(address)) == plain_email(address)


@given(st.text(max_size=30))
def test_any_text_may_be_said_as_phone_and_address(text: str) -> None:
    assert plain_phone(plain_phone(text)) == plain_phone(text) or plain_phone(text).startswith("66")
    read_address(text)


@given(st.datetimes(min_value=NEW_YEAR.replace(tzinfo=None)), st.sampled_from(WINDOWS))
def test_a_window_covers_at_least_its_name_and_at_most_a_bucket_more(at: datetime, window: Window) -> None:
    moment = at.replace(tzinfo=UTC)
    reach = moment - window.begins(moment)
    assert window.length <= reach < window.length + timedelta(minutes=window.span)
    assert bucket(moment, window.span) <= moment


def test_nobody_is_their_own_partner_and_the_unknown_have_none() -> None:
    pairs = pairs_of({"device": b"d", "card": b"c", "merchant": b"m"})
    assert ("device", b"d", "card", b"c") in pairs
    assert ("card", b"c", "device", b"d") in pairs
    assert pairs_of({"merchant": b"m"}) == []


def test_counters_have_names() -> None:
    fields = flat({"card": [[n, n * 10, 0] for n in range(6)]}, {"card.device": [1, 2, 3, 4, 5, 6]})
    assert (fields["card.10m.count"], fields["card.30d.amount"], fields["card.24h.devices"]) == (1, 50, 4)
