"""What the bank sends to the merchant: the datafeed and the portal's notifications (bbl.md A4, B3 to B6)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from quickkub.connectors.providers.bbl.simulator import hashing, signing
from quickkub.connectors.providers.bbl.simulator.book import Order, Try
from quickkub.connectors.providers.bbl.simulator.ipay_page import BAHT, tx_time
from quickkub.connectors.providers.bbl.simulator.setup import Merchant, Options
from quickkub.connectors.simulation.base import Movement, World
from quickkub.connectors.simulation.post import JSON_HEADERS, Letter, Patience, Post
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

FEED_MINUTES: Final = (1, 5, 15, 60)
"""After the first call, until the merchant says OK; not public (A4)."""

FORM_HEADERS: Final = {"content-type": "application/x-www-form-urlencoded"}
_JSON: Final = msgspec.json.Encoder(decimal_format="number")

Remake = Callable[[str], tuple[bytes, Mapping[str, str]]]


class BankPost(Post):
    """Calls again on the bank's own schedule, and says in each notification that it is a repeat."""

    def __init__(self, world: World) -> None:
        super().__init__(world, is_proper, Patience(tries_max=len(FEED_MINUTES) + 1, apart_seconds=60))
        self.schedule = world.schedule
        self._remakes: dict[int, Remake] = {}

    def remake(self, letter: Letter, how: Remake) -> None:
        """Write the letter anew, with retryFlag Y, before it goes out again."""
        self._remakes[letter.number] = how

    async def _deliver(self, letter: Letter, tries: int) -> None:
        if await self._call(letter):
            letter.state = "accepted"
            return
        if tries > len(FEED_MINUTES):
            letter.state = "given_up"
            return
        if how := self._remakes.get(letter.number):
            letter.body, letter.headers = how("Y")
        wait = timedelta(minutes=FEED_MINUTES[tries - 1])
        self.schedule.after(wait, lambda: self._deliver(letter, tries + 1))


def is_proper(status: int, answer: bytes, letter: Letter) -> bool:
    """A datafeed wants a text that begins with OK; a notification responseCode 000, or one that ends it."""
    if status != 200:  # noqa: PLR2004 -- HTTP's OK
        return False
    if letter.headers.get("content-type") == FORM_HEADERS["content-type"]:
        return answer.lstrip().startswith(b"OK")
    try:
        said = json.loads(answer, parse_float=str)
    except (ValueError, RecursionError):
        return False
    # The bank repeats for these and stops for every other answer (B6).
    repeats = {"054", "210", "341", "888"}
    code = said.get("responseCode") if isinstance(said, dict) else None
    return isinstance(code, str) and len(code) == 3 and code not in repeats  # noqa: PLR2004 -- codes are 3 digits


