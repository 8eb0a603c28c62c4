"""SQL for routing: versions of rules, outcomes of accounts in a window, and further attempts of a payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import ProviderAccount, columns_of, read_account
from quickkub.merchants.limits import Limit, read_standing
from quickkub.payments.attempt_store import ATTEMPT_COLUMNS, read_attempt
from quickkub.payments.model import Attempt
from quickkub.payments.routes.model import NO_RULES, Rules, Tally
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Vault

NEWEST_MAX: Final = 2_000
"""At most so many of a merchant's newest attempts are counted, so that a busy hour costs no more."""

PAYERS_OWN: Final = (
    "payer_cancelled",
    "insufficient_funds",
    "expired",
    "limit_exceeded",
    "account_unusable",
    "card_expired",
    "authentication_failed",
)
"""Failures that say nothing about the provider."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A merchant's rules in one mode, when the database was asked, and what accounts did lately."""

    rules: Rules
    at: datetime
    tallies: Mapping[str, Tally]
    unique_satang: bool = False
    limits: tuple[Limit, ...] = ()
    screening: int | None = None
    mode: str = "live"
    return_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One version of the rules and who made it; version 0 was made by nobody."""

    rules: Rules
    created_at: datetime | None
    created_by: str | None


def _read(row: Row | None) -> RulesVersion:
    if row is None or row["version"] is None:
        return RulesVersion(NO_RULES, None, None)
    rules = msgspec.convert({**row["rules"], "version": row["version"]}, Rules)
    return RulesVersion(rules, row["created_at"], row["created_by"])


async def newest_rules(reader: Connection, merchant: MerchantId, mode: str) -> RulesVersion:
    """The rules that count now."""
    row = await reader.fetchrow(
        """
        SELECT version, rules, created_by, created_at FROM routing_rules
         WHERE merchant_id = $1 AND mode = $2 ORDER BY version DESC LIMIT 1
        """,
        merchant,
        mode,
    )
    return _read(row)


async def rules_of_version(
    reader: Connection, merchant: MerchantId, mode: str, version: int
) -> RulesVersion | None:
    """One version, or None when there is no such."""
    if version == 0:
        return RulesVersion(NO_RULES, None, None)
    row = await reader.fetchrow(
        """
        SELECT version, rules, created_by, created_at FROM routing_rules
         WHERE merchant_id = $1 AND mode = $2 AND version = $3
        """,
        merchant,
        mode,
        version,
    )
    return _read(row) if row else None


async def add_rules(
    tx: Connection, merchant: MerchantId, mode: str, rules: Rules, created_by: str
) -> RulesVersion | None:
    """Write a version. None: somebody else wrote this version first."""
    words = msgspec.to_builtins(rules)
    del words["version"]
    row = await tx.fetchrow(
        """
        INSERT INTO routing_rules (merchant_id, mode, version, rules, created_by)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
        RETURNING version, rules, created_by, created_at
        """,
        merchant,
        mode,
        rules.version,
        words,
        created_by,
    )
    return _read(row) if row else None


async def accounts_of(reader: Connection, merchant: MerchantId, mode: str) -> list[str]:
    """Ids of all accounts, also of those that are switched off for now."""
    rows = await reader.fetch(
        "SELECT id FROM provider_accounts WHERE merchant_id = $1 AND mode = $2", merchant, mode
    )
    return [row["id"] for row in rows]


_GROUND: Final = f"""
WITH standing AS MATERIALIZED (
    SELECT date_trunc('second', now()) AS at, merchants.unique_satang,
           merchants.return_addresses, newest.*,
           CASE WHEN EXISTS (SELECT FROM merchant_limits WHERE merchant_id = $1)
                THEN limits_standing($1, $2, $3) END AS limits,
           coalesce((merchants.fraud_versions ->> $2)::integer, CASE WHEN EXISTS (
               SELECT FROM fraud_legal_entries WHERE removed_at IS NULL) THEN 0 END) AS screening
      FROM merchants LEFT JOIN LATERAL (
           SELECT version, rules, created_by, created_at FROM routing_rules
            WHERE merchant_id = $1 AND mode = $2 ORDER BY version DESC LIMIT 1) newest ON true
     WHERE merchants.id = $1)
SELECT standing.*, {columns_of("account", "a_")}
  FROM standing
  LEFT JOIN provider_accounts account
    ON account.merchant_id = $1 AND account.mode = $2 AND account.enabled
 ORDER BY account.id
