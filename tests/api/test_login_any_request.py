"""Schemathesis asks everything under /auth from our own pages, signed in: never a 500, always as described.

Each question comes with a session of its own, because some of them end it.
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

from quickkub.access.ground import Rules
from quickkub.access.sessions import csrf_token
from quickkub.api.auth_routes.people import ROUTES
from quickkub.api.describe import openapi
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import gateway
from tests.support.browser_client import ORIGIN
from tests.support.postgres import TestServer
from tests.support.signing_in import HERE, People

EXAMPLES = 10
SESSIONS = 1_000
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
    """Where the gateway is, and tokens of sessions nobody has used yet."""

    url: str
    tokens: list[str]


@pytest.fixture(scope="module")
def served(postgres_server: TestServer) -> Iterator[Served]:
    """A gateway in a thread where anybody may register and somebody is signed in many times."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with postgres_server.fresh_database() as dsn:
            database = await open_database(dsn, scope=HOUSE)
            people = People(database)
            user = await people.person()
            async with database.transaction() as tx:
                begins = people.access.sessions.begin
                tokens = [await begins(tx, user, HERE, second_factor=False) for _ in range(SESSIONS)]
            rules = Rules(public_url=ORIGIN, open_registration=True)
            async with gateway(database, access_rules=rules) as shop:
                found.append(Served(shop.url, [token.reveal() for token in tokens]))
                ready.set()
                await asyncio.to_thread(stop.wait)
            await database.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60), "the gateway did not start"
    yield found[0]
    stop.set()
    thread.join()


schema = schemathesis.openapi.from_dict(openapi(ROUTES))
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_of_a_person_is_answered_as_described(
    case: schemathesis.Case[Any], served: Served
) -> None:
    token = served.tokens.pop()
    headers = {
        "Origin": ORIGIN,
        "Cookie": f"__Host-qk_session={token}",
        "X-CSRF-Token": csrf_token(token),
    }
    answer = case.call_and_validate(base_url=served.url, headers=headers, checks=CHECKS)
    assert answer.status_code != 403 or case.operation.path.startswith(("/auth/totp/", "/auth/recovery"))
