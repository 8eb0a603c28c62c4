"""The simulated GBPrimePay as a whole: its operations, what a payer can do, and the hand inside."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from aiohttp import web

from quickkub.connectors.providers.gbprimepay.simulator import answers
from quickkub.connectors.providers.gbprimepay.simulator.answers import Refused
from quickkub.connectors.providers.gbprimepay.simulator.book import KINDS, Book, Transaction
from quickkub.connectors.providers.gbprimepay.simulator.card_desk import CardDesk
from quickkub.connectors.providers.gbprimepay.simulator.checks import Desk
from quickkub.connectors.providers.gbprimepay.simulator.form_desk import FormDesk
from quickkub.connectors.providers.gbprimepay.simulator.office import Office
from quickkub.connectors.providers.gbprimepay.simulator.payer_desk import PayerDesk
from quickkub.connectors.providers.gbprimepay.simulator.qr_desk import QrDesk
from quickkub.connectors.providers.gbprimepay.simulator.register import (
    DEMO,
    Options,
    read_address,
    read_options,
    read_shop,
)
from quickkub.connectors.providers.gbprimepay.simulator.telling import Telling
from quickkub.connectors.simulation.base import (
    BadControl,
    CannotPay,
    Config,
    Item,
    Movement,
    NoSuchThing,
    Operation,
    Pay,
    World,
)
from quickkub.connectors.simulation.faults import Fault, FaultKind

Handler = Callable[[web.Request], Awaitable[web.Response]]

log = logging.getLogger(__name__)

_ENDS = {"cancelled": "17", "invalid": "05"}


class GbprimepaySimulator:
    """See simulation.base.ProviderSimulator."""

    name = "gbprimepay"
    title = "GBPrimePay simulator"

    def __init__(self, config: Config) -> None:
        self.world = World.from_config(config)
        self._book = Book(self.world)
        self._book.options = read_options(config.get("options", {}), Options())
        self._desk = Desk()
        for said in config.get("apps", [DEMO]):
            self.configure("apps", said)
        if "callback_url" in config:
            self.configure("registrations", {"url": config["callback_url"]})
        self._telling = Telling(self.world, self._book)
        self._qr = QrDesk(self.world, self._book, self._desk)
        self._forms = FormDesk(self._book, self._desk)
        self._cards = CardDesk(self.world, self._book, self._desk, self.pay, self.end)
        self._office = Office(self._book, self._desk)
        self._payer = PayerDesk(self._book, self.pay, self.end)

    # --- the API ---

    def base_paths(self) -> tuple[str, ...]:
        return ("",)

    def operations(self) -> tuple[Operation, ...]:
        known = tuple(
            Operation(name, method, path, _guarded(handler)) for name, method, path, handler in self._routes()
        )
        return (*known, Operation("other", "*", "/{tail:.*}", _no_such_page))

    def _routes(self) -> tuple[tuple[str, str, str, Handler], ...]:
        qr, of, cards, office, payer = self._qr, self._forms.of, self._cards, self._office, self._payer
        version = "/{version:v[12]}"
        return (
            ("qr_cash", "POST", "/v3/qrcode/text", qr.cash_text),
            ("qr_cash_image", "POST", "/v3/qrcode", qr.cash_picture),
            ("qr_cash_image", "POST", "/gbp/gateway/qrcode", qr.cash_picture),
            ("qr_credit", "POST", "/v3/qrcredit/text", qr.credit_text),
            ("qr_credit_image", "POST", "/v3/qrcredit", qr.credit_picture),
            ("qr_credit_image", "POST", "/gbp/gateway/qrcredit", qr.credit_picture),
            ("bill_slip", "POST", "/gbp/gateway/barcode", qr.slip),
            ("truemoney", "POST", "/v2/trueWallet", of("trueWallet")),
            ("linepay", "POST", "/v2/linepay", of("linepay")),
            ("shopeepay", "POST", "/v1/shopeePay", of("shopeePay")),
            ("atome", "POST", "/v1/atome", of("atome")),
            ("wechat", "POST", "/v2/wechat/text", qr.wechat_text),
            ("wechat_image", "POST", "/v2/wechat", qr.wechat_picture),
            ("wechat_image", "POST", "/v3/wechat", qr.wechat_picture),
            ("alipay", "POST", "/v2/alipay", of("alipay")),
            ("alipay", "POST", "/alipay/api/alipay", of("alipay")),
            ("mobile_banking", "POST", "/v2/mobileBanking", of("mobileBanking")),
            ("installment", "POST", "/v2/installment", of("installment")),
            ("card_token", "POST", f"{version}/tokens", cards.make_token),
            ("charge", "POST", f"{version}/tokens/charge", cards.charge),
            ("page_3d_secured", "POST", f"{version}/tokens/3d_secured", cards.prove_payer),
            ("status", "POST", "/v1/check_status_txn", office.status),
            ("check_public_key", "GET", "/checkPublicKey", office.check_public),
            ("check_private_key", "GET", "/checkPrivateKey", office.check_private),
            ("check_customer_key", "POST", "/checkCustomerKey", office.check_token),
            ("merchant_info", "GET", "/getmerchantinfo", office.merchant),
            ("settlement", "GET", "/portal/settlement", office.settlement),
            ("page_otp_send", "POST", "/v1/trueWallet/payment", payer.send_otp),
            ("page_otp_resend", "GET", "/true/payments/repeatauthapply", payer.resend_otp),
            ("page_otp_verify", "POST", "/true/payments/verifytokens", payer.verify_otp),
            ("page_go", "GET", "/web/go/{key}", payer.go),
            ("page_pay", "GET", "/web/pay/{key}", payer.show),
            ("page_decide", "POST", "/web/pay/{key}", payer.press),
        )

    def trouble(self, status: int) -> bytes:
        return answers.trouble(status)

    def distort(self, body: bytes, what: str) -> bytes:
        return answers.distort(body, what)

    # --- the payer ---

    def items(self, limit: int) -> list[Item]:
        return [self._item(one) for one in islice(reversed(self._book.transactions.values()), limit)]

    def item(self, ref: str) -> Item:
        return self._item(self._named(ref))

    def _item(self, one: Transaction) -> Item:
        state = {"G": "over" if self._book.is_over(one) else "waiting", "S": "paid", "V": "voided"}
        until = one.made_at + timedelta(seconds=self._book.options.qr_seconds) if one.is_shown else None
        return Item(
            one.number,
            KINDS[one.payment_type],
            one.amount,
            state.get(one.status, "declined"),
            one.made_at,
            until,
            (one.amount,) if one.paid_at else (),
            note=one.reference,
            qr_text=one.qr_text,
        )

    def pay(self, ref: str, pay: Pay) -> Movement:
        one = self._named(ref)
        movement = self._book.settle(one, pay.amount)
        if pay.lose_answer:
            self.world.faults.add(Fault(FaultKind.DROP_ANSWER, "status", reference=one.reference))
        self._telling.tell(one, "drop" if pay.lose_answer else pay.callback)
        return movement

    def scan(self, qr: str) -> str:
        found = next((t for t in self._book.transactions.values() if t.qr_text and t.qr_text == qr), None)
        if found is None:
            raise CannotPay("this is no QR of a transaction here")
        return found.number

    def end(self, ref: str, state: str) -> None:
        """`cancelled`, `invalid`, or a resultCode of two letters. Nobody tells of a QR that is not paid."""
        one = self._named(ref)
        code = _ENDS.get(state, state)
        if len(code) != 2 or code == "00":  # noqa: PLR2004 -- resultCode is two letters
            raise BadControl(f"state is one of {', '.join(_ENDS)}, or a resultCode")
        self._book.decline(one, code)
        if not one.is_shown:
            self._telling.tell(one, "send")

    def reverse(self, transaction_id: str) -> Movement:
        """A person voids it in the portal; nobody is told, and an inquiry shows `V` (pack 5.11)."""
        one = self._book.transactions.get(transaction_id)
        if one is None or one.movement is None or one.status != "S":
            raise NoSuchThing(transaction_id[:60])
        one.status, one.movement.reversed = "V", True
        return one.movement

    # --- the hand inside ---

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        match what:
            case "apps":
                shop = read_shop(said)
                self._desk.add(shop)
                return {"publicKey": shop.public_key}
            case "registrations":
                return self._register(said)
            case _:
                self._book.options = read_options(said, self._book.options)
                return dict(said)

    def _register(self, said: Config) -> Mapping[str, Any]:
        """`{"url": …}` for webhooks without a backgroundUrl, or `{"card": …, "resultCode": …}`."""
        if "card" in said:
            self._book.refused_cards[str(said["card"])] = str(said.get("resultCode", "05"))
            return {"card": said["card"]}
        url = read_address(said.get("url"))
        for shop in self._desk.shops.values():
            shop.callback_url = url
        return {"url": url}

    def confirmations(self) -> list[Mapping[str, Any]]:
        return [letter.shown() for letter in self._telling.post.letters]

    def reset(self) -> None:
        self._book.clear()
        self._telling.post.forget()

    async def close(self) -> None:
        await self._telling.post.close()

    def _named(self, ref: str) -> Transaction:
        one = self._book.find(ref)
        if one is None:
            raise NoSuchThing(ref[:60])
        return one


def _guarded(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refused as refused:
            return answers.answer(refused.body, refused.status)
        except web.HTTPException:
            raise
        except Exception:
            # The outermost loop of a request. A mistake of ours looks to a client like one of GBPrimePay's.
            log.exception("the simulator failed on %s", request.path)
            return web.Response(status=500, body=answers.trouble(500), content_type="application/json")

    return handle


async def _no_such_page(_: web.Request) -> web.Response:
    return answers.answer("<h1>Not Found</h1>", 404)
