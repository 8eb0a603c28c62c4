"""Where providers call: raw bytes in, and the words each provider wants to hear out.

Nothing is parsed here, because signatures are over the bytes. The address holds an unguessable token, so it
is never logged; the provider is named in the path for people who read proxy settings.
"""

from __future__ import annotations

import re
from typing import Final

from litestar import HttpMethod, Response, route

from quickkub.api.problems import RouteNotFound
from quickkub.api.request import GatewayRequest
from quickkub.connectors.contract import RawCallback

BODY_BYTES_MAX: Final = 64 * 1024
_PROVIDER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


@route(
    "/callbacks/{provider:str}/{token:str}",
    http_method=[HttpMethod.POST, HttpMethod.GET],
    status_code=200,
    request_max_body_size=BODY_BYTES_MAX,
    include_in_schema=False,
)
async def callback(request: GatewayRequest) -> Response[bytes]:
    """Keep what a provider sent and answer it. Nothing is settled before the answer is out (E3)."""
    provider, token = (str(request.path_params[name]) for name in ("provider", "token"))
    if _PROVIDER.fullmatch(provider) is None or _TOKEN.fullmatch(token) is None:
        raise RouteNotFound("there is nothing at this address")
    said = await request.services.payments.keep_callback(provider, token, await _raw(request))
    return Response(
        said.body, status_code=said.status, media_type=said.content_type, headers=dict(said.headers)
    )


async def _raw(request: GatewayRequest) -> RawCallback:
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return RawCallback(
        method=request.method,
        headers=headers,
        query=dict(request.query_pairs()),
        body=await request.body(),
        remote_ip=request.client.host if request.client else None,
    )


ROUTES: Final = (callback,)
