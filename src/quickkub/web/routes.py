"""The addresses of the checkout page. Nothing here reads a body, a cookie or a key.

Everything is reading, but for one thing: a payer who comes back from a provider lets us ask that provider
sooner (`/back`). Nothing such a payer brings along is looked at, so there is nothing to forge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from quickkub.checkout.model import Checkout, Key, Standing, Way
from quickkub.checkout.rules import picture_to_show, step_to_show, text_to_draw, way
from quickkub.checkout.steps import form_targets
from quickkub.checkout.store import ask_soon, find_checkout, look_at
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.tokens import merchant_of
from quickkub.promptpay import images
from quickkub.storage import Database
from quickkub.storage.scope import for_merchant, house
from quickkub.storage.vault import Vault
from quickkub.telemetry import get_logger
from quickkub.web.assets import Assets
from quickkub.web.headers import asset_headers, content_policy, page_headers
from quickkub.web.live import LiveHub
from quickkub.web.pages import REFRESH_SECONDS, Pages, told
from quickkub.web.stream import events
from quickkub.web.words import Lang, choose_language

QR_PIXELS_PER_MODULE: Final = 16
"""A bill's QR is then some 780 pixels wide: sharp on a phone, and large enough to read when saved."""

_PICTURES_KEPT: Final = 1_024
_log = get_logger("web")

Asking: TypeAlias = Request[Any, Any, Any]


class Services(Protocol):
    """What the checkout page needs. `public_url` is the address payers reach the gateway at."""

    @property
    def database(self) -> Database: ...

    @property
    def vault(self) -> Vault: ...

    @property
    def public_url(self) -> str: ...


class NoSuchCheckout(Refusal):
    """No payment has this checkout token. A wrong, a foreign and a broken token look the same (A3)."""

    code, kind = "checkout_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such payment")


@lru_cache(maxsize=_PICTURES_KEPT)
def picture(payload: str) -> bytes:
    """The QR as PNG. Drawing takes longer than all the rest of the page, so what was drawn is kept."""
    return images.png(payload, scale=QR_PIXELS_PER_MODULE)


def hub_for(database: Database) -> LiveHub:
    """A hub that asks this database."""

    async def look(keys: Sequence[Key]) -> Mapping[Key, Standing]:
        # One question for the open pages of all merchants.
        with house():
            async with database.read() as reader:
                return await look_at(reader, keys)

    return LiveHub(look)


def checkout_routes(services: Services, live: LiveHub | None = None) -> list[ControllerRouterHandler]:
    """The pages below /pay and the files below /assets.

    Pass `live` to be able to close it when the server stops. Raises AssetNotAsListed when a file is not
    what the manifest says.
    """
    assets = Assets()
    desk = _Desk(services, assets, live or hub_for(services.database))
    return [_payer_routes(desk), _asset_route(assets, https=_is_https(services))]


def _payer_routes(desk: _Desk) -> Router:
    # Litestar copies its handlers deeply, bound methods with all they hold; functions it leaves alone.
    def refuse_with_a_page(request: Asking, error: Refusal) -> Response[str]:
        return desk.refuse_with_a_page(error, _language(request))

    def refuse_plainly(_: Asking, error: Refusal) -> Response[bytes]:
        return desk.refuse_plainly(error)

    @get("/", name="checkout-page", exception_handlers={Refusal: refuse_with_a_page})
    async def page(token: FromPath[str], request: Asking) -> Response[str]:
        return await desk.page(token, _language(request))

    @get("/state", name="checkout-state")
    async def state(token: FromPath[str], request: Asking) -> Response[bytes]:
        return await desk.state(token, _language(request))

    @get("/events", name="checkout-events")
    async def stream(token: FromPath[str], request: Asking) -> Stream:
        return await desk.events(token, _language(request))

    @get("/qr.png", name="checkout-qr")
    async def qr(token: FromPath[str], request: Asking) -> Response[bytes]:
        return await desk.qr(token, save="save" in request.query_params)

    @get("/picture", name="checkout-picture")
    async def provider_picture(token: FromPath[str], request: Asking) -> Response[bytes]:
        return await desk.picture(token)

    # Providers send the payer back by a link or by a form; whatever the form holds stays unread.
    @get("/back", name="checkout-back", exception_handlers={Refusal: refuse_with_a_page})
    async def came_back(token: FromPath[str], request: Asking) -> Response[str]:
        return await desk.back(token)

    @post("/back", name="checkout-back-by-form", exception_handlers={Refusal: refuse_with_a_page})
    async def came_back_by_form(token: FromPath[str], request: Asking) -> Response[str]:
        return await desk.back(token)

    return Router(
        "/pay/{token:str}",
        route_handlers=[page, state, stream, qr, provider_picture, came_back, came_back_by_form],
        exception_handlers={Refusal: refuse_plainly},
        include_in_schema=False,
    )


def _asset_route(assets: Assets, *, https: bool) -> HTTPRouteHandler:
    headers = asset_headers(https=https)

    @get("/assets/{name:str}", name="asset", include_in_schema=False)
    async def asset(name: FromPath[str], request: Asking) -> Response[bytes]:
        found = assets.find(name)
        if found is None:
            return Response(b"", status_code=HTTPStatus.NOT_FOUND, media_type="text/plain")
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(found.body, media_type=found.media_type, headers=headers)
        gzipped = headers | {"content-encoding": "gzip"}
        return Response(found.gzipped, media_type=found.media_type, headers=gzipped)

    return asset


