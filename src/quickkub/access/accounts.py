"""A person's account: registered, its address confirmed, its password forgotten, chosen anew, changed.

Whether an address has an account is told to nobody but the reader of its mail: each answer is the same, and
so is the work before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.access import mail, user_store
from quickkub.access import mail_store as store
from quickkub.access.emails import Email, read_email
from quickkub.access.ground import RESET_SECONDS, VERIFY_SECONDS, Ground, Visit
from quickkub.access.letters import letter
from quickkub.access.login import Login
from quickkub.access.mail import Facts, Letter, Writer
from quickkub.access.members import as_invited
from quickkub.access.opaque import fingerprint, new_secret
from quickkub.access.passwords import check_password, normal
from quickkub.access.sessions import Sessions, SignedIn
from quickkub.access.users import User, create_user, user_by_email, user_by_id
from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection
from quickkub.storage.scope import house

_VERIFY: Final = "verify_email"
_RESET: Final = "reset_password"
_ALREADY: Final = "already_registered"
_INVITATION: Final = "invitation"


class RegistrationClosed(Refusal):
    """Nobody can register here without an invitation."""

    code, kind = "registration_closed", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("ask for an invitation")


class LinkRefused(Refusal):
    """The link of a letter was used before, is too old, or never was one."""

    code, kind = "link_refused", Kind.UNPROCESSABLE

    def __init__(self) -> None:
        super().__init__("the link was used before, is too old, or is not one of ours", param="token")


class Accounts:
    """What happens to an account outside a login."""

    def __init__(self, ground: Ground, sessions: Sessions, login: Login) -> None:
        self._ground = ground
        self._sessions = sessions
        self._login = login

    async def register(
        self, email: str, password: str, *, name: str, locale: str, invitation: str | None = None
    ) -> None:
        """Make an account and send its address a letter; for one that has an account, another letter.

        With an invitation sent to this very address the address is confirmed, and no letter is needed.
        Raises RegistrationClosed, EmailInvalid, PasswordRefused, HashingBusy.
        """
        address = read_email(email)
        invited = await self._is_invited(address, invitation)
        if not (invited or self._ground.rules.open_registration):
            raise RegistrationClosed
        text = check_password(password, email=address.written, name=name)
        with self._ground.hashing.place() as place:
            password_hash = await place.make(text)
        with as_invited(invitation or ""):
            async with self._ground.db.transaction() as tx:
                made = await create_user(
                    tx, address, name=name, locale=locale, password_hash=password_hash, verified=invited
                )
                if made is None:
                    await mail.put(tx, self._ground.vault, _ALREADY, address, {"locale": locale})
                elif invitation is not None and invited:
                    await self._ground.join(tx, invitation, made, address.normal)
                else:
                    await mail.put(tx, self._ground.vault, _VERIFY, address, {"user": made})

    async def send_invitation(self, tx: Connection, email: str, token: Secret) -> None:
        """Put the letter with an invitation's token into the outbox, in the invitation's transaction."""
        facts = {"token": token.reveal()}
        await mail.put(tx, self._ground.vault, _INVITATION, read_email(email), facts, per_hour_max=10)

    async def verify_email(self, token: str, password: str) -> None:
        """Confirm an address by its letter, and by the password it was registered with.

        Without the password somebody could register another's address and wait for its owner to click.
        Raises LinkRefused, HashingBusy.
        """
        token_hash = fingerprint(token)
        with self._ground.hashing.place() as place:
            async with self._ground.db.read() as reader:
                user_id = await store.look_at_token(reader, token_hash, _VERIFY)
                user = await user_by_id(reader, user_id) if user_id else None
            right = await place.fits(user.password_hash if user else None, normal(password))
        if not right:
            raise LinkRefused
        async with self._ground.db.transaction() as tx:
            used = await store.use_token(tx, token_hash, _VERIFY)
            if used is None:
                raise LinkRefused
            await user_store.set_verified(tx, used)
            await record(tx, Act("email.verified", "user", used))

    async def forgot_password(self, email: str) -> None:
        """Have a letter sent, if there is somebody to send it to; the worker finds out. Raises EmailInvalid.

        Asked too often for one address, nothing more is sent, and the answer is the same.
        """
        address = read_email(email)
        async with self._ground.db.transaction() as tx:
            if await mail.put(tx, self._ground.vault, _RESET, address):
                await record(tx, Act("password.reset_asked", "login", None))

    async def reset_password(self, token: str, password: str) -> None:
        """Choose a new password by a letter's link. Ends every session, and what was trusted because of one.

        Whoever reads the letter owns the address, so it is confirmed, too. The second factor stays on.
        Raises LinkRefused, PasswordRefused, HashingBusy.
        """
        token_hash = fingerprint(token)
        with self._ground.hashing.place() as place:
            async with self._ground.db.read() as reader:
                user_id = await store.look_at_token(reader, token_hash, _RESET)
                user = await user_by_id(reader, user_id) if user_id else None
            if user is None or not user.is_active:
                raise LinkRefused
            text = check_password(password, email=user.email, name=user.name)
            password_hash = await place.make(text)
        # Tokens that were given at whatever merchants end.
        with house():
            async with self._ground.db.transaction() as tx:
                if await store.use_token(tx, token_hash, _RESET) != user.id:
                    raise LinkRefused
                await user_store.set_verified(tx, user.id)
                await self._set_password(tx, user, password_hash, "password.reset")

    async def change_password(self, signed_in: SignedIn, current: str, password: str, visit: Visit) -> Secret:
        """Change one's own password: other sessions end, this one goes on under the token returned.

        Raises LoginRefused, LoginLocked, PasswordRefused, HashingBusy.
        """
        user = signed_in.user
        text = check_password(password, email=user.email, name=user.name)
        await self._login.check_password(user, current, visit)
        with self._ground.hashing.place() as place:
            password_hash = await place.make(text)
        # Here, too.
        with house():
            async with self._ground.db.transaction() as tx:
                await self._set_password(
                    tx, user, password_hash, "password.changed", but=signed_in.session_id
                )
                return await self._sessions.renew(tx, signed_in.session_id)

    def writers(self) -> Mapping[str, Writer]:
        """The letters of this file, for the worker."""
        return {
            _VERIFY: self._write_verify,
            _RESET: self._write_reset,
            _ALREADY: self._write_plain(_ALREADY),
            _INVITATION: self._write_invitation,
            "password_changed": self._write_plain("password_changed"),
            "second_factor_changed": self._write_plain("second_factor_changed"),
        }

    async def _set_password(
        self, tx: Connection, user: User, password_hash: str, action: str, *, but: str | None = None
    ) -> None:
        await user_store.set_password(tx, user.id, password_hash)
        await store.forget_tokens(tx, user.id)
        await self._sessions.end_trust(tx, user.id, but=but)
        await record(tx, Act(action, "user", user.id))
        facts = {"locale": user.locale}
        await mail.put(tx, self._ground.vault, "password_changed", read_email(user.email), facts)

    async def _is_invited(self, address: Email, invitation: str | None) -> bool:
        if invitation is None:
            return False
        with as_invited(invitation):
            async with self._ground.db.read() as reader:
                invited = await self._ground.invited(reader, invitation)
        return invited is not None and read_email(invited).normal == address.normal

    async def _write_verify(self, tx: Connection, facts: Facts) -> Letter | None:
        user = await user_by_id(tx, facts["user"])
        if user is None or user.email_verified_at is not None:
            return None
        return await self._linked(tx, user, _VERIFY, "verify-email", VERIFY_SECONDS)

    async def _write_reset(self, tx: Connection, facts: Facts) -> Letter | None:
        user = await user_by_email(tx, read_email(facts["to"]))
        if user is None or not user.is_active:
            return None
        return await self._linked(tx, user, _RESET, "reset-password", RESET_SECONDS)

    async def _write_invitation(self, tx: Connection, facts: Facts) -> Letter | None:
        user = await user_by_email(tx, read_email(facts["to"]))
        link = f"{self._ground.rules.public_url}/invitation#{facts['token']}"
        return letter(_INVITATION, user.locale if user else "th", facts["to"], link)

    async def _linked(self, tx: Connection, user: User, purpose: str, page: str, seconds: int) -> Letter:
        token = new_secret()
        await store.insert_token(tx, fingerprint(token.reveal()), user.id, purpose, seconds)
        # Behind the # it stays in the browser: servers and their logs never see it.
        link = f"{self._ground.rules.public_url}/{page}#{token.reveal()}"
        return letter(purpose, user.locale, user.email, link)

    def _write_plain(self, kind: str) -> Writer:
        async def write(_: Connection, facts: Facts) -> Letter | None:
            link = f"{self._ground.rules.public_url}/forgot-password"
            return letter(kind, facts.get("locale", "en"), facts["to"], link)

        return write
