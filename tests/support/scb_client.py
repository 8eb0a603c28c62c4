"""A client of SCB's API that knows only the public reference, for tests of the simulator."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.support.scb import BILLER, KEY, SECRET, Scb


@dataclass(frozen=True)
class Said:
    """An answer: HTTP status, the bank's code, the data."""

    status: int
    code: int
    data: Any

    @property
    def no(self) -> tuple[int, int]:
        """How a refusal is told apart."""
        return self.status, self.code


@dataclass
class Client:
    """Sends what it is told to; takes a token when it needs one."""

    scb: Scb
    session: aiohttp.ClientSession
    base_url: str = ""
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def logs_in(self, key: str = KEY, secret: str = SECRET) -> Said:
        said = await self.sends(
            "POST",
            "/v1/oauth/token",
            {"applicationKey": key, "applicationSecret": secret},
            authorization=None,
        )
        if said.data:
            self.token = said.data["accessToken"]
        return said

    async def sends(self, method: str, path: str, body: Any = None, **headers: str | None) -> Said:
        """`body` None is no body; a header given as None is left out. Underscores stand for hyphens."""
        usual: dict[str, str | None] = {
            "resourceOwnerId": KEY,
            "requestUId": uuid.uuid4().hex,
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json" if body is not None else None,
            **self.headers,
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | given).items() if value is not None}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = (self.base_url or self.scb.base_url) + path
        # Without this, aiohttp would fill in a content type of its own.
        async with self.session.request(
            method, url, data=data, headers=sent, skip_auto_headers=["content-type"]
        ) as came:
            answer = await came.json()
            return Said(came.status, answer["status"]["code"], answer.get("data"))

    async def makes_qr(self, ref1: str = "QK0001", amount: str = "100.00", **more: Any) -> Said:
        """Version 1; a field given as None is left out."""
        usual = {
            "qrType": "PP",
            "ppType": "BILLERID",
            "ppId": BILLER,
            "amount": amount,
            "ref1": ref1,
            "ref2": "REF2",
            "ref3": "SCB1",
        }
        body = {name: value for name, value in (usual | more).items() if value is not None}
        return await self.sends("POST", "/v1/payment/qrcode/create", body)

    async def makes_qr_v2(self, ref1: str = "QK0002", amount: Any = 100, **more: Any) -> Said:
        usual = {
            "qrType": "PP",
            "ppType": "BILLERID",
            "ppId": BILLER,
            "amount": amount,
            "ref1": ref1,
            "ref3": "SCB1",
        }
        return await self.sends("POST", "/v2/payment/qrcode/create", usual | more)

    async def makes_card_qr(self, invoice: str = "INV0001", amount: str = "250.00", **more: Any) -> Said:
        usual = {
            "qrType": "CS",
            "amount": amount,
            "merchantId": "111111111111111",
            "terminalId": "222222222222222",
            "invoice": invoice,
        }
        return await self.sends("POST", "/v1/payment/qrcode/create", usual | more)

    async def makes_link(self, ref1: str = "QK0003", amount: Any = 100, **more: Any) -> Said:
        bill = {"paymentAmount": amount, "accountTo": BILLER, "ref1": ref1, "ref3": "SCB1"}
        usual = {
            "transactionType": "PURCHASE",
            "transactionSubType": ["BP"],
            "sessionValidityPeriod": 600,
            "billPayment": bill,
        }
        return await self.sends("POST", "/v3/deeplink/transactions", usual | more, channel="scbeasy")

    async def link(self, transaction: str) -> Said:
        return await self.sends("GET", f"/v2/transactions/{transaction}")

    async def asks(self, ref1: str = "QK0001", day: str = "2026-01-15", **more: str) -> Said:
        """The inquiry by reference and day of payment."""
        query = {
            "eventCode": "00300100",
            "transactionDate": day,
            "billerId": BILLER,
            "reference1": ref1,
            **more,
        }
        words = "&".join(f"{name}={value}" for name, value in query.items() if value != "-")
        return await self.sends("GET", f"/v1/payment/billpayment/inquiry?{words}")

    async def scans_payer(self, ref1: str = "QK0004", partner: str = "A" * 20, **more: Any) -> Said:
        usual = {
            "qrData": "0002",
            "payeeBillerId": BILLER,
            "transactionAmount": "100.00",
            "reference1": ref1,
            "reference3": "SCB1",
            "partnerTransactionID": BILLER + partner,
        }
        return await self.sends("POST", "/v1/payment/merchant/rtp/confirm", usual | more)

    async def refunds(self, partner: str = "A" * 20) -> Said:
        body = {"partnerTransactionId": BILLER + partner}
        return await self.sends("POST", "/v1/payment/merchant/rtp/refund", body)
