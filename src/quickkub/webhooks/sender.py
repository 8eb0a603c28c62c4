"""The one line out to merchants: one POST to an address the guard has cleared, and what came of it.

No redirects, no proxy from the environment, no cookies, no decompression, 10 seconds for everything, and
16 KiB of an answer at most, of which 1 KiB is kept. A connection is never used twice: the next try asks the
guard anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from quickkub.kernel.clock import Clock
from quickkub.storage import in_transaction
from quickkub.webhooks.answers import Answer, Delivered, NotReached, Refused
from quickkub.webhooks.guard import Cleared, Guard, UrlRefused
from quickkub.webhooks.schedule import read_retry_after

TOTAL_SECONDS: Final = 10.0
READ_MAX: Final = 16 * 1024
SHOWN_MAX: Final = 1024
_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "QuickKub-Webhooks/1",
    "accept": "*/*",
    "accept-encoding": "identity",
}


class Sender(Protocol):
    """What a delivery needs of the line out."""

    async def post(self, url: str, mode: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send once. Never raises for a receiver's troubles."""
        ...


class HttpSender:
    """Sends over HTTP/1.1 and TLS.

    `tls` is for tests with an authority of their own. `proxy` is the operator's way out (`http://host:port`):
    it is asked for the checked address, not for the name, so the guard's word holds behind it, too. Endpoints
    on this machine are never sent through it.
    """

    def __init__(
        self,
        guard: Guard,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._tls = tls or ssl.create_default_context()
        self._proxy = proxy
        self._total_seconds = total_seconds

    async def post(self, url: str, mode: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Clear the URL and send once, all within 10 seconds. Never raises for a receiver's troubles."""
        if in_transaction():
            raise RuntimeError("a webhook is sent with no transaction open (D4)")
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        try:
            async with asyncio.timeout_at(deadline):
                cleared = await self._guard.clear(url, mode)
            return await self._exchange(cleared, headers, body, deadline)
        except TimeoutError:
            return NotReached(f"no answer within {self._total_seconds:g} seconds")
        except UrlRefused as refusal:
            return NotReached(refusal.detail)
        except (aiohttp.ClientError, ValueError, OSError) as trouble:
            # aiohttp reports what it cannot read in an answer as ValueError of several kinds.
            return NotReached(_in_plain_words(trouble))

    async def _exchange(
        self, cleared: Cleared, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Answer:
        target = cleared.target
        async with aiohttp.ClientSession(
            connector=_connector(cleared, self._tls, through_proxy=self._uses_proxy(cleared)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),  # the deadline below is over everything
        ) as session:
            async with asyncio.timeout_at(deadline):
                response = await session.post(
                    self._address(cleared),
                    data=body,
                    headers={**_HEADERS, **headers, "host": target.authority},
                    allow_redirects=False,
                    proxy=self._proxy if self._uses_proxy(cleared) else None,
                    server_hostname=target.host if target.scheme == "https" else None,
                )
            with contextlib.closing(response):
                return self._answer(response, await _read(response, deadline))

    def _uses_proxy(self, cleared: Cleared) -> bool:
        return self._proxy is not None and not cleared.loopback

    def _address(self, cleared: Cleared) -> str:
        """The URL by name, which the pinned resolver answers; for a proxy, by checked address."""
        if not self._uses_proxy(cleared):
            return cleared.target.url
        return cleared.by_address().url

    def _answer(self, response: aiohttp.ClientResponse, text: str) -> Answer:
        if 200 <= response.status <= 299:  # noqa: PLR2004 -- the range of success
            return Delivered(response.status, text)
        wait = read_retry_after(response.headers.get("retry-after"), self._clock.now())
        return Refused(response.status, text, wait if response.status in (429, 503) else None)


class _Pinned(AbstractResolver):
    """Knows one name, and for it the addresses that were checked. Nothing is looked up here."""

    def __init__(self, cleared: Cleared) -> None:
        self._cleared = cleared

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host.rstrip(".") != self._cleared.target.host.rstrip("."):
            raise OSError("a name that was not cleared")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._cleared.addresses
        ]

    async def close(self) -> None:
        pass


def _connector(cleared: Cleared, tls: ssl.SSLContext, *, through_proxy: bool) -> aiohttp.TCPConnector:
    def checked_socket(info: Any) -> socket.socket:
        """The last gate, where the socket is made: whatever was parsed or looked up, only these addresses."""
        family, kind, protocol, _, address = info
        if address[0] not in cleared.addresses:
            raise OSError("an address that was not cleared")
        return socket.socket(family, kind, protocol)

    if through_proxy:
        return aiohttp.TCPConnector(ssl=tls, force_close=True)
    return aiohttp.TCPConnector(
        ssl=tls,
        force_close=True,
        use_dns_cache=False,
        resolver=_Pinned(cleared),
        socket_factory=checked_socket,
    )


async def _read(response: aiohttp.ClientResponse, deadline: float) -> str:
    """At most 16 KiB, so that a body that never ends costs little; what is kept is its first 1 KiB as text.

    The status is the acknowledgement: a body that breaks off or hangs takes nothing from it.
    """
    taken = bytearray()
    with contextlib.suppress(aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        async with asyncio.timeout_at(deadline):
            while len(taken) < READ_MAX and (chunk := await response.content.read(READ_MAX - len(taken))):
                taken += chunk
    return _shown(bytes(taken[:SHOWN_MAX]))


def _shown(raw: bytes) -> str:
    # PostgreSQL's text holds no NUL.
    return raw.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _in_plain_words(trouble: Exception) -> str:
    """For the merchant: what went wrong, without addresses or our internals."""
    match trouble:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return "the TLS connection failed: the certificate or the protocol was not accepted"
        case aiohttp.ClientHttpProxyError():
            return "the gateway's own way out refused the connection"
        case aiohttp.ClientConnectorError() | ConnectionRefusedError():
            return "the connection was refused or could not be made"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return "the connection was closed before an answer came"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return "the answer was not HTTP"
        case _:
            return "the request could not be sent"
