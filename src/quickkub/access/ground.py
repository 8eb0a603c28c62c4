"""What every part of signing in stands on, put together once in house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from quickkub.access.hashing import Cost, Hashing, cost_of
from quickkub.kernel.clock import Clock, SystemClock
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import Connection, Database
from quickkub.storage.vault import Vault

RolesOf: TypeAlias = Callable[[Connection, str], Awaitable[Collection[str]]]
"""The roles a user has in merchants; told by members."""

OnReset: TypeAlias = Callable[[Connection, str], Awaitable[None]]
"""Called where all of a user's sessions end: who gave the user tokens ends them in the same transaction."""

Invited: TypeAlias = Callable[[Connection, str], Awaitable[str | None]]
"""The e-mail address an invitation's token was sent to, while it can still be taken; told by members."""

Join: TypeAlias = Callable[[Connection, str, str, str], Awaitable[object]]
"""Takes an invitation: its token, the user's id, and the normal form of their address; told by members."""

IDLE_SECONDS: Final = 12 * 3600
IDLE_SECONDS_MONEY: Final = 15 * 60
ABSOLUTE_SECONDS: Final = 12 * 3600
STEP_UP_SECONDS: Final = 5 * 60
VERIFY_SECONDS: Final = 24 * 3600
RESET_SECONDS: Final = 3600


class AccessSetting(Refusal):
    """A setting about passwords, registration or mail cannot be read."""

    code, kind = "access_setting_invalid", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may choose. All times in seconds."""

    public_url: str = "http://127.0.0.1:3002"
    open_registration: bool = False
    idle_seconds: int = IDLE_SECONDS
    idle_seconds_money: int = IDLE_SECONDS_MONEY
    absolute_seconds: int = ABSOLUTE_SECONDS


def read_rules(environment: Mapping[str, str], public_url: str) -> tuple[Rules, Cost]:
    """The rules and the cost of a password. Raises AccessSetting, HashingWeak."""
    said = environment.get("QUICKKUB_OPEN_REGISTRATION", "0")
    if said not in {"0", "1"}:
        raise AccessSetting("QUICKKUB_OPEN_REGISTRATION is 0 or 1", param="QUICKKUB_OPEN_REGISTRATION")
    return Rules(public_url=public_url, open_registration=said == "1"), read_cost(environment)


def read_cost(environment: Mapping[str, str]) -> Cost:
    """What one hash of a password costs. Raises AccessSetting, HashingWeak."""
    return cost_of(
        memory_mib=_number(environment, "QUICKKUB_PASSWORD_MEMORY_MIB", 64),
        passes=_number(environment, "QUICKKUB_PASSWORD_PASSES", 3),
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 4):  # noqa: PLR2004 -- up to 9999
        raise AccessSetting(f"{name} is a whole number, not {text!r}", param=name)
    return int(text)


async def _no_roles(_: Connection, __: str) -> Collection[str]:
    return ()


async def _nothing_to_end(_: Connection, __: str) -> None:
    return None


async def _nobody_invited(_: Connection, __: str) -> str | None:
    return None


async def _no_team(_: Connection, __: str, ___: str, ____: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Ground:
    """Database, vault, hashing, clock, rules, and what other parts of the house tell."""

    db: Database
    vault: Vault
    hashing: Hashing
    rules: Rules = field(default_factory=Rules)
    clock: Clock = field(default_factory=SystemClock)
    roles_of: RolesOf = _no_roles
    on_reset: OnReset = _nothing_to_end
    invited: Invited = _nobody_invited
    join: Join = _no_team


@dataclass(frozen=True, slots=True)
class Visit:
    """Where somebody comes from: address and browser, as far as the edge can tell."""

    ip_address: str | None = None
    user_agent: str | None = None
