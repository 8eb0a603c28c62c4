"""Schemathesis asks what the description allows and much that it does not: never a 500, always as described.

The gateway runs in a thread with a loop of its own, because the questions are asked synchronously.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from quickkub.api.describe import document
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import gateway
from tests.support.postgres import TestServer

EXAMPLES = 10
"""Per operation: a net for the obvious, run with every build. Parsers have property tests of their own."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@dataclass(frozen=True)
class Served:
    """Where the gateway is, and a key for it."""

    url: str
    key: str


@pytest.fixture(scope="module")
def served(postgres_server: TestServer) -> Iterator[Served]:
    """A gateway in a thread, with one payment, one endpoint and their events to look at."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with postgres_server.fresh_database() as dsn:
            database = await open_database(dsn, scope=HOUSE)
            async with gateway(database) as shop:
                await shop.posts("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook"})
                await shop.charges()
                found.append(Served(shop.url, str(shop.key)))
                ready.set()
                await asyncio.to_thread(stop.wait)
            await database.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30), "the gateway did not start"
    yield found[0]
    stop.set()
    thread.join()


schema = schemathesis.openapi.from_dict(document())
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_is_answered_as_described(case: schemathesis.Case[Any], served: Served) -> None:
    answer = case.call_and_validate(
        base_url=served.url, headers={"Authorization": f"Bearer {served.key}"}, checks=CHECKS
    )
    assert answer.status_code < 500
