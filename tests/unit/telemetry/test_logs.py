"""Log lines: known fields, ECS names, nothing secret, and never a line that breaks what it reports."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import new_key
from quickkub.telemetry import about, configure_logging, get_logger

CANARY = new_key("live").reveal()


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What is logged while a test runs; logging is put back as it was."""
    stream = io.BytesIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream, level="DEBUG")
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def told(lines: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_ecs_names(lines: io.BytesIO) -> None:
    get_logger("payments").info("callback kept", provider="scb", request_id="req_1")
    (line,) = told(lines)
    assert line["message"] == "callback kept"
    assert line["log.level"] == "info"
    assert line["log.logger"] == "payments"
    assert line["quickkub.provider"] == "scb"
    assert line["http.request.id"] == "req_1"
    assert line["@timestamp"].endswith("Z")


def test_a_field_nobody_allowed_is_named_and_not_written(lines: io.BytesIO) -> None:
    get_logger("api").info("request", body='{"secret": 1}', status=200)
    (line,) = told(lines)
    assert line["labels.left_out"] == ["body"]
    assert b"secret" not in lines.getvalue()


def test_a_line_inside_a_request_carries_its_id(lines: io.BytesIO) -> None:
    with about(request_id="req_7"):
        get_logger("payments").info("inside")
    get_logger("payments").info("outside")
    assert [line.get("http.request.id") for line in told(lines)] == ["req_7", None]


def test_what_libraries_log_goes_the_same_way(lines: io.BytesIO) -> None:
    logging.getLogger("aiohttp.client").warning("retrying with %s", f"Bearer {CANARY}")
    (line,) = told(lines)
    assert line["log.logger"] == "aiohttp.client"
    assert line["message"] == "retrying with Bearer ***"


def _fails(password: str) -> None:
    raise ValueError(f"cannot log in with {password}")


def test_an_exception_is_told_with_its_stack_and_without_its_secrets(lines: io.BytesIO) -> None:
    try:
        _fails(CANARY)
    except ValueError as error:
        get_logger("api").error("request failed", exc_info=error)
    (line,) = told(lines)
    assert line["error.type"] == "ValueError"
    assert "_fails" in line["error.stack_trace"]
    assert CANARY not in lines.getvalue().decode()


@pytest.mark.parametrize(
    "way", ["message", "allowed field", "unknown field", "exception", "library", "secret type"]
)
def test_the_canary_is_in_no_line_whichever_way_it_comes(lines: io.BytesIO, way: str) -> None:
    log = get_logger("api")
    match way:
        case "message":
            log.info(f"used {CANARY}")
        case "allowed field":
            log.info("used", reason=CANARY)
        case "unknown field":
            log.info("used", key_text=CANARY)
        case "exception":
            log.error("used", exc_info=ValueError(CANARY))
        case "library":
            logging.getLogger("x").error("used", exc_info=(ValueError, ValueError(CANARY), None))
        case _:
            log.info("used", reason=Secret(CANARY))
    assert len(told(lines)) == 1
    assert CANARY not in lines.getvalue().decode()


@pytest.mark.parametrize("value", ["\ud800", object(), float("nan"), 2**80, {1: {2}}, b"\xff"])
def test_a_value_that_is_hard_to_write_does_not_break_the_line(lines: io.BytesIO, value: object) -> None:
    get_logger("api").info("odd", reason=value)
    assert len(told(lines)) == 1
