"""Eight attacks. What an attacker has and how they go about it is drawn; no rule is looked at here.

Drawn for each attack: how often they try (every 3 to 60 seconds, slower where people are involved), how many
cards,
devices and addresses they own, what they are after, and after how many refusals they change device and
address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from quickkub.fraud.simulation.drawing import Dice, Try
from quickkub.fraud.subject import Hints

NEW_MERCHANT: Final = 6
DORMANT_MERCHANT: Final = 7
"""Merchants with no honest traffic of their own, beside the six of traffic.KINDS."""

Refused = Callable[[], bool]
"""Whether the try just made was stopped by us; the attacker sees it."""


@dataclass
class Kit:
    """What an attacker has at hand, and how patient they are before they change their disguise."""

    dice: Dice
    addresses: list[str]
    devices: list[str]
    refusals: int = 0
    address: str = ""
    device: str = ""

    def __post_init__(self) -> None:
        self.patience = self.dice.between(2, 12)
        self.change()

    def change(self) -> None:
        self.refusals = 0
        self.address, self.device = self.dice.one_of(self.addresses), self.dice.one_of(self.devices)

    def saw(self, refused: bool) -> None:
        self.refusals += refused
        if self.refusals >= self.patience:
            self.change()


def _kit(dice: Dice, addresses: int, devices: int, first: int) -> Kit:
    return Kit(
        dice,
        [dice.home_address(first) for _ in range(addresses)],
        [dice.name("bot") for _ in range(devices)],
    )


def _card(dice: Dice, bins: list[str], country: str = "TH") -> Hints:
    return Hints(card=dice.name("stolen"), bin=dice.one_of(bins), card_country=country)


def _bins(dice: Dice, count: int) -> list[str]:
    return [str(dice.between(500_000, 559_999)) for _ in range(count)]


def card_testing(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """A bought list of cards is tried out with small amounts, from a few rented machines."""
    kit, bins = _kit(dice, dice.between(1, 6), dice.between(1, 6), 45), _bins(dice, dice.between(1, 4))
    every, dead, merchant = dice.between(3, 40), dice.between(55, 95), dice.one_of((1, 3))
    for _ in range(dice.between(60, 250)):
        card = _card(dice, bins)
        hints = Hints(kit.device, card.card, card.bin, card.card_country, "TH")
        yield Try(
            at,
            merchant,
            dice.between(1_000, 30_000),
            "card",
            hints,
            "",
            "",
            kit.address,
            fails=dice.happens(dead),
        )
        kit.saw(refused())
        at += dice.gap(every)


def distributed_card_testing(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """The same from a network of taken-over home computers: no address or device comes often."""
    machines = dice.between(60, 400)
    kit, bins = _kit(dice, machines, machines, 45), _bins(dice, dice.between(1, 3))
    every, dead, merchant = dice.between(3, 30), dice.between(60, 95), dice.one_of((1, 3))
    for _ in range(dice.between(100, 300)):
        kit.change()
        card = _card(dice, bins)
        hints = Hints(kit.device, card.card, card.bin, card.card_country, "TH")
        yield Try(
            at,
            merchant,
            dice.between(1_000, 30_000),
            "card",
            hints,
            "",
            "",
            kit.address,
            fails=dice.happens(dead),
        )
        refused()
        at += dice.gap(every)


def stolen_cards_spree(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """Good stolen cards are spent on things that can be sold again, quickly, before they are blocked."""
    kit, bins = _kit(dice, dice.between(1, 4), dice.between(1, 3), 103), _bins(dice, 12)
    every, mail = dice.between(30, 180), f"{dice.name('buyer')}@gmail.com"
    for _ in range(dice.between(15, 50)):
        card = _card(dice, bins)
        hints = Hints(kit.device, card.card, card.bin, card.card_country, "TH")
        satang = dice.between(400_000, 3_500_000)
        yield Try(at, 2, satang, "card", hints, mail, "", kit.address, dice.name("order"), dice.happens(25))
        kit.saw(refused())
        at += dice.gap(every)


def shared_card_ring(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """A few cards are posted in a chat group and everybody in it buys with them."""
    people = dice.between(8, 40)
    kit = _kit(dice, people, people, 110)
    cards = [_card(dice, _bins(dice, 3)) for _ in range(dice.between(1, 4))]
    every, merchant = dice.between(20, 180), dice.one_of((1, 2))
    for _ in range(dice.between(20, 60)):
        kit.change()
        card = dice.one_of(cards)
        hints = Hints(kit.device, card.card, card.bin, card.card_country, "TH")
        mail = f"{dice.name('m')}@gmail.com"
        satang = dice.between(80_000, 1_500_000)
        yield Try(
            at, merchant, satang, "card", hints, mail, "", kit.address, dice.name("order"), dice.happens(30)
        )
        refused()
        at += dice.gap(every)


def foreign_spree(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """Thai cards are spent from abroad: every purchase has a new device, address and throw-away identity."""
    country = dice.one_of(("VN", "ID", "NG", "RO", "KH", "PH"))
    kit, bins = _kit(dice, 200, 200, 14), _bins(dice, 20)
    domains = {"gmail.com": 60, "mailinator.com": 25, "yopmail.com": 15}
    every, merchant = dice.between(30, 240), dice.one_of((1, 2, 5))
    hidden = dice.between(0, 40)  # percent of tries through a Thai proxy
    for _ in range(dice.between(15, 45)):
        kit.change()
        card = _card(dice, bins)
        seen_in = "TH" if dice.happens(hidden) else country
        hints = Hints(kit.device, card.card, card.bin, card.card_country, seen_in)
        mail = f"{dice.name('x')}@{dice.weighted(domains)}"
        satang = dice.between(250_000, 2_800_000)
        yield Try(
            at, merchant, satang, "card", hints, mail, "", kit.address, dice.name("order"), dice.happens(20)
        )
        refused()
        at += dice.gap(every)


def bust_out_merchant(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """A shop opened with another's papers sells nothing for stolen money on its first day and wants it paid
    out."""
    people = dice.between(10, 60)
    kit, every = _kit(dice, people, people, 125), dice.between(10, 90)
    for _ in range(dice.between(40, 120)):
        kit.change()
        hints = Hints(device=kit.device, country="TH")
        phone = f"09{dice.between(10_000_000, 99_999_999)}"
        method = dice.weighted({"promptpay": 60, "mobile_banking": 40})
        satang = dice.between(300_000, 5_000_000)
        yield Try(at, NEW_MERCHANT, satang, method, hints, "", phone, kit.address, dice.name("order"))
        refused()
        at += dice.gap(every)


def mule_qr(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """A call centre tells its victims to pay one QR that was made at an honest-looking shop."""
    reference, every, merchant = dice.name("qr"), dice.between(20, 150), dice.one_of((0, 1, 4))
    for _ in range(dice.between(20, 60)):
        hints = Hints(device=dice.name("victim"), country="TH")
        phone = f"08{dice.between(10_000_000, 99_999_999)}"
        satang = dice.between(300_000, 4_900_000)
        yield Try(at, merchant, satang, "promptpay", hints, "", phone, dice.home_address(171), reference)
        refused()
        at += dice.gap(every)


def dormant_merchant(dice: Dice, at: datetime, refused: Refused) -> Iterator[Try]:
    """The account of a shop that closed months ago is taken over and used to turn stolen wallets into
    money."""
    people = dice.between(3, 25)
    kit, every = _kit(dice, people, people, 27), dice.between(15, 120)
    for _ in range(dice.between(30, 100)):
        kit.change()
        hints = Hints(device=kit.device, country="TH")
        phone = f"06{dice.between(10_000_000, 99_999_999)}"
        method = dice.weighted({"truemoney": 70, "promptpay": 30})
        satang = dice.between(100_000, 2_000_000)
        yield Try(at, DORMANT_MERCHANT, satang, method, hints, "", phone, kit.address, dice.name("order"))
        refused()
        at += dice.gap(every)


Attack = Callable[[Dice, datetime, Refused], Iterator[Try]]
ATTACKS: Final[dict[str, Attack]] = {
    "card testing": card_testing,
    "card testing, distributed": distributed_card_testing,
    "stolen cards, one buyer": stolen_cards_spree,
    "stolen card, many buyers": shared_card_ring,
    "stolen cards from abroad": foreign_spree,
    "bust-out merchant": bust_out_merchant,
    "mule's QR": mule_qr,
    "dormant merchant taken over": dormant_merchant,
}
