"""Streams of JSON lines: one answer a line, whatever the line holds."""

from __future__ import annotations

import io
import json

import pytest

from quickkub.promptpay import lines
from tests.unit.promptpay.material import MOBILE_100, VALID

ASKED = json.dumps({"payload": MOBILE_100}).encode()


class Trickle:
    """A source that gives a few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def read1(self, size: int, /) -> bytes:
        return self._data.read(min(size, self._step))


def answered(data: bytes, step: int = 1 << 16) -> list[dict[str, object]]:
    text = "".join(lines.answers(Trickle(data, step), lines.answer_check))
    assert text.isascii()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"  ",
        b"\x00",
        b"\xff\xfe",
        b"{",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b"{}",
        b'{"payload":null}',
        b'{"payload":5}',
        b'{"payload":["x"]}',
        b'{"payload":"a\x00b"}',
        b'{"payload":"","op":"build"}',
        b'{"payload":"","op":[]}',
        b'{"payload":"","level":"lenient"}',
        b'{"payload":"","level":1}',
        b'{"payload":""} {"payload":""}',
        b"[" * 100_000,
        b'{"payload":' + b"9" * 10_000 + b"}",
    ],
)
def test_a_line_that_is_no_request_says_so(line: bytes) -> None:
    (said,) = answered(line + b"\n")
    assert (said["ok"], said["error"], said["errors"]) == (False, "bad_request_line", ["bad_request_line"])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"payload":""}', "empty_payload"),
        (b'{"payload":"\\ud800"}', "truncated_tlv"),
        (b'{"payload":"\\u0000\\u0000\\u0000\\u0000"}', "non_digit_id"),
        ('{"payload":"๐๐๐๒๐๑"}'.encode(), "non_digit_id"),
        (b'{"payload":"' + b"0" * 2_000_000 + b'"}', "duplicate_id"),
    ],
)
def test_a_request_about_nonsense_is_refused_by_the_nonsenses_name(line: bytes, error: str) -> None:
    (said,) = answered(line)
    assert said["error"] == error


def test_fields_nobody_knows_are_ignored() -> None:
    (said,) = answered(json.dumps({"payload": MOBILE_100, "id": 7, "note": {"a": [1.5]}}).encode())
    assert said["ok"] is True


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_every_line_is_answered_once_and_in_order_however_it_arrives(step: int) -> None:
    data = b"\n".join([ASKED, b"", b"{", ASKED + b"\r", b'{"payload":""}'])
    said = [one.get("error", one.get("kind")) for one in answered(data, step)]
    assert said == [
        "credit_transfer",
        "bad_request_line",
        "bad_request_line",
        "credit_transfer",
        "empty_payload",
    ]


def test_nothing_is_answered_to_nothing() -> None:
    assert answered(b"") == []


def test_a_byte_order_mark_is_no_fault() -> None:
    assert answered(b"\xef\xbb\xbf" + ASKED)[0]["ok"] is True


def test_an_answer_leaves_before_the_next_question_comes() -> None:
    source = Trickle(ASKED + b"\n" + ASKED + b"\n", len(ASKED) + 1)
    first = next(lines.answers(source, lines.answer_check))
    assert first.count("\n") == 1


def test_a_line_without_end_is_answered_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_MAX", 1000)
    data = b"x" * 5000 + b"\n" + ASKED + b"\n" + b"y" * 5000
    assert [one["ok"] for one in answered(data, 64)] == [False, True, False]


def test_an_amount_in_a_build_line_never_becomes_a_float() -> None:
    asked = b'{"kind":"credit_transfer","proxy":"mobile","id":"0812345678","amount":%s}'
    said = {
        n: json.loads(lines.answer_build(asked % n)) for n in (b"0.29", b"1e2", b"NaN", b"-1", b"100.001")
    }
    assert "54040.29" in said[b"0.29"]["payload"]
    assert [said[n]["error"] for n in (b"1e2", b"NaN", b"-1", b"100.001")] == [
        "amount_bad_character",
        "amount_not_finite",
        "amount_negative",
        "amount_too_many_decimals",
    ]


def test_a_build_line_tells_its_warnings() -> None:
    asked = next(v["input"] for v in VALID if v["id"] == "uunw-01")
    said = json.loads(lines.answer_build(json.dumps(asked).encode()))
    assert said["warnings"] == ["bank_account_proxy"]
