"""The second factor of a user: enrolled by showing that the app works, replaced, taken off.

Also the codes on paper. Everything here runs in the caller's transaction and says whether it succeeded; who
may ask, and how often, is decided by login.py and second_factor.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from quickkub.access import factor_store as store
from quickkub.access import recovery, totp
from quickkub.audit import Act, record
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection
from quickkub.storage.vault import Place, Vault


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has of second factors."""

    is_on: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


async def factors_of(reader: Connection, user_id: str) -> Factors:
    """What a user has; nothing is shown of the secrets."""
    row = await store.standing(reader, user_id)
    return Factors(row["confirmed_at"] is not None, row["confirmed_at"], row["codes_left"])


async def is_on(reader: Connection, user_id: str) -> bool:
    """Whether a code is asked for when this user signs in."""
    return await store.is_on(reader, user_id)


async def begin(tx: Connection, vault: Vault, user_id: str) -> Secret:
    """A new secret that counts once a code of it was shown; one that was begun before is void."""
    secret = totp.new_totp_secret()
    await store.set_pending(tx, user_id, vault.seal(secret.reveal().encode(), _pending_at(user_id)))
    await record(tx, Act("second_factor.begun", "user", user_id))
    return secret


async def confirm(tx: Connection, vault: Vault, user_id: str, code: str, now: datetime) -> list[str] | None:
    """Let the begun secret count, and give new recovery codes.

    None when the code does not fit, or nothing was begun.
    """
    sealed = await store.lock_pending(tx, user_id)
    if sealed is None:
        return None
    secret = Secret(vault.open(sealed, _pending_at(user_id)).decode())
    step = totp.step_of(secret, code, now)
    if step is None:
        return None
    again = vault.seal(secret.reveal().encode(), _place(user_id))
    await store.set_secret(tx, user_id, again, step)
    await record(tx, Act("second_factor.turned_on", "user", user_id))
    return await renew_codes(tx, user_id)


async def turn_off(tx: Connection, user_id: str) -> bool:
    """Take the second factor off, recovery codes too. False when there was none."""
    if not await store.remove(tx, user_id):
        return False
    await record(tx, Act("second_factor.turned_off", "user", user_id))
    return True


async def renew_codes(tx: Connection, user_id: str) -> list[str]:
    """Ten new recovery codes; those before are void."""
    codes = recovery.new_codes()
    await store.replace_codes(tx, user_id, [recovery.hash_code(user_id, code) for code in codes])
    await record(tx, Act("recovery_codes.renewed", "user", user_id))
    return codes


async def spend(tx: Connection, vault: Vault, user_id: str, code: str, now: datetime) -> str | None:
    """Take a code of the app, or one from paper, for ever. Returns which, or None when it is not good."""
    if recovery.looks_like_one(code):
        if not await store.use_code(tx, user_id, recovery.hash_code(user_id, code)):
            return None
        await record(tx, Act("recovery_code.used", "user", user_id))
        return "recovery_code"
    row = await store.secret(tx, user_id)
    if row is None:
        return None
    step = totp.step_of(Secret(vault.open(row["secret"], _place(user_id)).decode()), code, now)
    if step is None or not await store.use_step(tx, user_id, row["confirmed_at"], step):
        return None
    return "totp"


def _place(user_id: str) -> Place:
    return Place("second_factors", "secret", "", user_id)


def _pending_at(user_id: str) -> Place:
    return Place("second_factors", "pending", "", user_id)
