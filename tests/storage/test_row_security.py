"""Row-level security: whatever a query forgot, nobody sees another merchant's rows (A3)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.invariants.run import CHECKS
from quickkub.kernel.ids import has_shape, new_id
from quickkub.kernel.money import baht
from quickkub.ledger.verify import inspect
from quickkub.payments.model import PaymentNotFound
from quickkub.storage import Connection, Database, DatabaseRoleMissing, open_database
from quickkub.storage.database import APP_ROLE
from quickkub.storage.migrate import migrate
from quickkub.storage.scope import HOUSE, NOBODY, current_scope, for_merchant, house, scope_of, see_from_here
from tests.support.postgres import TestServer, as_user, dsn_of
from tests.support.shop import Shop, open_shop

WITHOUT_A_MERCHANT: Final = {
    "alembic_version": "which migrations were run",
    "audit_anchors": "hashes of chains",
    "audit_dropped": "hashes of chains",
    "audit_seals": "hashes of chains; what is sealed stands in audit_logs",
    "audit_unsealed": "ids of entries that wait for their seal",
    "page_watches": "looks at pages of the house",
    "restore_drills": "the house's own backups",
    "pgqueuer": "jobs of the house",
    "pgqueuer_log": "jobs of the house",
    "pgqueuer_schedules": "jobs of the house",
    "pgqueuer_statistics": "jobs of the house",
    "scheduled_work": "jobs of the house",
    "thai_payment_methods": "what is offered in Thailand, the same for everybody",
    "recovery_gate": "whether the house has caught up after a restore",
    "fraud_legal_entries": "whom the law names, the same for everybody",
    "signing_keys": "the gateway's own, sealed",
    "users": "a person may belong to several merchants; which ones, members tells",
    "second_factors": "of a person",
    "recovery_codes": "of a person",
    "sessions": "of a person",
    "login_challenges": "of a person",
    "failed_logins": "of whoever tried",
    "mailed_tokens": "of a person",
    "mail_outbox": "letters to persons, sealed",
    "breaches": "records of the house; their titles name nobody",
    "breach_notes": "records of the house",
    "retention_runs": "counts of the house's nightly work",
}
"""Every table that row-level security does not guard, and why nothing of a merchant's is in it."""


@pytest.fixture
async def shops(database: Database) -> tuple[Shop, Shop]:
    """Two merchants with a payment each, on a pool that sees nobody's rows unless it is told whose."""
    mine, theirs = await open_shop(database), await open_shop(database)
    for shop in (mine, theirs):
        await shop.charges(baht(150))
    return mine, theirs


@pytest.fixture
def strict(database: Database) -> Database:
    """The pool as an API process has it."""
    return database.with_default(NOBODY)


async def merchants_seen(db: Database, table: str = "payments") -> set[str]:
    """Whose rows a query finds that forgot its merchant."""
    async with db.read() as reader:
        rows = await reader.fetch(f"SELECT DISTINCT merchant_id FROM {table}")
    return {row["merchant_id"] for row in rows}


async def unguarded(db: Database) -> list[str]:
    """What the nightly look for A3 names."""
    checks = [check for check in CHECKS if check.invariant == "A3"]
    return [one.what for one in (await inspect(db, checks, ())).violations]


async def test_every_table_of_merchants_is_guarded_and_every_other_has_a_reason(
    pool: asyncpg.Pool[Any],
) -> None:
    tables = await pool.fetch(
        """
        SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS forced,
               (SELECT array_agg(polname) FROM pg_policy WHERE polrelid = pg_class.oid) AS policies,
               relname = 'merchants'
               OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid
                              AND attname = 'merchant_id' AND NOT attisdropped) AS of_merchants
          FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        """
    )
    guarded = {row["name"] for row in tables if row["of_merchants"]}
    assert {"merchants", "payments", "entries", "audit_logs", "api_keys", "inbox"} <= guarded
    assert [
        row["name"] for row in tables if row["of_merchants"] and not (row["forced"] and row["policies"])
    ] == []
    assert [
        row["name"] for row in tables if not row["of_merchants"] and row["name"] not in WITHOUT_A_MERCHANT
    ] == []
    # A second policy would add to the first one's rows.
    added = {row["name"]: row["policies"] for row in tables if row["of_merchants"]}
    # Whoever works may add an entry to the platform's chain; this one lets nobody read it.
    assert sorted(added.pop("audit_logs")) == ["house_entries", "own_rows"]
    assert {len(policies) for policies in added.values()} == {1}


async def test_a_query_that_forgot_its_merchant_finds_nobody_elses_rows(
    strict: Database, shops: tuple[Shop, Shop]
) -> None:
    mine, theirs = shops
    for table in ("payments", "attempts", "events", "idempotency_keys", "provider_accounts", "evidence"):
        with for_merchant(mine.merchant):
            assert await merchants_seen(strict, table) == {mine.merchant}
        with house():
            assert await merchants_seen(strict, table) == {mine.merchant, theirs.merchant}
        assert await merchants_seen(strict, table) == set()


