"""What 2C2P looks at in a paymentToken before it gives one out (pack 4.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.providers.twoctwop.simulator.answers import Refused
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import AMOUNT_MAX, CURRENCIES, Money

MANDATORY: Final = ("merchantID", "invoiceNo", "description", "amount", "currencyCode")
LONGEST: Final = {
    "merchantID": 25, "invoiceNo": 50, "description": 250, "currencyCode": 3, "idempotencyID": 100,
    "request3DS": 1, "transactionMode": 20, "statementDescriptor": 20, "locale": 10, "nonceStr": 32,
    "paymentExpiry": 19, "frontendReturnUrl": 255, "backendReturnUrl": 255, "invoicePrefix": 15,
    **{f"userDefined{n}": 150 for n in range(1, 6)},
}  # fmt: skip
CHANNELS: Final = frozenset(
    {
        *("ALL", "CC", "LCC", "IPP", "PPQR", "QR", "TRUEMONEY", "LINE", "SHPPAY", "ALIPAY", "WCQR", "GRAB"),
        *("GRABBNPL", "123", "COUNTER", "MOBILEBANKING", "IBANKING", "IMBANK", "WEBPAY", "OVERTHECOUNTER"),
        *("ATM", "BANKCOUNTER", "DEEPLINK", "GCARD", "LCARD", "DPAY", "SSM", "BNPL", "GTPTY", "THQR"),
        *("CSQR", "ALQR", "SGQR"),
    }
)
QR_INVOICE: Final = re.compile(r"[A-Za-z0-9]{1,20}")
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,5})?")
_EXPIRY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def check_request(claims: dict[str, Any]) -> None:
    """Missing (9005), too long (9006), channels nobody has (6108)."""
    for name in MANDATORY:
        if claims.get(name) in (None, ""):
            raise Refused("9005", name)
    for name, most in LONGEST.items():
        value = claims.get(name)
        if value is not None and not isinstance(value, str):
            raise Refused("9005", name)
        if isinstance(value, str) and len(value) > most:
            raise Refused("9006", name)
    if re.fullmatch(r"[A-Za-z0-9]+", claims["invoiceNo"]) is None:
        raise Refused("9005", "invoiceNo")
    if claims.get("request3DS", "Y") not in ("Y", "F", "N", ""):
        raise Refused("9005", "request3DS")
    channels_of(claims)


def channels_of(claims: dict[str, Any]) -> list[str]:
    """The channels the payment is narrowed to; empty for all."""
    channels = claims.get("paymentChannel") or []
    if not isinstance(channels, list) or not all(isinstance(one, str) for one in channels):
        raise Refused("6108", "paymentChannel")
    if unknown := [one for one in channels if one.upper() not in CHANNELS]:
        raise Refused("6108", unknown[0])
    return [one.upper() for one in channels if one.upper() != "ALL"]


def money_of(claims: dict[str, Any]) -> Money:
    """Number or text, padded or not, read as a decimal (pack 3); 9009 and 9010."""
    currency = CURRENCIES.get(claims["currencyCode"])
    if currency is None:
        raise Refused("9010", claims["currencyCode"])
    value = claims["amount"]
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, bool) or _AMOUNT.fullmatch(text) is None:
        raise Refused("9009", "amount")
    minor = Decimal(text) * 10**currency.exponent
    if minor != minor.to_integral_value() or not 100 <= minor <= AMOUNT_MAX:  # noqa: PLR2004 -- 1.00, assumed
        raise Refused("9009", "amount")
    return Money(int(minor), currency)


def expiry_of(claims: dict[str, Any], now: datetime, usual: timedelta) -> datetime:
    """paymentExpiry in Bangkok time, or 20 minutes; 9008 for the past and what is no time."""
    text = claims.get("paymentExpiry") or ""
    if not text:
        return now + usual
    if _EXPIRY.fullmatch(text) is None:
        raise Refused("9008", "paymentExpiry")
    try:
        until = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except ValueError:
        raise Refused("9008", "paymentExpiry") from None
    if until <= now:
        raise Refused("9008", "paymentExpiry")
    return until
