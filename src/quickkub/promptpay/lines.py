"""One JSON line in, one JSON line out: the answers behind `quickkub qr check --json` and `build --json`.

Every line gets exactly one answer, in ASCII, whatever it holds; a line that is not a request is refused as
`bad_request_line`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from quickkub.promptpay.check import Level, Op, check
from quickkub.promptpay.describe import describe
from quickkub.promptpay.errors import BadRequestLine, QrRefusal
from quickkub.promptpay.inputs import read_input, warnings_of, write
from quickkub.promptpay.names import Record

LINE_MAX: Final = 16 * 1024 * 1024
"""Longest line that is read, in bytes. No QR needs a thousandth of it; it bounds what one line can cost."""
_CHUNK: Final = 1 << 16


class _Number(str):
    """A JSON number as the text it was written with, so that an amount never passes through a float."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class ByteSource(Protocol):
    """Standard input, or anything that gives bytes as they arrive."""

    def read1(self, size: int, /) -> bytes:
        """At most `size` bytes, waiting only when there are none; empty at the end."""
        ...


def answer_check(line: bytes) -> str:
    """The verdict on one line `{"payload": ..., "op": ..., "level": ...}`. Other fields are ignored."""
    return _answer(line, _check)


def answer_build(line: bytes) -> str:
    """The payload for one line in the shape of the vectors' `input`."""
    return _answer(line, _build)


def answers(source: ByteSource, answer: Callable[[bytes], str]) -> Iterator[str]:
    """Answers to all lines that have arrived, joined, whenever bytes arrive: none waits for a full buffer.

    A line longer than LINE_MAX is answered by name without being kept in memory. A last line without its
    line feed counts.
    """
    pending: list[bytes] = []
    size = 0
    while chunk := source.read1(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        lines = []
        for end in whole:
            lines.append(_too_long() if size + len(end) > LINE_MAX else answer(b"".join((*pending, end))))
            pending, size = [], 0
        size += len(rest)
        pending = [*pending, rest] if size <= LINE_MAX else []
        if lines:
            yield "\n".join(lines) + "\n"
    if size:
        yield (_too_long() if size > LINE_MAX else answer(b"".join(pending))) + "\n"


def _answer(line: bytes, act: Callable[[object], Record]) -> str:
    try:
        return _ENCODER.encode(act(_decode(line)))
    except QrRefusal as refused:
        return _ENCODER.encode(refused_record(refused))


def refused_record(refused: QrRefusal) -> Record:
    """A refusal as the answer of a line."""
    return {
        "ok": False,
        "error": refused.code,
        "errors": list(refused.errors),
        "detail": refused.detail,
        "param": refused.param,
    }


def _decode(line: bytes) -> object:
    try:
        return _DECODER.decode(line.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise BadRequestLine("the line is not UTF-8") from None
    except ValueError:
        raise BadRequestLine("the line is not JSON") from None
    except RecursionError:
        raise BadRequestLine("the line is nested too deeply") from None


def _check(request: object) -> Record:
    if not isinstance(request, dict):
        raise BadRequestLine("a request is a JSON object")
    payload = request.get("payload")
    if not isinstance(payload, str) or isinstance(payload, _Number):
        raise BadRequestLine("payload is a string", param="payload")
    op, level = request.get("op"), request.get("level")
    try:
        wanted_op = None if op is None else Op(op)
        wanted_level = Level.ALWAYS if level is None else Level(level)
    except ValueError:
        raise BadRequestLine("op or level is none of the known ones", param="op") from None
    return {"ok": True, **describe(check(payload, wanted_op, wanted_level))}


def _build(request: object) -> Record:
    value = read_input(request)
    return {"ok": True, "payload": write(value), "warnings": list(warnings_of(value))}


def _too_long() -> str:
    return _ENCODER.encode(refused_record(BadRequestLine(f"the line is longer than {LINE_MAX} bytes")))
