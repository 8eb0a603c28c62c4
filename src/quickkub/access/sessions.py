"""Sessions of people: an opaque token in a cookie, kept as a hash, ended by idling, by age, or by hand (5.2).

What a session may do is looked up each time: who loses a role, or gains one that needs a second factor, is
treated so at the next request.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.access import session_store as store
from quickkub.access.ground import STEP_UP_SECONDS, Ground, Visit
from quickkub.access.opaque import TOKEN_LETTERS, derived, fingerprint, new_secret
from quickkub.access.users import MONEY_ROLES, User, user_by_id
from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection, Row
from quickkub.storage.scope import house

_AGENT_LETTERS_MAX: Final = 300
_SEEN_EVERY_SECONDS: Final = 30
"""How exactly we know when a session was last used."""


class SessionMissing(Refusal):
    """Nobody is signed in, or the session has ended."""

    code, kind = "session_missing", Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("sign in first")


class SessionNotFound(Refusal):
    """You have no such session."""

    code, kind = "session_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("you have no such session")


class SecondFactorRequired(Refusal):
    """Your role needs a second factor. Turn one on before anything else."""

    code, kind = "second_factor_required", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("turn on a second factor and sign in with it first")


class StepUpRequired(Refusal):
    """This needs your password, and your second factor, shown within the last minutes."""

    code, kind = "step_up_required", Kind.FORBIDDEN

    def __init__(self, seconds: int, *, session_is_over: bool = False) -> None:
        super().__init__(
            "the session in which this token was given is over: sign in, and let the program in again"
            if session_is_over
            else "show your password and second factor again in your session, by POST /auth/step-up: they "
            f"have to be shown at most {seconds} seconds before"
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session, at one request. `csrf_token` goes into the header of unsafe requests."""

    user: User
    session_id: str
    csrf_token: str
    roles: frozenset[str]
    second_factor: bool
    second_factor_is_on: bool
    stepped_up_seconds: int
    """How long ago password and second factor were shown."""

    @property
    def user_id(self) -> str:
        """Who it is."""
        return self.user.id

    @property
    def may_only_enrol(self) -> bool:
        """Whether a role of this person needs a second factor that this session has not shown."""
        return bool(self.roles & MONEY_ROLES) and not (self.second_factor and self.second_factor_is_on)

    @property
    def is_stepped_up(self) -> bool:
        """Whether password and second factor were shown within STEP_UP_SECONDS."""
        return self.stepped_up_seconds < STEP_UP_SECONDS

    def fits_csrf(self, given: str) -> bool:
        """Whether a token is this session's."""
        return hmac.compare_digest(self.csrf_token.encode(), given.encode("utf-8", "surrogatepass"))


