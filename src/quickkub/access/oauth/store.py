"""SQL for OAuth clients, consent and codes, and used assertions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row


async def insert_client(
    tx: Connection,
    merchant: MerchantId,
    client: str,
    *,
    mode: str,
    name: str,
    auth_method: str,
    secret_hash: bytes | None,
    jwks: Any | None,
    grant_types: Collection[str],
    redirect_uris: Collection[str],
    scopes: Collection[str],
    created_by: str | None,
) -> Row:
    """A new client."""
    row: Row | None = await tx.fetchrow(
        """
        INSERT INTO oauth_clients (merchant_id, id, mode, name, auth_method, secret_hash, jwks, grant_types,
                                   redirect_uris, scopes, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *
        """,
        merchant,
        client,
        mode,
        name,
        auth_method,
        secret_hash,
        jwks,
        sorted(grant_types),
        list(redirect_uris),
        sorted(scopes),
        created_by,
    )
    assert row is not None, "RETURNING gives the row"
    return row


async def find_client(reader: Connection, client: str) -> Row | None:
    """A client by its id alone, with its merchant's state; a revoked one is none."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT c.*, m.state AS merchant_state
          FROM oauth_clients c JOIN merchants m ON m.id = c.merchant_id
         WHERE c.id = $1 AND c.revoked_at IS NULL
        """,
        client,
    )
    return row


async def client_of(reader: Connection, merchant: MerchantId, mode: str, client: str) -> Row | None:
    """A merchant's own client, revoked or not."""
    row: Row | None = await reader.fetchrow(
        "SELECT * FROM oauth_clients WHERE merchant_id = $1 AND mode = $2 AND id = $3", merchant, mode, client
    )
    return row


async def clients_of(reader: Connection, merchant: MerchantId, mode: str) -> list[Row]:
    """A merchant's clients that are not revoked, the newest first."""
    found: list[Row] = await reader.fetch(
        """
        SELECT * FROM oauth_clients WHERE merchant_id = $1 AND mode = $2 AND revoked_at IS NULL
         ORDER BY id DESC
        """,
        merchant,
        mode,
    )
    return found


async def count_clients(tx: Connection, merchant: MerchantId, mode: str) -> int | None:
    """How many clients that are not revoked; the merchant's row is locked, so two cannot count at once.

    None: there is no such merchant.
    """
    if await tx.fetchval("SELECT 1 FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant) is None:
        return None
    count: int = await tx.fetchval(
        "SELECT count(*) FROM oauth_clients WHERE merchant_id = $1 AND mode = $2 AND revoked_at IS NULL",
        merchant,
        mode,
    )
    return count


async def revoke_client(tx: Connection, merchant: MerchantId, mode: str, client: str) -> bool:
    """The client is nobody from now on. False: there is none, or it was revoked before."""
    done: str = await tx.execute(
        """
        UPDATE oauth_clients SET revoked_at = now()
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND revoked_at IS NULL
        """,
        merchant,
        mode,
        client,
    )
    return done == "UPDATE 1"


async def replace_secret(
    tx: Connection, merchant: MerchantId, mode: str, client: str, secret_hash: bytes
) -> bool:
    """The client's secret is another one. False: it has none, or there is no such client."""
    done: str = await tx.execute(
        """
        UPDATE oauth_clients SET secret_hash = $4
         WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND revoked_at IS NULL AND secret_hash IS NOT NULL
        """,
        merchant,
        mode,
        client,
        secret_hash,
    )
    return done == "UPDATE 1"


async def use_assertion(
    tx: Connection, merchant: MerchantId, client: str, jti_hash: bytes, *, life_seconds: int
) -> bool:
    """Remember an assertion. False: it was used before."""
    done: str = await tx.execute(
        """
        INSERT INTO oauth_assertions (merchant_id, client_id, jti_hash, ends_at)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4)) ON CONFLICT DO NOTHING
        """,
        merchant,
        client,
        jti_hash,
        life_seconds,
    )
    return done == "INSERT 0 1"


async def insert_authorization(
    tx: Connection,
    merchant: MerchantId,
    ticket_hash: bytes,
    *,
    client: str,
    mode: str,
    user: str,
    session: str,
    redirect_uri: str,
    scopes: Collection[str],
    state: str | None,
    challenge: str,
    life_seconds: int,
) -> None:
    """A person was asked."""
    await tx.execute(
        """
        INSERT INTO oauth_authorizations (merchant_id, ticket_hash, client_id, mode, user_id, session_id,
                                          redirect_uri, scopes, state, code_challenge, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(secs => $11))
        """,
        merchant,
        ticket_hash,
        client,
        mode,
        user,
        session,
        redirect_uri,
        sorted(scopes),
        state,
        challenge,
        life_seconds,
    )


async def answer_authorization(
    tx: Connection,
    merchant: MerchantId,
    ticket_hash: bytes,
    *,
    user: str,
    session: str,
    code_hash: bytes | None,
    code_seconds: int,
) -> Row | None:
    """Yes with a code's hash, no without.

    None: this session was not asked, or answered before, or is late.
    """
    row: Row | None = await tx.fetchrow(
        """
        UPDATE oauth_authorizations a
           SET answered_at = now(), code_hash = $5,
               code_ends_at = CASE WHEN $5::bytea IS NOT NULL THEN now() + make_interval(secs => $6) END
          FROM oauth_clients c
         WHERE a.merchant_id = $1 AND a.ticket_hash = $2 AND a.user_id = $3 AND a.session_id = $4
           AND a.answered_at IS NULL AND a.ends_at > now()
           AND c.merchant_id = a.merchant_id AND c.id = a.client_id AND c.revoked_at IS NULL
        RETURNING a.client_id, a.mode, a.redirect_uri, a.state, a.scopes
        """,
        merchant,
        ticket_hash,
        user,
        session,
        code_hash,
        code_seconds,
    )
    return row


async def lock_code(tx: Connection, merchant: MerchantId, code_hash: bytes) -> Row | None:
    """The consent a code was given for, locked: of two who bring it at once, the second sees it used."""
    row: Row | None = await tx.fetchrow(
        """
        SELECT *, used_at IS NOT NULL AS is_used, code_ends_at <= clock_timestamp() AS is_late
          FROM oauth_authorizations WHERE merchant_id = $1 AND code_hash = $2 FOR UPDATE
        """,
        merchant,
        code_hash,
    )
    return row


async def use_code(tx: Connection, merchant: MerchantId, code_hash: bytes, grant: str | None) -> None:
    """The code was used, for this grant; for none when it was brought wrongly."""
    await tx.execute(
        """
        UPDATE oauth_authorizations SET used_at = now(), grant_id = $3
         WHERE merchant_id = $1 AND code_hash = $2
        """,
        merchant,
        code_hash,
        grant,
    )


async def forget_ended(tx: Connection, limit: int, *, keep_days: int) -> int:
    """Delete up to `limit` consents of so many days ago, and as many assertions past their time."""
    consents: str = await tx.execute(
        """
        DELETE FROM oauth_authorizations WHERE ctid IN (
            SELECT ctid FROM oauth_authorizations WHERE ends_at < now() - make_interval(days => $1) LIMIT $2)
        """,
        keep_days,
        limit,
    )
    assertions: str = await tx.execute(
        """
        DELETE FROM oauth_assertions WHERE ctid IN (
            SELECT ctid FROM oauth_assertions WHERE ends_at < now() LIMIT $1)
        """,
        limit,
    )
    return int(consents.rsplit(maxsplit=1)[-1]) + int(assertions.rsplit(maxsplit=1)[-1])
