"""The way of a person: the client's question becomes a page, the person's answer a redirect."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from quickkub.access.oauth.ask import RedirectedRefusal, SignedIn
from quickkub.access.oauth.errors import OAuthAddressRefused, OAuthRequestInvalid, OAuthTicketRefused
from quickkub.access.oauth.metadata import AUTHORIZE
from quickkub.api.auth import one_header
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.oauth_answers import NO_STORE, someone_acts
from quickkub.api.auth_routes.oauth_desk import ConsentPages, OAuthDesk
from quickkub.api.auth_routes.oauth_form import FORM_BYTES_MAX, once_each, read_form
from quickkub.api.problems import RequestMalformed
from quickkub.api.request import GatewayRequest
from quickkub.audit import ActorKind
from quickkub.kernel.errors import Kind, Refusal

SEE_OTHER: Final = 303
YES, NO = "allow", "deny"


def consent_routes(desk: OAuthDesk) -> list[ControllerRouterHandler]:
    """The consent page and its form."""
    assert desk.pages is not None, "people are only served with pages"
    counter = _Counter(desk, desk.pages)

    # Litestar copies its handlers deeply, bound methods with all they hold; functions it leaves alone.
    def refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[str]:
        assert isinstance(request, GatewayRequest)
        return counter.refuse(request, refusal)

    @get(AUTHORIZE, exception_handlers={Refusal: refused}, include_in_schema=False)
    async def ask(request: GatewayRequest) -> Response[str]:
        return await counter.ask(request)

    @post(
        AUTHORIZE,
        exception_handlers={Refusal: refused},
        request_max_body_size=FORM_BYTES_MAX,
        include_in_schema=False,
    )
    async def hear(request: GatewayRequest) -> Response[str]:
        return await counter.hear(request)

    return [ask, hear]


class _Counter:
    """Shows the page and hears the answer."""

    def __init__(self, desk: OAuthDesk, pages: ConsentPages) -> None:
        self._desk = desk
        self._pages = pages
        self._origins = CookieRules(desk.server.tokens.issuer).origins

    async def ask(self, request: GatewayRequest) -> Response[str]:
        """The client's question. Nobody is sent anywhere before the client and its address are known."""
        query = request.query_pairs()
        try:
            given = once_each(query)
        except OAuthRequestInvalid as twice:
            raise OAuthAddressRefused(twice.detail) from twice
        try:
            asked = await self._desk.server.asking.read(given)
            who = await self._desk.who.user(request)
            if who is None:
                return self._say(request, "sign_in", Kind.UNAUTHENTICATED.value)
            someone_acts(request, ActorKind.USER, who.user)
            consent = await self._desk.server.asking.show(asked, who)
        except RedirectedRefusal as told:
            return _redirect(told.address)
        html, headers = self._pages.ask(consent, who, query, request.headers.get("accept-language"))
        return Response(html, media_type="text/html", headers=dict(headers))

    async def hear(self, request: GatewayRequest) -> Response[str]:
        """The person's answer, from our own page only. Raises OAuthTicketRefused."""
        self._refuse_strangers(request)
        who = await self._signed_in(request)
        someone_acts(request, ActorKind.USER, who.user)
        form = await read_form(request)
        if form.get("decision") not in (YES, NO):
            raise OAuthTicketRefused("the answer is yes or no")
        agrees = form["decision"] == YES
        return _redirect(await self._desk.server.asking.answer(form.get("ticket", ""), who, agrees=agrees))

    def refuse(self, request: GatewayRequest, refusal: Refusal) -> Response[str]:
        """A no told to a person, who is left where they are."""
        request.scope["state"]["problem_code"] = refusal.code
        match refusal:
            case OAuthAddressRefused() | RequestMalformed():
                name = "address"
            case _ if refusal.kind is Kind.UNAVAILABLE:
                name = "away"
            case _:
                name = "ticket"
        return self._say(request, name, refusal.kind.value)

    def _refuse_strangers(self, request: GatewayRequest) -> None:
        """A form on somebody else's page does not count, whatever cookie comes with it."""
        site = one_header(request, "Sec-Fetch-Site")
        if one_header(request, "Origin") not in self._origins or site not in (None, "same-origin"):
            raise OAuthTicketRefused("the form was not sent from our own page")

    async def _signed_in(self, request: GatewayRequest) -> SignedIn:
        who = await self._desk.who.user(request)
        if who is None:
            raise OAuthTicketRefused("nobody is signed in any more")
        return who

    def _say(self, request: GatewayRequest, name: str, status: int) -> Response[str]:
        try:
            query = request.query_pairs()
        except RequestMalformed:
            query = []
        html, headers = self._pages.say(name, query, request.headers.get("accept-language"))
        return Response(html, status_code=status, media_type="text/html", headers=dict(headers))


def _redirect(address: str) -> Response[str]:
    """303, so that nothing of a form is sent on (RFC 9700 4.12), and no page's address is told."""
    headers = NO_STORE | {"location": address, "referrer-policy": "no-referrer"}
    return Response("", status_code=SEE_OTHER, media_type="text/plain", headers=headers)
