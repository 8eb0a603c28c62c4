"""Every column of the schema that holds sealed values, and why the other byte columns hold none.

Rotation, retirement and checks walk this list, so a column that is missing here would keep an old key alive
without anybody seeing it; tests/storage/test_key_ring.py compares it with the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.storage.vault.sealing import Place


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values. `keys` are the primary key's columns, all text, in its order.

    `merchant`, `row` and `mode` are SQL expressions over the row `t` that give the parts of its `Place` as
    the room that seals writes them.
    """

    table: str
    column: str
    keys: tuple[str, ...] = ("merchant_id", "id")
    merchant: str = "t.merchant_id"
    row: str = "t.id"
    mode: str = "''"

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.table}.{self.column}"

    def place(self, merchant: str, row: str, mode: str) -> Place:
        """Where a value of this column lives."""
        return Place(self.table, self.column, merchant, row, mode=mode)


_MODE: Final = "t.mode"
_OF_ACCOUNT: Final = (
    "(SELECT a.mode FROM provider_accounts a WHERE a.merchant_id = t.merchant_id AND a.id = t.account_id)"
)
_OF_SLIP: Final = "t.mode || ':' || t.sending_bank || ':' || t.trans_ref"
_OF_REQUEST: Final = "t.operation || ' ' || t.key"
_REQUEST_KEYS: Final = ("merchant_id", "mode", "operation", "key")
_SLIP_KEYS: Final = ("merchant_id", "mode", "sending_bank", "trans_ref")

SEALED: Final[tuple[SealedColumn, ...]] = (
    SealedColumn("provider_accounts", "credentials", mode=_MODE),
    SealedColumn("payments", "payer", mode=_MODE),
    SealedColumn("attempts", "form_fields", mode=_MODE),
    SealedColumn("idempotency_keys", "form_fields", keys=_REQUEST_KEYS, row=_OF_REQUEST, mode=_MODE),
    SealedColumn("evidence", "transcript", mode=_MODE),
    SealedColumn("inbox", "body", mode=_OF_ACCOUNT),
    # Nobody's, where the address was nobody's.
    SealedColumn("refused_callbacks", "body", keys=("id",), merchant="coalesce(t.merchant_id, '')"),
    SealedColumn("refunds", "destination", mode=_MODE),
    SealedColumn("disputes", "evidence", mode=_MODE),
    SealedColumn("slips", "answer", keys=_SLIP_KEYS, row=_OF_SLIP, mode=_MODE),
    SealedColumn("webhook_endpoints", "secret", mode=_MODE),
    SealedColumn("webhook_endpoints", "previous_secret", mode=_MODE),
    # A merchant's own data is the same in both modes.
    SealedColumn("settlement_accounts", "account_number"),
    SealedColumn("kyc_applications", "data"),
    SealedColumn("kyc_documents", "content"),
    SealedColumn("privacy_requests", "person"),
    SealedColumn("merchant_risks", "beneficial_owners"),
    # What is the platform's has no merchant.
    SealedColumn("second_factors", "secret", keys=("user_id",), merchant="''", row="t.user_id"),
    SealedColumn("second_factors", "pending", keys=("user_id",), merchant="''", row="t.user_id"),
    SealedColumn("mail_outbox", "facts", keys=("id",), merchant="''"),
    SealedColumn("signing_keys", "private_key", keys=("kid",), merchant="''", row="t.kid"),
)

_RANDOM: Final = "a hash of 256 random bits, which cannot be guessed from it"
_CHAIN: Final = "a hash that chains entries and is to be read by auditors"
_INDEX: Final = "a keyed hash, which is searched by"

NOT_SEALED: Final[dict[str, str]] = {
    "api_keys.hash": "HMAC of the key under the pepper",
    "provider_accounts.callback_token_hash": _RANDOM,
    "refused_callbacks.digest": "SHA-256 of the body, to recognise it again",
    "idempotency_keys.fingerprint": "SHA-256 of a request, to tell a repeat from another request",
    "idempotency_keys.answer": "an answer of the API without a form's fields, where such values are masked",
    "pgqueuer.payload": "names a schedule, nothing else",
    "audit_seals.previous_hash": _CHAIN,
    "audit_seals.hash": _CHAIN,
    "audit_anchors.hash": _CHAIN,
    "audit_dropped.hash": _CHAIN,
    "recovery_codes.hash": "a hash of a random code that works once",
    "sessions.token_hash": _RANDOM,
    "login_challenges.token_hash": _RANDOM,
    "mailed_tokens.token_hash": _RANDOM,
    "invitations.token_hash": _RANDOM,
    "oauth_clients.secret_hash": _RANDOM,
    "oauth_authorizations.ticket_hash": _RANDOM,
    "oauth_authorizations.code_hash": _RANDOM,
    "oauth_assertions.jti_hash": "SHA-256 of a client's number of a message, to notice a repeat",
    "refresh_tokens.hash": _RANDOM,
    "failed_logins.account": "a hash of what was typed, to count failures by; forgotten soon",
    "mail_outbox.recipient": "SHA-256 of an address, to count letters by; forgotten with the letter",
    "kyc_documents.sha256": "SHA-256 of a document, to show it was not changed",
    "fraud_list_entries.value_hash": _INDEX,
    "fraud_legal_entries.value_hash": _INDEX,
    "fraud_velocity.key": _INDEX,
    "fraud_partners.key": _INDEX,
    "fraud_partners.partner": _INDEX,
    "person_tokens.token": _INDEX,
    "legal_holds.token": _INDEX,
    "erasures.email_token": _INDEX,
    "erasures.phone_token": _INDEX,
    "erasures.name_token": _INDEX,
}
