"""Know your customer: handed in sealed, decided once, read on the record."""

from __future__ import annotations

import pytest

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.states import WrongState
from quickkub.merchants import kyc, lifecycle
from quickkub.merchants.states import MerchantFact, MerchantState, ReviewFact
from quickkub.storage import Database
from tests.support.people import add_merchant
from tests.support.shop import VAULT
from tests.unit.merchants.test_documents import PNG

DATA = {"legal_name": "บริษัท ส้มตำ จำกัด", "directors": [{"name": "สมชาย ใจดี", "id_number": "1101700230708"}]}
OWNER, REVIEWER = "usr_" + "1" * 32, "usr_" + "2" * 32


@pytest.fixture
async def merchant(database: Database) -> MerchantId:
    return await add_merchant(database, state=MerchantState.PENDING)


async def submits(database: Database, merchant: MerchantId) -> str:
    async with database.transaction() as tx:
        return str((await kyc.submit(tx, VAULT, merchant, DATA, OWNER))["id"])


async def decides(
    database: Database, merchant: MerchantId, application: str, fact: ReviewFact, reason: str = ""
) -> None:
    async with database.transaction() as tx:
        await kyc.decide_application(tx, merchant, application, fact, REVIEWER, reason)


async def moves(database: Database, merchant: MerchantId, fact: MerchantFact) -> MerchantState:
    async with database.transaction() as tx:
        return await lifecycle.move(tx, merchant, fact, "as decided")


async def test_a_merchant_is_approved_only_when_it_is_known(database: Database, merchant: MerchantId) -> None:
    with pytest.raises(lifecycle.NotYetKnown):
        await moves(database, merchant, MerchantFact.APPROVED)
    application = await submits(database, merchant)
    with pytest.raises(lifecycle.NotYetKnown):
        await moves(database, merchant, MerchantFact.APPROVED)
    await decides(database, merchant, application, ReviewFact.APPROVE)
    assert await moves(database, merchant, MerchantFact.APPROVED) is MerchantState.ACTIVE


async def test_a_no_has_a_reason_and_the_merchant_hands_in_anew(
    database: Database, merchant: MerchantId
) -> None:
    application = await submits(database, merchant)
    with pytest.raises(kyc.KycPending):
        await submits(database, merchant)
    with pytest.raises(kyc.ReasonMissing):
        await decides(database, merchant, application, ReviewFact.REJECT)
    await decides(database, merchant, application, ReviewFact.REJECT, "the certificate is from 2019")
    with pytest.raises(WrongState):
        await decides(database, merchant, application, ReviewFact.APPROVE)
    await decides(database, merchant, await submits(database, merchant), ReviewFact.APPROVE)


async def test_what_people_handed_in_is_sealed_and_every_reading_is_on_record(
    database: Database, merchant: MerchantId
) -> None:
    await submits(database, merchant)
    async with database.transaction() as tx:
        document = await kyc.hand_in(tx, VAULT, merchant, "id_card", PNG, OWNER)
    async with database.transaction() as tx:
        _, said = await kyc.read_application(tx, VAULT, merchant)
        media_type, content = await kyc.read_document(tx, VAULT, merchant, document["id"])
    assert (said, media_type, content) == (DATA, "image/png", PNG)
    async with database.read() as reader:
        for table in ("kyc_applications", "kyc_documents", "audit_logs"):
            stored = str(await reader.fetch(f"SELECT {table}::text FROM {table}"))
            assert "1101700230708" not in stored and PNG.hex() not in stored
        acts = await reader.fetch("SELECT action FROM audit_logs ORDER BY created_at")
    assert [row["action"] for row in acts] == [
        "merchant.created",
        "kyc.submitted",
        "kyc.document_added",
        "kyc.read",
        "kyc.document_read",
    ]


async def test_documents_are_decided_one_by_one(database: Database, merchant: MerchantId) -> None:
    async with database.transaction() as tx:
        document = await kyc.hand_in(tx, VAULT, merchant, "id_card", PNG, OWNER)
        assert document["status"] == "pending"
        decided = await kyc.decide_document(
            tx, merchant, document["id"], ReviewFact.REJECT, REVIEWER, "not readable"
        )
    assert (decided["status"], decided["reason"]) == ("rejected", "not readable")


async def test_what_another_merchant_handed_in_is_not_there(database: Database, merchant: MerchantId) -> None:
    other = await add_merchant(database)
    application = await submits(database, other)
    async with database.transaction() as tx:
        document = await kyc.hand_in(tx, VAULT, other, "id_card", PNG, OWNER)
    for theirs in (application, new_id("kyc")):
        with pytest.raises(kyc.KycNotFound):
            await decides(database, merchant, theirs, ReviewFact.APPROVE)
    with pytest.raises(kyc.KycNotFound):
        async with database.transaction() as tx:
            await kyc.read_document(tx, VAULT, merchant, document["id"])


async def test_a_suspended_merchant_comes_back_and_a_closed_one_does_not(
    database: Database, merchant: MerchantId
) -> None:
    await decides(database, merchant, await submits(database, merchant), ReviewFact.APPROVE)
    await moves(database, merchant, MerchantFact.APPROVED)
    assert await moves(database, merchant, MerchantFact.SUSPENDED) is MerchantState.SUSPENDED
    assert await moves(database, merchant, MerchantFact.REINSTATED) is MerchantState.ACTIVE
    assert await moves(database, merchant, MerchantFact.CLOSED) is MerchantState.INACTIVE
    for fact in MerchantFact:
        with pytest.raises(WrongState):
            await moves(database, merchant, fact)
