"""A provider's API over HTTP, with faults between its answer and the wire."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from quickkub.connectors.simulation.base import ProviderSimulator
from quickkub.connectors.simulation.faults import HEADER, BadFault, Fault, FaultKind

BODY_MAX: Final = 256 << 10
_HUGE: Final = 2 << 20
_LOOK_SECONDS: Final = 0.05

_STATUS: Final = {FaultKind.ERROR_500: 500, FaultKind.ERROR_503: 503, FaultKind.LIMIT: 429}

Handler = Callable[[web.Request], Awaitable[web.Response]]


def mount(app: web.Application, simulator: ProviderSimulator) -> None:
    """Put every operation below every base path, behind the faults."""
    for base in simulator.base_paths():
        for operation in simulator.operations():
            app.router.add_route(
                operation.method,
                base + operation.path,
                with_faults(simulator, operation.name, operation.handler),
            )


def with_faults(simulator: ProviderSimulator, operation: str, handler: Handler) -> Handler:
    """The handler, going wrong when a fault waits for this request."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
            about = f"{request.path_qs} {body.decode('utf-8', 'replace')}"
            fault = simulator.world.faults.take(operation, about, request.headers.get(HEADER))
        except BadFault as trouble:
            return web.json_response({"error": str(trouble)}, status=400)
        if fault is None:
            return await handler(request)
        answer = None if fault.before else await handler(request)
        return await _go_wrong(simulator, request, fault, answer)

    return handle  # type: ignore[return-value]


async def _go_wrong(
    simulator: ProviderSimulator, request: web.Request, fault: Fault, answer: web.Response | None
) -> web.StreamResponse:
    match fault.kind:
        case FaultKind.ERROR_500 | FaultKind.ERROR_503 | FaultKind.LIMIT:
            status = _STATUS[fault.kind]
            spoiled: web.StreamResponse = _json(simulator.trouble(status), status)
        case FaultKind.DROP_ANSWER | FaultKind.RESET:
            spoiled = _cut(request, reset=fault.kind is FaultKind.RESET)
        case FaultKind.TIMEOUT:
            await _hold(request, fault.seconds)
            spoiled = _cut(request, reset=False)
        case FaultKind.SLOW:
            await _hold(request, fault.seconds)
            spoiled = answer or _cut(request, reset=False)
        case FaultKind.EMPTY_BODY:
            spoiled = _json(b"", 200)
        case _:
            spoiled = await _spoil(
                simulator, request, fault.kind, answer or _json(simulator.trouble(500), 500)
            )
    return spoiled


async def _spoil(
    simulator: ProviderSimulator, request: web.Request, kind: FaultKind, answer: web.Response
) -> web.StreamResponse:
    body = bytes(answer.body) if isinstance(answer.body, bytes | bytearray) else b""
    match kind:
        case FaultKind.BROKEN_JSON:
            return _json(body[: len(body) * 2 // 3], answer.status)
        case FaultKind.HUGE_BODY:
            return _json(body[:-1] + b',"padding":"' + b"0" * _HUGE + b'"}', answer.status)
        case FaultKind.HALF_BODY:
            return await _half(request, answer.status, body)
        case _:
            return _json(simulator.distort(body, kind.value), answer.status)


async def _half(request: web.Request, status: int, body: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up."""
    answer = web.StreamResponse(status=status, headers={"content-type": "application/json"})
    answer.content_length = len(body)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer


def _cut(request: web.Request, *, reset: bool) -> web.Response:
    """Hang up without an answer, politely (FIN) or not (RST). What is returned is never written."""
    transport = request.transport
    if transport is not None:
        if reset:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def _hold(request: web.Request, seconds: int) -> None:
    """Say nothing for so long, or until the other side has gone."""
    loop = asyncio.get_running_loop()
    until_seconds = loop.time() + seconds
    # aiohttp tells a handler nothing when the other side hangs up, so we look.
    while loop.time() < until_seconds and not _has_gone(request):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


def _has_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _json(body: bytes, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
