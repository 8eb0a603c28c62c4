"""Erasing a person: who they are goes out of every row of a merchant, what was paid stays.

All of it in one transaction, so nobody is ever half erased. Doing it again changes nothing that is done, and
takes what has come since. The books are not touched: they name nobody. docs/decisions/0024-privacy.md.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from quickkub.audit import Act, current_actor, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.privacy import bodies, erase_store, store
from quickkub.privacy.bodies import BODIES, REFUSED, SEALED_BY_NAME
from quickkub.privacy.found import Found, look
from quickkub.privacy.index import catch_up, tokens_of
from quickkub.privacy.office import ErasureTooEarly, NobodyFound, Office, UnderLegalHold
from quickkub.privacy.person import Person, patterns
from quickkub.privacy.scrub import Scrub
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place

_REFERENCE_LETTERS: Final = 100
_FORM: Final = SEALED_BY_NAME["attempts.form_fields"]
_ANSWERED: Final = SEALED_BY_NAME["idempotency_keys.form_fields"]


@dataclass(frozen=True, slots=True)
class _Work:
    """One erasure under way. `own` is for words about the person, `others` for words that may name them."""

    tx: Connection
    office: Office
    merchant: MerchantId
    found: Found
    own: Scrub
    others: Scrub
    id: str
    counts: Counter[str]


async def erase(
    office: Office, merchant: MerchantId, person: Person, *, request: str | None = None
) -> dict[str, Any]:
    """Erase what a merchant holds of a person; returns the certificate.

    Raises UnderLegalHold, ErasureTooEarly, NobodyFound. A refusal is written down, too.
    """
    await catch_up(office.db, office.vault, office.index, merchant)
    try:
        async with office.db.transaction() as tx:
            return await erase_in(tx, office, merchant, person, request=request)
    except (UnderLegalHold, ErasureTooEarly) as refusal:
        await write_down(office, merchant, refusal, request)
        raise


async def erase_in(
    tx: Connection, office: Office, merchant: MerchantId, person: Person, *, request: str | None
) -> dict[str, Any]:
    """The same inside a transaction; the index has been brought up to date."""
    await erase_store.begin(tx, merchant)
    found = await look(tx, office, merchant, person)
    await _refuse(tx, office, merchant, person, found)
    # Every "no" but one is above this line.
    before = await store.erased_before(tx, merchant, found.tokens)
    pseudonym = before["pseudonym"] if before else f"person_{secrets.token_hex(8)}"
    work = _Work(
        tx,
        office,
        merchant,
        found,
        Scrub(patterns(found.people, own=True), pseudonym),
        Scrub(patterns(found.people, own=False), pseudonym),
        new_id("era"),
        Counter(),
    )
    await store.let_go(tx, merchant, work.id, found.ids)
    await _own_rows(work)
    await _bodies(work)
    await _forms(work)
    await _words(work)
    await _answers(work)
    work.counts.update(await erase_store.empty_plain(tx, merchant, found.ids))
    counts = {name: number for name, number in sorted(work.counts.items()) if number}
    if not counts and before is not None:
        return certificate(merchant, before)
    if not counts and not found.ids:
        # Rolls back, so the slips above are not there either.
        raise NobodyFound("nothing is held about this person")
    return await _certified(work, person, counts, pseudonym, request)


async def _refuse(tx: Connection, office: Office, merchant: MerchantId, person: Person, found: Found) -> None:
    known = tokens_of(office.index, merchant, person.known())
    held = await store.held_because(tx, merchant, found.ids, list(known.values()))
    if held is not None:
        raise UnderLegalHold(f"the hold {held} keeps it")
    waiting = await store.still_open(tx, merchant, found.ids)
    if waiting is not None:
        raise ErasureTooEarly(f"{waiting} is not at its end")


async def _own_rows(work: _Work) -> None:
    tx, merchant, own = work.tx, work.merchant, work.own
    for row in await erase_store.own_rows(tx, "payments", merchant, work.found.objects["payments"]):
        reference = row["reference"] and own.text(row["reference"])[:_REFERENCE_LETTERS]
        description = row["description"] and own.pseudonym
        said = own.metadata(row["metadata"])
        await erase_store.empty_payment(tx, merchant, row["id"], reference, description, said)
        work.counts["payments.payer"] += row["payer"] is not None
        work.counts["payments.metadata"] += said != row["metadata"]
        work.counts["payments.description"] += description != row["description"]
        work.counts["payments.reference"] += reference != row["reference"]
    for row in await erase_store.own_rows(tx, "refunds", merchant, work.found.objects["refunds"]):
        note, said = row["note"] and own.pseudonym, own.metadata(row["metadata"])
        await erase_store.empty_refund(tx, merchant, row["id"], note, said)
        work.counts["refunds.destination"] += row["destination"] is not None
        work.counts["refunds.metadata"] += said != row["metadata"]
        work.counts["refunds.note"] += note != row["note"]


async def _bodies(work: _Work) -> None:
    """What providers said about the person's payments goes whole; of the rest, what names them."""
    tx, vault, merchant = work.tx, work.office.vault, work.merchant
    for kind in BODIES:
        about = f"t.merchant_id = $1 AND {kind.about} && $2::text[]"
        own = await bodies.find(tx, kind, about, [merchant, work.found.ids])
        work.counts[kind.name] += await bodies.empty(tx, vault, kind, own)
    for kind in (*BODIES, REFUSED):
        loose = await bodies.find(tx, kind, f"t.merchant_id = $1 AND {kind.unlinked}", [merchant])
        naming = [body for body in loose if _names(work, vault.open(body.sealed, body.place))]
        await store.let_go(tx, merchant, work.id, [body.place.row for body in naming])
        work.counts[kind.name] += await bodies.empty(tx, vault, kind, naming)


