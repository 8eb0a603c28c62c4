"""Signing in: password, then the second factor where there is one; and showing both again (step-up).

Whoever is refused hears the same words, and costs us the same work, whether the account exists or not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from quickkub.access import factors, lockout, user_store
from quickkub.access import session_store as store
from quickkub.access.emails import Email, EmailInvalid, masked, read_email
from quickkub.access.ground import Ground, Visit
from quickkub.access.hashing import Place
from quickkub.access.opaque import fingerprint, new_secret
from quickkub.access.passwords import LETTERS_MAX, normal
from quickkub.access.sessions import Sessions, SignedIn
from quickkub.access.users import User, still_is, user_by_email, user_by_id
from quickkub.audit import Act, Actor, ActorKind, acting, current_actor, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection

CHALLENGE_SECONDS: Final = 5 * 60
CHALLENGE_TRIES: Final = 5


class LoginRefused(Refusal):
    """E-mail address and password do not belong together."""

    code, kind = "login_refused", Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("e-mail address and password do not belong together")


class EmailUnverified(Refusal):
    """The password is right, and the e-mail address has not been confirmed yet."""

    code, kind = "email_unverified", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("confirm your e-mail address first: we have sent you a letter")


class CodeRefused(Refusal):
    """The code is wrong, was used before, or came too late."""

    code, kind = "code_refused", Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("the code is wrong, was used before, or the login began too long ago")


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right; a code is asked for next, together with this token."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Begun:
    """Signed in: the token for the browser's cookie."""

    token: Secret


