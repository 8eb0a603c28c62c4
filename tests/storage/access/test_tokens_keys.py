"""Signing keys: published before use, kept as long as their tokens live, and gone afterwards."""

from __future__ import annotations

import asyncio

import pytest

from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import KEEP_SECONDS, StoredKeyring
from quickkub.storage import Database
from quickkub.storage.vault import CannotOpen, Vault
from tests.support.clock import MovedClock
from tests.support.oauth import ISSUER, Server, open_server
from tests.support.shop import VAULT

DAY = 24 * 3600


@pytest.fixture
async def server(database: Database) -> Server:
    return await open_server(database)


def ring(server: Server) -> StoredKeyring:
    """Another process's."""
    return StoredKeyring(server.db, VAULT, server.clock)


async def states(server: Server) -> list[str]:
    return [row["state"] for row in await ring(server).rows()]


async def token(server: Server) -> str:
    client = await server.registers(grant_types=("client_credentials",), redirect_uris=())
    answer = await server.settles(client, {"grant_type": "client_credentials"})
    return answer.access_token.reveal()


async def test_the_first_key_is_made_once_however_many_ask_for_it(server: Server) -> None:
    rings = [ring(server) for _ in range(5)]
    found = await asyncio.gather(*(one.current() for one in rings))
    assert len({key.kid for key in found}) == 1
    assert await states(server) == ["current"]
    assert (await server.audited()).count("signing_key.made_current") == 1


async def test_the_next_key_is_published_a_day_before_it_signs(server: Server) -> None:
    keys = ring(server)
    first = await keys.current()
    await keys.rotate()
    assert await states(server) == ["current", "next"]
    assert len(await keys.published()) == 2
    await server.time_passes(DAY - 60)
    await keys.tend()
    assert (await keys.current()).kid == first.kid
    await server.time_passes(60)
    await keys.tend()
    assert (await keys.current()).kid != first.kid
    assert await states(server) == ["old", "current"]


async def test_rotating_twice_publishes_one_key(server: Server) -> None:
    keys = ring(server)
    await keys.current()
    assert len(await keys.rotate()) == 1
    assert await keys.rotate() == []
    assert await states(server) == ["current", "next"]


async def test_a_token_of_the_old_key_is_good_as_long_as_it_lives(server: Server) -> None:
    early = await token(server)
    await server.tokens.keys.rotate()  # type: ignore[attr-defined]
    async with server.db.transaction() as tx:
        await tx.execute("UPDATE signing_keys SET published_at = published_at - interval '2 days'")
    await ring(server).tend()
    server.clock.moves(31)
    assert await server.tokens.read(early) is not None
    late = await token(server)
    assert late.split(".")[0] != early.split(".")[0]
    assert await server.tokens.read(late) is not None


async def test_an_old_key_has_no_private_half_and_is_forgotten_in_the_end(server: Server) -> None:
    keys = ring(server)
    await keys.current()
    await keys.rotate()
    await server.time_passes(DAY)
    await keys.tend()
    [old] = [row for row in await keys.rows() if row["state"] == "old"]
    assert old["private_key"] is None
    await server.time_passes(KEEP_SECONDS - 5)
    await keys.tend()
    assert "old" in await states(server)
    await server.time_passes(6)
    await keys.tend()
    assert await states(server) == ["current"]
    assert await keys.find(old["kid"]) is None
    told = [one for one in await server.audited() if one.startswith("signing_key")]
    assert told == [
        f"signing_key.{one}" for one in ("made_current", "published", "retired", "made_current", "forgotten")
    ]


async def test_a_key_is_replaced_every_month_by_itself(server: Server) -> None:
    keys = ring(server)
    first = (await keys.current()).kid
    await server.time_passes(28 * DAY)
    assert await keys.tend() == []
    await server.time_passes(DAY)
    await keys.tend()
    assert await states(server) == ["current", "next"]
    await server.time_passes(DAY)
    await keys.tend()
    assert (await keys.current()).kid != first


async def test_after_a_leak_all_tokens_signed_so_far_are_refused(server: Server) -> None:
    leaked = await token(server)
    keys = ring(server)
    await keys.rotate()
    await keys.rotate(at_once=True)
    assert await states(server) == ["current"]
    server.clock.moves(31)
    assert await server.tokens.read(leaked) is None
    assert await server.tokens.read(await token(server)) is not None


async def test_a_process_learns_of_a_new_key_when_it_sees_its_name(server: Server) -> None:
    other = Tokens(server.db, ring(server), server.clock, issuer=ISSUER)
    await other.keys.current()
    await ring(server).rotate(at_once=True)
    server.clock.moves(2)
    fresh = Tokens(server.db, ring(server), server.clock, issuer=ISSUER)
    server.oauth.tokens.keys = fresh.keys
    assert await other.read(await token(server)) is not None


async def test_names_nobody_knows_do_not_make_the_keys_be_read_each_time(server: Server) -> None:
    keys = ring(server)
    await keys.current()
    server.clock.moves(2)
    assert await keys.find("unknown") is None
    async with server.db.transaction() as tx:
        await tx.execute("DELETE FROM signing_keys")
    assert await keys.find("unknown") is None
    assert len(await keys.published()) == 1


async def test_the_private_half_is_sealed_for_its_row(server: Server) -> None:
    keys = ring(server)
    await keys.current()
    [row] = await keys.rows()
    assert b'"d"' not in row["private_key"] and "d" not in row["public_key"]
    stranger = StoredKeyring(server.db, Vault({1: bytes(range(100, 132))}), MovedClock())
    with pytest.raises(CannotOpen):
        await stranger.current()


async def test_published_keys_hold_nothing_private(server: Server) -> None:
    await server.tokens.keys.current()
    [jwk] = await server.tokens.keys.published()
    assert set(jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (jwk["kty"], jwk["crv"], jwk["use"], jwk["alg"]) == ("EC", "P-256", "sig", "ES256")
