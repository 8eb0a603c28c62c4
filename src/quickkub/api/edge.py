"""The outermost layer: every answer, whoever made it, gets a request id, headers, a log line and a count.

Litestar's middleware runs after routing, so a 404 would miss it; this stands around the whole application.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message, Send

from quickkub.api.auth import VERSION_HEADER
from quickkub.api.clients import Clients
from quickkub.api.limits.desk import Limits
from quickkub.api.limits.gate import admit, noted
from quickkub.api.limits.guard import LEAVE
from quickkub.api.limits.policy import headers_of
from quickkub.api.problems import PROBLEM_JSON, Problem, internal_problem, problem_of
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import new_id
from quickkub.telemetry import about, get_logger
from quickkub.telemetry.crash_points import crash_point
from quickkub.telemetry.metrics import HTTP_UNDER_WAY, request_answered
from quickkub.webhooks.event import API_VERSION

REQUEST_ID_HEADER: Final = "X-Request-Id"
HEADER_BYTES_MAX: Final = 16 * 1024
_SANE_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{7,63}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE: Final = "none"
_QUIET_ROUTES: Final = frozenset({"/livez", "/readyz", "/metrics"})
_log = get_logger("api")

DEFAULT_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Set on every answer that does not say otherwise itself."""

HSTS: Final = (b"strict-transport-security", b"max-age=63072000")


class Edge:
    """An ASGI application around another."""

    def __init__(
        self,
        inner: ASGIApp,
        *,
        https: bool,
        allow: Mapping[str, str],
        clients: Clients,
        limits: Limits | None,
    ) -> None:
        """`https`: reached over https, so browsers are told to insist on it. `allow`: by path template."""
        self._inner = inner
        self._clients = clients
        self._limits = limits
        self._allow = allow
        self._headers = (*DEFAULT_HEADERS, HSTS) if https else DEFAULT_HEADERS

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        asked = _Asked(scope, send, self._headers, self._allow, self._clients.address(scope))
        with about(request_id=asked.request_id), HTTP_UNDER_WAY.track_inprogress():
            try:
                if _header_bytes(scope) > HEADER_BYTES_MAX:
                    await asked.refuse_headers()
                else:
                    if self._limits is not None:
                        await admit(self._limits, asked.scope, asked.address)
                    await self._inner(asked.scope, receive, asked.send)
            except Refusal as refusal:
                await asked.refuse(refusal)
            except Exception as error:  # noqa: BLE001 -- the outermost loop: log, answer, keep the process
                await asked.fail(error)
            finally:
                asked.report()


class _Asked:
    """One request on its way through."""

    def __init__(
        self,
        scope: HTTPScope,
        send: Send,
        headers: tuple[tuple[bytes, bytes], ...],
        allow: Mapping[str, str],
        address: str | None,
    ) -> None:
        self.address = address
        self.request_id = _request_id(scope)
        self.state: dict[str, Any] = {**(scope.get("state") or {}), "request_id": self.request_id}
        self._head = scope["method"] == "HEAD"
        # A HEAD is a GET whose body is not sent (RFC 9110 9.3.2).
        self.scope: Any = {**scope, "state": self.state, "method": "GET" if self._head else scope["method"]}
        if address is not None and (peer := scope["client"]) is not None:
            # From here on everybody means the caller, not the proxy in between.
            self.scope["client"] = (address, peer[1])
        self._method = scope["method"] if scope["method"] in _METHODS else "other"
        self._send = send
        self._headers = headers
        self._allow = allow
        self._status: int | None = None
        self._began = time.perf_counter_ns()

    async def send(self, message: Message) -> None:
        """Pass an answer's message on, completed."""
        if message["type"] == "http.response.start":
            crash_point("before_ack")
            self._status = message["status"]
            message = {**message, "headers": self._completed(message["headers"])}
        elif message["type"] == "http.response.body" and self._head:
            message = {**message, "body": b""}
        await self._send(message)

    async def refuse_headers(self) -> None:
        """431: the header section is larger than we read."""
        await self._problem(
            Problem(
                type="/docs/problems#headers_too_large",
                title="The request's headers are too large",
                status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                detail=f"the headers are larger than {HEADER_BYTES_MAX} bytes",
                code="headers_too_large",
                param=None,
                request_id=self.request_id,
            )
        )

    async def refuse(self, refusal: Refusal) -> None:
        """A no from before routing."""
        retry = refusal.retry_after
        headers = [] if retry is None else [(b"retry-after", str(retry).encode())]
        await self._problem(problem_of(refusal, self.request_id), headers)

    async def fail(self, error: Exception) -> None:
        """500 when nothing was answered yet; a broken answer is left broken, not to be taken for whole."""
        _log.error("request failed", exc_info=error)
        if self._status is None:
            await self._problem(internal_problem(self.request_id))

    def report(self) -> None:
        """One log line and one count; whoever waited for this request to end is told."""
        if (leave := self.state.pop(LEAVE, None)) is not None:
            leave()
        took_ns = time.perf_counter_ns() - self._began
        route = self.scope.get("path_template") or _NO_ROUTE
        status = self._status or 0
        request_answered(self._method, route, status, took_ns / 1e9)
        say = _log.debug if route in _QUIET_ROUTES else _log.info
        say(
            "request",
            method=self._method,
            route=route,
            status=status,
            duration_ns=took_ns,
            client_ip=self.address,
            key=self.state.get("key_id"),
            code=self.state.get("problem_code"),
        )

    def _completed(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = [(name.lower(), value) for name, value in given]
        if self._method == "OPTIONS" and (allow := self._allow.get(self.scope.get("path_template", ""))):
            # Litestar knows only the methods of one of the handlers at this address.
            headers = [(name, value) for name, value in headers if name != b"allow"]
            headers.append((b"allow", allow.encode()))
        names = {name for name, _ in headers}
        headers += [(name, value) for name, value in self._headers if name not in names]
        headers.append((REQUEST_ID_HEADER.lower().encode(), self.request_id.encode()))
        if standings := noted(self.state):
            headers += headers_of(standings, int(time.time()))
        if self.scope["path"].startswith("/v1/"):
            headers.append((VERSION_HEADER.lower().encode(), API_VERSION.encode()))
        return headers

    async def _problem(self, problem: Problem, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
        body = msgspec.json.encode(problem)
        self.state["problem_code"] = problem.code
        headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
        headers += more
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


def _request_id(scope: HTTPScope) -> str:
    """The caller's own id when it is sane: letters, digits and `._:-`, 8 to 64 of them. Else a new one."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and _SANE_ID.fullmatch(given[0]):
        return given[0].decode()
    return new_id("req")


def _header_bytes(scope: HTTPScope) -> int:
    return sum(len(name) + len(value) + 4 for name, value in scope["headers"])
