"""Omise as the contract wants it: charges, instructions, disputes, reports, webhooks, the check."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    DisputeExchange,
    Effect,
    Evidence,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    Outcome,
    Paid,
    RawCallback,
    ReportExchange,
    Response,
    TokenExchange,
    Unknown,
    Waiting,
    Works,
)
from quickkub.connectors.providers.omise import (
    callbacks,
    disputing,
    errors,
    finding,
    instructing,
    statement,
    wire,
)
from quickkub.connectors.providers.omise.charges import (
    Charge,
    charge_in,
    refuse_other_mode,
    settled,
    unlike,
    whole_at,
)
from quickkub.connectors.providers.omise.finding import rows_in
from quickkub.connectors.providers.omise.manifest import MANIFEST
from quickkub.connectors.providers.omise.pictures import action_of
from quickkub.connectors.reading import garbled_is_unknown, optional_text
from quickkub.connectors.switches import setting


class OmiseConnector:
    """See the contract for the methods."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        """Every request carries the key; there is no access token."""
        yield from ()
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "Omise has no access tokens")

    @garbled_is_unknown
    def create(self, account: Account, order: Order) -> Exchange:
        if refusal := wire.refuse_account(account) or wire.refuse_order(account, order):
            return refusal
        answer: Response = yield wire.creates_charge(account, order)
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code, creates=True)
        return (yield from _standing(account, order, charge_in(said.words, account)))

    @garbled_is_unknown
    def inquire(self, account: Account, order: Order) -> Exchange:
        if refusal := wire.refuse_account(account):
            return refusal
        if order.provider_reference:
            charge = yield from finding.charge_of(account, order.provider_reference)
            if not isinstance(charge, Charge):
                return charge
            return (yield from _standing(account, order, charge))
        found = yield from finding.charges_of(account, order)
        if not isinstance(found, list):
            return found
        return (yield from _standing_of_all(account, order, found))

    @garbled_is_unknown
    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        if refusal := wire.refuse_account(account):
            return refusal
        return (yield from instructing.tell(account, order, instruction))

    @garbled_is_unknown
    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        if refusal := wire.refuse_account(account):
            return refusal
        return (yield from instructing.ask(account, order, instruction))

    @garbled_is_unknown
    def inquire_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        return wire.refuse_account(account) or (yield from disputing.ask(account, dispute_id))

    @garbled_is_unknown
    def contest_dispute(self, account: Account, dispute_id: str, evidence: Evidence) -> DisputeExchange:
        refusal = wire.refuse_account(account)
        return refusal or (yield from disputing.contest(account, dispute_id, evidence))

    @garbled_is_unknown
    def accept_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        return wire.refuse_account(account) or (yield from disputing.accept(account, dispute_id))

    @garbled_is_unknown
    def report(self, account: Account, first: date, last: date) -> ReportExchange:
        return wire.refuse_account(account) or (yield from statement.report(account, first, last))

    @garbled_is_unknown
    def check(self, account: Account) -> CheckExchange:
        """The balance proves the secret key; what the account offers proves the public one."""
        if refusal := wire.refuse_account(account):
            return refusal
        answer: Response = yield wire.asks_balance(account)
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code)
        refuse_other_mode(said.words, account)
        currency = optional_text(said.words, "currency")
        told = f"the balance is {whole_at(said.words, 'total')} in minor units of {currency}"
        public_key = setting(account, "public_key")
        if not public_key:
            return Works(told)
        offered: Response = yield wire.asks_capability(account, public_key)
        said = wire.read(offered)
        if said.code:
            return errors.conclude(said.status, said.code)
        methods = rows_in({"data": said.words.get("payment_methods")})
        names = ", ".join(optional_text(method, "name") for method in methods)
        return Works(f"{told}; the account offers {names or 'nothing'}")

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """Raises Forged for a signature that has to fit and does not, Unreadable for what is no event."""
        return callbacks.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        """Any success will do; the words are not read (pack 5.2)."""
        return CallbackAnswer(200, b"{}")

    def trusts_callbacks(self, account: Account) -> bool:
        """Never, signed or not: the body may be in the words of another version (pack 5.1)."""
        return False


def _standing(account: Account, order: Order, charge: Charge) -> Exchange:
    if trouble := unlike(charge, order):
        return Unknown(trouble)
    outcome = settled(charge)
    if outcome is not None:
        return outcome
    # What to show is news only while we do not know the charge yet; and nobody looks once it is over.
    if order.provider_reference or not order.wanted or order.now >= order.expires_at:
        return Waiting(provider_reference=charge.id)
    # A picture that cannot be had ends as Unknown without the charge's id, so that it is looked for again.
    return Waiting((yield from action_of(account, charge)), charge.id)


def _standing_of_all(account: Account, order: Order, found: list[Charge]) -> Generator[Effect, Any, Outcome]:
    """There should be one. Of several, whatever was paid counts, and a person is told."""
    if not found:
        return Waiting()
    if len(found) == 1:
        return (yield from _standing(account, order, found[0]))
    if trouble := next((why for charge in found if (why := unlike(charge, order))), ""):
        return Unknown(trouble)
    outcomes = [outcome for outcome in map(settled, found) if isinstance(outcome, Paid)]
    receipts = tuple(receipt for paid in outcomes for receipt in paid.receipts)
    alert = f"Omise shows {len(found)} charges of one reference"
    return Paid(receipts, receipts[0].transaction_id, alert=alert) if receipts else Unknown(alert)


CONNECTOR: Final = OmiseConnector()
