"""A shop, its privacy office, and a payer whose name, address and number are nobody else's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from quickkub.connectors.contract import Paid, Payer
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from quickkub.privacy.office import Office
from quickkub.privacy.person import Person, read_person
from quickkub.storage.vault import Place
from tests.support.rows import insert
from tests.support.shop import VAULT, Shop, receipt

MALEE = Payer(name="Malee Srisawat", email="Malee.S@example.com", phone="0891234567")
MALEE_WRITTEN = ["malee.s@example.com", "0891234567", "malee srisawat", "089-123-4567", "+66891234567"]
SOMCHAI = Payer(name="Somchai Jaidee", email="somchai@example.com", phone="0817654321")


def asked(payer: Payer, *kinds: str) -> Person:
    """The payer as they ask for themselves: by all that is known, or by these kinds alone."""
    said = {"email": payer.email, "phone": payer.phone, "name": payer.name}
    return read_person({kind: value for kind, value in said.items() if not kinds or kind in kinds})


@dataclass
class Counter:
    """A shop with an office for people's data."""

    shop: Shop
    office: Office

    async def sells(self, payer: Payer, *, paid: bool = True, key: str | None = None) -> dict[str, Any]:
        """A payment whose words name the payer wherever words are free."""
        if paid:
            self.shop.bank.to_create.append(Paid((receipt(baht(150), new_id("t")),)))
        return await self.shop.charges(
            baht(150),
            key or new_id("key"),
            payer=payer,
            reference=f"Order for {payer.name}",
            description=f"Coffee for {payer.name}, call +66{payer.phone[1:]}",
            metadata={
                "customer": payer.email.upper(),
                "line": f"@{payer.name[:5].lower()}_line",
                "order": "1042",
            },
            return_url=f"http://127.0.0.1/thanks?who={payer.email}",
        )

    async def is_shown_a_slip(self, payer: Payer, payment: str, *, days_ago: int = 0) -> str:
        """A bank told who paid, in its own words and in ours. Returns the evidence's id."""
        evidence, number, merchant = new_id("evd"), new_id("t")[-20:], self.shop.merchant
        told = {"sender": {"name": payer.name, "account": "xxx-1-23456-7"}}
        async with self.office.db.transaction() as tx:
            attempt = await tx.fetchrow("SELECT id, account_id FROM attempts WHERE payment_id = $1", payment)
            assert attempt is not None
            moment = await tx.fetchval("SELECT now() - make_interval(days => $1)", days_ago)
            about = {"merchant_id": merchant, "payment_id": payment, "mode": "test"}
            await insert(
                tx,
                "evidence",
                **about,
                id=evidence,
                attempt_id=attempt["id"],
                provider="madeup",
                kind="inquiry",
                outcome="slip",
                received_at=moment,
                transcript=sealed(told, Place("evidence", "transcript", merchant, evidence, mode="test")),
            )
            await insert(
                tx,
                "slips",
                **about,
                sending_bank="014",
                trans_ref=number,
                account_id=attempt["account_id"],
                evidence_id=evidence,
                used_at=moment,
                answer=sealed(told, Place("slips", "answer", merchant, f"test:014:{number}", mode="test")),
            )
        return evidence


def sealed(said: object, place: Place) -> bytes:
    """JSON as it is stored."""
    return VAULT.seal(json.dumps(said).encode(), place)
