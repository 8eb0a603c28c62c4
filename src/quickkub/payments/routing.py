"""Which account a payment goes through, which ones come next, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.connectors.contract import Account, Can, Connector, Failure, Manifest, MethodOffer
from quickkub.connectors.switches import is_on
from quickkub.kernel.money import THB
from quickkub.merchants.accounts import ProviderAccount
from quickkub.merchants.return_list import refuse_unlisted
from quickkub.payments import rules
from quickkub.payments.model import Attempt, CaptureUnsupported, MethodUnavailable, NewPayment
from quickkub.payments.routes.decide import decide
from quickkub.payments.routes.model import Candidate, Inputs, Tally
from quickkub.payments.routes.store import Standing
from quickkub.payments.routes.why import after_failure, explain
from quickkub.payments.satang import STATIC

ConnectorFor = Callable[[str], Connector]
CircuitOpen = Callable[[Account], bool]
"""Whether the line holds charges to an account's provider back for now."""

PROVIDERS_OWN: Final = frozenset(
    {Failure.PROVIDER_UNAVAILABLE, Failure.PROVIDER_MISCONFIGURED, Failure.CURRENCY_REFUSED}
)
"""Failures that are not the payer's: with another provider the same payment may well succeed."""

NOT_OFFERED: Final = frozenset({"provider_not_wanted", "method_not_offered", "method_switched_off"})
"""Why an account is no account for the method at all, whatever the amount and the payer."""

ATTEMPTS_MAX: Final = 3
"""Attempts of one payment inside one request."""

FAILOVER_WITHIN_SECONDS: Final = 10
"""Later than this after the request came, the merchant has waited long enough for another try."""


@dataclass(frozen=True, slots=True)
class Route:
    """An account that can take the payment, and why it is tried; the reason is stored with the attempt."""

    account: Account
    manifest: Manifest
    offer: MethodOffer
    why: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The accounts to try, in order. `unique_amount`: the first one needs an amount nobody else has.

    `screening`: the version of the fraud rules to look at it by; 0 is legal lists alone, None not at all.
    """

    routes: tuple[Route, ...]
    unique_amount: bool = False
    screening: int | None = None

    @property
    def first(self) -> Route:
        """Where the payment goes first."""
        return self.routes[0]

    def after(self, tried: Sequence[Attempt], failure: Failure) -> Route | None:
        """Where it goes once `tried`, in order, could not take it; None when that is all."""
        if len(tried) >= ATTEMPTS_MAX or failure not in PROVIDERS_OWN:
            return None
        accounts = [attempt.account for attempt in tried]
        why = after_failure(self.first.why, accounts, tried[-1].id, failure.value)
        if why is None:
            return None
        route = next(route for route in self.routes if route.account.id == why["chosen"])
        return replace(route, why=why)


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


@dataclass(frozen=True, slots=True)
class _Way:
    """An account beside what its provider offers of the method, and why it cannot take this payment."""

    account: Account
    manifest: Manifest
    offer: MethodOffer | None
    excluded: str | None


def plan(
    asked: NewPayment,
    accounts: Sequence[ProviderAccount],
    connector: ConnectorFor,
    public_url: str,
    standing: Standing,
    circuit_open: CircuitOpen,
    seed: str,
) -> Plan:
    """Decide by the merchant's rules. `seed` is the payment's id.

    Raises ReturnAddressNotListed, MethodUnavailable, CaptureUnsupported, CurrencyUnsupported,
    AmountOutOfRange, PayerInputMissing.
    """
    refuse_unlisted(asked.return_url, standing.return_addresses, standing.mode)
    ways = [_way(asked, as_account(found, public_url), connector) for found in accounts]
    _refuse(asked, ways)
    inputs = Inputs(
        asked.amount.minor,
        asked.amount.currency.code,
        asked.method,
        asked.capture_later,
        standing.at,
        tuple(_candidate(way, circuit_open, standing.tallies) for way in ways),
        one_provider=bool(asked.payer.card_token),
        # What a payment asks for never changes, so its amount is made unlike all others first, or never.
        first_only=(STATIC,) if standing.unique_satang else (),
    )
    decision = decide(standing.rules, inputs, seed)
    why = explain(standing.rules, inputs, seed, decision)
    by_id = {way.account.id: way for way in ways}
    routes = tuple(_route(by_id[account], why) for account in decision.order)
    unique_amount = standing.unique_satang and routes[0].account.provider == STATIC
    return Plan(routes, unique_amount, standing.screening)


def _route(way: _Way, why: dict[str, Any]) -> Route:
    assert way.offer is not None, "only accounts that offer the method are in the order"
    return Route(way.account, way.manifest, way.offer, why)


def _way(asked: NewPayment, account: Account, connector: ConnectorFor) -> _Way:
    manifest = connector(account.provider).manifest
    offer = manifest.offer(asked.method)
    return _Way(account, manifest, offer, _excluded(asked, account, offer))


def _excluded(asked: NewPayment, account: Account, offer: MethodOffer | None) -> str | None:
    if offer is None:
        return "method_not_offered"
    lacks = (
        ("provider_not_wanted", asked.provider not in (None, account.provider)),
        ("method_switched_off", offer.flag and not is_on(account, offer.flag)),
        ("capture_later_unsupported", asked.capture_later and Can.AUTHORIZE not in offer.can),
        ("currency_unsupported", asked.amount.currency != THB),
        ("amount_out_of_range", not offer.amount_min <= asked.amount.minor <= offer.amount_max),
        ("payer_input_missing", not all(getattr(asked.payer, name) for name in offer.needs)),
    )
    return next((reason for reason, is_so in lacks if is_so), None)


def _refuse(asked: NewPayment, ways: Sequence[_Way]) -> None:
    """When nobody is left, say what the first account that came furthest lacks."""
    method = asked.method
    if any(way.excluded is None for way in ways):
        return
    offering = [way for way in ways if way.excluded not in NOT_OFFERED]
    if not offering:
        where = f" at {asked.provider}" if asked.provider else ""
        raise MethodUnavailable(f"no provider account{where} offers {method}", param="method")
    fitting = [way for way in offering if way.excluded != "capture_later_unsupported"]
    if not fitting:
        raise CaptureUnsupported(f"{method} is captured at once by every account there is", param="capture")
    furthest = next((way for way in fitting if way.excluded == "payer_input_missing"), fitting[0])
    assert furthest.offer is not None
    rules.refuse_amount(asked.amount, method, furthest.manifest)
    rules.refuse_missing_input(asked.payer, furthest.offer)


def _candidate(way: _Way, circuit_open: CircuitOpen, tallies: Mapping[str, Tally]) -> Candidate:
    tally = tallies.get(way.account.id, Tally())
    return Candidate(
        account=way.account.id,
        provider=way.account.provider,
        excluded=way.excluded,
        cost_basis_points=way.offer.fee_basis_points if way.offer else None,
        circuit_open=way.excluded is None and circuit_open(way.account),
        good=tally.good,
        bad=tally.bad,
    )
