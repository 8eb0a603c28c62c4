"""Keys, tokens and the rate limit (pack 1, 3)."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import checks
from quickkub.connectors.providers.scb.simulator.answers import Refused, success
from quickkub.connectors.providers.scb.simulator.checks import Field
from quickkub.connectors.providers.scb.simulator.register import Application, Options, Registry
from quickkub.connectors.simulation.base import World

REFRESH_SECONDS: Final = 3600
CODE_SECONDS: Final = 60

_CREDENTIALS: Final = (Field("applicationKey", required=True), Field("applicationSecret", required=True))
_TOKEN: Final = (*_CREDENTIALS, Field("authCode"), Field("state"), Field("codeChallenge"))
_REFRESH: Final = (*_CREDENTIALS, Field("refreshToken", required=True))


@dataclass(frozen=True, slots=True)
class _Granted:
    key: str
    until: datetime
    state: str = ""


class Desk:
    """Lets callers in: who they are, whether their token is good, whether they ask too often."""

    def __init__(self, world: World, registered: Registry, options: Options) -> None:
        self._world, self._registered = world, registered
        self.options = options
        self._access: dict[str, _Granted] = {}
        self._refresh: dict[str, _Granted] = {}
        self._codes: dict[str, _Granted] = {}
        self._asked: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)  # not money: moments

    def forget_tokens(self) -> None:
        self._access.clear()
        self._refresh.clear()
        self._codes.clear()

    # --- operations ---

    async def token(self, request: web.Request) -> web.Response:
        """`POST /v1/oauth/token`: client credentials, or a customer's login code."""
        checks.check_headers(request, with_body=True)
        body = checks.read_body(await request.read())
        checks.check_fields(body, _TOKEN)
        application = self._application(body)
        self._limit(application, "token")
        if "authCode" not in body:
            return success(self._grant(application))
        granted = self._codes.pop(body["authCode"], None)
        if not self._good(granted, application) or granted is None or granted.state != body.get("state"):
            raise Refused(400, 1102, "authCode")
        return success(self._grant(application) | self._grant_refresh(application))

    async def refresh(self, request: web.Request) -> web.Response:
        """`POST /v1/oauth/token/refresh`: a new pair for a customer's refresh token."""
        checks.check_headers(request, with_body=True)
        body = checks.read_body(await request.read())
        checks.check_fields(body, _REFRESH)
        application = self._application(body)
        self._limit(application, "token_refresh")
        if not self._good(self._refresh.pop(body["refreshToken"], None), application):
            raise Refused(401, 9300)
        return success(self._grant(application) | self._grant_refresh(application))

    async def authorize(self, request: web.Request) -> web.Response:
        """`GET /v2/oauth/authorize`: the app link for a customer's login.

        There is no app here, so the link carries the code that the app would bring back, as if the customer
        had agreed.
        """
        checks.check_headers(request, "apikey", "apisecret", "response-channel", "endState", with_body=False)
        said = {
            "applicationKey": request.headers["apikey"],
            "applicationSecret": request.headers["apisecret"],
        }
        application = self._application(said)
        self._limit(application, "authorize")
        state, code = str(uuid.uuid4()), str(uuid.uuid4())
        self._codes[code] = _Granted(application.key, self._in(CODE_SECONDS), state)
        link = f"{self.options.deeplink_scheme}://login/{state}?authCode={code}&state={state}"
        return success({"callbackUrl": link})

    # --- for the other operations ---

    def enter(self, request: web.Request, operation: str, *headers: str, with_body: bool) -> Application:
        """The caller of an operation that needs a token, or the refusal the bank gives."""
        checks.check_headers(request, *headers, with_body=with_body)
        granted = self._access.get(checks.bearer(request))
        application = self._registered.applications.get(granted.key) if granted else None
        if granted is None or application is None or self._world.clock.now() >= granted.until:
            raise Refused(401, 9300)
        if application.apis and operation not in application.apis:
            raise Refused(403, 9503)
        self._be_strict(application, request)
        self._limit(application, operation)
        return application

    def _be_strict(self, application: Application, request: web.Request) -> None:
        if not application.strict:
            return
        if request.headers["resourceOwnerId"] != application.key:
            raise Refused(401, 9500)
        uid = request.headers["requestUId"]
        if uid in application.seen:
            raise Refused(400, 1102, "requestUId")
        application.seen.add(uid)

    def _limit(self, application: Application, operation: str) -> None:
        """So many requests in any second, per application and operation (pack 1)."""
        allowed = self.options.rate_limit_per_second
        if not allowed:
            return
        asked, now_seconds = self._asked[application.key, operation], time.monotonic()
        while asked and now_seconds - asked[0] >= 1:
            asked.popleft()
        if len(asked) >= allowed:
            raise Refused(429, 9900)
        asked.append(now_seconds)

    def _application(self, said: dict[str, Any]) -> Application:
        application = self._registered.applications.get(said["applicationKey"])
        if application is None or application.secret != said["applicationSecret"]:
            raise Refused(401, 9500)
        return application

    def _in(self, seconds: int) -> datetime:
        return self._world.clock.now() + timedelta(seconds=seconds)

    def _good(self, granted: _Granted | None, application: Application) -> bool:
        return (
            granted is not None and granted.key == application.key and self._world.clock.now() < granted.until
        )

    def _grant(self, application: Application) -> dict[str, Any]:
        token, lives = str(uuid.uuid4()), self.options.token_lives_seconds
        granted = _Granted(application.key, self._in(lives))
        self._access[token] = granted
        return {
            "accessToken": token,
            "tokenType": "Bearer",
            "expiresIn": lives,
            "expiresAt": int(granted.until.timestamp()),
        }

    def _grant_refresh(self, application: Application) -> dict[str, Any]:
        token = str(uuid.uuid4())
        granted = _Granted(application.key, self._in(REFRESH_SECONDS))
        self._refresh[token] = granted
        return {
            "refreshToken": token,
            "refreshExpiresIn": REFRESH_SECONDS,
            "refreshExpiresAt": int(granted.until.timestamp()),
        }
