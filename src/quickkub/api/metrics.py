"""GET /metrics, for a Prometheus on this machine or one that knows the token; others see nothing there."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final

from litestar import Response, get

from quickkub.api.auth import one_header
from quickkub.api.problems import RouteNotFound
from quickkub.api.request import GatewayRequest
from quickkub.telemetry.metrics import rendered

# Behind a proxy on this machine every request comes from loopback, and these say so.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@get("/metrics", include_in_schema=False)
async def metrics(request: GatewayRequest) -> Response[bytes]:
    """All metrics of this process. Raises RouteNotFound for callers who may not see them."""
    if not (_is_local(request) or _has_token(request)):
        raise RouteNotFound("there is nothing at this address")
    text, content_type = rendered()
    return Response(text, headers={"Content-Type": content_type})


def _is_local(request: GatewayRequest) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _has_token(request: GatewayRequest) -> bool:
    token = request.services.settings.metrics_token
    given = one_header(request, "Authorization")
    if token is None or given is None:
        return False
    return hmac.compare_digest(given.encode(), f"Bearer {token.reveal()}".encode())


ROUTES: Final = (metrics,)
