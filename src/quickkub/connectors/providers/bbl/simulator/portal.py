"""The API portal: token, message signatures, app to app, pull payment (bbl.md B1 to B3, B7)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from aiohttp import web

from quickkub.connectors.providers.bbl.simulator import signing
from quickkub.connectors.providers.bbl.simulator.book import Book, Kind, Order
from quickkub.connectors.providers.bbl.simulator.calls import Caller
from quickkub.connectors.providers.bbl.simulator.setup import Merchant, Options
from quickkub.connectors.reading import Garbled, read_object
from quickkub.connectors.simulation.base import Movement, World
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, BadAmount, Money, decimal_text, read_decimal

REFERENCE: Final = re.compile(r"[A-Z0-9]{1,20}")
AMOUNT: Final = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
JTI_LIVES: Final = timedelta(days=1)
CLOCKS_APART_SECONDS: Final = 300

_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_TEXTS: Final = {
    "052": "Biller or service not registered",
    "209": "Not found",
    "211": "Invalid data",
    "212": "Duplicate transaction reference",
    "213": "Invalid amount",
    "331": "Invalid reference",
    "411": "Reference expired",
    "412": "Already paid",
}


class No(Exception):
    """The portal says no: a business code with HTTP 200, or a status of the gateway."""

    def __init__(self, code: str, *, status: int = 200, text: str = "") -> None:
        super().__init__(text or _TEXTS.get(code, code))
        self.status, self.code = status, code


class Portal:
    """Every call below the portal's address."""

    def __init__(
        self, world: World, book: Book, merchants: Callable[[], list[Merchant]], caller: Caller
    ) -> None:
        self._world, self._book, self._merchants, self._caller = world, book, merchants, caller
        self.options = Options()
        self._tokens: dict[str, tuple[Merchant, datetime]] = {}
        self._seen: dict[str, datetime] = {}
        self._pulled: deque[float] = deque()  # not money: moments

    def forget(self) -> None:
        self._tokens.clear()
        self._seen.clear()

    # --- operations ---

    async def token(self, request: web.Request) -> web.Response:
        """`POST /oauth/accesstoken` with Basic credentials and grant_type client_credentials."""
        client = _basic(request.headers.get("authorization", ""))
        merchant = next((m for m in self._merchants() if _same(client, m)), None)
        if merchant is None:
            return trouble_answer(401, "Invalid client")
        if (await request.post()).get("grant_type") != "client_credentials":
            return trouble_answer(400, "Unsupported grant type")
        token = uuid.uuid4().hex
        lives = self.options.token_lives_seconds
        self._tokens[token] = (merchant, self._world.clock.now() + timedelta(seconds=lives))
        said: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
        if self.options.token_says_life:
            said["expires_in"] = lives
        return web.Response(
            body=_JSON.encode(said | {"scope": "READ CREATE"}), content_type="application/json"
        )

    async def pay(self, request: web.Request) -> web.Response:
        """`POST /v1/billpayment/apptoapp/payment`."""
        return await self._answered(request, self._pay, "responseMsg")

    async def inquire(self, request: web.Request) -> web.Response:
        """`POST /v1/billpayment/apptoapp/inquiry`."""
        return await self._answered(request, self._inquire, "responseMsg")

    async def pull(self, request: web.Request) -> web.Response:
        """`POST /biller/v1/pull-payment`."""
        if self._too_fast():
            return trouble_answer(429, "Too many requests")
        return await self._answered(request, self._pull, "responseMesg")

    # --- at the door ---

    async def _answered(
        self,
        request: web.Request,
        act: Callable[[Merchant, Mapping[str, Any]], dict[str, Any]],
        spelling: str,
    ) -> web.Response:
        """Who asks, whether they signed, and what comes of it, signed by the bank."""
        merchant = self._bearer(request)
        if merchant is None:
            return trouble_answer(401, "Invalid token")
        try:
            body = read_object(await request.read())
            self._check_signature(merchant, request.headers.get("Signature", ""), body)
            said = {"responseCode": "000", spelling: "success", **act(merchant, body)}
        except Garbled:
            return trouble_answer(400, "Invalid JSON")
        except signing.NotSigned as trouble:
            return trouble_answer(403, f"Invalid signature: {trouble}")
        except No as no:
            said = {"responseCode": no.code, spelling: str(no)}
        headers = {"Signature": self._caller.signature(merchant, said)}
        return web.Response(body=_JSON.encode(said), content_type="application/json", headers=headers)

    def _bearer(self, request: web.Request) -> Merchant | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        found = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if found is None or self._world.clock.now() >= found[1]:
            return None
        return found[0]

    def _check_signature(self, merchant: Merchant, token: str, body: Mapping[str, Any]) -> None:
        """Signed by the merchant, in time, never seen before, and over this very body. Raises NotSigned."""
        claims = signing.claims(token, merchant.public_key)
        now = self._world.clock.now()
        expires, jti = claims.get("exp"), claims.get("jti")
        if type(expires) is not int or expires < now.timestamp() - CLOCKS_APART_SECONDS:
            raise signing.NotSigned("exp")
        if not isinstance(jti, str) or not jti or self._seen.get(jti, now) > now:
            raise signing.NotSigned("jti")
        mode = self.options.jwt_body_mode
        if mode.startswith("nested:"):
            said = claims.get(mode.removeprefix("nested:"))
        else:
            said = {name: value for name, value in claims.items() if name not in ("exp", "iat", "jti")}
        if not isinstance(said, dict) or said.keys() != body.keys():
            raise signing.NotSigned("the claims are not the body")
        if any(not _alike(said[name], body[name]) for name in body):
            raise signing.NotSigned("the claims are not the body")
        self._seen[jti] = now + JTI_LIVES

    # --- app to app ---

    def _pay(self, merchant: Merchant, body: Mapping[str, Any]) -> dict[str, Any]:
        reference = self._bill(merchant, body)
        amount = _text_amount(body.get("totalAmount"))
        if body.get("currencyCode") != "THB":
            raise No("211", text="currencyCode")
        second = body.get("reference2", "")
        if second and not (isinstance(second, str) and REFERENCE.fullmatch(second)):
            raise No("331")
        for known in self._book.of(merchant, reference, Kind.APP):
            if known.movements:
                raise No("412")
            if (known.amount, known.reference2) != (amount, second):
                raise No("212")
            if not self.is_over(known):
                return self._link(known)
        now = self._world.clock.now()
        order = Order(
            reference,
            Kind.APP,
            merchant,
            reference,
            amount,
            now,
            now + timedelta(minutes=self.options.link_minutes),
            reference2=second,
            payment_id=f"BBLA2A{self._book.number():04d}{self._book.digits(8)}",
        )
        return self._link(self._book.add(order))

    def _link(self, order: Order) -> dict[str, Any]:
        return {
            "paymentUrl": f"{self.options.link_scheme}://pay?ref={order.payment_id}",
            "paymentReferenceId": order.payment_id,
        }

    def _inquire(self, merchant: Merchant, body: Mapping[str, Any]) -> dict[str, Any]:
        reference = self._bill(merchant, body)
        found = self._book.of(merchant, reference, Kind.APP)
        if not found:
            raise No("331")
        order = next((one for one in found if one.movements), found[-1])
        said: dict[str, Any] = {"paymentReferenceId": order.payment_id, "reference1": reference}
        if order.movements:
            moved = order.movements[0]
            local = moved.paid_at.astimezone(BANGKOK)
            said |= {
                "paymentStatus": "success",
                "transDate": f"{local:%Y-%m-%d}",
                "transTime": f"{local:%H:%M:%S}",
            }
        else:
            said["paymentStatus"] = "expired" if self.is_over(order) else order.state
        if self.options.inquiry_names_amount:
            paid = order.movements[0].amount if order.movements else order.amount
            said |= {"totalAmount": decimal_text(paid), "currencyCode": "THB"}
        return said

    def is_over(self, order: Order) -> bool:
        """Whether a link can no longer be paid."""
        late = order.expires_at is not None and self._world.clock.now() >= order.expires_at
        return late or order.state in ("cancelled", "invalid")

    def _bill(self, merchant: Merchant, body: Mapping[str, Any]) -> str:
        """The reference, once service and biller are the merchant's."""
        if (body.get("serviceCode"), body.get("billerId")) != (merchant.service_code, merchant.biller_id):
            raise No("052")
        return _reference(body)

    # --- pull payment ---

    def _pull(self, merchant: Merchant, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("billerId") != merchant.biller_id:
            raise No("052")
        reference, trans_ref = _reference(body), body.get("transRef")
        if not re.fullmatch(r"[0-9]{3}", str(body.get("destBank", ""))) or not isinstance(trans_ref, str):
            raise No("211")
        found = [
            (order, moved)
            for order in self._book.orders.values()
            for moved in order.movements
            if order.kind is Kind.QR and order.merchant is merchant
            if moved.details.get("trans_ref") == trans_ref and not moved.reversed
        ]
        if not found:
            raise No("209")
        if len(found) > 1:
            raise No("213", text="Ambiguous")
        order, moved = found[0]
        if order.reference != reference or moved.amount != _number_amount(body.get("amount")):
            raise No("211", text="Mismatch")
        return _pulled(order, moved)

    def _too_fast(self) -> bool:
        if not self.options.pulls_per_second:
            return False
        now = time.monotonic()
        while self._pulled and now - self._pulled[0] >= 1:
            self._pulled.popleft()
        self._pulled.append(now)
        return len(self._pulled) > self.options.pulls_per_second


def _pulled(order: Order, moved: Movement) -> dict[str, Any]:
    local = moved.paid_at.astimezone(BANGKOK)
    return {
        "responseMesg": "Success",
        "billerId": order.merchant.biller_id,
        "bankRef": moved.transaction_id,
        "transDate": f"{local:%Y-%m-%d}",
        "transTime": f"{local:%H:%M:%S}",
        "amount": Decimal(decimal_text(moved.amount)),
        "reference1": order.reference,
        "fromBank": moved.details["from_bank"],
    }


def trouble_answer(status: int, text: str) -> web.Response:
    """An error of the gateway, in front of the bank; it is not signed."""
    return web.Response(body=trouble(status, text), status=status, content_type="application/json")


def trouble(status: int, text: str) -> bytes:
    return _JSON.encode({"responseCode": str(status), "responseMesg": text})


def _basic(header: str) -> str:
    scheme, _, code = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(code, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _same(client: str, merchant: Merchant) -> bool:
    known = f"{merchant.client_id}:{merchant.client_secret}"
    return hmac.compare_digest(client.encode(), known.encode())


def _reference(body: Mapping[str, Any]) -> str:
    reference = body.get("reference1")
    if not isinstance(reference, str) or REFERENCE.fullmatch(reference) is None:
        raise No("331")
    return reference


def _text_amount(value: object) -> Money:
    if not isinstance(value, str) or AMOUNT.fullmatch(value) is None:
        raise No("213")
    amount = read_decimal(value, THB)
    if amount.minor <= 0:
        raise No("213")
    return amount


def _number_amount(value: object) -> Money:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise No("211")
    try:
        return read_decimal(f"{value:f}" if isinstance(value, Decimal) else str(value), THB)
    except BadAmount:
        raise No("211") from None


def _alike(left: Any, right: Any) -> bool:
    """Numbers as decimals, everything else as it stands (B2)."""
    numbers = [v for v in (left, right) if isinstance(v, int | Decimal) and not isinstance(v, bool)]
    if not numbers:
        return bool(left == right)
    try:
        return Decimal(str(left)) == Decimal(str(right))
    except InvalidOperation:
        return False
