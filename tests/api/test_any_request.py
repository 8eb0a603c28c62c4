"""Schemathesis asks what the description allows and much that it does not: never a 500, always as described.

The gateway runs in a thread with a loop of its own, because the questions are asked synchronously.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
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

from quickkub.access.permissions import Role
from quickkub.api.describe import document
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.postgres import TestServer
from tests.support.team import team

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


@dataclass
class Served:
    """Where the gateway is, what people who may do much show there, and what they have asked so far."""

    url: str
    owner: dict[str, str]
    operator: dict[str, str]
    asked: Counter[int] = field(default_factory=Counter)

    def headers(self, path: str) -> dict[str, str]:
        """An operator's session for the platform's addresses, an owner's token for all others."""
        return self.operator if path.startswith("/v1/platform/") else self.owner


@pytest.fixture(scope="module")
def served(postgres_server: TestServer) -> Iterator[Served]:
    """A gateway in a thread, with one payment, one endpoint and their events to look at."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with postgres_server.fresh_database() as dsn:
            database = await open_database(dsn, scope=HOUSE)
            async with team(database) as office:
                await office.shop.posts("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/hook"})
                await office.shop.charges()
                owner = await office.member("owner")
                operator = await office.operator(Role.BREAK_GLASS)
                token = {"Authorization": f"Bearer {owner.key}"}
                found.append(Served(office.shop.url, token, operator.shown()))
                ready.set()
                await asyncio.to_thread(stop.wait)
            await database.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60), "the gateway did not start"
    yield found[0]
    stop.set()
    thread.join()


@pytest.fixture(scope="module", autouse=True)
def count(served: Served, request: pytest.FixtureRequest) -> Iterator[None]:
    """Say at the end how many requests were made up."""
    yield
    told = ", ".join(f"{status}: {times}" for status, times in sorted(served.asked.items()))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nschemathesis: {served.asked.total()} requests made up and answered ({told})")


schema = schemathesis.openapi.from_dict(document())
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_is_answered_as_described(case: schemathesis.Case[Any], served: Served) -> None:
    # An operator's cookie is added here, also where its absence was what the case is about.
    checks = CHECKS[:-1] if case.path.startswith("/v1/platform/") else CHECKS
    answer = case.call_and_validate(base_url=served.url, headers=served.headers(case.path), checks=checks)
    served.asked[answer.status_code] += 1
    assert answer.status_code < 500
