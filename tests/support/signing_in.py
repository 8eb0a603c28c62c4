"""People who sign in: the whole access room on a test's database, with hashing that costs next to nothing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from quickkub.access import totp
from quickkub.access.emails import read_email
from quickkub.access.ground import Ground, Rules, Visit
from quickkub.access.hashing import Cost, Hashing
from quickkub.access.login import Begun, Challenge
from quickkub.access.mail import Letter
from quickkub.access.permissions import Role
from quickkub.access.service import Access
from quickkub.access.sessions import SignedIn
from quickkub.access.users import User, create_user, set_operator_role, user_by_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection, Database
from quickkub.storage.scope import house
from tests.support.clock import MovedClock
from tests.support.shop import VAULT

CHEAP: Final = Cost(memory_kib=64, passes=1)
PASSWORD: Final = "violet otters paddle upstream"  # a test's, and nobody's
HERE: Final = Visit("203.0.113.7", "a browser")
ELSEWHERE: Final = Visit("198.51.100.9", "another browser")


@dataclass
class Postbox:
    """Takes letters and shows them."""

    letters: list[Letter] = field(default_factory=list)

    async def send(self, letter_id: str, letter: Letter) -> None:
        self.letters.append(letter)

    def token(self) -> str:
        """The token in the newest letter's link."""
        found = re.search(r"#([\w-]+)", self.letters[-1].text)
        assert found is not None, self.letters[-1].text
        return found[1]


class People:
    """Makes people and lets them sign in."""

    def __init__(self, database: Database, *, hashing: Hashing | None = None, **rules: Any) -> None:
        self.db = database
        self.clock = MovedClock()
        self.roles: dict[str, Collection[str]] = {}
        self.hashing = hashing or Hashing(CHEAP)
        self.postbox = Postbox()
        self.ended: list[str] = []
        self.ground = Ground(
            database,
            VAULT,
            self.hashing,
            Rules(**{"public_url": "http://shop.test"} | rules),
            self.clock,
            roles_of=self._roles_of,
            on_reset=self._on_reset,
        )
        self._build()

    def stands_on(self, **hooks: Any) -> None:
        """The same room, with something else told by other parts of the house."""
        self.ground = replace(self.ground, **hooks)
        self._build()

    async def person(
        self, email: str = "somchai@example.com", *, verified: bool = True, operator: Role | None = None
    ) -> User:
        """Somebody with the password PASSWORD."""
        with self.hashing.place() as place:
            password_hash = await place.make(PASSWORD)
        async with self.db.transaction() as tx:
            made = await create_user(
                tx,
                read_email(email),
                name="Somchai Jaidee",
                locale="en",
                password_hash=password_hash,
                verified=verified,
            )
            assert made is not None, "the address is taken"
            if operator is not None:
                await set_operator_role(tx, made, operator)
            user = await user_by_id(tx, made)
        assert user is not None
        return user

    async def signs_in(
        self, user: User, password: str = PASSWORD, visit: Visit = HERE, code: str | None = None
    ) -> str:
        """The token of a new session."""
        begun = await self.access.login.with_password(user.email, password, visit)
        if isinstance(begun, Challenge):
            assert code is not None, "a code is asked for"
            begun = await self.access.login.with_code(begun.token.reveal(), code, visit)
        return begun.token.reveal()

    async def challenged(self, user: User, visit: Visit = HERE) -> str:
        """The token of a login that waits for a code."""
        begun = await self.access.login.with_password(user.email, PASSWORD, visit)
        assert isinstance(begun, Challenge)
        return begun.token.reveal()

    async def answers(self, challenge: str, code: str) -> str:
        """The token of the session that a code begins."""
        begun: Begun = await self.access.login.with_code(challenge, code, HERE)
        return begun.token.reveal()

    async def here(self, token: str) -> SignedIn:
        """Who a token is."""
        found = await self.access.sessions.find(token)
        assert found is not None, "the session has ended"
        return found

    async def enrols(self, token: str) -> tuple[Secret, list[str], str]:
        """Turn a second factor on: its secret, the recovery codes and the session's new token."""
        enrolment = await self.access.second_factor.enrol(await self.here(token))
        code = self.code(enrolment.secret)
        turned_on = await self.access.second_factor.confirm(await self.here(token), code)
        return enrolment.secret, turned_on.recovery_codes, turned_on.token.reveal()

    async def person_with_app(self, email: str = "somchai@example.com") -> tuple[User, Secret, list[str]]:
        """Somebody with a second factor, whose app shows a code that was not used yet."""
        user = await self.person(email)
        secret, codes, _ = await self.enrols(await self.signs_in(user))
        self.clock.moves(30)
        return user, secret, codes

    def code(self, secret: Secret, *, steps: int = 0) -> str:
        """What the app shows, so many steps from now."""
        return totp.code_at(secret, self.clock.now() + timedelta(seconds=30 * steps))

    async def mail_goes_out(self) -> list[Letter]:
        """Have every due letter sent; returns those of this round."""
        before = len(self.postbox.letters)
        for due in await self.mail.claim(100):
            await self.mail.send(due)
        return self.postbox.letters[before:]

    async def acts(self, action: str) -> list[dict[str, Any]]:
        """Audit entries of one action, the oldest first."""
        with house():
            async with self.db.read() as reader:
                rows = await reader.fetch(
                    "SELECT * FROM audit_logs WHERE action = $1 ORDER BY created_at", action
                )
        return [dict(row) for row in rows]

    async def ages(self, seconds: int, *columns: str) -> None:
        """Make sessions older by the database's clock: these columns are moved back."""
        moved = ", ".join(f"{column} = {column} - make_interval(secs => $1)" for column in columns)
        async with self.db.transaction() as tx:
            await tx.execute(f"UPDATE sessions SET {moved}", seconds)

    async def unlocks(self) -> None:
        """Every lock has run out; the tries stay counted."""
        async with self.db.transaction() as tx:
            await tx.execute("UPDATE failed_logins SET locked_until = now() - interval '1 second'")

    async def counts(self, table: str) -> int:
        async with self.db.read() as reader:
            return int(await reader.fetchval(f"SELECT count(*) FROM {table}"))

    def _build(self) -> None:
        self.access = Access(self.ground)
        self.mail = self.access.mail(self.postbox)

    async def _roles_of(self, _: Connection, user: str) -> Collection[str]:
        return self.roles.get(user, ())

    async def _on_reset(self, _: Connection, user: str) -> None:
        self.ended.append(user)
