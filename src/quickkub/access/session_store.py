"""SQL of sessions. Every age is measured by the database's clock (D5)."""

from __future__ import annotations

from quickkub.storage import Connection, Row


async def insert(
    tx: Connection,
    session_id: str,
    token_hash: bytes,
    user_id: str,
    *,
    second_factor: bool,
    ip_address: str | None,
    user_agent: str | None,
    absolute_seconds: int,
) -> None:
    """A session that ends by itself."""
    await tx.execute(
        """
        INSERT INTO sessions (id, token_hash, user_id, second_factor, ip_address, user_agent, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
        """,
        session_id,
        token_hash,
        user_id,
        second_factor,
        ip_address,
        user_agent,
        absolute_seconds,
    )


async def live(reader: Connection, token_hash: bytes) -> Row | None:
    """A session that has not ended, with its ages in whole seconds; too idle or not is for the caller."""
    return await reader.fetchrow(
        """
        SELECT id, user_id, second_factor,
               EXISTS (SELECT 1 FROM second_factors AS f
                        WHERE f.user_id = s.user_id AND f.secret IS NOT NULL) AS second_factor_is_on,
               floor(extract(epoch FROM clock_timestamp() - last_seen_at))::integer AS idle_seconds,
               floor(extract(epoch FROM clock_timestamp() - stepped_up_at))::integer AS stepped_up_seconds
          FROM sessions AS s
         WHERE token_hash = $1 AND ended_at IS NULL AND ends_at > clock_timestamp()
        """,
        token_hash,
    )


async def last_shown(reader: Connection, user_id: str, session_id: str | None) -> Row | None:
    """How long ago a live session was shown password and second factor, and whether there is one."""
    return await reader.fetchrow(
        """
        SELECT second_factor AND EXISTS (SELECT 1 FROM second_factors AS f
                                          WHERE f.user_id = s.user_id AND f.secret IS NOT NULL)
                   AS second_factor,
               floor(extract(epoch FROM clock_timestamp() - stepped_up_at))::integer AS stepped_up_seconds
          FROM sessions AS s
         WHERE id = $2 AND user_id = $1 AND ended_at IS NULL AND ends_at > clock_timestamp()
        """,
        user_id,
        session_id,
    )


async def seen(writer: Connection, token_hash: bytes) -> None:
    """It is in use."""
    await writer.execute(
        "UPDATE sessions SET last_seen_at = now() WHERE token_hash = $1 AND ended_at IS NULL", token_hash
    )


async def renew(
    tx: Connection, session_id: str, token_hash: bytes, *, stepped_up: bool, second_factor: bool
) -> bool:
    """Another token. The absolute end stays where it was."""
    found = await tx.fetchval(
        """
        UPDATE sessions SET token_hash = $2, last_seen_at = now(),
                            stepped_up_at = CASE WHEN $3 THEN now() ELSE stepped_up_at END,
                            second_factor = second_factor OR $4
         WHERE id = $1 AND ended_at IS NULL AND ends_at > clock_timestamp() RETURNING id
        """,
        session_id,
        token_hash,
        stepped_up,
        second_factor,
    )
    return found is not None


async def end(tx: Connection, user_id: str, session_id: str) -> bool:
    """One session of a user."""
    found = await tx.fetchval(
        """
        UPDATE sessions SET ended_at = now()
         WHERE id = $2 AND user_id = $1 AND ended_at IS NULL RETURNING id
        """,
        user_id,
        session_id,
    )
    return found is not None


async def end_by_token(tx: Connection, token_hash: bytes) -> str | None:
    """The session with this token; returns its id, if there is one."""
    ended: str | None = await tx.fetchval(
        "UPDATE sessions SET ended_at = now() WHERE token_hash = $1 AND ended_at IS NULL RETURNING id",
        token_hash,
    )
    return ended


async def end_all(tx: Connection, user_id: str, but: str | None) -> int:
    """All sessions of a user but one; also what was begun of logins. Returns how many sessions."""
    await tx.execute("DELETE FROM login_challenges WHERE user_id = $1", user_id)
    ended: str = await tx.execute(
        """
        UPDATE sessions SET ended_at = now()
         WHERE user_id = $1 AND ended_at IS NULL AND ($2::text IS NULL OR id <> $2)
        """,
        user_id,
        but,
    )
    return int(ended.rsplit(maxsplit=1)[-1])


async def of_user(reader: Connection, user_id: str, idle_seconds_max: int) -> list[Row]:
    """Those that are live, the newest first."""
    return await reader.fetch(
        """
        SELECT id, second_factor, ip_address, user_agent, created_at, last_seen_at, ends_at FROM sessions
         WHERE user_id = $1 AND ended_at IS NULL AND ends_at > clock_timestamp()
           AND last_seen_at > clock_timestamp() - make_interval(secs => $2)
         ORDER BY created_at DESC, id DESC
        """,
        user_id,
        idle_seconds_max,
    )


async def insert_challenge(tx: Connection, token_hash: bytes, user_id: str, seconds: int) -> None:
    """Somebody who still has to show the second factor, for so long."""
    await tx.execute(
        """
        INSERT INTO login_challenges (token_hash, user_id, ends_at)
        VALUES ($1, $2, now() + make_interval(secs => $3))
        """,
        token_hash,
        user_id,
        seconds,
    )


async def try_challenge(tx: Connection, token_hash: bytes, tries_max: int) -> str | None:
    """Count a try at a live challenge and lock it; returns its user, or None when it is over."""
    user_id: str | None = await tx.fetchval(
        """
        UPDATE login_challenges SET tries = tries + 1
         WHERE token_hash = $1 AND ends_at > clock_timestamp() AND tries < $2 RETURNING user_id
        """,
        token_hash,
        tries_max,
    )
    return user_id


async def end_challenge(tx: Connection, token_hash: bytes) -> None:
    """It was met."""
    await tx.execute("DELETE FROM login_challenges WHERE token_hash = $1", token_hash)


async def forget_old(tx: Connection, limit: int) -> int:
    """Delete up to `limit` of each of what has ended long ago; returns how many rows.

    Sessions tell who came from where: they stay as long as other records of that, a year unless an
    installation says otherwise, and go with retention (privacy/periods.py).
    """
    total = 0
    for table, over in _OVER.items():
        # Table and condition are the constants below.
        query = f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {over} LIMIT $1)"  # noqa: S608
        done: str = await tx.execute(query, limit)
        total += int(done.rsplit(maxsplit=1)[-1])
    return total


_OVER = {
    "login_challenges": "ends_at < now()",
    "mailed_tokens": "ends_at < now() - interval '1 day'",
    "failed_logins": "last_at < now() - interval '2 days'",
    "mail_outbox": "next_try_at IS NULL AND created_at < now() - interval '7 days'",
}
