"""Time-based one-time passwords (RFC 6238): six digits, 30 seconds, SHA-1, as every app knows them.

A code is taken one step early or late, and only once: the step it was accepted for is stored, and neither
that one nor an older one is ever accepted again (RFC 6238 5.2).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import pyotp

from quickkub.kernel.secrets import Secret

DIGITS: Final = 6
STEP_SECONDS: Final = 30
STEPS_EITHER_SIDE: Final = 1
ISSUER: Final = "QuickKub"
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def new_totp_secret() -> Secret:
    """160 random bits in base32, the length RFC 4226 asks for."""
    return Secret(pyotp.random_base32(32))


def step_of(secret: Secret, code: str, now: datetime) -> int | None:
    """The time step a code belongs to, the current one or a neighbour; None when it fits none of them."""
    if _CODE.fullmatch(code) is None:
        return None
    try:
        return _totp(secret).verify_and_get_timecode(code, for_time=now, valid_window=STEPS_EITHER_SIDE)
    except pyotp.exceptions.OTPVerificationError:
        return None


def code_at(secret: Secret, now: datetime) -> str:
    """The code an authenticator app shows at that moment."""
    return _totp(secret).at(now)


def uri(secret: Secret, email: str) -> str:
    """`otpauth://totp/...`, what the QR code of enrolment says. It is the secret."""
    return _totp(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def _totp(secret: Secret) -> pyotp.TOTP:
    return pyotp.TOTP(secret.reveal(), digits=DIGITS, interval=STEP_SECONDS)
