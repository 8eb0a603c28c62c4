"""KBank in production demands a client certificate: connector and simulator over two-way TLS (pack A2.3)."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import Account, NotSent, Order, Unknown, Waiting
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.kbank.connector import CONNECTOR
from quickkub.connectors.providers.kbank.manifest import MANIFEST
from quickkub.connectors.providers.kbank.simulator import KbankSimulator
from quickkub.connectors.simulation.run import build_app
from quickkub.connectors.transport import Line
from quickkub.kernel.money import baht
from quickkub.kernel.secrets import Secret
from tests.support.kbank_client import PARTNER, SECRET, Client
from tests.support.mtls import Identities, identities
from tests.support.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
ORDER = Order("QK2601150001", baht("100.50"), "promptpay", NOW, NOW + timedelta(minutes=15), NOW)


@pytest.fixture
def papers(tmp_path: Path) -> Identities:
    return identities(tmp_path)


@asynccontextmanager
async def bank(papers: Identities, *, wants_client: bool) -> AsyncIterator[str]:
    """The simulator over TLS; gives its address."""
    runner = web.AppRunner(build_app(KbankSimulator({})), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    port = free_port()
    context = papers.server(wants_client=wants_client)
    if not wants_client:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(papers.authority)
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield f"https://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def account_at(url: str, papers: Identities | None) -> Account:
    account = loose_account(MANIFEST, simulator_particulars(MANIFEST, url), mode="live")
    if papers is None:
        return account
    return replace(
        account,
        settings={**account.settings, "mtls": "on", "client_cert": papers.client_cert},
        credentials={**account.credentials, "client_key": Secret(papers.client_key)},
    )


async def test_with_its_certificate_an_account_is_served(papers: Identities) -> None:
    line = Line(registry.connector, ca_file=papers.authority)
    async with bank(papers, wants_client=True) as url:
        account = account_at(url, papers)
        told = await line.run(account, CONNECTOR.create(account, ORDER))
        made = told.outcome
        found = (await line.run(account, CONNECTOR.inquire(account, ORDER))).outcome
        await line.close()
    for held in account.credentials.values():
        assert held.reveal().encode() not in told.transcript, (
            "what is kept of a call holds no secret (pack E11)"
        )
    assert isinstance(made, Waiting) and made.action is not None
    assert isinstance(found, Waiting)


async def test_without_a_certificate_nothing_is_made(papers: Identities) -> None:
    line = Line(registry.connector, ca_file=papers.authority)
    async with bank(papers, wants_client=True) as url:
        nobody = account_at(url, None)
        refused = (await line.run(nobody, CONNECTOR.create(nobody, ORDER))).outcome
        somebody = account_at(url, papers)
        made = (await line.run(somebody, CONNECTOR.create(somebody, ORDER))).outcome
        await line.close()
    # The bank's refusal may come after our side of the handshake; without a token nothing was asked anyway.
    assert isinstance(refused, NotSent | Unknown)
    assert isinstance(made, Waiting), "the first try left no trace, or this would be a duplicate"


async def test_the_check_call_tells_what_the_bank_sees_of_the_certificate(papers: Identities) -> None:
    words = {"partnerId": PARTNER, "partnerSecret": SECRET}
    context = ssl.create_default_context(cafile=papers.authority)
    own = papers.authority.parent / "client-identity.pem"
    own.write_text(papers.client_key + papers.client_cert)
    async with bank(papers, wants_client=False) as url:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            without = await Client(url, session).sends("POST", "/exercise/ssl", words)
        context = ssl.create_default_context(cafile=papers.authority)
        context.load_cert_chain(own)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            shown = await Client(url, session).sends("POST", "/exercise/ssl", words)
            wrong = await Client(url, session).sends(
                "POST", "/exercise/ssl", {**words, "partnerSecret": "no"}
            )
    assert (without["statusCode"], without["certStatus"], without["certificateObjs"]) == (
        "10",
        "not found",
        [],
    )
    assert (shown["statusCode"], shown["certStatus"], shown["partnerStatus"]) == ("00", "valid", "valid")
    assert "shop" in shown["certificateObjs"][0]["subject"]
    assert (wrong["statusCode"], wrong["partnerStatus"]) == ("10", "invalid")
