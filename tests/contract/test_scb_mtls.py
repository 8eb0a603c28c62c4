"""SCB may want a client certificate in production: behind its switch, one is shown (pack 1, `scb.mtls`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import Account, NotSent, Order, Unknown, Waiting
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.scb.connector import CONNECTOR
from quickkub.connectors.providers.scb.manifest import MANIFEST
from quickkub.connectors.providers.scb.simulator import ScbSimulator
from quickkub.connectors.simulation.run import build_app
from quickkub.connectors.transport import Line
from quickkub.kernel.money import baht
from quickkub.kernel.secrets import Secret
from tests.support.mtls import Identities, identities
from tests.support.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
ORDER = Order("QK2601150001", baht("100.50"), "promptpay", NOW, NOW + timedelta(minutes=15), NOW)


@pytest.fixture
def papers(tmp_path: Path) -> Identities:
    return identities(tmp_path)


@asynccontextmanager
async def bank_that_wants_a_certificate(papers: Identities) -> AsyncIterator[str]:
    """The simulator over two-way TLS; gives its address."""
    runner = web.AppRunner(build_app(ScbSimulator({})), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=papers.server(wants_client=True)).start()
        yield f"https://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def account_at(url: str, papers: Identities, *, mtls: str) -> Account:
    """An account that has its papers, and shows them or not."""
    account = loose_account(MANIFEST, simulator_particulars(MANIFEST, url), mode="live")
    return replace(
        account,
        settings={**account.settings, "mtls": mtls, "client_cert": papers.client_cert},
        credentials={**account.credentials, "client_key": Secret(papers.client_key)},
    )


async def test_an_account_shows_its_certificate_when_its_switch_is_on(papers: Identities) -> None:
    line = Line(registry.connector, ca_file=papers.authority)
    async with bank_that_wants_a_certificate(papers) as url:
        hidden = account_at(url, papers, mtls="off")
        refused = (await line.run(hidden, CONNECTOR.create(hidden, ORDER))).outcome
        shown = account_at(url, papers, mtls="on")
        made = await line.run(shown, CONNECTOR.create(shown, ORDER))
        await line.close()
    assert isinstance(refused, NotSent | Unknown)
    assert isinstance(made.outcome, Waiting), "the first try left no trace, or this would be a duplicate"
    assert papers.client_key.encode() not in made.transcript
