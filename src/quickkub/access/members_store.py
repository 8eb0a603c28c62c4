"""SQL of members and invitations."""

from __future__ import annotations

from typing import Final

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Row


async def lock_merchant(tx: Connection, merchant: MerchantId) -> None:
    """One change of a merchant's team at a time: two owners cannot remove each other at once."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)


async def role_of(reader: Connection, merchant: MerchantId, user: str) -> str | None:
    """The role of an active user who is a member now."""
    role: str | None = await reader.fetchval(
        """
        SELECT m.role FROM members m JOIN users u ON u.id = m.user_id
         WHERE m.merchant_id = $1 AND m.user_id = $2 AND m.state = 'active' AND u.state = 'active'
        """,
        merchant,
        user,
    )
    return role


async def memberships(reader: Connection, user: str) -> list[Row]:
    """The merchants a user belongs to, each with its name, state and the user's role."""
    found: list[Row] = await reader.fetch(
        """
        SELECT m.merchant_id, m.role, merchants.name, merchants.state
          FROM members m JOIN merchants ON merchants.id = m.merchant_id
         WHERE m.user_id = $1 AND m.state = 'active' ORDER BY m.merchant_id
        """,
        user,
    )
    return found


_MEMBER: Final = """
    SELECT m.user_id, m.role, m.joined_at, u.email, u.name
      FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.merchant_id = $1 AND m.state = 'active'
"""


async def members(reader: Connection, merchant: MerchantId) -> list[Row]:
    """Everybody who is a member now."""
    found: list[Row] = await reader.fetch(f"{_MEMBER} ORDER BY m.joined_at, m.user_id", merchant)
    return found


async def member(reader: Connection, merchant: MerchantId, user: str) -> Row | None:
    """One of them."""
    row: Row | None = await reader.fetchrow(f"{_MEMBER} AND m.user_id = $2", merchant, user)
    return row


async def owners(tx: Connection, merchant: MerchantId) -> int:
    """How many owners there are."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM members WHERE merchant_id = $1 AND state = 'active' AND role = 'owner'",
        merchant,
    )
    return count


async def join(tx: Connection, merchant: MerchantId, user: str, role: str) -> bool:
    """Make somebody a member, again if they were one before. False: they are one."""
    joined = await tx.fetchval(
        """
        INSERT INTO members (merchant_id, user_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (merchant_id, user_id) DO UPDATE
           SET role = excluded.role, state = 'active', joined_at = now(), changed_at = now()
         WHERE members.state = 'removed'
        RETURNING true
        """,
        merchant,
        user,
        role,
    )
    return joined is not None


async def set_role(tx: Connection, merchant: MerchantId, user: str, role: str) -> None:
    """Give a member another role."""
    await tx.execute(
        "UPDATE members SET role = $3, changed_at = now() WHERE merchant_id = $1 AND user_id = $2",
        merchant,
        user,
        role,
    )


async def remove(tx: Connection, merchant: MerchantId, user: str) -> None:
    """The row stays, so that what the person did keeps its name."""
    await tx.execute(
        "UPDATE members SET state = 'removed', changed_at = now() WHERE merchant_id = $1 AND user_id = $2",
        merchant,
        user,
    )


_INVITATION: Final = """id, email, role, state, invited_by, created_at, expires_at,
    state = 'open' AND expires_at <= now() AS is_late"""


async def invite(
    tx: Connection,
    merchant: MerchantId,
    invitation: str,
    *,
    email: str,
    role: str,
    token_hash: bytes,
    invited_by: str,
    seconds: int,
) -> Row:
    """Write an invitation; an open one for the same address is withdrawn."""
    await tx.execute(
        "UPDATE invitations SET state = 'withdrawn' WHERE merchant_id = $1 AND email = $2 AND state = 'open'",
        merchant,
        email,
    )
    row: Row | None = await tx.fetchrow(
        f"""
        INSERT INTO invitations (merchant_id, id, email, role, token_hash, invited_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING {_INVITATION}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        invitation,
        email,
        role,
        token_hash,
        invited_by,
        seconds,
    )
    assert row is not None, "it was inserted"
    return row


async def invitations(reader: Connection, merchant: MerchantId) -> list[Row]:
    """What is open, newest first; what is too old is among it."""
    found: list[Row] = await reader.fetch(
        f"""
        SELECT {_INVITATION} FROM invitations WHERE merchant_id = $1 AND state = 'open' ORDER BY id DESC
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
    )
    return found


async def by_token(tx: Connection, merchant: MerchantId, token_hash: bytes, *, lock: bool) -> Row | None:
    """The invitation a token was given for, while it can be taken."""
    row: Row | None = await tx.fetchrow(
        f"""
        SELECT {_INVITATION} FROM invitations
         WHERE merchant_id = $1 AND token_hash = $2 AND state = 'open' AND expires_at > now()
         {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 -- only our own words are put in
        merchant,
        token_hash,
    )
    return row


async def accept(tx: Connection, merchant: MerchantId, invitation: str, user: str) -> None:
    """The token is spent."""
    await tx.execute(
        "UPDATE invitations SET state = 'accepted', accepted_by = $3 WHERE merchant_id = $1 AND id = $2",
        merchant,
        invitation,
        user,
    )


async def withdraw(tx: Connection, merchant: MerchantId, invitation: str) -> Row | None:
    """Take an open invitation back. None: there is none."""
    row: Row | None = await tx.fetchrow(
        f"""
        UPDATE invitations SET state = 'withdrawn'
         WHERE merchant_id = $1 AND id = $2 AND state = 'open' RETURNING {_INVITATION}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        invitation,
    )
    return row