class _Desk:
    """Finds the payment behind a link and answers in one of four forms."""

    def __init__(self, services: Services, assets: Assets, live: LiveHub) -> None:
        self._db, self._vault = services.database, services.vault
        self._pages = Pages(assets)
        self._live = live
        self._headers = page_headers(https=_is_https(services))

    async def page(self, token: str, lang: Lang) -> Response[str]:
        checkout = await self._find(token)
        if way(checkout) is Way.UNSHOWN:
            _log.warning(
                "a payer has nothing to act on", payment=checkout.key.payment, method=checkout.method
            )
        html = self._pages.checkout(checkout, token, lang)
        return self._html(html, lang, HTTPStatus.OK, _where_a_form_may_go(checkout))

    async def back(self, token: str) -> Response[str]:
        """To the page, which shows what we know; and the provider is asked now (a statement of its own)."""
        checkout = await self._find(token)
        with for_merchant(checkout.key.merchant):
            async with self._db.statement() as connection:
                await ask_soon(connection, checkout.key)
        headers = self._headers | {"location": f"/pay/{token}"}
        return Response("", status_code=HTTPStatus.SEE_OTHER, media_type="text/plain", headers=headers)

    async def state(self, token: str, lang: Lang) -> Response[bytes]:
        checkout = await self._find(token)
        body = msgspec.json.encode(told(checkout, lang))
        return Response(body, media_type="application/json", headers=self._headers)

    async def events(self, token: str, lang: Lang) -> Stream:
        checkout = await self._find(token)
        self._live.make_room(checkout.key)
        stream: AsyncIterator[bytes] = events(self._live, checkout, lang)
        # Proxies that collect answers before passing them on would make a stream useless.
        headers = self._headers | {"x-accel-buffering": "no"}
        return Stream(stream, media_type="text/event-stream", headers=headers)

    async def qr(self, token: str, *, save: bool) -> Response[bytes]:
        checkout = await self._find(token)
        text = text_to_draw(checkout)
        if text is None:
            raise NoSuchCheckout()
        # In a thread, so that no other payer waits while a new picture is drawn.
        drawn = await asyncio.to_thread(picture, text)
        return self._picture(checkout, drawn, "image/png", save=save)

    async def picture(self, token: str) -> Response[bytes]:
        """The provider's own picture, to be saved; never to be opened here as a page of ours."""
        checkout = await self._find(token)
        shown = picture_to_show(checkout)
        if shown is None:
            raise NoSuchCheckout()
        return self._picture(checkout, shown.body, shown.media_type, save=True)

    def _picture(self, checkout: Checkout, body: bytes, media_type: str, *, save: bool) -> Response[bytes]:
        name = _file_name(f"{checkout.method}-{checkout.reference or checkout.key.payment}")
        suffix = media_type.removeprefix("image/").removesuffix("+xml")
        kind = f'attachment; filename="{name}.{suffix}"' if save else "inline"
        headers = self._headers | {"content-disposition": kind}
        return Response(body, media_type=media_type, headers=headers)

    def refuse_with_a_page(self, refusal: Refusal, lang: Lang) -> Response[str]:
        """A no of ours, told to a person."""
        if refusal.kind is Kind.NOT_FOUND:
            page = self._pages.message("not_found", lang)
        else:
            page = self._pages.message("away", lang, refresh_seconds=REFRESH_SECONDS)
        return self._html(page, lang, HTTPStatus(refusal.kind.value), _retry_after(refusal))

    def refuse_plainly(self, refusal: Refusal) -> Response[bytes]:
        """A no of ours, told to our own script."""
        headers = self._headers | _retry_after(refusal)
        return Response(b"", status_code=refusal.kind.value, media_type="text/plain", headers=headers)

    async def _find(self, token: str) -> Checkout:
        # A text that is no token costs the same lookup, and sees nobody's rows.
        with for_merchant(merchant_of(token) or ""):
            async with self._db.read() as reader:
                checkout = await find_checkout(reader, self._vault, token)
        if checkout is None:
            raise NoSuchCheckout()
        return checkout

    def _html(
        self, page: str, lang: Lang, status: HTTPStatus, more: Mapping[str, str] | None = None
    ) -> Response[str]:
        headers = self._headers | {"content-language": lang, "vary": "accept-language"} | dict(more or {})
        return Response(page, status_code=status, media_type="text/html", headers=headers)


def _where_a_form_may_go(checkout: Checkout) -> dict[str, str]:
    """A page with a provider's form may send it to that provider, and to nobody else."""
    targets = form_targets(step_to_show(checkout), checkout.method)
    return {"content-security-policy": content_policy(*targets)} if targets else {}


def _is_https(services: Services) -> bool:
    return services.public_url.startswith("https:")


def _retry_after(refusal: Refusal) -> dict[str, str]:
    return {} if refusal.retry_after is None else {"retry-after": str(refusal.retry_after)}


def _language(request: Asking) -> Lang:
    return choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))


def _file_name(text: str) -> str:
    """Letters a file name may have on any system, and none that could end the header's quotation."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
