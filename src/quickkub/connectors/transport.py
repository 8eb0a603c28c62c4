"""The one line out to providers: drives exchanges, holds tokens, keeps what was said (reliability 3.3, 3.8).

`Line.run` never raises for a provider's troubles. It says NotSent only when it is certain that no byte left
this machine; a timeout, a reset, a body that breaks off or is too big are Unknown.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import os
import ssl
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from quickkub.connectors.contract import (
    Account,
    Connector,
    Declined,
    Effect,
    Manifest,
    NoAnswer,
    NotSent,
    Request,
    Response,
    Token,
    TokenPlease,
    Unknown,
    unexpected,
)
from quickkub.connectors.gate import Gate, TimedOut
from quickkub.connectors.reading import Garbled, unreadable
from quickkub.connectors.switches import is_on, setting
from quickkub.connectors.tokens import Fetched, TokenShelf
from quickkub.connectors.transcript import Transcript
from quickkub.connectors.unpack import BodyRefused, Unpacker
from quickkub.kernel.clock import Clock, SystemClock
from quickkub.storage import in_transaction
from quickkub.telemetry.crash_points import crash_point

CONNECT_SECONDS: Final = 3
KEEP_SECONDS: Final = 4
"""An idle connection is kept this long: less than the 5 s after which common servers close theirs, because a
request written to a connection that is just being closed is lost without anyone knowing how far it came."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

log = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Asked: TypeAlias = "Generator[Effect, Any, T]"


class CalledInTransaction(RuntimeError):
    """A provider was to be called while a database transaction is open: a bug (invariant D4)."""


@dataclass(frozen=True, slots=True)
class Told(Generic[T_co]):
    """What came of an exchange, and the redacted words on the wire as JSON."""

    outcome: T_co
    transcript: bytes


