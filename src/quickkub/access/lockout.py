"""Wrong passwords and codes cost time, more each time, for one account from one network (5.2).

A try is counted before it is looked at, so that a hundred tries at once are a hundred tries. The account is a
hash of what was typed: an address without an account is locked like any other. Nothing has to be unlocked by
hand: every lock ends by itself, and after a day without a wrong try all is forgotten.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from quickkub.access import lockout_store as store
from quickkub.access.opaque import fingerprint
from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import Connection

FREE_TRIES: Final = 5
"""The fifth wrong try in a row is the first that locks."""

FIRST_LOCK_SECONDS: Final = 30
LOCK_SECONDS_MAX: Final = 3600
FORGET_SECONDS: Final = 24 * 3600
EVERYWHERE: Final = "everywhere"
"""Codes of a second factor are counted over all networks: whoever gets that far knows the password."""


class LoginLocked(Refusal):
    """Too many wrong tries for this account from this network. It unlocks by itself."""

    code, kind = "login_locked", Kind.TOO_MANY

    def __init__(self, seconds: int) -> None:
        super().__init__("too many wrong tries; wait before the next one", retry_after=seconds)


def lock_seconds(failures: int) -> int:
    """How long the next try has to wait after so many wrong ones in a row."""
    if failures < FREE_TRIES:
        return 0
    doubled = FIRST_LOCK_SECONDS << min(failures - FREE_TRIES, 20)
    return min(doubled, LOCK_SECONDS_MAX)


_LOCKS: Final = tuple(lock_seconds(failures) for failures in range(1, 33))


def network_of(ip_address: str | None) -> str:
    """The /24 or /64 an address is in: what one subscriber can change at will counts as one."""
    if ip_address is None:
        return "unknown"
    try:
        address = ipaddress.ip_address(ip_address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))  # noqa: PLR2004


def account_of(email_normal: str) -> bytes:
    """What tries at an e-mail address are counted by."""
    return fingerprint(f"email:{email_normal}")


def account_of_codes(user_id: str) -> bytes:
    """What tries at a user's second factor are counted by."""
    return fingerprint(f"codes:{user_id}")


async def count_try(tx: Connection, account: bytes, network: str) -> int:
    """Count a try as if it were wrong, before it is looked at; `forgive` it when it was right.

    Returns how many there were in a row, this one included. Raises LoginLocked, and counts nothing.
    """
    failures = await store.count(tx, account, network, locks=_LOCKS, forget_seconds=FORGET_SECONDS)
    if failures is None:
        raise LoginLocked(await store.locked_for(tx, account, network))
    return failures


async def tell_wrong(
    tx: Connection, account: bytes, network: str, failures: int, *, user_id: str | None, shown: str
) -> None:
    """Write a wrong try down as `login.refused`, and as `login.locked` when the next one has to wait."""
    after = {"account": shown, "network": network, "failures": failures}
    await record(tx, Act("login.refused", "user", user_id, outcome="refused", after=after))
    if seconds := lock_seconds(failures):
        locked = Act("login.locked", "user", user_id, after=after | {"seconds": seconds})
        await record(tx, locked)


async def forgive(tx: Connection, account: bytes, network: str) -> None:
    """The try was right: those before it are forgotten."""
    await store.forget(tx, account, network)
