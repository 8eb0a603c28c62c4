"""The HTTP application: routes, guards, the net for exceptions, and the edge around it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.plugins import PluginProtocol
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, LifeSpanScope, Scope

from quickkub.api import callbacks, docs, health, metrics, v1
from quickkub.api.auth import authenticate, check_version, stepped_up
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.api.auth_routes.oauth import oauth_routes
from quickkub.api.auth_routes.people import people_routers
from quickkub.api.denials import Denials
from quickkub.api.edge import Edge
from quickkub.api.health import Health
from quickkub.api.limits.guard import counting_failures, limit_caller
from quickkub.api.operators import operators_router
from quickkub.api.problems import EXCEPTION_HANDLERS, allowed
from quickkub.api.request import BODY_BYTES_MAX, ApiRequest, GatewayRequest
from quickkub.api.services import Services
from quickkub.webhooks.service import Webhooks


class Gateway(Litestar):
    """Litestar with the edge around it, and without the plugins we do not use."""

    __slots__ = ("_edge",)

    def __init__(self, **settings: Any) -> None:
        services: Services = settings["state"].services
        super().__init__(**settings)
        self._edge = Edge(
            super().__call__,
            https=services.settings.public_url.startswith("https://"),
            allow=self._allow(),
            clients=services.clients,
            limits=services.limits,
        )

    def _allow(self) -> dict[str, str]:
        """What each address takes, by path template."""
        methods: dict[str, set[str]] = defaultdict(set)
        for route in self.routes:
            if isinstance(route, HTTPRoute):
                methods[route.path_format].update(str(method) for method in route.methods)
        return {path: allowed(taken) for path, taken in methods.items()}

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> None:
        """Answer one request."""
        await self._edge(scope, receive, send)

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        # Litestar's choice imports pydantic when it is installed (typer brings it along): 15 MB for nothing.
        return plugins


def create_app(services: Services, extra_routes: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The application over these services; `extra_routes` are pages that main.py adds from the web room."""
    api = Router(
        path="/",
        route_handlers=v1.ROUTES,
        guards=[counting_failures(authenticate), limit_caller, stepped_up, check_version],
        request_class=ApiRequest,
    )
    oauth = oauth_routes(services.oauth) if services.oauth is not None else []
    people = [*people_routers(), operators_router()] if services.access is not None else []
    return Gateway(
        route_handlers=[
            api,
            *people,
            *callbacks.ROUTES,
            *health.ROUTES,
            *metrics.ROUTES,
            *docs.ROUTES,
            *oauth,
            *extra_routes,
        ],
        state=State(
            {
                "services": services,
                "cookie_rules": CookieRules(services.settings.public_url),
                "health": Health(services),
                "webhooks": Webhooks(services.db, services.vault, services.guard),
            }
        ),
        request_class=GatewayRequest,
        request_max_body_size=BODY_BYTES_MAX,
        exception_handlers=EXCEPTION_HANDLERS,
        after_exception=[Denials(services.db, services.clock).hear],
        # Ours is written by describe.py; Litestar's would load its viewers from other people's servers.
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
