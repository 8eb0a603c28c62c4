"""SQL for signing keys, grants and refresh tokens. All lives are measured by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row

_KEY_LOCK: Final = 0x71_6B_6A_77
"""The advisory lock under which signing keys change: "qkjw"."""


async def lock_keys(tx: Connection) -> None:
    """One at a time changes signing keys, until its transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _KEY_LOCK)


async def signing_keys(reader: Connection) -> list[Row]:
    """All signing keys, the oldest first."""
    found: list[Row] = await reader.fetch("SELECT * FROM signing_keys ORDER BY published_at, kid")
    return found


async def insert_key(
    tx: Connection, kid: str, *, state: str, public: Mapping[str, Any], sealed_private: bytes
) -> None:
    """A new key, published from now on."""
    await tx.execute(
        """
        INSERT INTO signing_keys (kid, algorithm, state, public_key, private_key, current_since)
        VALUES ($1, 'ES256', $2, $3, $4, CASE $2 WHEN 'current' THEN now() END)
        """,
        kid,
        state,
        dict(public),
        sealed_private,
    )


async def retire_current(tx: Connection) -> str | None:
    """The current key signs no more, and its private half is gone. Returns its name."""
    kid: str | None = await tx.fetchval(
        """
        UPDATE signing_keys SET state = 'old', old_since = now(), private_key = NULL
         WHERE state = 'current' RETURNING kid
        """
    )
    return kid


async def promote_next(tx: Connection) -> str | None:
    """The next key is the current one. Returns its name."""
    kid: str | None = await tx.fetchval(
        "UPDATE signing_keys SET state = 'current', current_since = now() WHERE state = 'next' RETURNING kid"
    )
    return kid


async def delete_keys(tx: Connection, *, old_seconds: int) -> list[str]:
    """Forget keys that have been old for so long. Returns their names."""
    found = await tx.fetch(
        """
        DELETE FROM signing_keys
         WHERE state = 'old' AND old_since <= now() - make_interval(secs => $1) RETURNING kid
        """,
        old_seconds,
    )
    return [row["kid"] for row in found]


async def key_ages(tx: Connection, *, notice_seconds: int, use_seconds: int) -> Row:
    """Which states there are; whether the next key was published long enough, and the current used long
    enough."""
    row: Row | None = await tx.fetchrow(
        """
        SELECT bool_or(state = 'current') IS TRUE AS has_current,
               bool_or(state = 'next') IS TRUE AS has_next,
               bool_or(state = 'next'
                       AND published_at <= now() - make_interval(secs => $1)) IS TRUE AS next_is_known,
               bool_or(state = 'current'
                       AND current_since <= now() - make_interval(secs => $2)) IS TRUE AS current_is_worn
          FROM signing_keys
        """,
        notice_seconds,
        use_seconds,
    )
    assert row is not None, "an aggregate answers"
    return row


async def insert_grant(
    tx: Connection,
    merchant: MerchantId,
    grant: str,
    *,
    mode: str,
    client: str,
    user: str | None,
    session: str | None,
    scopes: Iterable[str],
    life_seconds: int,
) -> None:
    """A grant that ends after so many seconds; `session` is the one in which a person gave it."""
    await tx.execute(
        """
        INSERT INTO oauth_grants (merchant_id, id, mode, client_id, user_id, scopes, ends_at, session_id)
        VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), $8)
        """,
        merchant,
        grant,
        mode,
        client,
        user,
        sorted(scopes),
        life_seconds,
        session,
    )


async def standing(reader: Connection, merchant: MerchantId, grant: str) -> Row | None:
    """A grant with its client and merchant, as they are now; revoked ones included."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT g.client_id, g.user_id, g.session_id, g.mode, g.scopes, c.scopes AS client_scopes,
               m.state AS merchant_state,
               g.revoked_at IS NOT NULL OR c.revoked_at IS NOT NULL OR g.ends_at <= now() AS is_over
          FROM oauth_grants g
          JOIN oauth_clients c ON c.merchant_id = g.merchant_id AND c.id = g.client_id
          JOIN merchants m ON m.id = g.merchant_id
         WHERE g.merchant_id = $1 AND g.id = $2
        """,
        merchant,
        grant,
    )
    return row


async def revoke_grant(tx: Connection, merchant: MerchantId, grant: str, because: str) -> bool:
    """End a grant and with it all its tokens. False: it was over already."""
    done: str = await tx.execute(
        """
        UPDATE oauth_grants SET revoked_at = now(), revoked_because = $3
         WHERE merchant_id = $1 AND id = $2 AND revoked_at IS NULL
        """,
        merchant,
        grant,
        because,
    )
    return done == "UPDATE 1"


