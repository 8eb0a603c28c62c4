"""How a dispute stands, in the provider's own words of this moment."""

from __future__ import annotations

from typing import Any

from quickkub.connectors.contract import Account, DisputeDesk, DisputeNews
from quickkub.payments.office import Office


async def asked(
    office: Office, account: Account, news: DisputeNews, transcript: bytes
) -> tuple[DisputeNews, bytes]:
    """What the provider says when asked about it; what it told us by itself where it cannot be asked."""
    connector: Any = office.connector(account.provider)
    if not isinstance(connector, DisputeDesk):
        return news, transcript
    told = await office.line.run(account, connector.inquire_dispute(account, news.dispute_id))
    if isinstance(told.outcome, DisputeNews) and told.outcome.dispute_id == news.dispute_id:
        return told.outcome, told.transcript
    return news, transcript
