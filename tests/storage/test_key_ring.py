"""Keys change under a running shop: everything opens, nothing keeps an old key, each step is audited."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from typer.testing import CliRunner

from quickkub.cli.app import build
from quickkub.connectors.contract import (
    Account,
    Action,
    ActionKind,
    DisputeNews,
    DisputeState,
    Evidence,
    Exchange,
    Forged,
    Order,
    Paid,
    Payer,
    RawCallback,
    Waiting,
)
from quickkub.house.keys import KeyOffice
from quickkub.house.wiring import HouseWiring
from quickkub.kernel.money import baht
from quickkub.payments.slips import SlipQuestion
from quickkub.promptpay.model import BankSlip
from quickkub.promptpay.slip import build_slip
from quickkub.refunds.model import Destination
from quickkub.storage import Connection, Database
from quickkub.storage.resealing import reseal, try_values, usage
from quickkub.storage.resealing_inventory import key_inventory
from quickkub.storage.scope import HOUSE, for_merchant
from quickkub.storage.vault import Place, Vault
from quickkub.storage.vault.columns import NOT_SEALED, SEALED
from quickkub.storage.vault.ring import SETTLE, KeyInUse, KeyIsActive, NoSuchKey, Ring
from quickkub.storage.vault.ring_file import RingFile
from quickkub.storage.vault.sealing import Keys
from quickkub.webhooks import endpoints
from quickkub.webhooks.guard import Guard, SystemResolver
from tests.storage.payments.test_slips import LookingBank
from tests.support.shop import Shop, open_shop, receipt, rendered

ROOT: Final = Path(__file__).parents[2]
FIRST: Final = bytes(range(32))  # for tests only
PRICE: Final = baht(150)
MINUTE: Final = timedelta(minutes=1)


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def ring(tmp_path: Path) -> RingFile:
    return RingFile(tmp_path / "keys.json", FIRST)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(database: Database, ring: RingFile, clock: Clock) -> KeyOffice:
    return KeyOffice(database, ring, clock)


class PayingBank(LookingBank):
    """Every payer pays at once, and every payment has a movement of money of its own."""

    def inquire(self, account: Account, order: Order) -> Exchange:
        yield from ()
        return Paid((receipt(order.amount, order.reference),))


@pytest.fixture
async def shop(database: Database, ring: RingFile, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose vault follows the ring, as a gateway's does."""
    monkeypatch.setattr("tests.support.shop.VAULT", Vault(ring.keys(), ring.keys))
    return await open_shop(database, PayingBank())


async def paid(shop: Shop, method: str = "card", **more: Any) -> dict[str, Any]:
    payment = await shop.charges(PRICE, method=method, **more)
    for _ in range(20):
        await shop.time_passes(MINUTE)
        await shop.works()
        seen = await shop.sees(payment["id"])
        if seen["status"] == "succeeded":
            break
        # Its row was locked by a rotation at that moment, and a worker takes what is not locked.
    return seen


async def everything_is_used(shop: Shop) -> None:
    """Payer, form, callback, transfer back, contested dispute, slip, and a webhook with two secrets."""
    assert isinstance(shop.bank, LookingBank)
    form = Action(ActionKind.FORM_POST, "https://forms.example/v1", fields={"name": "Somchai Jaidee"})
    shop.bank.to_create.append(Waiting(form))
    await paid(shop)
    qr = await paid(shop, "promptpay", payer=Payer(name="Somchai Jaidee", phone="0812345678"))
    await shop.refunds_of(qr["id"], baht(40), destination=Destination("014", "1234567890", "Somchai Jaidee"))
    card = await paid(shop)
    shop.bank.dispute = DisputeNews("D1", "", PRICE, DisputeState.NEEDS_RESPONSE, "goods_not_provided")
    await shop.is_told({"id": "1", "ref": card["attempts"][0]["reference"], "dispute": True})
    await shop.works()
    (dispute,) = await shop.rows("SELECT id FROM disputes")
    evidence = Evidence("the parcel was signed for", ())
    await shop.disputes.contest(dispute["id"], evidence, shop.once("contest", None, "1"), rendered)
    await uses_a_slip(shop, shop.bank)
    for token in (shop.token, "guessed"):
        with pytest.raises(Forged):
            await shop.payments.keep_callback(
                "madeup", token, RawCallback("POST", {"x-forged": "1"}, {}, b"{}")
            )
    guard = Guard(SystemResolver(), loopback_in_test_mode=True)
    endpoint, _ = await endpoints.create(
        shop.db, shop.vault, guard, shop.merchant, "test", url="http://127.0.0.1:9/hook"
    )
    await endpoints.rotate_secret(shop.db, shop.vault, shop.merchant, "test", endpoint.id)


