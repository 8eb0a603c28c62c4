"""People, for whoever runs the gateway: made, given a part on the platform, locked out, helped back in."""

from __future__ import annotations

from quickkub.access import factors, mail, members
from quickkub.access import session_store as store
from quickkub.access.emails import Email, read_email
from quickkub.access.permissions import Role
from quickkub.access.users import (
    User,
    UserNotFound,
    create_user,
    set_operator_role,
    set_state,
    user_by_email,
)
from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection, Database
from quickkub.storage.vault import Vault


class UserExists(Refusal):
    """The address has an account."""

    code, kind = "user_exists", Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("this address has an account already")


class UserOffice:
    """Works as the house: no person has to be signed in, which is how the first one comes to be."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def add(
        self,
        email: str,
        *,
        name: str,
        locale: str,
        operator: Role | None = None,
        owner_of: MerchantId | None = None,
    ) -> str:
        """Make a user without a password, and send a letter with which one is chosen. Returns the user's id.

        Raises EmailInvalid, UserExists, AlreadyMember.
        """
        address = read_email(email)
        async with self._db.transaction() as tx:
            made = await create_user(tx, address, name=name, locale=locale, password_hash=None)
            if made is None:
                raise UserExists
            if operator is not None:
                await set_operator_role(tx, made, operator)
            if owner_of is not None:
                await members.found(tx, owner_of, made)
            await mail.put(tx, self._vault, "reset_password", address)
        return made

    async def set_operator(self, email: str, role: Role | None) -> None:
        """Give a part on the platform, or take it. Raises EmailInvalid, UserNotFound."""
        async with self._db.transaction() as tx:
            user, _ = await _found(tx, email)
            await set_operator_role(tx, user.id, role)

    async def set_state(self, email: str, state: str) -> None:
        """`disabled`: out at once, and not in again until `active`. Raises EmailInvalid, UserNotFound."""
        async with self._db.transaction() as tx:
            user, _ = await _found(tx, email)
            await set_state(tx, user.id, state)

    async def drop_second_factor(self, email: str) -> bool:
        """Help somebody back in whose telephone and paper are gone. False: there was nothing to drop.

        All sessions end. Whoever asks is to be recognised by more than an e-mail. Raises EmailInvalid,
        UserNotFound.
        """
        async with self._db.transaction() as tx:
            user, address = await _found(tx, email)
            if not await factors.turn_off(tx, user.id):
                return False
            await store.end_all(tx, user.id, None)
            await record(tx, Act("session.all_ended", "user", user.id))
            await mail.put(tx, self._vault, "second_factor_changed", address, {"locale": user.locale})
        return True


async def _found(tx: Connection, email: str) -> tuple[User, Email]:
    address = read_email(email)
    user = await user_by_email(tx, address)
    if user is None:
        raise UserNotFound
    return user, address
