"""Which account a payment goes through, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from quickkub.connectors.contract import Account, Connector, Manifest
from quickkub.merchants.accounts import ProviderAccount
from quickkub.payments.model import MethodUnavailable

ConnectorFor = Callable[[str], Connector]


@dataclass(frozen=True, slots=True)
class Route:
    """The account chosen and the reason, stored with the attempt."""

    account: Account
    manifest: Manifest
    why: dict[str, Any]


def as_account(found: ProviderAccount) -> Account:
    """A merchant's account in the connectors' words."""
    return Account(
        merchant=found.merchant,
        id=found.id,
        mode=found.mode,
        provider=found.provider,
        settings=found.settings,
        credentials=found.credentials,
    )


def choose(method: str, accounts: Sequence[ProviderAccount], connector: ConnectorFor) -> Route:
    """The merchant's first account that offers the method. Raises MethodUnavailable."""
    known = [(account, connector(account.provider).manifest) for account in accounts]
    offering = [pair for pair in known if any(offer.method == method for offer in pair[1].methods)]
    if not offering:
        raise MethodUnavailable(f"no provider account offers {method}", param="method")
    account, manifest = offering[0]
    why = {"rule": "first_account_with_method", "considered": [a.provider for a, _ in offering]}
    return Route(as_account(account), manifest, why)
