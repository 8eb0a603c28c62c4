"""Which account a payment goes through, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from quickkub.connectors.contract import Account, Can, Connector, Manifest, MethodOffer
from quickkub.connectors.switches import is_on
from quickkub.merchants.accounts import ProviderAccount
from quickkub.payments.model import CaptureUnsupported, MethodUnavailable, NewPayment

ConnectorFor = Callable[[str], Connector]


@dataclass(frozen=True, slots=True)
class Route:
    """The account chosen and the reason, stored with the attempt."""

    account: Account
    manifest: Manifest
    offer: MethodOffer
    why: dict[str, Any]


def as_account(found: ProviderAccount, public_url: str) -> Account:
    """A merchant's account in the connectors' words."""
    token = found.callback_token
    return Account(
        merchant=found.merchant,
        id=found.id,
        mode=found.mode,
        provider=found.provider,
        settings=found.settings,
        credentials=found.credentials,
        callback_url=f"{public_url}/callbacks/{found.provider}/{token}" if token else "",
    )


def choose(
    asked: NewPayment, accounts: Sequence[ProviderAccount], connector: ConnectorFor, public_url: str
) -> Route:
    """The merchant's first account that offers what is asked. Raises MethodUnavailable,
    CaptureUnsupported."""
    method = asked.method
    offering = [
        (account, manifest, offer)
        for account in accounts
        for manifest in (connector(account.provider).manifest,)
        for offer in (manifest.offer(method),)
        if offer is not None and (not offer.flag or is_on(as_account(account, ""), offer.flag))
    ]
    if not offering:
        raise MethodUnavailable(f"no provider account offers {method}", param="method")
    fitting = [one for one in offering if not asked.capture_later or Can.AUTHORIZE in one[2].can]
    if not fitting:
        raise CaptureUnsupported(f"{method} is captured at once by every account there is", param="capture")
    account, manifest, offer = fitting[0]
    why = {"rule": "first_account_with_method", "considered": [a.provider for a, _, _ in offering]}
    return Route(as_account(account, public_url), manifest, offer, why)
