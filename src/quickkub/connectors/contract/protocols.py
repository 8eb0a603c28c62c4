"""What every provider folder offers, and what some offer besides.

A connector method is a generator: it yields what it wants done (`Request`, `TokenPlease`), is sent the
result, and returns an outcome. The line in transport.py does the doing.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from typing import Any, Protocol, TypeAlias, runtime_checkable

from quickkub.connectors.contract.callbacks import CallbackAnswer, CallbackNews, RawCallback
from quickkub.connectors.contract.manifest import Manifest
from quickkub.connectors.contract.orders import Account, Evidence, Instruction, Order
from quickkub.connectors.contract.outcomes import (
    CheckAnswer,
    Declined,
    DisputeAnswer,
    InstructionOutcome,
    Outcome,
    ReportAnswer,
    SlipAnswer,
    Unknown,
)
from quickkub.connectors.contract.wire import Effect, Request, Response, Token

Exchange: TypeAlias = Generator[Effect, Any, Outcome]
InstructionExchange: TypeAlias = Generator[Effect, Any, InstructionOutcome]
SlipExchange: TypeAlias = Generator[Effect, Any, SlipAnswer]
DisputeExchange: TypeAlias = Generator[Effect, Any, DisputeAnswer]
ReportExchange: TypeAlias = Generator[Effect, Any, ReportAnswer]
CheckExchange: TypeAlias = Generator[Effect, Any, CheckAnswer]
TokenExchange: TypeAlias = Generator[Request, Response, Token | Declined | Unknown]


class Connector(Protocol):
    """What every provider folder offers as `CONNECTOR` in its connector.py."""

    manifest: Manifest

    def token(self, account: Account) -> TokenExchange:
        """Fetch a fresh access token; the line caches it per account and asks only once at a time."""
        ...

    def create(self, account: Account, order: Order) -> Exchange:
        """Ask to be paid."""
        ...

    def inquire(self, account: Account, order: Order) -> Exchange:
        """Ask how an order stands. Returns Waiting when the provider shows no payment yet.

        Where the provider waits for our word after the payer approved (LINE Pay's confirm), it is given here,
        as long as the order is `wanted`; saying it twice must be harmless.
        """
        ...

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """Verify on the raw bytes and read. Raises Forged or Unreadable."""
        ...

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        """The words that stop the provider from calling again."""
        ...

    def trusts_callbacks(self, account: Account) -> bool:
        """False: a callback is only a hint and the payment is settled by inquiry."""
        ...


@runtime_checkable
class Instructable(Protocol):
    """What a connector offers besides, when a method of its manifest `can` do more than be paid."""

    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        """Tell the provider what to do; `order.provider_reference` is the payment's."""
        ...

    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        """Ask what became of an instruction whose answer was lost or is pending; changes nothing.

        Declined only on proof that it had no effect; Unknown when the provider cannot be asked about it.
        """
        ...


@runtime_checkable
class SlipReader(Protocol):
    """What a connector offers besides, when its provider can look up a transfer by its slip."""

    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        """Ask whether this transfer exists. Reads only; a slip reference may be used once per receiver."""
        ...


@runtime_checkable
class DisputeDesk(Protocol):
    """What a connector offers besides, when its provider takes evidence about disputes."""

    def inquire_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        """How a dispute stands. Reads only."""
        ...

    def contest_dispute(self, account: Account, dispute_id: str, evidence: Evidence) -> DisputeExchange:
        """Hand in what speaks for the merchant; returns how the dispute stands afterwards."""
        ...

    def accept_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        """Give in. Returns how the dispute stands afterwards."""
        ...


@runtime_checkable
class Reporter(Protocol):
    """What a connector offers besides, when its provider reports settlements or transactions."""

    def report(self, account: Account, first: date, last: date) -> ReportExchange:
        """Everything from `first` to `last`, days of Bangkok, both included. Reads only."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """What a connector offers besides: a question that only the right credentials are answered."""

    def check(self, account: Account) -> CheckExchange:
        """Try address and credentials without moving money or making anything."""
        ...