async def test_a_transaction_sees_what_its_task_may_see_and_ends_with_it(
    strict: Database, shops: tuple[Shop, Shop]
) -> None:
    mine, theirs = shops
    with for_merchant(mine.merchant):
        async with strict.transaction() as tx:
            assert await tx.fetchval("SELECT array_agg(id) FROM merchants") == [mine.merchant]
            assert await tx.execute("UPDATE payments SET description = 'mine'") == "UPDATE 1"
            assert (
                await tx.execute("UPDATE payments SET version = 1 WHERE merchant_id = $1", theirs.merchant)
                == "UPDATE 0"
            )
    async with strict.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM merchants") == 0


async def test_nothing_is_written_for_somebody_else(strict: Database, shops: tuple[Shop, Shop]) -> None:
    mine, theirs = shops
    for scope in (scope_of(mine.merchant), NOBODY):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with strict.with_default(scope).transaction() as tx:
                await tx.execute(
                    "INSERT INTO cases (merchant_id, id, mode, kind, fact) VALUES ($1, $2, 'test', 'k', 'f')",
                    theirs.merchant,
                    new_id("case"),
                )


async def test_rows_of_the_platform_are_the_houses_alone(strict: Database, shops: tuple[Shop, Shop]) -> None:
    mine, _ = shops
    kept = (
        "INSERT INTO refused_callbacks (id, provider, reason, digest, body) VALUES ($1, 'scb', 'r', '', '')"
    )
    with house():
        async with strict.statement() as connection:
            await connection.execute(kept, new_id("cbk"))
        assert None in await merchants_seen(strict, "refused_callbacks")
    with for_merchant(mine.merchant):
        assert await merchants_seen(strict, "refused_callbacks") == set()


async def test_the_query_filter_holds_by_itself_where_all_rows_are_seen(shops: tuple[Shop, Shop]) -> None:
    mine, theirs = shops
    (payment,) = await theirs.rows("SELECT id FROM payments WHERE merchant_id = $1", theirs.merchant)
    with house(), pytest.raises(PaymentNotFound):
        await mine.payments.get(mine.merchant, "test", payment["id"])
    with house(), pytest.raises(PaymentNotFound):
        await mine.cancels(payment["id"])