class Login:
    """The way in."""

    def __init__(self, ground: Ground, sessions: Sessions) -> None:
        self._ground = ground
        self._sessions = sessions

    async def with_password(
        self, email: str, password: str, visit: Visit, *, replaces: str | None = None
    ) -> Begun | Challenge:
        """Begin a session, or ask for a code. `replaces` is a session that came along and ends now.

        Raises LoginRefused, LoginLocked, HashingBusy, EmailUnverified.
        """
        # Without a place nothing is looked up: a flood costs the database nothing.
        with self._ground.hashing.place() as place:
            user = await self._proved(place, email, password, visit)
            await self._renew_hash(place, user, password)
        if user.email_verified_at is None:
            await self._tell_unverified(user)
            raise EmailUnverified
        async with self._ground.db.transaction() as tx, _by(user):
            if not await still_is(tx, user):
                raise LoginRefused
            if replaces is not None:
                await self._sessions.end_by_token(tx, replaces)
            if await factors.is_on(tx, user.id):
                return await self._challenge(tx, user)
            return await self._begin(tx, user, visit, second_factor=False, way="password")

    async def with_code(
        self, challenge: str, code: str, visit: Visit, *, replaces: str | None = None
    ) -> Begun:
        """Begin the session of a challenge. Raises CodeRefused, LoginLocked."""
        token_hash = fingerprint(challenge)
        async with self._ground.db.transaction() as tx:
            user_id = await store.try_challenge(tx, token_hash, CHALLENGE_TRIES)
            user = await user_by_id(tx, user_id) if user_id else None
            if user is None or not user.is_active:
                raise CodeRefused
            begun = None
            async with _by(user):
                way = await self._spend(tx, user, code)
                if way is not None:
                    await store.end_challenge(tx, token_hash)
                    if replaces is not None:
                        await self._sessions.end_by_token(tx, replaces)
                    begun = await self._begin(tx, user, visit, second_factor=True, way=way)
        # Outside: a wrong try stays counted.
        if begun is None:
            raise CodeRefused
        return begun

    async def step_up(self, signed_in: SignedIn, password: str, code: str | None, visit: Visit) -> Secret:
        """Show password and second factor again; returns the session's new token.

        Raises LoginRefused, CodeRefused, LoginLocked, HashingBusy, SessionMissing.
        """
        await self.check_password(signed_in.user, password, visit)
        async with self._ground.db.transaction() as tx:
            is_on = await factors.is_on(tx, signed_in.user_id)
            shown = not is_on or await self._spend(tx, signed_in.user, code or "") is not None
            token = None
            if shown:
                token = await self._sessions.step_up(tx, signed_in.session_id, second_factor=is_on)
                await record(tx, Act("session.stepped_up", "session", signed_in.session_id))
        if token is None:
            raise CodeRefused
        return token

    async def check_password(self, user: User, password: str, visit: Visit) -> None:
        """Whether somebody signed in knows the password. Raises LoginRefused, LoginLocked, HashingBusy."""
        with self._ground.hashing.place() as place:
            await self._proved(place, user.email, password, visit)

    async def _proved(self, place: Place, typed: str, password: str, visit: Visit) -> User:
        """The user whose password it is. The same steps for everybody; only the last differs."""
        email = _address(typed)
        account, network = lockout.account_of(email.normal), lockout.network_of(visit.ip_address)
        async with self._ground.db.transaction() as tx:
            failures = await lockout.count_try(tx, account, network)
            user = await user_by_email(tx, email)
        text = normal(password)
        stored = user.password_hash if user is not None and len(text) <= LETTERS_MAX else None
        right = await place.fits(stored, text)
        if right and user is not None and user.is_active:
            async with self._ground.db.transaction() as tx:
                await lockout.forgive(tx, account, network)
            return user
        async with self._ground.db.transaction() as tx:
            await lockout.tell_wrong(
                tx,
                account,
                network,
                failures,
                user_id=user.id if user else None,
                shown=masked(email.normal),
            )
        raise LoginRefused

    async def _renew_hash(self, place: Place, user: User, password: str) -> None:
        """Store the hash at today's cost, where it was made at another."""
        old = user.password_hash
        if old is None or not self._ground.hashing.is_outdated(old):
            return
        new = await place.make(normal(password))
        async with self._ground.db.transaction() as tx:
            await user_store.rehash(tx, user.id, old, new)

    async def _tell_unverified(self, user: User) -> None:
        async with self._ground.db.transaction() as tx:
            after = {"reason": "e-mail address not confirmed"}
            await record(tx, Act("login.refused", "user", user.id, outcome="refused", after=after))

    async def _challenge(self, tx: Connection, user: User) -> Challenge:
        token = new_secret()
        await store.insert_challenge(tx, fingerprint(token.reveal()), user.id, CHALLENGE_SECONDS)
        return Challenge(token)

    async def _begin(
        self, tx: Connection, user: User, visit: Visit, *, second_factor: bool, way: str
    ) -> Begun:
        token = await self._sessions.begin(tx, user, visit, second_factor=second_factor)
        await record(tx, Act("login.done", "user", user.id, after={"way": way}))
        return Begun(token)

    async def _spend(self, tx: Connection, user: User, code: str) -> str | None:
        """Take a code, if it is good. Counted for the account over all networks. Raises LoginLocked."""
        account = lockout.account_of_codes(user.id)
        failures = await lockout.count_try(tx, account, lockout.EVERYWHERE)
        way = await factors.spend(tx, self._ground.vault, user.id, code, self._ground.clock.now())
        if way is not None:
            await lockout.forgive(tx, account, lockout.EVERYWHERE)
            return way
        await lockout.tell_wrong(
            tx, account, lockout.EVERYWHERE, failures, user_id=user.id, shown=masked(user.email)
        )
        return None


def _address(typed: str) -> Email:
    """What was typed; what is no address is nobody's, and is counted and refused like any other."""
    try:
        return read_email(typed)
    except EmailInvalid:
        return Email(typed, typed.lower())


@asynccontextmanager
async def _by(user: User) -> AsyncIterator[None]:
    """What is done from here is done by this person, from where the request came."""
    here = current_actor()
    actor = Actor(
        ActorKind.USER,
        user.id,
        role=user.operator_role,
        ip_address=here.ip_address,
        user_agent=here.user_agent,
        request_id=here.request_id,
    )
    with acting(actor):
        yield
