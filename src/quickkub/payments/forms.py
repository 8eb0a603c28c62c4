"""The fields of a form that a payer's browser posts to a provider: they name the payer, and some providers
want an account's public key among them. They are sealed wherever they are kept and put back where they are
shown (security-reliability 5.5). `attempts.next_action`, events and stored answers hold the rest in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from quickkub.connectors.contract import Action
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.view import Render, payment_view
from quickkub.storage.idempotency import Once, Replay
from quickkub.storage.vault import Place, Vault

_FIELDS: Final = "fields"
_STEP: Final = "next_action"


def form_place(merchant: str, attempt: str, mode: str) -> Place:
    """Where an attempt's form fields live."""
    return Place("attempts", "form_fields", merchant, attempt, mode=mode)


def answered_place(once: Once) -> Place:
    """Where the form fields of a stored answer live; a key has no space in it."""
    row = f"{once.operation} {once.key}"
    return Place("idempotency_keys", "form_fields", once.merchant, row, mode=once.mode)


def seal_form(vault: Vault, action: Action, attempt: Attempt) -> bytes | None:
    """The fields of a form as they are stored with the attempt; None when there are none."""
    if not action.fields:
        return None
    place = form_place(attempt.merchant, attempt.id, attempt.mode)
    return vault.seal(msgspec.json.encode(dict(action.fields)), place)


def whole_step(
    vault: Vault, action: Mapping[str, Any] | None, sealed: bytes | None, place: Place
) -> dict[str, Any] | None:
    """What the payer has to do, with the fields of the form. Raises CannotOpen."""
    if action is None:
        return None
    return dict(action) | ({_FIELDS: msgspec.json.decode(vault.open(sealed, place))} if sealed else {})


def whole_view(vault: Vault, payment: Payment, attempt: Attempt, public_url: str) -> dict[str, Any]:
    """The payment object of the API for who may see the payer's form: its merchant. Raises CannotOpen."""
    view = payment_view(payment, attempt, public_url)
    place = form_place(attempt.merchant, attempt.id, attempt.mode)
    view[_STEP] = whole_step(vault, view[_STEP], attempt.sealed_form, place)
    return view


def to_keep(
    vault: Vault, once: Once, render: Render, view: Mapping[str, Any]
) -> tuple[int, bytes, bytes | None]:
    """Status, bytes and sealed form fields as an answer is stored for repeats of its request."""
    step = view[_STEP]
    if not step or _FIELDS not in step:
        return *render(view), None
    bare = {name: said for name, said in step.items() if name != _FIELDS}
    sealed = vault.seal(msgspec.json.encode(step[_FIELDS]), answered_place(once))
    return *render({**view, _STEP: bare}), sealed


def kept_answer(vault: Vault, once: Once, render: Render, said: Replay) -> bytes:
    """The bytes that were answered before, the form among them. Raises CannotOpen."""
    assert said.answer is not None, "only an answer that was stored is given again"
    if said.form_fields is None:
        return said.answer
    view = msgspec.json.decode(said.answer)
    # An erasure takes the whole step, and there is no form without it.
    view[_STEP] = whole_step(vault, view[_STEP], said.form_fields, answered_place(once))
    return render(view)[1]
