"""Registering, confirming an address, and everything about forgotten and changed passwords."""

from __future__ import annotations

from typing import Final

from litestar import Response, post

from quickkub.access.accounts import LinkRefused, RegistrationClosed
from quickkub.access.emails import EmailInvalid
from quickkub.access.hashing import HashingBusy
from quickkub.access.lockout import LoginLocked
from quickkub.access.login import LoginRefused
from quickkub.access.passwords import PasswordRefused
from quickkub.access.sessions import SessionMissing, csrf_token
from quickkub.api import auth_schema as words
from quickkub.api import schema
from quickkub.api.auth_routes.guard import AuthRequest, CsrfRefused, OriginRefused
from quickkub.api.auth_routes.signing_in import with_cookie
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.text import plain_text

REGISTER: Final = Operation(
    id="register",
    needs=None,
    summary="Make an account",
    description=(
        "Where registration is open, or with an invitation to this address. Whether the address has an "
        "account already is said in a letter to it, and nowhere else."
    ),
    answers=words.Accepted,
    status=202,
    body=words.Register,
    refusals=(OriginRefused, RegistrationClosed, EmailInvalid, PasswordRefused, HashingBusy),
)


@post("/auth/register", status_code=202, opt=says(REGISTER))
async def register(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.Register)
    request.query(schema.NoQuery)
    await request.access.accounts.register(
        said.email,
        said.password,
        name=plain_text(said.name, "name", letters_max=100),
        locale=said.locale,
        invitation=said.invitation,
    )
    return answer(words.Accepted(), status=202)


VERIFY: Final = Operation(
    id="verifyEmail",
    needs=None,
    summary="Confirm an e-mail address by its letter and the password chosen",
    answers=words.Accepted,
    body=words.VerifyEmail,
    refusals=(OriginRefused, LinkRefused, HashingBusy),
)


@post("/auth/verify-email", status_code=200, opt=says(VERIFY))
async def verify_email(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.VerifyEmail)
    request.query(schema.NoQuery)
    await request.access.accounts.verify_email(said.token, said.password)
    return answer(words.Accepted())


FORGOT: Final = Operation(
    id="forgotPassword",
    needs=None,
    summary="Have a letter sent with which a new password can be chosen",
    description="The answer is the same whether there is such an account or not.",
    answers=words.Accepted,
    status=202,
    body=words.ForgotPassword,
    refusals=(OriginRefused, EmailInvalid),
)


@post("/auth/forgot-password", status_code=202, opt=says(FORGOT))
async def forgot_password(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.ForgotPassword)
    request.query(schema.NoQuery)
    await request.access.accounts.forgot_password(said.email)
    return answer(words.Accepted(), status=202)


RESET: Final = Operation(
    id="resetPassword",
    needs=None,
    summary="Choose a new password by a letter's link",
    description="Ends all sessions and every token that was given because of one.",
    answers=words.Accepted,
    body=words.ResetPassword,
    refusals=(OriginRefused, LinkRefused, PasswordRefused, HashingBusy),
)


@post("/auth/reset-password", status_code=200, opt=says(RESET))
async def reset_password(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.ResetPassword)
    request.query(schema.NoQuery)
    await request.access.accounts.reset_password(said.token, said.password)
    return answer(words.Accepted())


CHANGE: Final = Operation(
    id="changePassword",
    needs=None,
    summary="Change your password",
    description="Your other sessions end; this one goes on under a new cookie.",
    answers=words.Login,
    body=words.ChangePassword,
    refusals=(
        OriginRefused,
        SessionMissing,
        CsrfRefused,
        LoginRefused,
        LoginLocked,
        PasswordRefused,
        HashingBusy,
    ),
)


@post("/auth/change-password", status_code=200, opt=says(CHANGE))
async def change_password(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.ChangePassword)
    request.query(schema.NoQuery)
    token = await request.access.accounts.change_password(
        request.signed_in, said.current_password, said.password, request.visit
    )
    shown = words.Login(status="signed_in", csrf_token=csrf_token(token.reveal()))
    return with_cookie(request, answer(shown), token)


OPEN: Final = (register, verify_email, forgot_password, reset_password)
SIGNED_IN: Final = (change_password,)
