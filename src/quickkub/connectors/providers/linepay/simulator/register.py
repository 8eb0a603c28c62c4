"""Which channels LINE Pay knows, and how it behaves where nothing is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl

DEMO: Final = {
    "channel_id": "1656000001",
    "channel_secret": "a917ab6a2367b536f8e5a6e2977e06f4",
    "name": "QuickKub",
}
"""The channel that is there when none is named; the secret is the published one, for tests only."""


@dataclass(slots=True)
class Channel:
    """A merchant's channel. A blocked one is answered with 1105."""

    id: str
    secret: str
    name: str = "QuickKub"
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What the documents leave open.

    `pay_info` is how payers pay: `balance`, `card`, `split` (90 % balance and a discount), or `sometimes`, a
    split for every second payment. `separate_capture` and `preapproved` are rights of the channel.
    `allowed_ips` empty lets every address in. `codes_once` refuses a scanned code that was used before.
    """

    request_minutes: int = 20
    refund_days: int = 60
    authorization_days: int = 30
    pay_info: str = "sometimes"
    separate_capture: bool = True
    preapproved: bool = True
    allowed_ips: str = ""
    codes_once: bool = False
    confirm_url_seconds: int = 5


PAY_INFO: Final = {"balance", "card", "split", "sometimes"}


def read_channel(said: Mapping[str, Any]) -> Channel:
    """Raises BadControl."""
    identity, secret = said.get("channel_id"), said.get("channel_secret")
    if not isinstance(identity, str) or not identity.isdigit():
        raise BadControl("channel_id is digits")
    if not isinstance(secret, str) or not secret:
        raise BadControl("channel_secret is missing")
    return Channel(identity, secret, str(said.get("name", "QuickKub")), said.get("blocked") is True)


def read_options(said: Mapping[str, Any], now: Options) -> Options:
    """Change some options. Raises BadControl."""
    for name, value in said.items():
        usual = getattr(now, name, None)
        if usual is None or type(value) is not type(usual):
            raise BadControl(f"{name} is no option, or its value has another type than {usual!r}")
        if type(value) is int and value < 0:
            raise BadControl(f"{name} is not negative")
    if said.get("pay_info", "sometimes") not in PAY_INFO:
        raise BadControl(f"pay_info is one of {', '.join(sorted(PAY_INFO))}")
    return replace(now, **said)
