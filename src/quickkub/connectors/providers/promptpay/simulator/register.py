"""Which PromptPay ids lead to an account here, and how the banks behave where nothing is certain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from quickkub.connectors.simulation.base import BadControl
from quickkub.promptpay import Proxy, QrRefusal, ewallet, mobile, national_id

ADDRESS: Final = re.compile(r"https?://[^\s]+")

DEMO: Final = {
    "receiver_kind": "mobile",
    "promptpay_id": "0812345678",
    "name": "QuickKub Shop",
    "notification_secret": "promptpay-notices-for-tests-only-32+",
    "feed_key": "promptpay-feed-for-tests-only-32-or-more",
}
"""The account that is there when none is named; its secrets are for tests only."""

_MAKERS: Final = {"mobile": mobile, "national_id": national_id, "tax_id": national_id, "ewallet": ewallet}


@dataclass(slots=True)
class Receiving:
    """An account that receives. `biller` is set instead of `proxy` for a biller id."""

    kind: str
    id: str
    name: str
    secret: str
    feed_key: str
    proxy: Proxy | None = None
    biller: str = ""
    callback_url: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How the banks behave.

    `locks_amount`: the payer's app does not let the amount of a QR be changed (pack 2.5 is not certain).
    `lag_seconds`: so long a transfer is missing from the statement. `sending_bank` is the payer's, three
    digits. `sends_notices` off is an account whose bank tells nobody. `page_lines`: lines of a page.
    """

    locks_amount: bool = False
    lag_seconds: int = 0
    sending_bank: str = "004"
    sends_notices: bool = True
    notice_tries: int = 5
    notice_apart_seconds: int = 60
    page_lines: int = 100


def read_receiving(said: Mapping[str, Any]) -> Receiving:
    """Raises BadControl."""
    known = {*DEMO, "callback_url"}
    if unknown := said.keys() - known:
        raise BadControl(f"an app has {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}")
    words = {**DEMO, **{name: str(value) for name, value in said.items()}}
    found = Receiving(
        words["receiver_kind"],
        words["promptpay_id"],
        words["name"],
        words["notification_secret"],
        words["feed_key"],
    )
    if found.kind == "biller":
        if re.fullmatch(r"[0-9]{15}", found.id) is None:
            raise BadControl("a biller id is 15 digits")
        found.biller = found.id
    elif found.kind in _MAKERS:
        try:
            found.proxy = _MAKERS[found.kind](found.id)
        except QrRefusal as refusal:
            raise BadControl(f"promptpay_id is refused: {refusal.code}") from None
    else:
        raise BadControl(f"receiver_kind is biller or one of {', '.join(_MAKERS)}")
    if words.get("callback_url"):
        found.callback_url = read_address(words["callback_url"])
    return found


def read_address(url: object) -> str:
    """Raises BadControl."""
    if not isinstance(url, str) or ADDRESS.fullmatch(url) is None:
        raise BadControl("url is an http or https address")
    return url


def read_options(said: Mapping[str, Any], now: Options) -> Options:
    """Change some options. Raises BadControl."""
    known = {field.name for field in fields(Options)}
    for name, value in said.items():
        if name not in known or type(value) is not type(getattr(now, name)):
            raise BadControl(f"{name} is none of {', '.join(sorted(known))}, or its value has another type")
        if type(value) is int and value < 0:
            raise BadControl(f"{name} is not negative")
    if re.fullmatch(r"[0-9]{3}", str(said.get("sending_bank", "004"))) is None:
        raise BadControl("sending_bank is three digits")
    if said.get("page_lines") == 0:
        raise BadControl("page_lines is at least 1")
    return replace(now, **said)
