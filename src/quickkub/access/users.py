"""People who sign in. One account for one e-mail address, whatever merchants they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.access import user_store as store
from quickkub.access.emails import Email
from quickkub.access.permissions import PLATFORM_ROLES, Role
from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import new_id
from quickkub.storage import Connection, Row

LOCALES: Final = ("th", "en")
NAME_LETTERS_MAX: Final = 100

MONEY_ROLES: Final = frozenset(
    {Role.OWNER.value, Role.ADMIN.value, Role.FINANCE.value} | {role.value for role in PLATFORM_ROLES}
)
"""Roles that need a second factor and a short idle time (security-reliability 5.2)."""


class UserNotFound(Refusal):
    """There is no such user."""

    code, kind = "user_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such user")


@dataclass(frozen=True, slots=True)
class User:
    """A person. `email` is as it was written; `password_hash` None: no password was chosen yet."""

    id: str
    email: str
    name: str
    locale: str
    state: str
    operator_role: str | None
    password_hash: str | None
    email_verified_at: datetime | None
    created_at: datetime
    password_changed_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in at all."""
        return self.state == "active"


async def create_user(
    tx: Connection,
    email: Email,
    *,
    name: str,
    locale: str,
    password_hash: str | None,
    verified: bool = False,
) -> str | None:
    """A new user's id, or None when the address has an account already. Written down as `user.created`."""
    user_id = new_id("usr")
    made = await store.insert(
        tx, user_id, email, name=name, locale=locale, password_hash=password_hash, verified=verified
    )
    if not made:
        return None
    await record(tx, Act("user.created", "user", user_id, after={"locale": locale, "verified": verified}))
    return user_id


async def user_by_id(reader: Connection, user_id: str) -> User | None:
    """A user, or None."""
    return _user(await store.by_id(reader, user_id))


async def still_is(tx: Connection, user: User) -> bool:
    """Whether the user is active and has the password of when they were read, held so until the end of `tx`.

    What a password proved begins only while it is the password: a reset that comes in between ends it.
    """
    now = _user(await store.hold(tx, user.id))
    return now is not None and now.is_active and now.password_changed_at == user.password_changed_at


async def user_by_email(reader: Connection, email: Email) -> User | None:
    """The user with this address in any spelling, or None."""
    return _user(await store.by_email(reader, email.normal))


async def set_operator_role(tx: Connection, user_id: str, role: Role | None) -> None:
    """Give a user a part on the platform, or take it. Raises UserNotFound.

    Written down as `operator.changed`.
    """
    assert role is None or role in PLATFORM_ROLES, "a merchant's role is given by its members"
    before = await store.set_operator_role(tx, user_id, role and role.value)
    if before is None:
        raise UserNotFound
    act = Act(
        "operator.changed",
        "user",
        user_id,
        before={"role": before["operator_role"]},
        after={"role": role and role.value},
    )
    await record(tx, act)


async def set_state(tx: Connection, user_id: str, state: str) -> None:
    """`disabled` ends all sessions and lets nobody in; `active` undoes it. Raises UserNotFound."""
    if not await store.set_state(tx, user_id, state):
        raise UserNotFound
    await record(tx, Act(f"user.{state}", "user", user_id))


def user_view(user: User) -> dict[str, Any]:
    """A user as shown to people who may see it."""
    return {
        "id": user.id,
        "object": "user",
        "email": user.email,
        "name": user.name,
        "locale": user.locale,
        "operator_role": user.operator_role,
        "email_verified": user.email_verified_at is not None,
        "created_at": rfc3339(user.created_at),
    }


def _user(row: Row | None) -> User | None:
    if row is None:
        return None
    return User(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        locale=row["locale"],
        state=row["state"],
        operator_role=row["operator_role"],
        password_hash=row["password_hash"],
        email_verified_at=row["email_verified_at"],
        created_at=row["created_at"],
        password_changed_at=row["password_changed_at"],
    )