"""  # noqa: S608 -- only our own columns are put in


async def ground(
    reader: Connection, vault: Vault, merchant: MerchantId, mode: str, method: str
) -> tuple[list[ProviderAccount], Standing]:
    """What a decision starts from: the accounts that may be used, in the order they were opened, and how
    things stand. Outcomes are counted only where rules may look at them."""
    rows = await reader.fetch(_GROUND, merchant, mode, method)
    assert rows, "a key's merchant exists"
    accounts = [read_account(row, vault, "a_") for row in rows if row["a_id"] is not None]
    first = rows[0]
    rules = _read(first).rules
    counted = await tallies(reader, merchant, mode, rules.window_minutes) if rules.rules else {}
    limits = read_standing(first["limits"])
    standing = Standing(
        rules,
        first["at"],
        counted,
        first["unique_satang"],
        limits,
        first["screening"],
        mode,
        tuple(first["return_addresses"]),
    )
    return accounts, standing


# Ids begin with the time of making (UUIDv7), so the window is a range of the primary key.
_WINDOW: Final = f"""
    SELECT account_id, state, failure_code, created_at, updated_at FROM attempts
     WHERE merchant_id = $1 AND mode = $2
       AND id >= 'att_' || lpad(
           to_hex((extract(epoch FROM now() - make_interval(mins => $3)) * 1000)::bigint), 12, '0')
     ORDER BY id DESC LIMIT {NEWEST_MAX}
"""  # noqa: S608 -- only our own number is put in


async def tallies(reader: Connection, merchant: MerchantId, mode: str, minutes: int) -> dict[str, Tally]:
    """Good and bad outcomes by account. An attempt that waits for its payer is neither yet."""
    rows = await reader.fetch(
        f"""
        SELECT account_id,
               count(*) FILTER (WHERE state IN ('succeeded', 'authorized')) AS good,
               count(*) FILTER (WHERE state = 'unknown'
                                   OR (state = 'failed' AND failure_code <> ALL ($4))) AS bad
          FROM ({_WINDOW}) lately GROUP BY account_id
        """,  # noqa: S608 -- only our own fragment is put in
        merchant,
        mode,
        minutes,
        PAYERS_OWN,
    )
    return {row["account_id"]: Tally(row["good"], row["bad"]) for row in rows}


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest trouble of an account: a failure's code or `unknown`, and when it was written down."""

    code: str
    at: datetime


async def last_errors(
    reader: Connection, merchant: MerchantId, mode: str, minutes: int
) -> dict[str, LastError]:
    """By account, from the same attempts that `tallies` counts as bad."""
    rows = await reader.fetch(
        f"""
        SELECT DISTINCT ON (account_id) account_id, coalesce(failure_code, 'unknown') AS code, updated_at
          FROM ({_WINDOW}) lately
         WHERE state = 'unknown' OR (state = 'failed' AND failure_code <> ALL ($4))
         ORDER BY account_id, updated_at DESC
        """,  # noqa: S608 -- only our own fragment is put in
        merchant,
        mode,
        minutes,
        PAYERS_OWN,
    )
    return {row["account_id"]: LastError(row["code"], row["updated_at"]) for row in rows}


async def add_attempt(tx: Connection, attempt: Attempt, why: dict[str, Any], check_seconds: int) -> Attempt:
    """Write a further attempt of a payment down before its provider is called (P10)."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO attempts (merchant_id, id, payment_id, mode, provider, account_id, amount, currency,
                              state, reference, why, next_check_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'created', $9, $10, now() + make_interval(secs => $11))
        RETURNING {ATTEMPT_COLUMNS}
        """,  # noqa: S608 -- only our own column list is put in
        attempt.merchant,
        attempt.id,
        attempt.payment,
        attempt.mode,
        attempt.provider,
        attempt.account,
        attempt.amount.minor,
        attempt.amount.currency.code,
        attempt.reference,
        why,
        check_seconds,
    )
    assert row is not None, "an INSERT without a conflict clause returns its row"
    return read_attempt(row)


async def whys_of(
    reader: Connection, merchant: MerchantId, payments: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The explanations of the attempts of several payments, by attempt."""
    if not payments:
        return {}
    rows = await reader.fetch(
        "SELECT id, why FROM attempts WHERE merchant_id = $1 AND payment_id = ANY ($2)",
        merchant,
        list(payments),
    )
    return {row["id"]: row["why"] for row in rows}