async def test_the_gateway_s_sessions_own_nothing_and_may_not_rewrite_the_books(database: Database) -> None:
    async with database.read() as reader:
        assert await reader.fetchval("SELECT current_user") == APP_ROLE
        row = await reader.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = $1", APP_ROLE
        )
        assert row is not None
        assert list(row.values()) == [False, False, False]
        for forbidden in (
            "UPDATE journals SET description = ''",
            "DELETE FROM entries",
            "TRUNCATE payments CASCADE",
            "UPDATE audit_logs SET outcome = 'done'",
            "DELETE FROM audit_logs",
            "ALTER TABLE payments DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own_rows ON payments",
            "UPDATE alembic_version SET version_num = ''",
            "CREATE TABLE more (id text)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.execute(forbidden)


async def test_a_savepoint_keeps_what_its_transaction_sees(
    strict: Database, shops: tuple[Shop, Shop]
) -> None:
    mine, _ = shops
    with for_merchant(mine.merchant):
        async with strict.transaction() as tx:
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with tx.transaction():
                    await tx.execute("SELECT 1 / 0")
            assert await tx.fetchval("SELECT count(*) FROM payments") == 1


async def test_a_transaction_inside_a_read_sees_what_the_read_does(
    database_dsn: str, shops: tuple[Shop, Shop]
) -> None:
    mine, theirs = shops
    one_session = await open_database(database_dsn, size_max=1)
    with for_merchant(theirs.merchant):
        async with one_session.transaction() as tx:
            assert await _merchants(tx) == {theirs.merchant}
    with for_merchant(mine.merchant):
        async with one_session.read() as reader, reader.transaction():
            assert await _merchants(reader) == {mine.merchant}
    await one_session.close()


async def test_a_scope_changed_inside_a_transaction_counts_from_the_next_one_on(
    strict: Database, shops: tuple[Shop, Shop]
) -> None:
    mine, theirs = shops
    with for_merchant(mine.merchant):
        async with strict.transaction() as tx:
            with for_merchant(theirs.merchant):
                assert await tx.fetchval("SELECT array_agg(id) FROM merchants") == [mine.merchant]


async def test_what_a_request_s_task_set_ends_with_it() -> None:
    async def request() -> None:
        see_from_here(HOUSE)
        assert current_scope() == HOUSE

    await asyncio.create_task(request())
    assert current_scope() is None


@given(st.text())
def test_only_a_merchant_s_id_ever_stands_in_a_setting(text: str) -> None:
    assert scope_of(text) == (text if has_shape(text, "mer") else NOBODY)
    assert scope_of(text + "'; DROP TABLE payments; --") == NOBODY
    assert scope_of("mer_" + "0" * 32 + "\n") == NOBODY


RACERS: Final = 12
ROUNDS: Final = 25


async def test_cancelled_and_broken_work_never_leaves_a_session_that_sees_the_wrong_rows(
    database_dsn: str, shops: tuple[Shop, Shop]
) -> None:
    """Many tasks of two merchants, the house and nobody share two sessions and are cut off anywhere."""
    small = await open_database(database_dsn, size_max=2)
    merchants: list[str] = [shop.merchant for shop in shops]
    expected: dict[str, set[str]] = {one: {one} for one in merchants} | {HOUSE: set(merchants), NOBODY: set()}
    chance = random.Random(5)
    looked = 0

    async def look(scope: str, way: Callable[[Database], Awaitable[set[str]]]) -> None:
        nonlocal looked
        see_from_here(HOUSE if scope == HOUSE else scope_of(scope))
        assert await way(small) == expected[scope]
        looked += 1

    try:
        for _ in range(ROUNDS):
            scopes = chance.choices(list(expected), k=RACERS)
            tasks = [asyncio.create_task(look(scope, chance.choice(WAYS))) for scope in scopes]
            for task in chance.sample(tasks, RACERS // 3):
                asyncio.get_running_loop().call_later(chance.random() / 200, task.cancel)
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert [
                end for end in ends if end is not None and not isinstance(end, asyncio.CancelledError)
            ] == []
    finally:
        await small.close()
    assert looked > ROUNDS * RACERS // 3


async def _by_transaction(db: Database) -> set[str]:
    async with db.transaction() as tx:
        return await _merchants(tx)


async def _by_broken_transaction(db: Database) -> set[str]:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with db.transaction() as tx:
            await _merchants(tx)
            await tx.execute("SELECT 1 / 0")
    return await merchants_seen(db)


async def _by_broken_read(db: Database) -> set[str]:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with db.read() as reader:
            await reader.execute("SELECT 1 / 0")
    return await merchants_seen(db)


async def _merchants(connection: Connection) -> set[str]:
    return {row["merchant_id"] for row in await connection.fetch("SELECT merchant_id FROM payments")}


WAYS: Final = (merchants_seen, _by_transaction, _by_broken_transaction, _by_broken_read)


@asynccontextmanager
async def a_login(server: TestServer) -> AsyncIterator[tuple[str, asyncpg.Connection[Any]]]:
    """A user of an operator's server, who may do nothing special; and the administrator's connection."""
    administrator = await asyncpg.connect(server.dsn)
    login = f"qk_login_{new_id('t')[-8:]}"
    await administrator.execute(f"CREATE ROLE {login} LOGIN")
    try:
        yield login, administrator
    finally:
        await administrator.execute(f"DROP ROLE {login}")
        await administrator.close()


async def test_without_its_role_the_gateway_does_not_start_and_says_what_to_run(
    postgres_server: TestServer, database_dsn: str
) -> None:
    async with a_login(postgres_server) as (login, administrator):
        with pytest.raises(DatabaseRoleMissing, match=f"GRANT {APP_ROLE} TO"):
            await open_database(as_user(database_dsn, login), size_max=1)
        await administrator.execute(f"GRANT {APP_ROLE} TO {login}")
        opened = await open_database(as_user(database_dsn, login), size_max=1)
        assert await merchants_seen(opened) == set()
        await opened.close()


async def test_an_owner_without_any_privilege_migrates_and_is_bound_by_the_policies_itself(
    postgres_server: TestServer,
) -> None:
    async with a_login(postgres_server) as (login, administrator):
        name = f"qk_test_{new_id('t')[-8:]}"
        await administrator.execute(f"CREATE DATABASE {name} OWNER {login}")
        dsn = as_user(dsn_of(postgres_server.dsn, name), login)
        try:
            await asyncio.to_thread(migrate, dsn)
            await asyncio.to_thread(migrate, dsn)
            await administrator.execute(f"GRANT {APP_ROLE} TO {login}")
            opened = await open_database(dsn, size_max=2, scope=HOUSE)
            try:
                await (await open_shop(opened)).charges(baht(150))
                assert await unguarded(opened) == []
            finally:
                await opened.close()
            owner = await asyncpg.connect(dsn)
            assert await owner.fetchval("SELECT count(*) FROM payments") == 0
            await owner.close()
        finally:
            await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("ALTER TABLE payments NO FORCE ROW LEVEL SECURITY", "payments"),
        ("ALTER TABLE refunds DISABLE ROW LEVEL SECURITY", "refunds"),
        ("DROP POLICY own_rows ON attempts", "attempts"),
        ("CREATE POLICY more ON inbox USING (true)", "inbox"),
        ("ALTER POLICY own_rows ON events USING (true)", "events"),
        ("CREATE TABLE forgotten (merchant_id text)", "forgotten"),
        ("GRANT UPDATE ON entries TO quickkub_app", "entries"),
        ("ALTER TABLE cases OWNER TO quickkub_app", "cases"),
    ],
)
async def test_a_guard_that_was_taken_off_is_named(
    database: Database, pool: asyncpg.Pool[Any], damage: str, named: str
) -> None:
    assert await unguarded(database) == []
    await pool.execute(damage)
    assert await unguarded(database) == [named]
