"""Routing as the API asks for it: the rules, a new version of them, and how provider accounts are doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import ProviderAccount, enabled_accounts
from quickkub.payments.office import Office
from quickkub.payments.routes import store
from quickkub.payments.routes.decide import is_degraded
from quickkub.payments.routes.model import Candidate, Rules, Tally
from quickkub.payments.routes.store import LastError, RulesVersion
from quickkub.payments.routing import as_account


class RoutingAccountUnknown(Refusal):
    """A routing rule names an account that the merchant has not got in this mode."""

    code, kind = "routing_account_unknown", Kind.INVALID


class RoutingRulesChanged(Refusal):
    """Somebody wrote another version of the rules meanwhile."""

    code, kind = "routing_rules_changed", Kind.CONFLICT


class RoutingVersionUnknown(Refusal):
    """The routing rules have no such version."""

    code, kind = "routing_version_unknown", Kind.NOT_FOUND


class Routes:
    """Rules and health, for one database and one line."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def rules(self, merchant: MerchantId, mode: str, version: int | None) -> dict[str, Any]:
        """One version of the rules, or the newest. Raises RoutingVersionUnknown."""
        async with self._office.db.read() as reader:
            if version is None:
                return _rules_view(mode, await store.newest_rules(reader, merchant, mode))
            found = await store.rules_of_version(reader, merchant, mode, version)
        if found is None:
            raise RoutingVersionUnknown(f"there is no version {version}", param="version")
        return _rules_view(mode, found)

    async def change(
        self, merchant: MerchantId, mode: str, wanted: Rules, *, replaces: int | None, by: str
    ) -> dict[str, Any]:
        """Write a new version; it counts for payments made from now on.

        `replaces` is the version the caller has seen; None writes whatever the newest is. Raises
        RoutingAccountUnknown, RoutingRulesChanged.
        """
        async with self._office.db.transaction() as tx:
            _refuse_unknown(wanted, await store.accounts_of(tx, merchant, mode))
            before = (await store.newest_rules(tx, merchant, mode)).rules
            newest = before.version
            if replaces not in (None, newest):
                raise RoutingRulesChanged(f"the newest version is {newest}", param="replaces")
            written = await store.add_rules(tx, merchant, mode, replace(wanted, version=newest + 1), by)
            if written is not None:
                act = Act(
                    "routing_rules.changed",
                    "routing_rules",
                    str(newest + 1),
                    merchant=merchant,
                    mode=mode,
                    before=msgspec.to_builtins(before),
                    after=msgspec.to_builtins(written.rules),
                )
                await record(tx, act)
        if written is None:
            raise RoutingRulesChanged("another version was written at the same moment", param="replaces")
        return _rules_view(mode, written)

    async def health(self, merchant: MerchantId, mode: str) -> list[dict[str, Any]]:
        """Each account that may be used, in the order they were opened. Circuits are this process's own."""
        async with self._office.db.read() as reader:
            accounts = await enabled_accounts(reader, self._office.vault, merchant, mode)
            rules = (await store.newest_rules(reader, merchant, mode)).rules
            tallies = await store.tallies(reader, merchant, mode, rules.window_minutes)
            errors = await store.last_errors(reader, merchant, mode, rules.window_minutes)
        return [
            self._health(found, rules, tallies.get(found.id, Tally()), errors.get(found.id))
            for found in accounts
        ]

    def _health(
        self, found: ProviderAccount, rules: Rules, tally: Tally, error: LastError | None
    ) -> dict[str, Any]:
        is_open = self._office.circuit_open(as_account(found, self._office.public_url))
        seen = Candidate(found.id, found.provider, circuit_open=is_open, good=tally.good, bad=tally.bad)
        rate = tally.good * 10_000 // tally.samples if tally.samples else None
        return {
            "object": "provider_health",
            "account": found.id,
            "provider": found.provider,
            "mode": found.mode,
            "status": "degraded" if is_degraded(seen, rules.samples_min) else "healthy",
            "circuit": "open" if is_open else "closed",
            "window_minutes": rules.window_minutes,
            "outcomes": tally.samples,
            "success_basis_points": rate,
            "last_error": {"code": error.code, "at": rfc3339(error.at)} if error else None,
        }


def _refuse_unknown(wanted: Rules, accounts: Sequence[str]) -> None:
    for number, rule in enumerate(wanted.rules):
        for place, use in enumerate(rule.use):
            if use.account not in accounts:
                raise RoutingAccountUnknown(
                    "you have no such provider account in this mode",
                    param=f"rules[{number}].use[{place}].account",
                )


def _rules_view(mode: str, found: RulesVersion) -> dict[str, Any]:
    words = msgspec.to_builtins(found.rules)
    return {
        "object": "routing_rules",
        "mode": mode,
        "version": found.rules.version,
        "rules": words["rules"],
        "window_minutes": found.rules.window_minutes,
        "samples_min": found.rules.samples_min,
        "created_at": rfc3339(found.created_at) if found.created_at else None,
        "created_by": found.created_by,
    }