def _names(work: _Work, body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    return work.others.text(text) != text


async def _words(work: _Work) -> None:
    """Free words anywhere, and everything that was told in events."""
    tx, merchant = work.tx, work.merchant
    work.counts["events.data"] += await erase_store.rewrite_events(tx, merchant, work.found.ids, work.own.own)
    found_by = list(work.others.found_by)
    told = await erase_store.told_about(tx, merchant, found_by)
    await store.let_go(tx, merchant, work.id, told)
    work.counts.update(await erase_store.rewrite_words(tx, merchant, found_by, work.others.value))
    work.counts.update(
        await erase_store.rewrite_words(
            tx,
            merchant,
            list(work.own.found_by),
            work.own.value,
            payments=work.found.objects["payments"],
        )
    )
    work.counts.update(await erase_store.empty_answers(tx, merchant, found_by))


async def _answers(work: _Work) -> None:
    """A repeat of a request gets the answer it got before, and must not get the person back with it."""
    rows = await erase_store.stored_answers(
        work.tx, work.merchant, work.found.ids, list(work.others.found_by)
    )
    for row in rows:
        said = json.loads(bytes(row["answer"]))
        now = work.own.own(said) if row["own"] else work.others.value(said)
        place = _ANSWERED.place(work.merchant, row["form_row"], row["mode"])
        form = None if row["own"] else _form_in_other_words(work, place, row["form_fields"])
        if now != said or form != row["form_fields"]:
            text = json.dumps(now, ensure_ascii=False, separators=(",", ":"))
            await erase_store.keep_answer(work.tx, row["row_is"], text.encode(), form)
            work.counts["idempotency_keys.answer"] += now != said
            work.counts["idempotency_keys.form_fields"] += form != row["form_fields"]


async def _forms(work: _Work) -> None:
    """Before the words of payments are replaced, for they tell which forms to look into."""
    found_by = list(work.others.found_by)
    for row in await erase_store.others_forms(work.tx, work.merchant, work.found.ids, found_by):
        place = _FORM.place(work.merchant, row["id"], row["mode"])
        form = _form_in_other_words(work, place, row["form_fields"])
        if form is not None and form != row["form_fields"]:
            await erase_store.keep_form(work.tx, work.merchant, row["id"], form)
            work.counts["attempts.form_fields"] += 1


def _form_in_other_words(work: _Work, place: Place, sealed: bytes | None) -> bytes | None:
    """The form of somebody else's payment; the very same value when it does not name the person."""
    if sealed is None:
        return None
    vault = work.office.vault
    said = json.loads(vault.open(sealed, place))
    now = work.others.value(said)
    return sealed if now == said else vault.seal(json.dumps(now, ensure_ascii=False).encode(), place)


async def _certified(
    work: _Work, person: Person, counts: Mapping[str, int], pseudonym: str, request: str | None
) -> dict[str, Any]:
    known = tokens_of(work.office.index, work.merchant, person.known())
    row = await store.add_erasure(
        work.tx,
        work.merchant,
        {
            "id": work.id,
            "request": request,
            "email": known.get("email"),
            "phone": known.get("phone"),
            "name": known.get("name"),
            "pseudonym": pseudonym,
            "counts": dict(counts),
            "by": current_actor().id or current_actor().kind.value,
        },
    )
    after = {"pseudonym": pseudonym, "objects": len(work.found.ids), "counts": dict(counts)}
    await record(work.tx, Act("person.erased", "erasure", work.id, merchant=work.merchant, after=after))
    return certificate(work.merchant, row)


def certificate(merchant: MerchantId, row: Row) -> dict[str, Any]:
    """What was erased, for whoever has to show it. It names nobody."""
    return {
        "id": row["id"],
        "object": "erasure",
        "merchant": merchant,
        "pseudonym": row["pseudonym"],
        "counts": dict(row["counts"]),
        "erased_at": rfc3339(row["erased_at"]),
        "erased_by": row["erased_by"],
    }


async def write_down(office: Office, merchant: MerchantId, refusal: Refusal, request: str | None) -> None:
    """A refused erasure is an act, too."""
    async with office.db.transaction() as tx:
        after = {"code": refusal.code, "reason": refusal.detail}
        await record(
            tx,
            Act(
                "person.erased",
                "privacy_request",
                request,
                merchant=merchant,
                outcome="refused",
                after=after,
            ),
        )
