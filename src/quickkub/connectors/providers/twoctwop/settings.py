"""What an account's settings mean here: its keys, its channels, its clock."""

from __future__ import annotations

from datetime import timedelta, timezone

from quickkub.connectors.contract import Account, Order
from quickkub.connectors.providers.twoctwop.jose import BadKey, Keys, read_keys
from quickkub.connectors.providers.twoctwop.manifest import CHANNELS, Channel
from quickkub.connectors.switches import is_on, setting


def merchant_id(account: Account) -> str:
    return setting(account, "merchant_id")


def secret_key(account: Account) -> str:
    """The text whose letters are the key; empty when the account has none."""
    secret = account.credentials.get("secret_key")
    return secret.reveal().strip() if secret else ""


def lacks(account: Account) -> str:
    """The first thing without which nothing can be asked; empty when all is there."""
    if not merchant_id(account):
        return "merchant_id"
    return "" if secret_key(account) else "secret_key"


def action_keys(account: Account) -> Keys:
    """The keys of payment actions. Raises BadKey when one is missing or cannot be used."""
    ours = account.credentials.get("merchant_private_key")
    theirs = setting(account, "provider_certificate")
    if not ours or not theirs:
        raise BadKey("the account has no keys for payment actions")
    return read_keys(ours.reveal(), theirs)


def has_action_keys(account: Account) -> bool:
    return bool(account.credentials.get("merchant_private_key") and setting(account, "provider_certificate"))


def zone(account: Account) -> timezone:
    """The zone in which 2C2P writes times; it names none itself (pack 3)."""
    text = setting(account, "utc_offset", "+07:00")
    span = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-span if text[0] == "-" else span)


def channel(account: Account, order: Order) -> Channel:
    """How this order's method is asked for: the account's own words first."""
    usual = CHANNELS[order.method]
    for part in setting(account, "channels").split(","):
        method, _, words = part.partition("=")
        if method.strip() == order.method:
            code, agent, agent_channel = (*words.strip().split("/"), "", "")[:3]
            usual = Channel(code, agent, agent_channel, usual.hosted)
    return usual


def is_hosted(account: Account, order: Order) -> bool:
    """Whether the payer goes to 2C2P's page. A card goes there unless its token was made in the browser."""
    if is_on(account, "use_hosted_page"):
        return True
    if order.method == "card" and order.payer.card_token:
        return False
    return channel(account, order).hosted
