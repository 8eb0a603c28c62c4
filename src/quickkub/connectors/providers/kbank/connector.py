"""KBank as the contract wants it: which of three products an order belongs to; the rest is in its flow."""

from __future__ import annotations

from typing import Final, Protocol

from quickkub.connectors.contract import (
    Account,
    CallbackAnswer,
    CallbackNews,
    CheckExchange,
    Declined,
    Exchange,
    Failure,
    Instruction,
    InstructionExchange,
    Order,
    RawCallback,
    SlipExchange,
    TokenExchange,
)
from quickkub.connectors.providers.kbank import callbacks, checking, errors, kgp_flow, kplus, qr_flow, qr_wire
from quickkub.connectors.providers.kbank import slips as slip_flow
from quickkub.connectors.providers.kbank.kgp_wire import SECRET_KEY
from quickkub.connectors.providers.kbank.manifest import ALIPAY, APP, CARD, CARD_QR, MANIFEST, QR
from quickkub.connectors.providers.kbank.words import lacks, secret
from quickkub.connectors.reading import Garbled
from quickkub.connectors.switches import setting

_KGP_IDS: Final = ("chrg_", "order_")
_CLIENT_REFUSED: Final = frozenset({400, 401, 403})


class Flow(Protocol):
    """What the module of each product offers."""

    def create(self, account: Account, order: Order) -> Exchange: ...

    def inquire(self, account: Account, order: Order) -> Exchange: ...

    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange: ...

    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange: ...


class KbankConnector:
    """See the contract for the methods. The token is the Open API's; KGP has a secret key instead."""

    manifest = MANIFEST

    def token(self, account: Account) -> TokenExchange:
        if missing := lacks(account, (), ("consumer_id", "consumer_secret")):
            return Declined(Failure.PROVIDER_MISCONFIGURED, "", f"the account has no {missing}")
        answer = yield qr_wire.asks_token(account)
        if answer.status == qr_wire.HTTP_OK:
            return qr_wire.token_in(answer)
        try:
            said = qr_wire.read(answer)
        except Garbled:
            if answer.status not in _CLIENT_REFUSED:
                raise
            return Declined(Failure.PROVIDER_MISCONFIGURED, str(answer.status), "KBank gives no token")
        return errors.conclude(said.status, said.error, said.text)

    def create(self, account: Account, order: Order) -> Exchange:
        return self._flow(account, order).create(account, order)

    def inquire(self, account: Account, order: Order) -> Exchange:
        return self._flow(account, order).inquire(account, order)

    def instruct(self, account: Account, order: Order, instruction: Instruction) -> InstructionExchange:
        return self._flow(account, order).instruct(account, order, instruction)

    def inquire_instruction(
        self, account: Account, order: Order, instruction: Instruction
    ) -> InstructionExchange:
        return self._flow(account, order).inquire_instruction(account, order, instruction)

    def _flow(self, account: Account, order: Order) -> Flow:
        """The product's module. What KGP named stays with KGP, whatever the account's switch says by now."""
        if order.method == APP:
            return kplus
        if order.method in (CARD, ALIPAY):
            return kgp_flow
        named = (order.provider_reference or "").startswith(_KGP_IDS)
        by_kgp = named or (order.method == QR and _makes_qr_by_kgp(account))
        return kgp_flow if by_kgp and order.method != CARD_QR else qr_flow

    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        return slip_flow.verify(account, sending_bank, trans_ref)

    def check(self, account: Account) -> CheckExchange:
        return checking.check(account)

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        return callbacks.read(account, raw)

    def answer_callback(self, account: Account, news: CallbackNews) -> CallbackAnswer:
        return callbacks.answer(account, news)

    def trusts_callbacks(self, account: Account) -> bool:
        """Never: the pack wants an inquiry before any state changes (A9, B7)."""
        return False


def _makes_qr_by_kgp(account: Account) -> bool:
    said = setting(account, "promptpay_by", "auto")
    if said != "auto":
        return said == "kgp"
    return bool(secret(account, SECRET_KEY)) and not secret(account, "consumer_id")


CONNECTOR: Final = KbankConnector()
