"""Into a session, out of it, and showing again who one is."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post

from quickkub.access import factors
from quickkub.access.hashing import HashingBusy
from quickkub.access.lockout import LoginLocked
from quickkub.access.login import Begun, Challenge, CodeRefused, EmailUnverified, LoginRefused
from quickkub.access.sessions import SessionMissing, csrf_token
from quickkub.access.users import MONEY_ROLES, user_view
from quickkub.api import auth_schema as words
from quickkub.api import schema
from quickkub.api.auth_routes.guard import AuthRequest, CsrfRefused, OriginRefused
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.kernel.secrets import Secret

LOGIN: Final = Operation(
    id="logIn",
    needs=None,
    summary="Sign in with a password",
    description=(
        "Answers with a session cookie, or with `totp_needed` and a `challenge` to show a code with. Unknown "
        "addresses and wrong passwords are refused alike, after the same work."
    ),
    answers=words.Login,
    body=words.LogIn,
    refusals=(OriginRefused, LoginRefused, LoginLocked, HashingBusy, EmailUnverified),
)


@post("/auth/login", status_code=200, opt=says(LOGIN))
async def log_in(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.LogIn)
    request.query(schema.NoQuery)
    begun = await request.access.login.with_password(
        said.email, said.password, request.visit, replaces=request.session_token
    )
    if isinstance(begun, Challenge):
        return answer(words.Login(status="totp_needed", challenge=begun.token.reveal()))
    return _begun(request, begun)


TOTP: Final = Operation(
    id="showCode",
    needs=None,
    summary="Finish signing in with a code of your app, or a recovery code",
    answers=words.Login,
    body=words.ShowCode,
    refusals=(OriginRefused, CodeRefused, LoginLocked),
)


@post("/auth/totp", status_code=200, opt=says(TOTP))
async def show_code(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.ShowCode)
    request.query(schema.NoQuery)
    begun = await request.access.login.with_code(
        said.challenge, said.code, request.visit, replaces=request.session_token
    )
    return _begun(request, begun)


LOGOUT: Final = Operation(
    id="logOut",
    needs=None,
    summary="End this session",
    answers=words.Accepted,
    refusals=(OriginRefused, SessionMissing, CsrfRefused),
)


@post("/auth/logout", status_code=200, opt=says(LOGOUT))
async def log_out(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    here = request.signed_in
    async with request.services.db.transaction() as tx:
        await request.access.sessions.end(tx, here.user_id, here.session_id)
    return request.cookie_rules.end_in(answer(words.Accepted()))


STEP_UP: Final = Operation(
    id="stepUp",
    needs=None,
    summary="Show password and second factor again",
    description="What needs a step-up is open for five minutes. The session goes on under a new cookie.",
    answers=words.Login,
    body=words.StepUp,
    refusals=(
        OriginRefused,
        SessionMissing,
        CsrfRefused,
        LoginRefused,
        CodeRefused,
        LoginLocked,
        HashingBusy,
    ),
)


@post("/auth/step-up", status_code=200, opt=says(STEP_UP))
async def step_up(request: AuthRequest) -> Response[bytes]:
    said = await request.words(words.StepUp)
    request.query(schema.NoQuery)
    token = await request.access.login.step_up(request.signed_in, said.password, said.code, request.visit)
    return _begun(request, Begun(token))


ME: Final = Operation(
    id="getMe",
    needs=None,
    summary="Who is signed in",
    answers=words.Me,
    refusals=(SessionMissing,),
)


@get("/auth/me", opt=says(ME))
async def get_me(request: AuthRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    here = request.signed_in
    async with request.services.db.read() as reader:
        standing = await factors.factors_of(reader, here.user_id)
    me = {
        "object": "me",
        "user": user_view(here.user),
        "session": here.session_id,
        "csrf_token": here.csrf_token,
        "roles": sorted(here.roles),
        "second_factor": {
            "is_on": standing.is_on,
            "shown": here.second_factor,
            "required": bool(here.roles & MONEY_ROLES),
            "recovery_codes_left": standing.recovery_codes_left,
        },
        "may_only_enrol": here.may_only_enrol,
        "stepped_up": here.is_stepped_up,
    }
    return answer(me)


def _begun(request: AuthRequest, begun: Begun) -> Response[bytes]:
    shown = words.Login(status="signed_in", csrf_token=csrf_token(begun.token.reveal()))
    return with_cookie(request, answer(shown), begun.token)


def with_cookie(request: AuthRequest, shown: Response[bytes], token: Secret) -> Response[bytes]:
    """The answer, and the session's token for the browser alone."""
    shown.headers["Set-Cookie"] = request.cookie_rules.given(token)
    return shown


OPEN: Final = (log_in, show_code)
SIGNED_IN: Final = (log_out, step_up, get_me)
