"""JSON with one meaning or none (security-reliability 5.9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct

from quickkub.api import schema, strictjson
from quickkub.api.strictjson import (
    BodyMalformed,
    BodyTooComplex,
    ParameterInvalid,
    ParameterMissing,
    ParameterUnknown,
)
from quickkub.kernel.errors import Refusal

ORDER = {"amount": 15_000, "currency": "THB", "method": "promptpay"}


def asked(body: bytes) -> schema.CreatePayment:
    return strictjson.convert(strictjson.read(body), schema.CreatePayment)


def no_to(body: bytes) -> Refusal:
    with pytest.raises(Refusal) as refused:
        asked(body)
    return refused.value


def test_a_plain_order_is_read() -> None:
    assert asked(json.dumps(ORDER).encode()).amount == 15_000


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", "1.5", "1.0", "1e3", '"100"', "true", "null", "[100]", "{}", str(10**13), str(10**12 + 1)],
)
def test_an_amount_that_is_no_whole_number_of_satang_in_range_is_refused_by_name(amount: str) -> None:
    refusal = no_to(b'{"amount": %s, "currency": "THB", "method": "promptpay"}' % amount.encode())
    assert (type(refusal), refusal.param) == (ParameterInvalid, "amount")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_not_json(amount: str) -> None:
    refusal = no_to(b'{"amount": %s}' % amount.encode())
    assert (type(refusal), refusal.param) == (BodyMalformed, "amount")


@pytest.mark.parametrize("digits", [str(2**63), str(-(2**63) - 1), "9" * 5000, "-" + "9" * 20])
def test_a_whole_number_outside_64_bits_is_refused_wherever_it_stands(digits: str) -> None:
    refusal = no_to(b'{"metadata": {"a": [0, %s]}}' % digits.encode())
    assert (type(refusal), refusal.param) == (ParameterInvalid, "metadata.a[1]")


def test_the_largest_and_smallest_64_bit_numbers_are_read() -> None:
    assert strictjson.read(b"[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]


def test_1e400_does_not_become_infinity() -> None:
    assert no_to(b'{"amount": 1e400}').param == "amount"


def test_a_key_given_twice_is_named() -> None:
    refusal = no_to(b'{"amount": 1, "currency": "THB", "amount": 100000}')
    assert (type(refusal), refusal.param) == (BodyMalformed, "amount")


def test_a_key_given_twice_deep_inside_is_named_with_its_path() -> None:
    assert no_to(b'{"metadata": {"order": {"x": 1, "x": 1}}}').param == "metadata.order.x"


def test_a_field_nobody_knows_is_named() -> None:
    refusal = no_to(json.dumps(ORDER | {"amuont": 1}).encode())
    assert (type(refusal), refusal.param) == (ParameterUnknown, "amuont")


def test_a_field_that_is_missing_is_named() -> None:
    refusal = no_to(b'{"amount": 1, "method": "promptpay"}')
    assert (type(refusal), refusal.param) == (ParameterMissing, "currency")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"amount": 1,}',
        b"{'amount': 1}",
        b'{"amount": 01}',
        b'{"amount": +1}',
        b'{"amount": .5}',
        b'{"amount": 1_000}',
        b'{"a": "\x01"}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1} {"a": 1}',
        b"// no\n{}",
        '{"amount": ๑}'.encode(),
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert type(no_to(body)) is BodyMalformed


@pytest.mark.parametrize("text", [r"\u0000", r"\ud800", r"\udc00\ud800", r"a\udfff"])
def test_text_that_is_no_text_is_refused_by_name(text: str) -> None:
    refusal = no_to(b'{"reference": "%s"}' % text.encode())
    assert (type(refusal), refusal.param) == (ParameterInvalid, "reference")


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert strictjson.read(rb'"\ud83d\ude00"') == "\U0001f600"


@pytest.mark.parametrize("key", [r"a\u0000", r"\ud800"])
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    assert type(no_to(b'{"%s": 1}' % key.encode())) is BodyMalformed


def test_32_levels_are_read_and_33_are_not() -> None:
    assert strictjson.read(b"[" * 32 + b"]" * 32)
    with pytest.raises(BodyTooComplex):
        strictjson.read(b"[" * 33 + b"]" * 33)


def test_a_body_of_nothing_but_brackets_is_refused_before_the_parser_recurses() -> None:
    with pytest.raises(BodyTooComplex):
        strictjson.read(b"[" * 262_144)


def test_brackets_inside_text_are_not_levels() -> None:
    assert strictjson.read(json.dumps("[" * 100 + '"{\\').encode()) == "[" * 100 + '"{\\'


def test_a_thousand_keys_are_read_and_one_more_is_not() -> None:
    assert len(strictjson.read(json.dumps({str(n): n for n in range(1000)}).encode())) == 1000
    with pytest.raises(BodyTooComplex):
        strictjson.read(json.dumps({str(n): n for n in range(1001)}).encode())


def test_keys_are_counted_over_all_objects_together() -> None:
    many = [{str(n): 0 for n in range(99)}] * 11
    with pytest.raises(BodyTooComplex):
        strictjson.read(json.dumps(many).encode())


# What used to take quadratic time in naive scanners: quotes that never close, and escapes without end.
@pytest.mark.parametrize("body", [b'"' * 262_143, b'"' + b'\\"' * 131_071, b'{"a":"' + b"\\" * 262_100])
def test_a_body_made_to_be_slow_is_refused(body: bytes) -> None:
    assert type(no_to(body)) is BodyMalformed


@given(st.binary(max_size=2000))
@example(b'{"a":\\')
@example(b'"\\')
def test_any_bytes_are_a_value_or_a_refusal(body: bytes) -> None:
    try:
        strictjson.read(body)
    except Refusal as refusal:
        assert refusal.detail


JSON_TEXT = st.text(alphabet='{}[]",:\\ \n0123456789.eE+-truefalsn\u0e01\ud7ff', max_size=400)


@given(JSON_TEXT)
def test_anything_that_looks_like_json_is_a_value_or_a_refusal(text: str) -> None:
    try:
        strictjson.read(text.encode())
    except Refusal as refusal:
        assert refusal.detail


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)


@given(TREES)
def test_any_json_document_is_an_order_or_a_refusal(tree: Any) -> None:
    body = json.dumps(tree).encode()
    try:
        assert isinstance(asked(body), schema.CreatePayment)
    except Refusal as refusal:
        assert refusal.code


NO_FLOATS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(NO_FLOATS)
def test_what_is_read_is_what_was_written(tree: Any) -> None:
    assert strictjson.read(json.dumps(tree).encode()) == tree


class Inner(Struct, forbid_unknown_fields=True):
    """For paths."""

    n: int


class Outer(Struct, forbid_unknown_fields=True):
    """For paths."""

    items: list[Inner]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"items": [{"n": 1}, {"n": "2"}]}', "items[1].n"),
        (b'{"items": [{"m": 1}]}', "items[0].m"),
        (b'{"items": [{}]}', "items[0].n"),
        (b'{"items": 5}', "items"),
        (b"[]", None),
        (b"null", None),
    ],
)
def test_the_path_leads_to_the_field_at_fault(body: bytes, param: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        strictjson.convert(strictjson.read(body), Outer)
    assert refused.value.param == param


def test_a_hostile_key_cannot_put_itself_into_an_answer() -> None:
    refusal = no_to(json.dumps({"\u202e\n<script>" + "x" * 500: 1}).encode())
    assert refusal.param is not None
    assert len(refusal.param) <= 60
    assert refusal.param.isprintable()


@pytest.mark.parametrize("around", ["{%s: 1}", '{"items": [{"n": 1, %s: 1}]}'])
def test_a_key_that_ends_like_a_path_cannot_either(around: str) -> None:
    key = json.dumps("x` - at `$.\u202e\n" + "y" * 500)
    with pytest.raises(Refusal) as refused:
        strictjson.convert(strictjson.read((around % key).encode()), Outer)
    assert refused.value.code == "parameter_unknown"
    assert refused.value.param is not None and refused.value.param.isprintable()
    assert len(refused.value.param) <= 130


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_word_that_is_none_of_those_allowed_is_not_said_again(word: str) -> None:
    said = {"amount": 1, "currency": "THB", "method": "promptpay", "capture": word + "\u202e"}
    try:
        body = json.dumps(said).encode()
        strictjson.convert(strictjson.read(body), schema.CreatePayment)
    except Refusal as refusal:
        assert (refusal.param, refusal.detail) == ("capture", "is none of the words allowed here")
    else:
        raise AssertionError("a word nobody knows was taken")


def test_words_for_people_name_no_python_types() -> None:
    details = [no_to(b'{"amount": %s}' % one).detail for one in (b"1.5", b'"1"', b"true", b"0")]
    assert details == [
        "must be a whole number, written without point or exponent",
        "must be a whole number, got text",
        "must be a whole number, got true or false",
        "must be a whole number >= 1",
    ]
