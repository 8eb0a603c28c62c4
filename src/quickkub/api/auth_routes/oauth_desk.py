"""What the OAuth2 routes need, put together in house:

the server, who is signed in, and the pages for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from litestar.connection import ASGIConnection

from quickkub.access.oauth.ask import Consent, SignedIn
from quickkub.access.oauth.service import OAuth

Page: TypeAlias = tuple[str, Mapping[str, str]]
"""HTML, and the headers that go with it."""


class WhoIsHere(Protocol):
    """Whose session a browser brings along."""

    async def user(self, connection: ASGIConnection[Any, Any, Any, Any]) -> SignedIn | None:
        """The person signed in, or None. A session that may do nothing but enrol is none."""
        ...


class Nobody:
    """Where there are no sessions, nobody is signed in."""

    async def user(self, connection: ASGIConnection[Any, Any, Any, Any]) -> SignedIn | None:
        return None


class ConsentPages(Protocol):
    """The pages of the way through consent, in Thai and English."""

    def ask(
        self, consent: Consent, who: SignedIn, query: Sequence[tuple[str, str]], accept_language: str | None
    ) -> Page:
        """Who asks for what, with a form that says yes or no."""
        ...

    def say(self, name: str, query: Sequence[tuple[str, str]], accept_language: str | None) -> Page:
        """A page that only says something: `sign_in`, `address`, `ticket` or `away`."""
        ...


@dataclass(frozen=True, slots=True)
class OAuthDesk:
    """Everything the routes use. Without pages, programs are served and people are not."""

    server: OAuth
    pages: ConsentPages | None = None
    who: WhoIsHere = field(default_factory=Nobody)