class Line:
    """The way out of this process to all providers. One per process; `close` it at the end.

    `connector` finds a provider by name. `ca_file` names a PEM file of authorities to trust instead of the
    system's, for a provider or test server with an authority of its own.
    """

    def __init__(
        self,
        connector: Callable[[str], Connector],
        *,
        clock: Clock | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._connector = connector
        self._clock = clock or SystemClock()
        self._ca_file = ca_file
        self._tokens = TokenShelf(self._clock)
        self._gates: dict[tuple[str, str], Gate] = {}
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._tls: dict[bytes, ssl.SSLContext] = {}

    async def run(
        self, account: Account, exchange: Generator[Effect, Any, T]
    ) -> Told[T | Declined | NotSent | Unknown]:
        """Drive an exchange to its outcome. Raises CalledInTransaction, which is a bug, and nothing else."""
        if in_transaction():
            exchange.close()
            raise CalledInTransaction("commit what you intend before a provider is called")
        transcript = Transcript(self._clock, account.credentials.values())
        outcome = await self._drive(account, exchange, transcript)
        return Told(outcome, transcript.written())

    def standing(self) -> dict[str, str]:
        """Each provider called from this process: "healthy", or "degraded" while its circuit is open."""
        open_ones = {provider for (provider, _), gate in self._gates.items() if gate.breaker.is_open}
        return {p: "degraded" if p in open_ones else "healthy" for p, _ in self._gates}

    def circuit_open(self, account: Account) -> bool:
        """Whether charges of this account would be held back; of an address never called from here: no."""
        try:
            address = _address(account, self._connector(account.provider).manifest)
        except NoAnswer:
            return False  # its first call will say so
        parts = urlsplit(address)
        gate = self._gates.get((account.provider, f"{parts.scheme}://{parts.netloc}"))
        return gate is not None and gate.breaker.holds_charges

    async def close(self) -> None:
        """Give up what is under way and close all connections."""
        await self._tokens.close()
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    # --- an exchange ---

    async def _drive(
        self, account: Account, exchange: Generator[Effect, Any, T], transcript: Transcript
    ) -> T | Declined | NotSent | Unknown:
        # Whether a request that can move money or make something has left, or may have.
        acted = False
        step: Callable[[], Effect] = functools.partial(next, exchange)
        try:
            while True:
                effect = step()
                if isinstance(effect, TokenPlease):
                    token = await self._token(account, effect.rejected, transcript)
                    if not isinstance(token, Token):
                        return _without_token(token, acted=acted)
                    step = functools.partial(exchange.send, token)
                    continue
                try:
                    answer = await self._ask(account, effect, transcript)
                    acted = acted or not effect.asks_only
                    step = functools.partial(exchange.send, answer)
                except NoAnswer as lost:
                    acted = acted or (lost.sent and not effect.asks_only)
                    step = functools.partial(exchange.throw, lost)
        except StopIteration as end:
            concluded: T = end.value
            return concluded
        except NoAnswer as lost:
            return Unknown(lost.cause) if lost.sent or acted else NotSent(lost.cause)
        except Garbled as garbled:
            return unreadable(garbled)
        except Exception:
            # The outermost loop of a connector's work. A mistake of ours in reading an answer must not lose
            # what was said, nor turn into a failure of a payment that may have happened (P9).
            log.exception("a connector of %s failed; its outcome is unknown", account.provider)
            return unexpected("the connector failed on this answer")
        finally:
            exchange.close()

    async def _token(self, account: Account, rejected: Token | None, transcript: Transcript) -> Fetched:
        connector = self._connector(account.provider)

        async def fetch() -> Fetched:
            return await self._fetch_token(account, connector, transcript)

        token = await self._tokens.take(account, _address(account, connector.manifest), rejected, fetch)
        if isinstance(token, Token):
            transcript.hide(token.value)
        return token

    async def _fetch_token(self, account: Account, connector: Connector, transcript: Transcript) -> Fetched:
        exchange = connector.token(account)
        try:
            request = next(exchange)
            while True:
                answer = await self._ask(account, request, transcript, private=True)
                request = exchange.send(answer)
        except StopIteration as end:
            fetched: Fetched = end.value
            return fetched
        except NoAnswer as lost:
            return Unknown(lost.cause) if lost.sent else NotSent(lost.cause)
        except Garbled as garbled:
            return unreadable(garbled)
        finally:
            exchange.close()

    # --- one request ---

    async def _ask(
        self, account: Account, request: Request, transcript: Transcript, *, private: bool = False
    ) -> Response:
        """The answer of any status. Raises NoAnswer."""
        try:
            address = _address(account, self._connector(account.provider).manifest, request.host)
            gate = self._gate(account.provider, address)
            async with gate.passing(asks_only=request.asks_only or private):
                crash_point("before_call")
                answer = await self._send(account, address, request)
                crash_point("after_call")
        except NoAnswer as lost:
            log.warning("%s %s %s: %s", account.provider, request.method, request.path, lost.cause)
            transcript.unanswered(request, lost.cause, sent=lost.sent, private=private)
            raise
        transcript.answered(request, answer, private=private)
        return answer

    async def _send(self, account: Account, address: str, request: Request) -> Response:
        query = request.query_text or urlencode(request.query)
        # What is signed is sent as it stands: the client must not write an escape differently.
        url = URL(address + request.path + ("?" + query if query else ""), encoded=True)
        tls = self._tls_for(account)
        try:
            async with (
                asyncio.timeout(request.deadline_seconds),
                self._session(account.provider).request(
                    request.method,
                    url,
                    headers=request.headers,
                    data=request.body or None,
                    allow_redirects=False,
                    ssl=tls,
                ) as came,
            ):
                return Response(came.status, _headers(came), await _body(came))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as trouble:
            raise NoAnswer(f"could not be sent: {_name(trouble)}", sent=False) from trouble
        except TimeoutError as trouble:
            raise TimedOut(f"no answer within {request.deadline_seconds} s", sent=True) from trouble
        except BodyRefused as trouble:
            raise NoAnswer(str(trouble), sent=True) from trouble
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as trouble:
            raise NoAnswer(f"the answer broke off: {_name(trouble)}", sent=True) from trouble

    def _gate(self, provider: str, address: str) -> Gate:
        parts = urlsplit(address)
        return self._gates.setdefault((provider, f"{parts.scheme}://{parts.netloc}"), Gate(self._clock))

    def _session(self, provider: str) -> aiohttp.ClientSession:
        if provider not in self._sessions:
            session = aiohttp.ClientSession(
                # The gate says how many at once; a queue inside the pool would hide whether a request left.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
                ),
                headers={
                    "user-agent": "QuickKub",
                    "accept": "application/json",
                    "accept-encoding": "identity",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
            # aiohttp sends a GET again by itself when a kept connection breaks, and has no public way to say
            # no; its own test client does it like this. What we write down is what was sent, once.
            session._retry_connection = False
            self._sessions[provider] = session
        return self._sessions[provider]

    def _tls_for(self, account: Account) -> ssl.SSLContext:
        """Certificate checks are always on; with the switch `mtls` we show a certificate of our own."""
        identity = b""
        if is_on(account, "mtls"):
            key = account.credentials.get("client_key")
            identity = b"\n".join(
                (setting(account, "client_cert").encode(), key.reveal().encode() if key else b"")
            )
        name = hashlib.sha256(identity).digest()
        if name not in self._tls:
            self._tls[name] = _tls_context(self._ca_file, identity)
        return self._tls[name]


def _without_token(token: Declined | NotSent | Unknown, *, acted: bool) -> Declined | NotSent | Unknown:
    """What a missing token means for the request that needed it: it certainly has not left."""
    if acted:
        return Unknown("the access token was refused, and no new one could be had")
    match token:
        case Declined():
            return token
        case NotSent(reason=why) | Unknown(cause=why):
            return NotSent(f"no access token: {why}")


def _address(account: Account, manifest: Manifest, host: str = "") -> str:
    """The account's own address, or the provider's for its mode. Raises NoAnswer for an unsafe one.

    `host` names one of the provider's other addresses; the setting `<host>_base_url` replaces it.
    """
    sandbox, live = (
        manifest.other_base_urls[host] if host else (manifest.sandbox_base_url, manifest.live_base_url)
    )
    usual = live if account.mode == "live" else sandbox
    address = setting(account, f"{host}_base_url" if host else "base_url", usual).rstrip("/")
    parts = urlsplit(address)
    in_clear = parts.scheme == "http" and (account.mode == "test" or parts.hostname in _LOOPBACK)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise NoAnswer("the base URL is not a plain address", sent=False)
    if parts.scheme != "https" and not in_clear:
        raise NoAnswer("a live account is only called by https", sent=False)
    return address


def _tls_context(ca_file: Path | None, identity: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if identity:
        # The ssl module reads certificates from files only; this one is readable by us alone, and briefly.
        descriptor, path = tempfile.mkstemp(prefix="quickkub-tls-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(identity)
            context.load_cert_chain(path)
        except (OSError, ssl.SSLError) as trouble:
            raise NoAnswer("the client certificate or its key cannot be used", sent=False) from trouble
        finally:
            Path(path).unlink()
    return context


def _headers(came: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in came.headers.items()}


async def _body(came: aiohttp.ClientResponse) -> bytes:
    unpacker = Unpacker(came.headers.get("content-encoding", ""))
    async for piece in came.content.iter_any():
        unpacker.feed(piece)
    return unpacker.whole()


def _name(trouble: BaseException) -> str:
    """The kind of trouble only: its text may hold addresses."""
    return type(trouble).__name__
