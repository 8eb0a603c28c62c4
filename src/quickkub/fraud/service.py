"""The room's counter: what the API, the worker and the commands ask of it. Every change is audited."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from quickkub.audit import Act, record
from quickkub.fraud import list_store, review_store, reviews, store
from quickkub.fraud.backtest import backtest
from quickkub.fraud.decide import Replayed, replay
from quickkub.fraud.list_store import Entry
from quickkub.fraud.lists import NewEntry
from quickkub.fraud.model import (
    DecisionNotFound,
    ListEntryNotFound,
    ReviewNotFound,
    RulesChanged,
    RuleVersionUnknown,
)
from quickkub.fraud.reading import read_rule, read_rule_set, show_rule_set, with_versions
from quickkub.fraud.review_store import Review
from quickkub.fraud.screen import Screen
from quickkub.fraud.store import Decision, RulesVersion
from quickkub.fraud.subject import Hasher
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Database


class Fraud:
    """Everything that can be asked about fraud, for one database."""

    def __init__(self, db: Database, hasher: Hasher) -> None:
        self._db, self._hasher = db, hasher
        self.screen = Screen(hasher)

    async def rules(self, merchant: MerchantId, mode: str, version: int | None = None) -> RulesVersion:
        """The rules that count now, or one version of them. Raises RuleVersionUnknown."""
        async with self._db.read() as reader:
            if version is None:
                return await store.newest(reader, merchant, mode)
            found = await store.of_version(reader, merchant, mode, version)
        if found is None:
            raise RuleVersionUnknown(f"there is no version {version}", param="version")
        return found

    async def change_rules(
        self, merchant: MerchantId, mode: str, wanted: Mapping[str, Any], *, replaces: int | None, by: str
    ) -> RulesVersion:
        """Replace the whole set. `replaces`: only if that is the version that counts now.

        Raises RuleInvalid, RulesChanged.
        """
        read = read_rule_set(dict(wanted), 0)
        async with self._db.transaction() as tx:
            before = await store.newest(tx, merchant, mode, lock=True)
            if replaces not in (None, before.rules.version):
                raise RulesChanged(f"the rules are version {before.rules.version}", param="replaces")
            new = replace(with_versions(read, before.rules), version=before.rules.version + 1)
            after = await store.add(tx, merchant, mode, new, by)
            shown = [{"version": one.version, **show_rule_set(one)} for one in (before.rules, after.rules)]
            await record(
                tx,
                Act("fraud_rules.changed", "fraud_rules", str(new.version), merchant, mode, "done", *shown),
            )
            return after

    async def backtest(self, merchant: MerchantId, mode: str, rule: Any, days: int) -> dict[str, Any]:
        """What a rule would have done. Raises RuleInvalid."""
        read = read_rule(rule)
        async with self._db.read() as reader:
            return (await backtest(reader, merchant, mode, read, days)).shown()

    async def list_entries(
        self, merchant: MerchantId, mode: str, entries: Sequence[NewEntry], which: str, by: str
    ) -> list[str]:
        """Put entries on the block or allow list, all or none of them; returns their ids."""
        ids: list[str] = []
        pieces = await asyncio.to_thread(list_store.in_columns, self._hasher, entries)
        async with self._db.transaction() as tx:
            for columns in pieces:
                ids += await list_store.add(tx, merchant, mode, which, columns, by)
            await record(tx, _listed(merchant, mode, which, entries, ids))
            return ids

    async def list_legal(self, entries: Sequence[NewEntry], by: str) -> list[str]:
        """The same for the legal list, which holds for every merchant."""
        ids: list[str] = []
        pieces = await asyncio.to_thread(list_store.in_columns, self._hasher, entries)
        async with self._db.transaction() as tx:
            for columns in pieces:
                ids += await list_store.add_legal(tx, columns, by)
            await record(tx, _listed(None, None, list_store.LEGAL, entries, ids))
            return ids

    async def listed(
        self, merchant: MerchantId, mode: str, which: str | None, limit: int, after: str | None
    ) -> tuple[list[Entry], bool]:
        """One page of a merchant's lists."""
        async with self._db.read() as reader:
            return await list_store.page(reader, merchant, mode, which, limit, after)

    async def listed_legal(self, limit: int, after: str | None) -> tuple[list[Entry], bool]:
        """One page of the legal list."""
        async with self._db.read() as reader:
            return await list_store.legal_page(reader, limit, after)

    async def unlist(self, merchant: MerchantId | None, mode: str, entry: str, by: str) -> Entry:
        """Take an entry off; no merchant: off the legal list. Raises ListEntryNotFound."""
        async with self._db.transaction() as tx:
            if merchant is None:
                gone = await list_store.remove_legal(tx, entry, by)
            else:
                gone = await list_store.remove(tx, merchant, mode, entry, by)
            if gone is None:
                raise ListEntryNotFound("there is no such entry", param="id")
            before = {"list": gone.list, "kind": gone.kind, "reason": gone.reason}
            act = Act(
                "fraud_list.removed", "fraud_list_entry", entry, merchant, merchant and mode, before=before
            )
            await record(tx, act)
            return gone

    async def decisions(
        self,
        merchant: MerchantId,
        mode: str,
        *,
        limit: int,
        after: str | None,
        payment: str | None,
        action: str | None,
    ) -> tuple[list[Decision], bool]:
        """One page of decisions, newest first."""
        async with self._db.read() as reader:
            return await store.decisions(
                reader, merchant, mode, limit=limit, starting_after=after, payment=payment, action=action
            )

    async def decision(self, merchant: MerchantId, mode: str, decision: str) -> Decision:
        """One decision with everything it looked at. Raises DecisionNotFound."""
        async with self._db.read() as reader:
            found = await store.find_decision(reader, decision, merchant=merchant, mode=mode)
        if found is None:
            raise DecisionNotFound("there is no such decision", param="id")
        return found[1]

    async def replay(
        self, decision: str, *, merchant: MerchantId | None = None, mode: str | None = None
    ) -> Replayed:
        """Decide again from what was kept, with the rules of then. Raises DecisionNotFound."""
        async with self._db.read() as reader:
            found = await store.find_decision(reader, decision, merchant=merchant, mode=mode)
            if found is None:
                raise DecisionNotFound("there is no such decision", param="id")
            whose, kept = found
            rules = await store.of_version(reader, whose, kept.mode, kept.rules_version)
        assert rules is not None, "versions of rules are never deleted"
        return replay(kept, rules.rules)

    async def reviews(
        self, merchant: MerchantId, mode: str, state: str | None, limit: int, after: str | None
    ) -> tuple[list[Review], bool]:
        """One page of reviews, newest first."""
        async with self._db.read() as reader:
            return await review_store.page(reader, merchant, mode, state, limit, after)

    async def review(self, merchant: MerchantId, mode: str, review: str) -> Review:
        """One review. Raises ReviewNotFound."""
        async with self._db.read() as reader:
            found = await review_store.find(reader, merchant, mode, review)
        if found is None:
            raise ReviewNotFound("there is no such review", param="id")
        return found

    async def decide(
        self, merchant: MerchantId, mode: str, review: str, state: str, by: str, note: str
    ) -> Review:
        """See `reviews.decide`."""
        return await reviews.decide(self._db, merchant, mode, review, state, by, note)


def _listed(
    merchant: MerchantId | None, mode: str | None, which: str, entries: Sequence[NewEntry], ids: Sequence[str]
) -> Act:
    """A bulk upload is one act: what it was for, how many, and the first of them."""
    after = {"list": which, "count": len(entries), "kinds": sorted({one.kind for one in entries})}
    after["reasons"] = sorted({one.reason for one in entries})[:10]
    return Act("fraud_list.added", "fraud_list_entry", ids[0] if ids else None, merchant, mode, after=after)