async def uses_a_slip(shop: Shop, bank: LookingBank) -> None:
    payment = await shop.charges(PRICE)
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    bank.knows(PRICE, attempt["reference"])
    text = build_slip(BankSlip("014", "202611251200001"))
    await shop.payments.slips.verify(shop.merchant, "test", SlipQuestion(payload=text, payment=payment["id"]))


OURS: Final = {
    "provider_accounts.credentials", "payments.payer", "evidence.transcript", "inbox.body",
    "refunds.destination", "disputes.evidence", "slips.answer", "webhook_endpoints.secret",
    "webhook_endpoints.previous_secret", "refused_callbacks.body", "attempts.form_fields",
    "idempotency_keys.form_fields",
}  # fmt: skip


async def used(db: Database) -> dict[str, dict[int, int]]:
    return {one.column.name: dict(one.values) for one in await usage(db) if one.values}


async def audited(shop: Shop) -> list[tuple[str, str, str]]:
    rows = await shop.rows(
        "SELECT action, resource_id, outcome FROM audit_logs"
        " WHERE resource_type = 'encryption_key' ORDER BY id"
    )
    return [
        (row["action"].removeprefix("encryption_key."), row["resource_id"], row["outcome"]) for row in rows
    ]


# --- the list of sealed columns ---------------------------------------------------------------------------


async def test_every_byte_column_is_sealed_or_says_why_not(pool: asyncpg.Pool[Any]) -> None:
    rows = await pool.fetch(
        "SELECT table_name || '.' || column_name AS name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND data_type = 'bytea'"
    )
    in_schema, sealed = {row["name"] for row in rows}, {column.name for column in SEALED}
    assert in_schema == sealed | set(NOT_SEALED)
    assert not sealed & set(NOT_SEALED) and all(NOT_SEALED.values())


async def test_the_keys_of_sealed_columns_are_their_primary_keys_and_text(pool: asyncpg.Pool[Any]) -> None:
    for column in SEALED:
        rows = await pool.fetch(
            "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type"
            "  FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)"
            "  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
            " WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.place",
            column.table,
        )
        assert [(row["name"], row["type"]) for row in rows] == [(key, "text") for key in column.keys]


def test_what_rooms_seal_is_on_the_list() -> None:
    found = set()
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    for text in texts:
        for node in ast.walk(ast.parse(text)) if "Place(" in text else ():
            match node:
                case ast.Call(
                    func=ast.Name("Place"), args=[ast.Constant(str(table)), ast.Constant(str(column)), *_]
                ):
                    found.add(f"{table}.{column}")
    assert found - {"health.probe"} == {column.name for column in SEALED}


async def test_what_each_room_seals_opens_where_the_list_says_it_is(shop: Shop) -> None:
    await everything_is_used(shop)
    tried = await try_values(shop.db, shop.vault, sample=None)
    assert {line.column for line in tried} == OURS
    assert [bad for line in tried for bad in line.unreadable] == []
    assert all(line.tried == line.values > 0 for line in tried)


# --- rotation ---------------------------------------------------------------------------------------------


async def test_after_a_rotation_nothing_is_under_the_old_key_and_it_can_go(
    shop: Shop, office: KeyOffice, ring: RingFile, clock: Clock
) -> None:
    await everything_is_used(shop)
    before = await used(shop.db)
    assert {number for values in before.values() for number in values} == {1}
    assert (await office.add()).number == 2
    with pytest.raises(KeyIsActive):
        await office.retire(2)
    clock.moment += SETTLE
    with pytest.raises(KeyInUse, match=r"evidence\.transcript"):
        await office.retire(1)
    result = await office.rotate(batch=2)
    assert result.unreadable == [] and result.total == sum(values[1] for values in before.values())
    assert await used(shop.db) == {name: {2: values[1]} for name, values in before.items()}
    await office.retire(1)
    with pytest.raises(NoSuchKey):
        await office.retire(1)
    alone = Vault(ring.keys())
    tried = await try_values(shop.db, alone, sample=None)
    assert {line.column for line in tried} == OURS and not any(line.unreadable for line in tried)
    assert await audited(shop) == [
        ("added", "2", "done"),
        ("retired", "2", "refused"),
        ("retired", "1", "refused"),
        ("rotation_started", "2", "done"),
        ("rotation_ended", "2", "done"),
        ("retired", "1", "done"),
    ]


