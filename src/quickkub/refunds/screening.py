"""Where refunds meet the room of fraud: money that goes back soon, and to another account than it came from.

The refund itself goes on, whatever is found: a rule must not keep a merchant from giving a victim's money
back, and no more can go out than came in. What is found puts the payment before a person, who sees it before
a transfer is made (security-reliability 6, "refund soon after payment to a new method").
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from quickkub.fraud.subject import Subject
from quickkub.payments.model import Payment
from quickkub.payments.office import Office
from quickkub.refunds.model import Refund, Way
from quickkub.storage import Connection

_MINUTE: Final = timedelta(minutes=1)


async def look_at_refund(office: Office, tx: Connection, payment: Payment, refund: Refund) -> None:
    """Look again at a screened payment with what its refund tells; in the refund's own transaction.

    A provider gives back to whoever paid. A transfer goes where somebody typed: that is elsewhere, since no
    bank tells us a payer's whole account to compare it with; where nobody typed one yet it is not known.
    """
    if office.screen is None or payment.screening == "none" or payment.paid_at is None:
        return
    more: dict[str, int | bool] = {"refund_after_minutes": (payment.seen_at - payment.paid_at) // _MINUTE}
    if refund.way is Way.PROVIDER or refund.sealed_destination is not None:
        more["refund_elsewhere"] = refund.way is not Way.PROVIDER
    subject = Subject(
        payment.merchant,
        payment.mode,
        payment.id,
        payment.amount,
        payment.method,
        payment.seen_at,
        more=more,
    )
    await office.screen.again(tx, subject)