class Caller:
    """Writes and signs every message."""

    def __init__(self, world: World, post: BankPost) -> None:
        self._world, self._post = world, post
        self.options = Options()

    # --- iPay ---

    def datafeed(self, made: Try, callback: str) -> None:
        merchant = made.order.merchant
        words = self._feed_words(made)
        false = {**words, "Amt": decimal_text(Money(2 * made.amount.minor)), "PayRef": "9999999"}
        self._post.send(
            made.pay_ref,
            merchant.urls.get("datafeed"),
            urlencode(words).encode(),
            callback=callback,
            forged=urlencode(false).encode(),
            headers=FORM_HEADERS,
        )

    def _feed_words(self, made: Try) -> dict[str, str]:
        good, form = made.prc == "0", made.order.form
        words = {
            "prc": made.prc,
            "src": made.src,
            "Ord": f"{made.number:08d}",
            "Ref": made.order.reference,
            self.options.datafeed_pay_ref: made.pay_ref,
            "successcode": "0" if good else "1",
            "Amt": decimal_text(made.amount),
            "Cur": BAHT,
            "Holder": made.holder,
            "AuthId": f"{made.number:06d}" if good else "",
            "AlertCode": "R14",
            "remark": form.get("remark", ""),
            "eci": "05" if made.payer_auth == "Y" else "07",
            "payerAuth": made.payer_auth,
            "sourceIp": "203.0.113.10",
            "ipCountry": "TH",
            "payMethod": "VISA",
            "TxTime": tx_time(made),
            "panFirst4": made.card[:4],
            "panLast4": made.card[-4:],
            "cardIssuingCountry": "TH",
            "channelType": made.channel,
            "MerchantId": made.order.merchant.merchant_id,
            **{f"orderRef{n}": form[f"orderRef{n}"] for n in range(1, 6) if f"orderRef{n}" in form},
        }
        if proof := self._feed_hash(made):
            words["secureHash"] = proof
        return words

    def _feed_hash(self, made: Try) -> str:
        secret, how = made.order.merchant.secret, self.options.datafeed_hash
        if how == "same":
            how = hashing.algorithm_of(made.order.form.get("secureHash", "")) or "sha512"
        if not secret or how == "none":
            return ""
        code = "0" if made.prc == "0" else "1"
        parts = [made.src, made.prc, code, made.order.reference, made.pay_ref, BAHT]
        parts += [decimal_text(made.amount), made.payer_auth]
        secrets = [old for old in (self.options.datafeed_old_secret, secret) if old]
        return ",".join(hashing.made(how, [*parts, one]) for one in secrets)

    # --- the portal ---

    def app(self, order: Order, callback: str) -> None:
        words = {
            "reference1": order.reference,
            "paymentStatus": "success",
            "paymentReferenceId": order.payment_id,
        }
        body, headers = self.signed(order.merchant, words)
        self._post.send(
            order.payment_id, order.merchant.urls.get("app"), body, callback=callback, headers=headers
        )

    def bill(self, order: Order, moved: Movement, kind: str, callback: str) -> None:
        """Smart Bill Payment, or the two-way service where the option says so; `kind` is C or D."""
        two_way = self.options.notifies_qr_by == "two_way"
        write = self._two_way if two_way else self._smart
        merchant = order.merchant

        def made(retry: str) -> tuple[bytes, Mapping[str, str]]:
            return self.signed(merchant, write(order, moved, kind, retry), two_way=two_way)

        body, headers = made("N")
        url = merchant.urls.get("two_way" if two_way else "bill")
        # It goes out with the true one's signature, which is over other words.
        false = _JSON.encode(write(order, moved, kind, "N") | {"amount": 99_999})
        about = moved.transaction_id
        letter = self._post.send(about, url, body, callback=callback, headers=headers, forged=false)
        self._post.remake(letter, made)

    def signed(
        self, merchant: Merchant, words: Mapping[str, Any], *, two_way: bool = False
    ) -> tuple[bytes, Mapping[str, str]]:
        """A JSON body and its headers, with the Signature over the very same words."""
        headers = dict(JSON_HEADERS)
        if self.options.two_way_signed or not two_way:
            headers["Signature"] = self.signature(merchant, words)
        if two_way:
            local = self._world.clock.now().astimezone(BANGKOK)
            headers["Request-Ref"] = uuid.uuid4().hex
            headers["Transmit-Date-Time"] = f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}+07:00"
        return _JSON.encode(words), headers

    def signature(self, merchant: Merchant, words: Mapping[str, Any]) -> str:
        """The JWT of a message: its words, or the words under one key, and when it was made."""
        issued = int(self._world.clock.now().timestamp())
        proof = {"exp": issued + 86_400, "iat": issued, "jti": str(uuid.uuid4())}
        mode = self.options.jwt_body_mode
        said = {mode.removeprefix("nested:"): words} if mode.startswith("nested:") else dict(words)
        return signing.sign(_JSON.encode({**said, **proof}), merchant.bank_key)

    def _smart(self, order: Order, moved: Movement, kind: str, retry: str) -> dict[str, Any]:
        local = moved.paid_at.astimezone(BANGKOK)
        return {
            "billerId": order.merchant.biller_id,
            "transDate": f"{local:%Y-%m-%d}",
            "transTime": f"{local:%H:%M:%S}",
            "termType": "80",
            "amount": Decimal(decimal_text(moved.amount)),
            "reference1": order.reference,
            "reference2": order.reference2,
            "reference3": order.reference3,
            "fromBank": moved.details["from_bank"],
            "fromBranch": "0000",
            "fromName": "SOMCHAI J",
            "bankRef": moved.transaction_id,
            "approvalCode": moved.details["approval_code"],
            "txnType": kind,
            "retryFlag": retry,
        }

    def _two_way(self, order: Order, moved: Movement, kind: str, retry: str) -> dict[str, Any]:
        local = moved.paid_at.astimezone(BANGKOK)
        return {
            "payeeId": order.merchant.biller_id[:13],
            "transDate": f"{local:%Y-%m-%d}",
            "transTime": f"{local:%H:%M:%S}",
            "transRef": moved.transaction_id,
            "channel": "I",
            "termId": "0001",
            "amount": Decimal(decimal_text(moved.amount)),
            "reference1": order.reference,
            "reference2": order.reference2,
            "reference3": order.reference3,
            "fromBank": moved.details["from_bank"],
            "retryFlag": retry,
        }
