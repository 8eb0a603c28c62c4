"""The words of signing in: what may be sent under /auth, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import Time, exactly

_EMAIL = Meta(min_length=3, max_length=254, examples=["somchai@example.com"])
# Longer than any password that is taken, so that a long one hears so instead of something about its type.
_PASSWORD = Meta(min_length=1, max_length=512)
_TOKEN = Meta(min_length=1, max_length=100, pattern=exactly("^[A-Za-z0-9_-]+$"))
_CODE = Meta(
    min_length=1, max_length=40, description="Six digits of the app, or a recovery code.", examples=["123456"]
)
Locale = Literal["th", "en"]


# --- asked ------------------------------------------------------------------------------------------------


class Register(Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody new."""

    email: Annotated[str, _EMAIL]
    password: Annotated[
        str, Meta(min_length=1, max_length=512, description="12 to 128 characters, of any kind.")
    ]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    locale: Locale = "th"
    invitation: Annotated[str, _TOKEN] | None = None


class LogIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody who says who they are."""

    email: Annotated[str, _EMAIL]
    password: Annotated[str, _PASSWORD]


class ShowCode(Struct, kw_only=True, forbid_unknown_fields=True):
    """The second factor, for a login whose password was right."""

    challenge: Annotated[str, _TOKEN]
    code: Annotated[str, _CODE]


class VerifyEmail(Struct, kw_only=True, forbid_unknown_fields=True):
    """The token of the letter, and the password that was chosen."""

    token: Annotated[str, _TOKEN]
    password: Annotated[str, _PASSWORD]


class ForgotPassword(Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose password was forgotten."""

    email: Annotated[str, _EMAIL]


class ResetPassword(Struct, kw_only=True, forbid_unknown_fields=True):
    """The token of the letter, and the new password."""

    token: Annotated[str, _TOKEN]
    password: Annotated[str, _PASSWORD]


class ChangePassword(Struct, kw_only=True, forbid_unknown_fields=True):
    """The password of today and the one of tomorrow."""

    current_password: Annotated[str, _PASSWORD]
    password: Annotated[str, _PASSWORD]


class StepUp(Struct, kw_only=True, forbid_unknown_fields=True):
    """The password again, and a code where a second factor is on."""

    password: Annotated[str, _PASSWORD]
    code: Annotated[str, _CODE] | None = None


class ConfirmTotp(Struct, kw_only=True, forbid_unknown_fields=True):
    """A code of the app that was just set up."""

    code: Annotated[str, _CODE]


# --- answered ---------------------------------------------------------------------------------------------


class Login(Struct, kw_only=True):
    """Signed in, with a cookie; or a code is asked for next.

    `csrf_token` goes into the header X-CSRF-Token of every request that changes something.
    """

    object: Literal["login"] = "login"
    status: Literal["signed_in", "totp_needed"]
    csrf_token: str | None = None
    challenge: str | None = None


class Accepted(Struct, kw_only=True):
    """Taken. Whatever else there is to say is said in a letter."""

    object: Literal["accepted"] = "accepted"
    accepted: Literal[True] = True


class Person(Struct, kw_only=True):
    """A person with an account."""

    id: str
    object: Literal["user"]
    email: str
    name: str
    locale: Locale
    operator_role: str | None
    email_verified: bool
    created_at: Time


class SecondFactorStanding(Struct, kw_only=True):
    """What a person has of second factors. `shown`: by this session."""

    is_on: bool
    shown: bool
    required: bool
    recovery_codes_left: int


class Me(Struct, kw_only=True):
    """Who is signed in. `may_only_enrol`: a role needs a second factor, and all else is refused till then."""

    object: Literal["me"] = "me"
    user: Person
    session: str
    csrf_token: str
    roles: list[str]
    second_factor: SecondFactorStanding
    may_only_enrol: bool
    stepped_up: bool


class TotpEnrolment(Struct, kw_only=True):
    """A new secret, shown once. `uri` is what the QR code for the app says."""

    object: Literal["totp_enrolment"] = "totp_enrolment"
    secret: str
    uri: str


class RecoveryCodes(Struct, kw_only=True):
    """Ten codes, each good once, shown once. `csrf_token` is new where the session's token is."""

    object: Literal["recovery_codes"] = "recovery_codes"
    codes: list[str]
    csrf_token: str


class Session(Struct, kw_only=True):
    """One of your sessions."""

    id: str
    object: Literal["session"]
    current: bool
    ip_address: str | None
    user_agent: str | None
    second_factor: bool
    created_at: Time
    last_seen_at: Time
    ends_at: Time
