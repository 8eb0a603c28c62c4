"""Nothing secret of a person is in a log line, an audit entry, an error or elsewhere in the database (A4)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from quickkub.access.emails import read_email
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.telemetry import configure_logging
from tests.support.api import Client
from tests.support.browser_client import Browser
from tests.support.signing_in import PASSWORD, People

NEW = "seven grey herons at noon"
WRONG = "wrong, but quite long enough"


@pytest.fixture
def logged() -> Iterator[io.BytesIO]:
    """What is logged, as it would be written."""
    stream = io.BytesIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream, level="DEBUG")
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


async def everything_in(database: Database) -> str:
    """Every row of every table as text."""
    async with database.read() as reader:
        tables = await reader.fetch(
            "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
        )
        rows = [
            row[0] for table in tables for row in await reader.fetch(f"SELECT t::text FROM {table['name']} t")
        ]
    return "\n".join(rows)


async def test_a_persons_secrets_stay_with_the_person(
    shop: Client, database: Database, logged: io.BytesIO
) -> None:
    people = People(database)
    user = await people.person()
    browser = Browser.on(shop)
    secrets = {PASSWORD, NEW, WRONG}

    async def keeps() -> None:
        secrets.update(kept for kept in (browser.cookie, browser.csrf) if kept)

    assert (await browser.logs_in(user.email, WRONG)).status == 401
    assert (await browser.logs_in(user.email, PASSWORD)).status == 200
    await keeps()
    enrolment = (await browser.posts("/auth/totp/enrol")).json
    secret = Secret(enrolment["secret"])
    secrets |= {secret.reveal(), secret.reveal().encode().hex(), enrolment["uri"]}
    done = await browser.posts("/auth/totp/confirm", {"code": people.code(secret)})
    codes = done.json["codes"]
    secrets |= {*codes, *(code.replace("-", "") for code in codes)}
    await keeps()
    challenge = (await browser.logs_in(user.email, PASSWORD)).json["challenge"]
    secrets.add(challenge)
    assert (await browser.posts("/auth/totp", {"challenge": challenge, "code": codes[0]})).status == 200
    await keeps()
    await browser.posts("/auth/forgot-password", {"email": user.email})
    await people.mail_goes_out()
    token = people.postbox.token()
    secrets.add(token)
    # Refused words, too, are nobody's to read.
    assert (await browser.posts("/auth/reset-password", {"token": token, "password": "x"})).status == 422
    assert (await browser.posts("/auth/reset-password", {"token": token, "password": NEW})).status == 200
    async with database.transaction() as tx:
        await people.access.accounts.send_invitation(tx, read_email("a@example.com").written, Secret(token))

    written, stored = logged.getvalue().decode(), await everything_in(database)
    assert "request" in written
    assert user.id in stored
    assert [secret for secret in secrets if secret in written] == []
    assert [secret for secret in secrets if secret in stored] == []
    assert user.email not in written


async def test_only_tables_of_people_hold_the_address_of_a_person(shop: Client, database: Database) -> None:
    user = await People(database).person("canary.of.a.person@example.com")
    browser = Browser.on(shop)
    await browser.logs_in(user.email, WRONG)
    await browser.logs_in(user.email, PASSWORD)
    await browser.posts("/auth/forgot-password", {"email": user.email})
    stored = await everything_in(database)
    assert stored.count("canary.of.a.person") == 2  # as it is written, and in its normal form