class Sessions:
    """Begins, finds, renews and ends sessions."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._rules = ground.rules

    async def begin(self, tx: Connection, user: User, visit: Visit, *, second_factor: bool) -> Secret:
        """A new session; returns its token, which is shown to nobody but the browser."""
        token = new_secret()
        await store.insert(
            tx,
            new_id("ses"),
            fingerprint(token.reveal()),
            user.id,
            second_factor=second_factor,
            ip_address=visit.ip_address,
            user_agent=visit.user_agent and visit.user_agent[:_AGENT_LETTERS_MAX],
            absolute_seconds=self._rules.absolute_seconds,
        )
        return token

    async def find(self, token: str | None) -> SignedIn | None:
        """The person behind a token, or None when there is no such session any more. Counts as being seen."""
        if token is None or len(token) != TOKEN_LETTERS:
            return None
        token_hash = fingerprint(token)
        # Roles are read across merchants.
        with house():
            return await self._found(token, token_hash)

    async def _found(self, token: str, token_hash: bytes) -> SignedIn | None:
        async with self._ground.db.read() as reader:
            row = await store.live(reader, token_hash)
            if row is None:
                return None
            signed_in = await self._signed_in(reader, row, token)
            if signed_in is None:
                return None
            if row["idle_seconds"] >= self._idle_seconds_max(signed_in.roles):
                return None
            if row["idle_seconds"] >= _SEEN_EVERY_SECONDS:
                await store.seen(reader, token_hash)
        return signed_in

    async def step_up(self, tx: Connection, session_id: str, *, second_factor: bool) -> Secret:
        """Password, and second factor if so, were just shown: a new token. Raises SessionMissing."""
        return await self._renew(tx, session_id, stepped_up=True, second_factor=second_factor)

    async def renew(self, tx: Connection, session_id: str) -> Secret:
        """The same session under a new token; the old one is void. Raises SessionMissing."""
        return await self._renew(tx, session_id, stepped_up=False, second_factor=False)

    async def _renew(
        self, tx: Connection, session_id: str, *, stepped_up: bool, second_factor: bool
    ) -> Secret:
        token = new_secret()
        renewed = await store.renew(
            tx,
            session_id,
            fingerprint(token.reveal()),
            stepped_up=stepped_up,
            second_factor=second_factor,
        )
        if not renewed:
            raise SessionMissing
        return token

    async def end(self, tx: Connection, user_id: str, session_id: str) -> None:
        """End one session of a user. Raises SessionNotFound."""
        if not await store.end(tx, user_id, session_id):
            raise SessionNotFound
        await record(tx, Act("session.ended", "session", session_id))

    async def end_by_token(self, tx: Connection, token: str) -> None:
        """End a session whose cookie came along to a new login: nobody goes on with it."""
        ended = await store.end_by_token(tx, fingerprint(token))
        if ended is not None:
            await record(tx, Act("session.ended", "session", ended, after={"because": "another login"}))

    async def end_trust(self, tx: Connection, user_id: str, *, but: str | None = None) -> None:
        """The password is another: end all sessions, but one perhaps, and tokens given because of one."""
        await self.end_all(tx, user_id, but=but)
        await self._ground.on_reset(tx, user_id)

    async def end_all(self, tx: Connection, user_id: str, *, but: str | None = None) -> int:
        """End all sessions of a user, but one perhaps. Returns how many."""
        ended = await store.end_all(tx, user_id, but)
        if ended:
            await record(tx, Act("session.all_ended", "user", user_id, after={"sessions": ended}))
        return ended

    async def of_user(self, user_id: str) -> list[Row]:
        """Live sessions of a user, the newest first."""
        # Roles are read across merchants.
        with house():
            async with self._ground.db.read() as reader:
                roles = await self._roles(reader, user_id)
        async with self._ground.db.read() as reader:
            return await store.of_user(reader, user_id, self._idle_seconds_max(roles))

    async def _signed_in(self, reader: Connection, row: Row, token: str) -> SignedIn | None:
        user = await user_by_id(reader, row["user_id"])
        if user is None or not user.is_active:
            return None
        roles = await self._roles(reader, user.id, user)
        return SignedIn(
            user=user,
            session_id=row["id"],
            csrf_token=csrf_token(token),
            roles=roles,
            second_factor=row["second_factor"],
            second_factor_is_on=row["second_factor_is_on"],
            stepped_up_seconds=row["stepped_up_seconds"],
        )

    async def _roles(self, reader: Connection, user_id: str, user: User | None = None) -> frozenset[str]:
        user = user or await user_by_id(reader, user_id)
        roles = frozenset(await self._ground.roles_of(reader, user_id))
        return roles | {user.operator_role} if user and user.operator_role else roles

    def _idle_seconds_max(self, roles: Collection[str]) -> int:
        return self._rules.idle_seconds_money if set(roles) & MONEY_ROLES else self._rules.idle_seconds


def csrf_token(token: str) -> str:
    """A session's synchroniser token: made of the cookie alone, so nothing of it is stored."""
    return derived(token, "quickkub csrf")


def require_full(signed_in: SignedIn) -> None:
    """Raises SecondFactorRequired while this session may only turn one on."""
    if signed_in.may_only_enrol:
        raise SecondFactorRequired


def require_step_up(signed_in: SignedIn, *, seconds: int = STEP_UP_SECONDS) -> None:
    """Password and second factor were shown a moment ago. Raises SecondFactorRequired, StepUpRequired."""
    require_full(signed_in)
    if signed_in.stepped_up_seconds >= seconds:
        raise StepUpRequired(seconds)


def session_view(row: Row, current: str) -> dict[str, Any]:
    """A session as its owner sees it."""
    seen: datetime = row["last_seen_at"]
    return {
        "id": row["id"],
        "object": "session",
        "current": row["id"] == current,
        "ip_address": row["ip_address"],
        "user_agent": row["user_agent"],
        "second_factor": row["second_factor"],
        "created_at": rfc3339(row["created_at"]),
        "last_seen_at": rfc3339(seen),
        "ends_at": rfc3339(row["ends_at"]),
    }
