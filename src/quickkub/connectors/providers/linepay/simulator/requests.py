"""The request for a payment, field by field (pack 5.1)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.providers.linepay.simulator import checks
from quickkub.connectors.providers.linepay.simulator.answers import Json, Refused
from quickkub.connectors.providers.linepay.simulator.book import Book, Transaction
from quickkub.connectors.providers.linepay.simulator.register import Channel
from quickkub.kernel.money import Currency, Money

LOCALES: Final = ("en", "ja", "ko", "th", "zh_TW", "zh_CN")


def reserve(book: Book, channel: Channel, said: Json) -> Transaction:
    """Check everything, then keep it. Raises Refused."""
    currency = checks.currency(said)
    amount = checks.amount(said, "amount", currency)
    order_id = checks.text(said, "orderId", 100)
    product = _check_sums(said, currency, amount)
    urls = checks.an_object(said, "redirectUrls")
    checks.address(urls, "confirmUrl")
    checks.address(urls, "cancelUrl")
    checks.chosen(urls, "confirmUrlType", ("CLIENT", "SERVER", "NONE"))
    options = checks.an_object(said, "options", needed=False)
    payment = checks.an_object(options, "payment", needed=False)
    capture = checks.flag(payment, "capture", usual=True)
    preapproved = checks.chosen(payment, "payType", ("NORMAL", "PREAPPROVED")) == "PREAPPROVED"
    checks.chosen(checks.an_object(options, "display", needed=False), "locale", LOCALES)
    checks.text(checks.an_object(options, "extra", needed=False), "branchId", 32, needed=False)
    refuse_rights(book, capture=capture, preapproved=preapproved)
    if book.of_order(channel, order_id) is not None:
        raise Refused("1172")
    made = book.add(channel, order_id, amount, said)
    made.capture, made.preapproved, made.product = capture, preapproved, product
    return made


def refuse_rights(book: Book, *, capture: bool, preapproved: bool) -> None:
    """What a channel may do only when LINE enabled it. Raises Refused."""
    if preapproved and not book.options.preapproved:
        raise Refused("1194")
    if not capture and not book.options.separate_capture:
        raise Refused("1179")


def _check_sums(said: Json, currency: Currency, amount: Money) -> str:
    """The amount is the sum of packages, fees, shipping; a package that of its products. Names the first."""
    total, ids, names = _shipping(said, currency), set(), []
    for package in checks.a_list(said, "packages"):
        ids.add(checks.text(package, "id", 50))
        checks.text(package, "name", 100, needed=False)
        own = checks.amount(package, "amount", currency)
        fee = Money(0, currency)
        if package.get("userFee") is not None:
            fee = checks.amount(package, "userFee", currency, over_nothing=False)
        parts = Money(0, currency)
        for product in checks.a_list(package, "products"):
            names.append(checks.text(product, "name", 4000))
            parts += _product(product, currency)
        if parts != own:
            raise Refused("1124", "A package is not the sum of its products.")
        total += own + fee
    if len(ids) != len(said["packages"]):
        raise Refused("2101", "The ids of packages differ.")
    if total != amount:
        raise Refused("1124", "The amount is not the sum of the packages.")
    return names[0]


def _product(product: Json, currency: Currency) -> Money:
    quantity = product.get("quantity")
    if type(quantity) is not int or quantity < 1:
        raise Refused("2101", "quantity is a number from 1.")
    price = checks.amount(product, "price", currency, over_nothing=False)
    checks.text(product, "imageUrl", 500, needed=False)
    return Money(price.minor * quantity, currency)


def _shipping(said: Json, currency: Currency) -> Money:
    options = checks.an_object(said, "options", needed=False)
    shipping = checks.an_object(options, "shipping", needed=False)
    if shipping.get("feeAmount") is None:
        return Money(0, currency)
    return checks.amount(shipping, "feeAmount", currency, over_nothing=False)
