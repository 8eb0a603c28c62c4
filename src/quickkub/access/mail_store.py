"""SQL of the outbox of letters."""

from __future__ import annotations

from quickkub.storage import Connection, Row


async def insert(
    tx: Connection, letter_id: str, kind: str, recipient: bytes, sealed: bytes, *, per_hour_max: int
) -> bool:
    """False when there were so many of this kind to this recipient within the last hour."""
    # One after the other for each recipient, or many at once would not count each other.
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))", recipient)
    made = await tx.fetchval(
        """
        INSERT INTO mail_outbox (id, kind, recipient, facts)
        SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM mail_outbox
                 WHERE recipient = $3 AND kind = $2 AND created_at > now() - interval '1 hour') < $5
        RETURNING id
        """,
        letter_id,
        kind,
        recipient,
        sealed,
        per_hour_max,
    )
    return made is not None


async def claim(tx: Connection, limit: int, lease_seconds: int) -> list[Row]:
    """Take due letters; whoever dies with them gives them back when the lease runs out."""
    return await tx.fetch(
        """
        UPDATE mail_outbox AS m
           SET next_try_at = clock_timestamp() + make_interval(secs => $2), tries = m.tries + 1,
               lease_token = m.lease_token + 1
          FROM (SELECT id FROM mail_outbox WHERE next_try_at <= clock_timestamp()
                 ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due
         WHERE m.id = due.id
        RETURNING m.id, m.kind, m.facts, m.tries, m.lease_token
        """,
        limit,
        lease_seconds,
    )


async def finish(tx: Connection, letter_id: str, lease_token: int, *, sent: bool) -> None:
    """Nothing is left to do, and what was sealed is gone."""
    await tx.execute(
        """
        UPDATE mail_outbox SET facts = NULL, next_try_at = NULL, sent_at = CASE WHEN $3 THEN now() END
         WHERE id = $1 AND lease_token = $2
        """,
        letter_id,
        lease_token,
        sent,
    )


async def put_off(tx: Connection, letter_id: str, lease_token: int, seconds: int) -> None:
    """Try again later."""
    await tx.execute(
        """
        UPDATE mail_outbox SET next_try_at = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1 AND lease_token = $2
        """,
        letter_id,
        lease_token,
        seconds,
    )


async def insert_token(tx: Connection, token_hash: bytes, user_id: str, purpose: str, seconds: int) -> None:
    """A token for a letter's link; the one of an earlier letter is void."""
    await tx.execute(
        """
        INSERT INTO mailed_tokens (token_hash, user_id, purpose, ends_at)
        VALUES ($1, $2, $3, now() + make_interval(secs => $4))
        ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = $1, ends_at = EXCLUDED.ends_at
        """,
        token_hash,
        user_id,
        purpose,
        seconds,
    )


async def look_at_token(reader: Connection, token_hash: bytes, purpose: str) -> str | None:
    """Whose token it is, while it is good."""
    user_id: str | None = await reader.fetchval(
        """
        SELECT user_id FROM mailed_tokens
         WHERE token_hash = $1 AND purpose = $2 AND ends_at > clock_timestamp()
        """,
        token_hash,
        purpose,
    )
    return user_id


async def use_token(tx: Connection, token_hash: bytes, purpose: str) -> str | None:
    """Spend a token; of many who try, one hears whose it was."""
    user_id: str | None = await tx.fetchval(
        """
        DELETE FROM mailed_tokens
         WHERE token_hash = $1 AND purpose = $2 AND ends_at > clock_timestamp() RETURNING user_id
        """,
        token_hash,
        purpose,
    )
    return user_id


async def forget_tokens(tx: Connection, user_id: str) -> None:
    """No letter to this user opens anything any more."""
    await tx.execute("DELETE FROM mailed_tokens WHERE user_id = $1", user_id)
