"""Money a provider holds for us: taken in, and let go again when nobody waits for it any more."""

from __future__ import annotations

from quickkub.connectors.contract import Authorized
from quickkub.payments import attempt_store, rules
from quickkub.payments.announce import advance
from quickkub.payments.desk import Desk
from quickkub.payments.states import ATTEMPT, PAYMENT, AttemptState, Fact
from quickkub.payments.store import Change


async def take_hold(desk: Desk, authorized: Authorized) -> None:
    """A hold of the asked amount authorises the payment; any other is put before a person (P12).

    A hold for a payment that has ended cannot bring it back: nothing has moved. A person sees to it that it
    is let go; it also lapses by itself.
    """
    if desk.attempt.state in (AttemptState.AUTHORIZED, AttemptState.SUCCEEDED):
        return
    if authorized.amount != desk.attempt.amount:
        await _odd_hold(desk, authorized, "hold_amount_mismatch")
        return
    allowed = PAYMENT.allows(desk.payment.state, Fact.HELD) and ATTEMPT.allows(desk.attempt.state, Fact.HELD)
    if not allowed or not desk.payment.capture_later:
        await _odd_hold(desk, authorized, "hold_not_wanted")
        return
    desk.attempt = await attempt_store.move_attempt(
        desk.tx,
        desk.attempt,
        ATTEMPT.after(desk.attempt.state, Fact.HELD),
        provider_reference=authorized.provider_reference,
        evidence=desk.new_evidence(),
        check_seconds=rules.next_check_seconds(AttemptState.AUTHORIZED, 0),
    )
    desk.payment = await advance(
        desk.tx,
        desk.payment,
        desk.attempt,
        Fact.HELD,
        desk.office.public_url,
        Change(
            authorized=authorized.amount.minor,
            hold_open=True,
            hold_until=authorized.expires_at,
        ),
    )


async def _odd_hold(desk: Desk, authorized: Authorized, kind: str) -> None:
    await desk.evidence()
    await desk.case(
        kind,
        f"{desk.attempt.id}:{authorized.provider_reference or ''}",
        {
            "asked": desk.attempt.amount.minor,
            "held": authorized.amount.minor,
            "currency": authorized.amount.currency.code,
            "provider_reference": authorized.provider_reference or "",
        },
    )
