"""All routes of people under /auth, behind their guards."""

from __future__ import annotations

from typing import Final

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from quickkub.api.auth_routes import account, memberships, second_factor, sessions, signing_in
from quickkub.api.auth_routes.guard import AuthRequest, from_our_pages, signed_in_only

OPEN: Final[tuple[HTTPRouteHandler, ...]] = (*signing_in.OPEN, *account.OPEN)
"""For whoever comes: only the origin is asked."""

SIGNED_IN: Final[tuple[HTTPRouteHandler, ...]] = (
    *signing_in.SIGNED_IN,
    *account.SIGNED_IN,
    *second_factor.SIGNED_IN,
    *sessions.SIGNED_IN,
    *memberships.SIGNED_IN,
)
"""For who has a session and shows its synchroniser token."""

ROUTES: Final = (*OPEN, *SIGNED_IN)


def people_routers() -> list[Router]:
    """The routes behind their guards."""
    return [
        Router("/", route_handlers=OPEN, guards=[from_our_pages], request_class=AuthRequest),
        Router(
            "/", route_handlers=SIGNED_IN, guards=[from_our_pages, signed_in_only], request_class=AuthRequest
        ),
    ]
