"""One's own second factor, and the codes on paper."""

from __future__ import annotations

from typing import Final

from litestar import Response, post

from quickkub.access.lockout import LoginLocked
from quickkub.access.second_factor import EnrolmentRefused, SecondFactorOff
from quickkub.access.sessions import SecondFactorRequired, SessionMissing, StepUpRequired, csrf_token
from quickkub.api import auth_schema as words
from quickkub.api import schema
from quickkub.api.auth_routes.guard import AuthRequest, CsrfRefused, OriginRefused
from quickkub.api.auth_routes.signing_in import with_cookie
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.kernel.errors import Refusal

_ALWAYS: Final[tuple[type[Refusal], ...]] = (
    OriginRefused,
    SessionMissing,
    CsrfRefused,
    StepUpRequired,
    SecondFactorRequired,
)

ENROL: Final = Operation(
    id="enrolTotp",
    needs=None,
    summary="Begin to turn a second factor on, or to replace it",
    description="The secret counts once a code of it was confirmed; until then everything stays as it was.",
    answers=words.TotpEnrolment,
    refusals=_ALWAYS,
)


@post("/auth/totp/enrol", status_code=200, opt=says(ENROL))
async def enrol(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    begun = await request.access.second_factor.enrol(request.signed_in)
    return answer(words.TotpEnrolment(secret=begun.secret.reveal(), uri=begun.uri.reveal()))


CONFIRM: Final = Operation(
    id="confirmTotp",
    needs=None,
    summary="Turn the second factor on by a code of the app",
    description="The session goes on under a new cookie. Recovery codes are shown in this answer only.",
    answers=words.RecoveryCodes,
    body=words.ConfirmTotp,
    refusals=(*_ALWAYS, EnrolmentRefused, LoginLocked),
)


@post("/auth/totp/confirm", status_code=200, opt=says(CONFIRM))
async def confirm(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.ConfirmTotp)
    request.query(schema.NoQuery)
    done = await request.access.second_factor.confirm(request.signed_in, said.code)
    shown = words.RecoveryCodes(codes=done.recovery_codes, csrf_token=csrf_token(done.token.reveal()))
    return with_cookie(request, answer(shown), done.token)


DISABLE: Final = Operation(
    id="disableTotp",
    needs=None,
    summary="Turn the second factor off",
    description="Not while one of your roles needs one: replace it instead.",
    answers=words.Accepted,
    refusals=(*_ALWAYS, SecondFactorOff),
)


@post("/auth/totp/disable", status_code=200, opt=says(DISABLE))
async def disable(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    await request.access.second_factor.disable(request.signed_in)
    return answer(words.Accepted())


RENEW: Final = Operation(
    id="renewRecoveryCodes",
    needs=None,
    summary="Get ten new recovery codes",
    description="Those before are void.",
    answers=words.RecoveryCodes,
    refusals=(*_ALWAYS, SecondFactorOff),
)


@post("/auth/recovery-codes", status_code=200, opt=says(RENEW))
async def renew_codes(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    here = request.signed_in
    codes = await request.access.second_factor.new_recovery_codes(here)
    return answer(words.RecoveryCodes(codes=codes, csrf_token=here.csrf_token))


SIGNED_IN: Final = (enrol, confirm, disable, renew_codes)
