"""Honest payments, as they come in Thailand: hours, methods, amounts, regulars, and phones that share
addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.fraud.simulation.drawing import Dice, Try
from quickkub.fraud.subject import Hints

HOURS: Final = dict(
    enumerate((3, 2, 1, 1, 1, 2, 5, 9, 12, 14, 16, 20, 24, 18, 15, 14, 15, 18, 24, 28, 27, 22, 14, 7))
)
"""How many of a day's payments fall into each hour in Bangkok, in proportion: lunch and evening are busy."""

CARRIER_ADDRESSES: Final = 24
"""Thai mobile carriers put thousands of phones behind one address; in our traffic they share so many."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of merchant. `prices` are typical tickets in satang; `methods` weights; `fixed`: prices are a
    list."""

    name: str
    a_day: int
    prices: tuple[int, ...]
    methods: dict[str, int]
    payers: int
    fixed: bool = False
    known_percent: int = 60


KINDS: Final = (
    Kind(
        "food stall", 220, (4_500, 6_000, 9_000, 15_000), {"promptpay": 90, "truemoney": 10}, 400, False, 15
    ),
    Kind(
        "fashion shop",
        130,
        (29_000, 59_000, 89_000, 159_000),
        {"promptpay": 50, "card": 25, "mobile_banking": 15, "truemoney": 10},
        900,
    ),
    Kind(
        "electronics shop",
        60,
        (199_000, 590_000, 1_290_000),
        {"card": 45, "promptpay": 40, "mobile_banking": 15},
        500,
    ),
    Kind(
        "streaming",
        160,
        (9_900, 16_900, 41_900),
        {"card": 55, "truemoney": 25, "promptpay": 20},
        2_500,
        True,
        95,
    ),
    Kind("temple", 50, (2_000, 10_000, 50_000), {"promptpay": 100}, 1_500, True, 5),
    Kind("hotel", 40, (120_000, 250_000, 480_000), {"card": 70, "promptpay": 30}, 800, False, 90),
)

FOREIGN: Final = ("CN", "MY", "RU", "IN", "KR", "GB", "US", "DE", "JP", "SG")


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer with their cards, devices, and the addresses they come from."""

    email: str
    phone: str
    cards: tuple[Hints, ...]
    devices: tuple[str, ...]
    home: str
    abroad: str


def honest(dice: Dice, begins: datetime, days: int, share_percent: int = 100) -> list[Try]:
    """All honest tries of some days, in order. `share_percent` of a usual day's number of payments."""
    tries: list[Try] = []
    carriers = [dice.home_address(49) for _ in range(CARRIER_ADDRESSES)]
    for number, kind in enumerate(KINDS):
        payers = [_payer(dice, kind) for _ in range(kind.payers)]
        for day in range(days):
            midnight = begins + timedelta(days=day)
            for _ in range(kind.a_day * share_percent // 100):
                hour = dice.weighted(HOURS)
                at = midnight + timedelta(hours=hour, milliseconds=dice.between(0, 3_599_999))
                tries += _visit(dice, kind, number, payers, carriers, at)
    return sorted(tries, key=lambda one: one.at)


def _payer(dice: Dice, kind: Kind) -> Payer:
    is_guest = dice.happens(25 if kind.name == "hotel" else 4)
    country = dice.one_of(FOREIGN) if is_guest else "TH"
    cards = tuple(
        Hints(card=dice.name("card"), bin=str(dice.between(400_000, 400_060)), card_country=country)
        for _ in range(dice.weighted({1: 75, 2: 20, 3: 5}))
    )
    return Payer(
        email=f"{dice.name('p')}@{dice.one_of(('gmail.com', 'hotmail.com', 'icloud.com', 'example.co.th'))}",
        phone=f"08{dice.between(10_000_000, 99_999_999)}",
        cards=cards,
        devices=tuple(dice.name("dev") for _ in range(dice.weighted({1: 70, 2: 25, 3: 5}))),
        home=dice.home_address(171),
        # Some book from home before they come, some travel.
        abroad=country if is_guest and dice.happens(50) else "TH",
    )


def _visit(
    dice: Dice, kind: Kind, merchant: int, payers: list[Payer], carriers: list[str], at: datetime
) -> list[Try]:
    """One visit: mostly one payment; a declined card is often tried again, or another one."""
    payer = payers[dice.skewed(len(payers))]
    method = dice.weighted(kind.methods)
    price = dice.one_of(kind.prices)
    satang = price if kind.fixed else dice.spread(price) // 100 * 100 + 100
    is_known = dice.happens(kind.known_percent)
    address = (dice.one_of(carriers) if dice.happens(60) else payer.home) if is_known else ""
    device = dice.one_of(payer.devices) if is_known else ""
    tries = []
    for number in range(3):
        card = payer.cards[number % len(payer.cards)] if method == "card" else Hints()
        fails = dice.happens(7 if method == "card" else 2)
        tries.append(
            Try(
                at + timedelta(seconds=number * 70),
                merchant,
                satang,
                method,
                Hints(device, card.card, card.bin, card.card_country, payer.abroad if is_known else ""),
                payer.email if is_known and dice.happens(80) else "",
                payer.phone if is_known and dice.happens(60) else "",
                address,
                "counter" if kind.name in ("food stall", "temple") else dice.name("order"),
                fails,
            )
        )
        if not (fails and dice.happens(70)):
            break
    return tries
