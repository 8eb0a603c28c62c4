"""Bodies made to be misread, at every operation that takes one: refused with a reason, and nothing is done.

What each of them would do to a lenient parser is in security-reliability 5.9.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from quickkub.api import v1
from quickkub.api.auth_routes import people
from quickkub.api.operations import OPT_KEY
from quickkub.kernel.ids import new_id
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import Client
from tests.support.postgres import TestServer
from tests.support.team import team
from tests.support.written import rows_of_every_table

JSON: Final = {"Content-Type": "application/json"}
BODIES: Final = {
    "a key twice": (b'{"amount":1,"amount":1}', JSON),
    "a key twice, one of them escaped": (b'{"name":"a","n\\u0061me":"b"}', JSON),
    "NaN": (b'{"amount":NaN}', JSON),
    "beyond infinity": (b'{"amount":1e400}', JSON),
    "beyond 64 bits": (b'{"amount":18446744073709551616}', JSON),
    "a thousand levels": (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, JSON),
    "half a surrogate": (b'{"name":"\\ud800"}', JSON),
    "NUL": (b'{"name":"a\\u0000b"}', JSON),
    "half a letter": (b'{"name":"\xe0\xb8"}', JSON),
    "a second document": (b"{}{}", JSON),
    "a byte order mark": (b"\xef\xbb\xbf{}", JSON),
    "UTF-16": ('{"a":1}'.encode("utf-16"), JSON),
    "a comment": (b'{"a":1/*x*/}', JSON),
    "a list": (b"[]", JSON),
    "a field nobody knows": (b'{"is_admin":true}', JSON),
    "a prototype": (b'{"__proto__":{"role":"owner"}}', JSON),
    "a form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}),
    "plain text": (b'{"a":1}', {"Content-Type": "text/plain"}),
    "XML": (
        b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
        {"Content-Type": "text/xml"},
    ),
    "gzip": (gzip.compress(b" " * 1_000_000), JSON | {"Content-Encoding": "gzip"}),
    "deflate": (b"x\x9c\x03\x00", JSON | {"Content-Encoding": "deflate"}),
}
OTHER_BODIES: Final = {"uploadFraudList"}
"""Takes a file, which is read by rules of its own."""


@pytest.fixture(scope="module")
async def owner(postgres_server: TestServer) -> AsyncIterator[Client]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as opened:
            yield await opened.member("owner")
        await database.close()


def operations() -> Iterator[tuple[str, str]]:
    """Every operation that takes a body, and an address of it."""
    for route in (*v1.ROUTES, *people.OPEN):
        operation = route.opt[OPT_KEY]
        if operation.body is not None and operation.id not in OTHER_BODIES:
            (path,) = route.paths
            yield operation.id, re.sub(r"\{\w+:\w+\}", new_id("x"), path)


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_made_to_be_misread_is_refused_at_every_operation(owner: Client, name: str) -> None:
    body, headers = BODIES[name]
    before, findings = await rows_of_every_table(owner.shop), []
    for operation, path in operations():
        told = await owner.asks(
            "POST", path, raw=body, headers={"Idempotency-Key": new_id("key"), "Origin": owner.url, **headers}
        )
        if not 400 <= told.status < 500 or (headers is not JSON and told.status not in {401, 403, 404, 415}):
            findings.append(f"{operation}: {told.status} {told.body[:200]!r}")
        if b"Traceback" in told.body or b"passwd" in told.body:
            findings.append(f"{operation}: {told.body[:200]!r}")
    assert findings == []
    assert await rows_of_every_table(owner.shop) == before


def test_that_is_most_of_the_api() -> None:
    assert len(list(operations())) > 25
