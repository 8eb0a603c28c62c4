"""Settings of an account that turn assumed behaviour on or off, by the names of the provider's register.

A switch `mtls` of provider `scb` may be written `scb.mtls` or `mtls`: an account belongs to one provider.
"""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Account

_ON: Final = frozenset({"true", "on", "yes", "1"})


def setting(account: Account, name: str, default: str = "") -> str:
    """The setting's text without surrounding blanks, or `default` when it is absent or blank."""
    settings = account.settings
    said = settings.get(f"{account.provider}.{name}") or settings.get(name) or ""
    return said.strip() or default


def is_on(account: Account, name: str, *, default: bool = False) -> bool:
    """Whether a switch is `true`, `on`, `yes` or `1`; everything else is off."""
    said = setting(account, name)
    return said.lower() in _ON if said else default
