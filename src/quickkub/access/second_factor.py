"""Turning one's own second factor on, replacing it, taking it off, and getting new recovery codes."""

from __future__ import annotations

from dataclasses import dataclass

from quickkub.access import factors, lockout, mail, totp
from quickkub.access.emails import masked, read_email
from quickkub.access.ground import STEP_UP_SECONDS, Ground
from quickkub.access.sessions import (
    SecondFactorRequired,
    Sessions,
    SignedIn,
    StepUpRequired,
    require_step_up,
)
from quickkub.access.users import MONEY_ROLES
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection


class SecondFactorOff(Refusal):
    """There is no second factor to take off or to make recovery codes for."""

    code, kind = "second_factor_off", Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("turn a second factor on first")


class EnrolmentRefused(Refusal):
    """The code does not belong to the secret that was shown, or none was shown within the hour."""

    code, kind = "enrolment_refused", Kind.UNPROCESSABLE

    def __init__(self) -> None:
        super().__init__("the code does not belong to the secret shown", param="code")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret for an authenticator app: as text, and as what its QR code says."""

    secret: Secret
    uri: Secret


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """Recovery codes, shown once, and the session's new token."""

    recovery_codes: list[str]
    token: Secret


class SecondFactor:
    """What a person does with the own second factor."""

    def __init__(self, ground: Ground, sessions: Sessions) -> None:
        self._ground = ground
        self._sessions = sessions

    async def enrol(self, signed_in: SignedIn) -> Enrolment:
        """Show a new secret. One that is on stays on until the new one is confirmed.

        Raises StepUpRequired; SecondFactorRequired when one is on that this session has not shown.
        """
        _require_fresh(signed_in)
        async with self._ground.db.transaction() as tx:
            secret = await factors.begin(tx, self._ground.vault, signed_in.user_id)
        return Enrolment(secret, Secret(totp.uri(secret, signed_in.user.email)))

    async def confirm(self, signed_in: SignedIn, code: str) -> TurnedOn:
        """Turn it on by a code of the app, shown by this session. Raises EnrolmentRefused, LoginLocked."""
        _require_fresh(signed_in)
        user, vault, now = signed_in.user, self._ground.vault, self._ground.clock.now()
        account = lockout.account_of_codes(user.id)
        async with self._ground.db.transaction() as tx:
            failures = await lockout.count_try(tx, account, lockout.EVERYWHERE)
            codes = await factors.confirm(tx, vault, user.id, code, now)
            if codes is None:
                await lockout.tell_wrong(
                    tx, account, lockout.EVERYWHERE, failures, user_id=user.id, shown=masked(user.email)
                )
            else:
                await lockout.forgive(tx, account, lockout.EVERYWHERE)
                token = await self._sessions.step_up(tx, signed_in.session_id, second_factor=True)
                await self._tell(tx, signed_in)
        if codes is None:
            raise EnrolmentRefused
        return TurnedOn(codes, token)

    async def disable(self, signed_in: SignedIn) -> None:
        """Take it off. Raises StepUpRequired, SecondFactorOff; SecondFactorRequired when a role needs one."""
        require_step_up(signed_in)
        if signed_in.roles & MONEY_ROLES:
            raise SecondFactorRequired
        async with self._ground.db.transaction() as tx:
            if not await factors.turn_off(tx, signed_in.user_id):
                raise SecondFactorOff
            await self._tell(tx, signed_in)

    async def new_recovery_codes(self, signed_in: SignedIn) -> list[str]:
        """Ten new ones; those before are void. Raises StepUpRequired, SecondFactorOff."""
        require_step_up(signed_in)
        if not signed_in.second_factor_is_on:
            raise SecondFactorOff
        async with self._ground.db.transaction() as tx:
            return await factors.renew_codes(tx, signed_in.user_id)

    async def _tell(self, tx: Connection, signed_in: SignedIn) -> None:
        user = signed_in.user
        facts = {"locale": user.locale}
        await mail.put(tx, self._ground.vault, "second_factor_changed", read_email(user.email), facts)


def _require_fresh(signed_in: SignedIn) -> None:
    """A session that may only enrol is let in; one that never showed the factor it would replace is not."""
    if signed_in.second_factor_is_on and not signed_in.second_factor:
        raise SecondFactorRequired
    if signed_in.stepped_up_seconds >= STEP_UP_SECONDS:
        raise StepUpRequired(STEP_UP_SECONDS)
