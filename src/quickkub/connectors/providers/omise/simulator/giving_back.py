"""Refunds and disputes: money that goes back, by the shop's will or against it (pack 4.8, 4.9)."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, bad, listed, missing, written
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.counter import ChargeCounter
from quickkub.connectors.providers.omise.simulator.desk import Asked, flag, mapping, text, whole
from quickkub.connectors.providers.omise.simulator.mail import Mail
from quickkub.connectors.providers.omise.simulator.register import Options
from quickkub.connectors.providers.omise.simulator.things import Charge, Dispute, Refund
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money, decimal_text

CLOSED: Final = ("won", "lost")


class RefundCounter:
    """Gives money back out of the shop's balance."""

    def __init__(self, book: Book, charges: ChargeCounter, mail: Mail, options: Options) -> None:
        self._book = book
        self._charges = charges
        self._mail = mail
        self.options = options

    def _charge(self, asked: Asked) -> Charge:
        return self._charges.fresh(self._book.charge(asked.shop, asked.request.match_info["charge"]))

    async def create(self, asked: Asked) -> web.Response:
        charge, satang = self._charge(asked), whole(asked.words, "amount")
        metadata = mapping(asked.words, "metadata")
        if satang is None or satang < 1:
            raise bad("amount is a positive number of satang", "invalid_amount")
        if not charge.is_paid:
            raise bad(f"the charge is {charge.status} and cannot be refunded", "failed_refund")
        if not charge.refundable:
            raise bad("this payment method gives nothing back", "failed_refund")
        if charge.dispute is not None and charge.dispute.status != "won":
            raise bad("the charge is disputed", "failed_refund")
        if satang > charge.left:
            raise bad(f"only {charge.left} is left to refund", "failed_refund")
        if satang > self._book.balance(charge.shop, self.options.opening_balance):
            raise bad("the balance is too small", "insufficient_balance")
        refund_id = self._book.new_id("rfnd", charge.shop)
        line = self._book.enter(charge.shop, "refund.closed.debit", "debit", Money(satang), refund_id)
        is_whole = satang == charge.amount.minor
        refund = Refund(
            refund_id,
            charge.id,
            Money(satang),
            self._book.now,
            line["id"],
            metadata,
            self.options.refund_status,
            voided=flag(asked.words, "void", usual=False) and is_whole,
        )
        charge.refunds.append(refund)
        self._tell_truth(charge)
        shown = refund.shown(is_live=charge.shop.is_live)
        self._mail.send(charge.shop, "refund.create", shown, charge.webhook_endpoints)
        return written(shown)

    def _tell_truth(self, charge: Charge) -> None:
        """What went back is part of the truth that books are compared with."""
        movement = self._book.world.movement(charge.id)
        if movement is not None:
            back = Money(sum(refund.amount.minor for refund in charge.refunds))
            movement.details["refunded"] = decimal_text(back)
            movement.reversed = movement.reversed or back == movement.amount

    async def show(self, asked: Asked) -> web.Response:
        charge, name = self._charge(asked), asked.request.match_info["refund"]
        refund = next((refund for refund in charge.refunds if refund.id == name), None)
        if refund is None:
            raise missing(f"refund {name}")
        return written(refund.shown(is_live=charge.shop.is_live))

    async def list(self, asked: Asked) -> web.Response:
        charge = self._charge(asked)
        rows = [refund.shown(is_live=charge.shop.is_live) for refund in charge.refunds]
        return written(listed(rows, f"/charges/{charge.id}/refunds", asked.words, self._book.now))

    async def list_all(self, asked: Asked) -> web.Response:
        rows = [
            refund.shown(is_live=asked.shop.is_live)
            for charge in self._book.charges_of(asked.shop)
            for refund in charge.refunds
        ]
        rows.sort(key=lambda row: str(row["created_at"]))
        return written(listed(rows, "/refunds", asked.words, self._book.now))

    def close(self, refund_id: str) -> bool:
        """A pending refund arrives; False when there is none of this name."""
        for charge in self._book.charges.values():
            for refund in charge.refunds:
                if refund.id == refund_id:
                    refund.status = "closed"
                    return True
        return False