async def revoke_grants_of_client(
    tx: Connection, merchant: MerchantId, client: str, because: str
) -> list[str]:
    """End all grants of a client. Returns their ids."""
    found = await tx.fetch(
        """
        UPDATE oauth_grants SET revoked_at = now(), revoked_because = $3
         WHERE merchant_id = $1 AND client_id = $2 AND revoked_at IS NULL AND ends_at > now()
        RETURNING id
        """,
        merchant,
        client,
        because,
    )
    return [row["id"] for row in found]


async def revoke_grants_of_user(tx: Connection, user: str, because: str) -> list[Row]:
    """End all grants of a person in all merchants. Returns their merchants, ids and modes."""
    found: list[Row] = await tx.fetch(
        """
        UPDATE oauth_grants SET revoked_at = now(), revoked_because = $2
         WHERE user_id = $1 AND revoked_at IS NULL AND ends_at > now()
        RETURNING merchant_id, id, mode
        """,
        user,
        because,
    )
    return found


async def role_of(reader: Connection, merchant: MerchantId, user: str) -> str | None:
    """A person's role in a merchant now; None for somebody who has none there, or may not come in at all."""
    role: str | None = await reader.fetchval(
        """
        SELECT m.role FROM members m JOIN users u ON u.id = m.user_id
         WHERE m.merchant_id = $1 AND m.user_id = $2 AND m.state = 'active' AND u.state = 'active'
        """,
        merchant,
        user,
    )
    return role


async def insert_refresh(
    tx: Connection, merchant: MerchantId, token_hash: bytes, grant: str, *, idle_seconds: int
) -> None:
    """A refresh token: good for so long without use, and never longer than its grant."""
    await tx.execute(
        """
        INSERT INTO refresh_tokens (merchant_id, hash, grant_id, expires_at)
        SELECT $1, $2, $3, LEAST(now() + make_interval(secs => $4), ends_at)
          FROM oauth_grants WHERE merchant_id = $1 AND id = $3
        """,
        merchant,
        token_hash,
        grant,
        idle_seconds,
    )


async def lock_refresh(tx: Connection, merchant: MerchantId, token_hash: bytes) -> Row | None:
    """A refresh token and its grant, locked: of two who bring it at once, the second sees it spent."""
    row: Row | None = await tx.fetchrow(
        """
        SELECT g.id AS grant_id, g.client_id, g.user_id, g.mode, g.scopes, r.spent_at IS NOT NULL AS is_spent,
               g.revoked_at IS NOT NULL AS is_revoked,
               g.ends_at <= clock_timestamp() OR r.expires_at <= clock_timestamp() AS is_late
          FROM refresh_tokens r
          JOIN oauth_grants g ON g.merchant_id = r.merchant_id AND g.id = r.grant_id
         WHERE r.merchant_id = $1 AND r.hash = $2
           FOR UPDATE OF r, g
        """,
        merchant,
        token_hash,
    )
    return row


async def find_refresh(reader: Connection, merchant: MerchantId, token_hash: bytes) -> Row | None:
    """A refresh token and its grant, as introspection and revocation look at it."""
    row: Row | None = await reader.fetchrow(
        """
        SELECT g.id AS grant_id, g.client_id, g.user_id, g.mode, g.scopes, r.issued_at, r.expires_at,
               r.spent_at IS NULL AND g.revoked_at IS NULL AND r.expires_at > now() AND g.ends_at > now()
                   AS is_good
          FROM refresh_tokens r
          JOIN oauth_grants g ON g.merchant_id = r.merchant_id AND g.id = r.grant_id
         WHERE r.merchant_id = $1 AND r.hash = $2
        """,
        merchant,
        token_hash,
    )
    return row


async def spend_refresh(tx: Connection, merchant: MerchantId, token_hash: bytes) -> None:
    """A refresh token was used; it never is again."""
    await tx.execute(
        "UPDATE refresh_tokens SET spent_at = now() WHERE merchant_id = $1 AND hash = $2",
        merchant,
        token_hash,
    )


async def forget_ended(tx: Connection, limit: int, *, keep_days: int) -> int:
    """Delete up to `limit` grants, with their refresh tokens, that ended so many days ago."""
    done: str = await tx.execute(
        """
        DELETE FROM oauth_grants WHERE (merchant_id, id) IN (
            SELECT merchant_id, id FROM oauth_grants
             WHERE ends_at < now() - make_interval(days => $1) ORDER BY ends_at LIMIT $2)
        """,
        keep_days,
        limit,
    )
    return int(done.rsplit(maxsplit=1)[-1])
