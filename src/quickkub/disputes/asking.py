"""How a dispute stands, in words that somebody vouches for."""

from __future__ import annotations

from typing import Any

from quickkub.connectors.contract import Account, DisputeDesk, DisputeNews
from quickkub.payments import attempt_store
from quickkub.payments.model import Attempt
from quickkub.payments.office import Office


async def vouched(
    office: Office, account: Account, news: DisputeNews, transcript: bytes
) -> tuple[DisputeNews, bytes] | None:
    """What the provider says when asked about it; where it cannot be asked, what it signed. Else None.

    A callback that nobody signed is no reason to hold a merchant's money, less still to give it away.
    """
    connector: Any = office.connector(account.provider)
    if isinstance(connector, DisputeDesk):
        told = await office.line.run(account, connector.inquire_dispute(account, news.dispute_id))
        if isinstance(told.outcome, DisputeNews) and told.outcome.dispute_id == news.dispute_id:
            return told.outcome, told.transcript
    return (news, transcript) if connector.trusts_callbacks(account) else None


async def disputed_attempt(office: Office, attempt: Attempt, news: DisputeNews) -> Attempt:
    """The attempt whose number the provider names, else the one that the callback named."""
    if not news.provider_reference or news.provider_reference == attempt.provider_reference:
        return attempt
    async with office.db.read() as reader:
        named = await attempt_store.find_attempt_by_provider_reference(
            reader, attempt.merchant, attempt.provider, attempt.account, news.provider_reference
        )
    return named or attempt