async def test_a_rotation_changes_who_can_open_a_value_and_not_what_it_says(
    shop: Shop, office: KeyOffice
) -> None:
    await everything_is_used(shop)
    sql = "SELECT id, substring(transcript FROM 63) AS words FROM evidence ORDER BY id"
    before = await shop.rows(sql)
    await office.add()
    await office.rotate(batch=100)
    assert await shop.rows(sql) == before


async def test_the_gateway_works_while_keys_change_beside_it(
    shop: Shop, office: KeyOffice, ring: RingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quickkub.storage.vault.sealing.LOOK_SECONDS", -1.0)
    payer = Payer(name="Somchai Jaidee")
    for _ in range(5):
        await paid(shop, payer=payer)

    async def sells() -> None:
        for _ in range(10):
            await paid(shop, payer=payer)

    async def rotates() -> None:
        for _ in range(3):
            await office.add()
            await office.rotate(batch=3)

    await asyncio.gather(sells(), rotates())
    await office.rotate(batch=50)
    assert {number for values in (await used(shop.db)).values() for number in values} == {4}
    assert not any(line.unreadable for line in await office.check(sample=None))
    rows = await shop.rows("SELECT count(*) AS paid FROM payments WHERE state = 'succeeded'")
    assert rows[0]["paid"] == 15


async def test_a_rotation_that_was_killed_is_simply_run_again(
    shop: Shop, office: KeyOffice, ring: RingFile, database_dsn: str
) -> None:
    for _ in range(6):
        await paid(shop, payer=Payer(name="Somchai Jaidee"))
    total = sum(count for values in (await used(shop.db)).values() for count in values.values())
    await office.add()
    for _ in range(2):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.rotating_process"),
            *(database_dsn, str(ring.path), FIRST.hex()),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        for _ in range(3):
            await child.stdout.readline()
        child.kill()
        await child.wait()
    left = sum(values.get(1, 0) for values in (await used(shop.db)).values())
    assert 0 < left <= total - 6
    assert (await office.rotate(batch=2)).total == left
    assert {number for values in (await used(shop.db)).values() for number in values} == {2}
    assert not any(line.unreadable for line in await office.check(sample=None))


async def test_a_value_sealed_anew_while_it_was_wrapped_again_is_left_alone(
    shop: Shop, ring: RingFile, pool: asyncpg.Pool[Any]
) -> None:
    ring.change(lambda now: now.with_new(os.urandom(32), datetime.now(UTC)))
    (row,) = await shop.rows("SELECT id, credentials FROM provider_accounts")
    place = next(one for one in SEALED if one.table == "provider_accounts").place(
        shop.merchant, row["id"], "test"
    )

    vault = _Racing(ring.keys())
    fresh = vault.seal(b'{"k": "new"}', place)
    done = await reseal(_Raced(shop.db, pool, vault, fresh), vault)
    assert done.total == 0 and vault.wrapped == 1
    (after,) = await shop.rows("SELECT credentials FROM provider_accounts")
    assert vault.open(after["credentials"], place) == b'{"k": "new"}'


class _Racing(Vault):
    """Tells how many values were wrapped again."""

    wrapped = 0

    def rewrap(self, sealed: bytes, place: Place) -> bytes:
        self.wrapped += 1
        return super().rewrap(sealed, place)


class _Raced(Database):
    """A pool on which the merchant changes the credentials between reading a batch and writing it."""

    def __init__(self, db: Database, pool: asyncpg.Pool[Any], vault: _Racing, fresh: bytes) -> None:
        super().__init__(db._pool, HOUSE)
        self._owner, self._vault, self._fresh = pool, vault, fresh

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        if self._vault.wrapped:
            await self._owner.execute("UPDATE provider_accounts SET credentials = $1", self._fresh)
        async with super().transaction() as tx:
            yield tx


# --- what is noticed --------------------------------------------------------------------------------------


async def test_a_value_moved_to_another_row_is_found_and_left_as_it_is(
    shop: Shop, office: KeyOffice, pool: asyncpg.Pool[Any]
) -> None:
    one, two = [await paid(shop, payer=Payer(name=name)) for name in ("Somchai", "Somying")]
    await pool.execute(
        "UPDATE payments SET payer = (SELECT payer FROM payments WHERE id = $1) WHERE id = $2",
        one["id"],
        two["id"],
    )
    (bad,) = [bad for line in await office.check(sample=10) for bad in line.unreadable]
    assert (bad.column, bad.row) == ("payments.payer", f"{shop.merchant}/{two['id']}")
    await office.add()
    result = await office.rotate(batch=10)
    assert [bad.row for bad in result.unreadable] == [f"{shop.merchant}/{two['id']}"]
    assert (await used(shop.db))["payments.payer"] == {1: 1, 2: 1}
    assert ("rotation_ended", "2", "failed") in await audited(shop)


async def test_values_under_a_key_that_is_lost_are_told_and_nothing_else_fails(
    shop: Shop, ring: RingFile, clock: Clock
) -> None:
    await paid(shop, payer=Payer(name="Somchai"))
    lost = Vault(Keys({9: os.urandom(32)}, 9))
    tried = await try_values(shop.db, lost, sample=5)
    assert tried and all(len(line.unreadable) == line.tried > 0 for line in tried)
    entries = await key_inventory(
        shop.db, Ring(tuple(ring.read().with_new(os.urandom(32), clock.now()).keys[1:]))
    )
    assert [(entry.number, entry.state) for entry in entries] == [(2, "active"), (1, None)]
    assert entries[1].values["payments.payer"] == 1


async def test_a_task_that_sees_one_merchant_still_counts_everybody_s_values(
    shop: Shop, office: KeyOffice, clock: Clock
) -> None:
    await paid(shop)
    await office.add()
    clock.moment += SETTLE
    with for_merchant("mer_" + "0" * 32):
        assert set((await used(shop.db))["evidence.transcript"]) == {1}


async def test_evidence_takes_a_wrapped_key_and_no_other_change(shop: Shop, pool: asyncpg.Pool[Any]) -> None:
    await paid(shop)
    head = "overlay(transcript PLACING '\\x00'::bytea FROM 20)"
    for change in (
        f"transcript = {head}, outcome = 'unknown'",
        "transcript = overlay(transcript PLACING '\\x00'::bytea FROM 70)",
        "transcript = overlay(transcript PLACING '\\x01'::bytea FROM 1)",
        "transcript = transcript || '\\x00'::bytea",
        "transcript = substring(transcript FROM 1 FOR 62)",
        "transcript = transcript",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await pool.execute(f"UPDATE evidence SET {change}")
    assert await pool.execute(f"UPDATE evidence SET transcript = {head}") == "UPDATE 2"


# --- the commands -----------------------------------------------------------------------------------------


async def told(*arguments: str) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, build(HouseWiring()), ["keys", *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


async def test_the_commands_lead_from_one_key_to_the_next(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUICKKUB_DATA_DIR", str(tmp_path))
    for name in ("ENCRYPTION_KEY", "QUICKKUB_KEY_RING_FILE", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    where = ("--database", database_dsn)
    (first,) = json.loads(await told("list", "--json", *where))
    assert first["state"] == "active" and first["created_at"] is not None
    assert "Key 2 was made and waits" in await told("add", "--standby", *where)
    assert "Key 2 seals" in await told("activate", "2", *where)
    assert "0 values are now under key 2" in await told("rotate", *where)
    listed = await told("list", "--json", *where)
    assert {one["number"]: one["state"] for one in json.loads(listed)} == {1: "opening only", 2: "active"}
    assert json.loads(await told("check", "--json", *where)) == {"ok": True, "columns": []}
    kept = json.loads((tmp_path / "keys.json").read_text())
    assert kept["keys"][1]["key"] not in listed
