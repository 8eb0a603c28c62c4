"""A shop with one account at a made-up bank whose every word a test chooses.

The bank follows the connector contract and has no wire: what it says is what the test told it to say. Wire
formats are tested with the simulators; here the question is what we do with an answer.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from quickkub.connectors.contract import (
    About,
    Account,
    Action,
    ActionKind,
    Authorized,
    CallbackAnswer,
    CallbackNews,
    Can,
    Declined,
    DisputeExchange,
    DisputeNews,
    DisputeState,
    Done,
    Evidence,
    Exchange,
    Forged,
    Instruction,
    InstructionExchange,
    InstructionOutcome,
    Manifest,
    MethodOffer,
    NotSent,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Receipt,
    Token,
    TokenExchange,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.disputes.service import Disputes
from quickkub.disputes.settle import ProviderDisputes
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import THB, Money, read_decimal
from quickkub.kernel.secrets import Secret
from quickkub.merchants.accounts import open_account
from quickkub.payments.model import Answered, NewPayment
from quickkub.payments.office import Office
from quickkub.payments.service import Payments
from quickkub.refunds.effects import ProviderRefunds
from quickkub.refunds.model import NewRefund
from quickkub.refunds.service import Refunds
from quickkub.storage import Database
from quickkub.storage.idempotency import Once, fingerprint
from quickkub.storage.vault import Vault

T = TypeVar("T")

QR = "00020101021230...the made-up bank's QR"
PAID_AT = datetime(2026, 1, 15, 3, 33, 12, tzinfo=UTC)


def receipt(amount: Money, transaction: str = "T1", paid_at: datetime = PAID_AT) -> Receipt:
    """Money that moved, as the bank tells it."""
    return Receipt(transaction, amount, paid_at)


def done(instruction: Instruction) -> Done:
    """The bank did what it was told."""
    return Done(f"M{instruction.reference}", instruction.amount, PAID_AT)


MANIFEST = Manifest(
    name="madeup",
    title_en="Made-up Bank",
    title_th="ธนาคารสมมติ",
    methods=(
        MethodOffer("promptpay", 1, 1_000_000_000),
        MethodOffer("card", 1, 1_000_000_000, can=frozenset(Can), refund_days=90),
        MethodOffer("linepay", 1, 1_000_000_000, can=frozenset({Can.AUTHORIZE, Can.REFUND})),
    ),
    fields=(),
    sandbox_base_url="",
    live_base_url="",
    simulator_port=0,
    create_is_repeatable=True,
)


@dataclass
class MadeUpBank:
    """A connector that answers from a queue, and with `usual` when the queue is empty."""

    trusted: bool = False
    to_create: deque[Outcome] = field(default_factory=deque)
    to_inquire: deque[Outcome] = field(default_factory=deque)
    usual_inquiry: Outcome = field(default_factory=Waiting)
    of: dict[str, Outcome] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    inquired: list[str] = field(default_factory=list)
    heard: list[RawCallback] = field(default_factory=list)
    to_instruct: deque[InstructionOutcome] = field(default_factory=deque)
    to_be_asked: deque[InstructionOutcome] = field(default_factory=deque)
    told: list[Instruction] = field(default_factory=list)
    asked_about: list[str] = field(default_factory=list)
    dispute: DisputeNews | None = None
    manifest: Manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        yield from ()
        return Token(Secret("unused"), 60)

    def create(self, account: Account, order: Order) -> Exchange:
        yield from ()
        self.created.append(order.reference)
        self.orders.append(order)
        if self.to_create:
            return self.to_create.popleft()
        if order.capture_later:
            return Authorized(order.amount, PAID_AT, provider_reference="hold-" + order.reference)
        return Waiting(Action(ActionKind.DISPLAY_QR, QR))

    def inquire(self, account: Account, order: Order) -> Exchange:
        yield from ()
        self.inquired.append(order.reference)
        if self.to_inquire:
            return self.to_inquire.popleft()
        return self.of.get(order.reference, self.usual_inquiry)

    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        yield from ()
        self.told.append(instruction)
        return self.to_instruct.popleft() if self.to_instruct else done(instruction)

    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        yield from ()
        self.asked_about.append(instruction.reference)
        return self.to_be_asked.popleft() if self.to_be_asked else Unknown("still down")

    def inquire_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        yield from ()
        return self.dispute or Unknown("never heard of it")

    def contest_dispute(self, account: Account, dispute_id: str, evidence: Evidence) -> DisputeExchange:
        return self._rules(DisputeState.UNDER_REVIEW)

    def accept_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        return self._rules(DisputeState.LOST)

    def _rules(self, state: DisputeState) -> DisputeExchange:
        yield from ()
        if self.dispute is None:
            return Unknown("the line was cut")
        self.dispute = replace(self.dispute, state=state)
        return self.dispute

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        self.heard.append(raw)
        if raw.headers.get("x-forged"):
            raise Forged("the made-up signature is wrong")
        try:
            said = json.loads(raw.body)
            if "dispute" in said:
                assert self.dispute is not None
                return CallbackNews(said["id"], said["ref"], None, about=About.DISPUTE, dispute=self.dispute)
            if "instruction" in said:
                return CallbackNews(said["id"], said["instruction"], None, about=About.INSTRUCTION)
            money = read_decimal(said["amount"], THB)
            return CallbackNews(said["id"], said["ref"], receipt(money, said["id"]))
        except (ValueError, KeyError) as trouble:
            raise Unreadable("not the made-up bank's words") from trouble

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return CallbackAnswer(200, b'{"ok":true}')

    def trusts_callbacks(self, account: Account) -> bool:
        return self.trusted


@dataclass(frozen=True)
class ToldByBank(Generic[T]):
    """An outcome and its (made-up) words on the wire."""

    outcome: T
    transcript: bytes = b"[]"


class QuietLine:
    """Drives an exchange that asks for nothing."""

    async def run(
        self, account: Account, exchange: Generator[Any, Any, T]
    ) -> ToldByBank[T | Declined | NotSent | Unknown]:
        try:
            next(exchange)
        except StopIteration as end:
            return ToldByBank(end.value)
        raise AssertionError("the made-up bank has no wire")


class Shop:
    """A merchant, its bank and everything the payments room does for it."""

    def __init__(self, database: Database, merchant: MerchantId, token: str, bank: MadeUpBank) -> None:
        self.db, self.merchant, self.token, self.bank = database, merchant, token, bank
        self.vault = VAULT
        # Further banks by provider name, and accounts whose circuit is open.
        self.banks: dict[str, MadeUpBank] = {}
        self.open_circuits: set[str] = set()
        self.office = Office(
            database,
            VAULT,
            QuietLine(),
            lambda name: self.banks.get(name, bank),
            "http://shop.test",
            ProviderRefunds(),
            ProviderDisputes(),
            circuit_open=lambda account: account.id in self.open_circuits,
        )
        self.refunds = Refunds(self.office)
        self.disputes = Disputes(self.office)
        self.payments = Payments(self.office)

    async def opens_account(self, provider: str, bank: MadeUpBank, **settings: str) -> str:
        """A further account, at a bank of its own. Returns the account's id."""
        next_millisecond()
        self.banks[provider] = bank
        bank.manifest = replace(bank.manifest, name=provider)
        async with self.db.transaction() as tx:
            account, _ = await open_account(
                tx,
                VAULT,
                self.merchant,
                mode="test",
                provider=provider,
                settings=settings,
                credentials={"k": "test"},
            )
        return account

    async def charges(self, amount: Money, key: str | None = None, **more: Any) -> dict[str, Any]:
        """A payment as the merchant sees it right after asking."""
        answered = await self.asks(amount, key, **more)
        view: dict[str, Any] = json.loads(answered.body)
        return view

    async def asks(self, amount: Money, key: str | None = None, **more: Any) -> Answered:
        asked = NewPayment(amount, more.pop("method", "promptpay"), **more)
        return await self.payments.create(asked, self.once("payments.create", key, repr(asked)), rendered)

    async def captures(
        self, payment: str, amount: Money | None = None, key: str | None = None, *, final: bool = True
    ) -> dict[str, Any]:
        once = self.once("payments.capture", key, f"{payment} {amount} {final}")
        answered = await self.payments.capture(payment, amount, once, rendered, is_last=final)
        view: dict[str, Any] = json.loads(answered.body)
        return view

    async def voids(self, payment: str, key: str | None = None) -> dict[str, Any]:
        answered = await self.payments.void(payment, self.once("payments.void", key, payment), rendered)
        view: dict[str, Any] = json.loads(answered.body)
        return view

    async def refunds_of(
        self, payment: str, amount: Money | None = None, key: str | None = None, **more: Any
    ) -> dict[str, Any]:
        asked = NewRefund(payment, amount, **more)
        answered = await self.refunds.create(asked, self.once("refunds.create", key, repr(asked)), rendered)
        view: dict[str, Any] = json.loads(answered.body)
        return view

    async def cancels(self, payment: str, key: str | None = None) -> dict[str, Any]:
        answered = await self.payments.cancel(payment, self.once("payments.cancel", key, payment), rendered)
        view: dict[str, Any] = json.loads(answered.body)
        return view

    def once(self, operation: str, key: str | None, words: str) -> Once:
        print_ = fingerprint("POST", operation, (), words.encode())
        return Once(self.merchant, "test", operation, key or new_id("key"), print_)

    async def sees(self, payment: str) -> dict[str, Any]:
        return await self.payments.get(self.merchant, "test", payment, with_attempts=True)

    async def is_told(self, body: Mapping[str, Any] | bytes, **headers: str) -> CallbackAnswer:
        """The bank calls back."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.payments.keep_callback("madeup", self.token, RawCallback("POST", headers, {}, raw))

    async def works(self) -> None:
        """The worker does everything that is due, until nothing is."""
        while True:
            callbacks = await self.payments.claim_callbacks(50)
            for kept in callbacks:
                await self.payments.work_callback(kept)
            attempts = await self.payments.claim_attempts(50)
            for attempt in attempts:
                await self.payments.check_attempt(attempt)
            told = await self.payments.claim_instructions(50)
            for one in told:
                await self.payments.check_instruction(one)
            orphans = await self.refunds.claim_unapplied(50)
            for orphan in orphans:
                await self.refunds.give_back(orphan)
            busy = callbacks or attempts or told or orphans
            overdue = await self.payments.claim_overdue(50)
            for late in overdue:
                await self.payments.expire(late)
            if not busy and not overdue:
                return

    async def time_passes(self, span: timedelta) -> None:
        """Everything that was to happen within `span` is due now."""
        async with self.db.transaction() as tx:
            await tx.execute(
                "UPDATE payments SET due_at = due_at - $1::interval, expires_at = expires_at - $1::interval,"
                " lease_until = lease_until - $1::interval",
                span,
            )
            await tx.execute(
                "UPDATE attempts SET next_check_at = next_check_at - $1::interval,"
                " lease_until = lease_until - $1::interval",
                span,
            )
            await tx.execute(
                "UPDATE inbox SET due_at = due_at - $1::interval, lease_until = lease_until - $1::interval",
                span,
            )
            await tx.execute(
                "UPDATE instructions SET next_check_at = next_check_at - $1::interval,"
                " lease_until = lease_until - $1::interval, last_check_at = last_check_at - $1::interval",
                span,
            )
            await tx.execute("UPDATE idempotency_keys SET busy_until = busy_until - $1::interval", span)

    async def counts(self, table: str) -> int:
        async with self.db.read() as reader:
            found: int = await reader.fetchval(f"SELECT count(*) FROM {table}")
            return found

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        async with self.db.read() as reader:
            found: list[Any] = await reader.fetch(sql, *values)
            return found


VAULT = Vault({1: bytes(range(32))})


def next_millisecond() -> None:
    """Accounts are used in the order of their ids, which know milliseconds: the next one is to come later."""
    opened = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == opened:
        pass


def rendered(view: Mapping[str, Any]) -> tuple[int, bytes]:
    return 201, json.dumps(view, sort_keys=True).encode()


async def open_shop(database: Database, bank: MadeUpBank | None = None) -> Shop:
    """A new merchant with one account at the made-up bank."""
    merchant = MerchantId(new_id("mer"))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Som Tam Shop')", merchant)
        _, token = await open_account(
            tx, VAULT, merchant, mode="test", provider="madeup", settings={}, credentials={"k": "test"}
        )
    return Shop(database, merchant, token, bank or MadeUpBank())


__all__ = ["MadeUpBank", "Paid", "Shop", "Unknown", "open_shop", "receipt"]