class DisputeCounter:
    """Disputes, which a payer's bank opens and decides."""

    def __init__(self, book: Book, mail: Mail) -> None:
        self._book = book
        self._mail = mail

    async def list(self, asked: Asked) -> web.Response:
        wanted = asked.request.match_info.get("status", "")
        statuses = CLOSED if wanted == "closed" else (wanted,)
        found = [d for d in self._book.disputes.values() if d.shop is asked.shop]
        rows = [d.shown() for d in found if not wanted or d.status in statuses]
        return written(listed(rows, "/disputes", asked.words, self._book.now))

    async def show(self, asked: Asked) -> web.Response:
        return written(self._found(asked).shown())

    async def update(self, asked: Asked) -> web.Response:
        """A message moves it from open to pending; only then the bank reads it."""
        dispute = self._found(asked)
        if dispute.status != "open":
            raise bad(f"the dispute is {dispute.status}", "documents_locked")
        dispute.metadata = mapping(asked.words, "metadata") or dispute.metadata
        if message := text(asked.words, "message"):
            dispute.message, dispute.status = message, "pending"
        self._tell("dispute.update", dispute)
        return written(dispute.shown())

    async def accept(self, asked: Asked) -> web.Response:
        dispute = self._found(asked)
        if dispute.status != "open":
            raise bad(f"the dispute is {dispute.status}", "documents_locked")
        self._tell("dispute.accept", dispute)
        self.decide(dispute, "lost")
        return written(dispute.shown())

    async def add_document(self, asked: Asked) -> web.Response:
        """Multipart, in the field `file`."""
        dispute = self._found(asked)
        if dispute.status != "open":
            raise bad(f"the dispute is {dispute.status}", "documents_locked")
        filename, content = file_in(asked.request.headers.get("content-type", ""), await asked.request.read())
        if not content:
            raise bad("file is missing or empty")
        name = self._book.new_id("docu", dispute.shop)
        document: Json = {
            "object": "document",
            "livemode": dispute.shop.is_live,
            "id": name,
            "filename": filename,
            "location": f"/disputes/{dispute.id}/documents/{name}",
            "created_at": rfc3339(self._book.now),
        }
        dispute.documents.append(document)
        return written(document)

    async def list_documents(self, asked: Asked) -> web.Response:
        dispute = self._found(asked)
        location = f"/disputes/{dispute.id}/documents"
        return written(listed(dispute.documents, location, asked.words, self._book.now))

    def open(self, charge: Charge, reason: str = "unauthorized_charge") -> Dispute:
        """A payer's bank takes the money back for now."""
        amount = Money(charge.captured, charge.amount.currency)
        name = self._book.new_id("dspt", charge.shop)
        dispute = Dispute(name, charge.id, charge.shop, amount, self._book.now, reason)
        line = self._book.enter(charge.shop, "dispute.started.debit", "debit", amount, name)
        dispute.transactions.append(line)
        self._book.disputes[name] = charge.dispute = dispute
        self._tell("dispute.create", dispute)
        return dispute

    def decide(self, dispute: Dispute, status: str) -> None:
        """Won gives the money back to the shop."""
        dispute.status, dispute.closed_at = status, self._book.now
        if status == "won":
            line = self._book.enter(dispute.shop, "dispute.won.credit", "credit", dispute.amount, dispute.id)
            dispute.transactions.append(line)
        self._tell("dispute.close", dispute)

    def _found(self, asked: Asked) -> Dispute:
        return self._book.dispute(asked.shop, asked.request.match_info["dispute"])

    def _tell(self, key: str, dispute: Dispute) -> None:
        endpoints = self._book.charges[dispute.charge].webhook_endpoints
        self._mail.send(dispute.shop, key, dispute.shown(), endpoints)


def file_in(content_type: str, body: bytes) -> tuple[str, bytes]:
    """Name and bytes of the part `file` of a form; the bytes are empty when there is none."""
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            return part.get_filename() or "", content if isinstance(content, bytes) else b""
    return "", b""
