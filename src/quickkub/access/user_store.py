"""SQL of users."""

from __future__ import annotations

from typing import Final

from quickkub.access.emails import Email
from quickkub.storage import Connection, Row

_COLUMNS: Final = """
    id, email, name, locale, state, operator_role, password_hash, email_verified_at, created_at,
    password_changed_at
"""


async def insert(
    tx: Connection,
    user_id: str,
    email: Email,
    *,
    name: str,
    locale: str,
    password_hash: str | None,
    verified: bool,
) -> bool:
    """False when the address has an account already."""
    made = await tx.fetchval(
        """
        INSERT INTO users (id, email, email_normal, name, locale, password_hash, password_changed_at,
                           email_verified_at)
        VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6::text IS NOT NULL THEN now() END,
                CASE WHEN $7 THEN now() END)
        ON CONFLICT (email_normal) DO NOTHING
        RETURNING id
        """,
        user_id,
        email.written,
        email.normal,
        name,
        locale,
        password_hash,
        verified,
    )
    return made is not None


async def by_id(reader: Connection, user_id: str) -> Row | None:
    """A user's row."""
    return await reader.fetchrow(f"SELECT {_COLUMNS} FROM users WHERE id = $1", user_id)  # noqa: S608 -- constants


async def hold(tx: Connection, user_id: str) -> Row | None:
    """A user's row, which nobody changes until the end of the transaction."""
    query = f"SELECT {_COLUMNS} FROM users WHERE id = $1 FOR SHARE"  # noqa: S608 -- constants
    return await tx.fetchrow(query, user_id)


async def by_email(reader: Connection, email_normal: str) -> Row | None:
    """The row of the user with this normal form."""
    query = f"SELECT {_COLUMNS} FROM users WHERE email_normal = $1"  # noqa: S608 -- constants
    return await reader.fetchrow(query, email_normal)


async def set_password(tx: Connection, user_id: str, password_hash: str) -> None:
    """A password the user chose."""
    await tx.execute(
        "UPDATE users SET password_hash = $2, password_changed_at = now() WHERE id = $1",
        user_id,
        password_hash,
    )


async def rehash(tx: Connection, user_id: str, old: str, new: str) -> None:
    """The same password at today's cost, unless it was changed meanwhile."""
    await tx.execute(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", user_id, old, new
    )


async def set_verified(tx: Connection, user_id: str) -> bool:
    """The address is the user's. False when that was known."""
    found = await tx.fetchval(
        """
        UPDATE users SET email_verified_at = now() WHERE id = $1 AND email_verified_at IS NULL RETURNING id
        """,
        user_id,
    )
    return found is not None


async def set_operator_role(tx: Connection, user_id: str, role: str | None) -> Row | None:
    """The row as it was, or None when there is no such user."""
    return await tx.fetchrow(
        """
        WITH was AS (SELECT id, operator_role FROM users WHERE id = $1 FOR UPDATE)
        UPDATE users SET operator_role = $2 FROM was WHERE users.id = was.id
        RETURNING was.operator_role
        """,
        user_id,
        role,
    )


async def set_state(tx: Connection, user_id: str, state: str) -> bool:
    """Also ends the sessions of a user who is disabled."""
    found = await tx.fetchval(
        """
        WITH ended AS (
            UPDATE sessions SET ended_at = now()
             WHERE user_id = $1 AND ended_at IS NULL AND $2 = 'disabled'
        )
        UPDATE users SET state = $2 WHERE id = $1 RETURNING id
        """,
        user_id,
        state,
    )
    return found is not None
